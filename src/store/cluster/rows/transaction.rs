//! One transaction, with copies of the rows of URLs and hosts that it reads and changes: rows that
//! were changed are written together when it ends, or before other statements read the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::store::cluster::rows::host_row::{self, HostRow};
use crate::store::cluster::rows::queue_row;
use crate::store::cluster::rows::tally::Tally;
use crate::store::cluster::rows::url_row::{self, UrlRow};
use crate::store::cluster::server::database::Database;
use crate::store::cluster::server::session::Session;
use crate::store::cluster::unsigned;
use crate::store::order::Order;
use crate::store::{HostRecord, Promise, Role, StoreError};

/// A row as it is in the database, and as this transaction leaves it.
struct Kept<R> {
    stored: Option<R>,
    now: Option<R>,
}

/// A transaction that was begun. Dropped without [`Self::commit`], it changes nothing.
pub(in crate::store::cluster) struct Transaction<'d> {
    session: Session<'d>,
    worker: i64,
    urls: BTreeMap<UrlId, Kept<UrlRow>>,
    hosts: BTreeMap<HostId, Kept<HostRow>>,
    /// What is added to queues: the host, the place, the URL.
    queued: Vec<(HostId, Order, UrlId)>,
    pub(in crate::store::cluster) tally: Tally,
    /// Hosts that got work because of what came of other URLs.
    pub(in crate::store::cluster) new_work: Vec<HostId>,
}

impl<'d> Deref for Transaction<'d> {
    type Target = Session<'d>;

    fn deref(&self) -> &Session<'d> {
        &self.session
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.session
    }
}

impl<'d> Transaction<'d> {
    pub(in crate::store::cluster) fn begin(
        database: &'d Database,
        worker: i64,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            session: Session::begin(database)?,
            worker,
            urls: BTreeMap::new(),
            hosts: BTreeMap::new(),
            queued: Vec::new(),
            tally: Tally::default(),
            new_work: Vec::new(),
        })
    }

    /// Reads rows of URLs that are not read yet, all at once.
    pub(in crate::store::cluster) fn load(
        &mut self,
        ids: impl IntoIterator<Item = UrlId>,
    ) -> Result<(), StoreError> {
        let ids: BTreeSet<UrlId> = ids.into_iter().collect();
        let ids: Vec<UrlId> = ids
            .into_iter()
            .filter(|id| !self.urls.contains_key(id))
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        let columns = url_row::COLUMNS;
        let select = format!("SELECT {columns} FROM urls u WHERE u.id = ANY($1)");
        let keys: Vec<[u8; 16]> = ids.iter().map(|id| id.0).collect();
        let rows = self.raw_rows(sqlx::query(&select).bind(keys))?;
        for id in ids {
            self.urls.insert(
                id,
                Kept {
                    stored: None,
                    now: None,
                },
            );
        }
        for row in rows {
            let (id, row) = url_row::read(&row)?;
            let now = Some(row.clone());
            self.urls.insert(
                id,
                Kept {
                    stored: Some(row),
                    now,
                },
            );
        }
        Ok(())
    }

    /// What is known of a URL.
    pub(in crate::store::cluster) fn url(
        &mut self,
        id: UrlId,
    ) -> Result<Option<&UrlRow>, StoreError> {
        self.load([id])?;
        Ok(self.urls.get(&id).and_then(|copy| copy.now.as_ref()))
    }

    /// Changes what is known of a URL of a host.
    pub(in crate::store::cluster) fn change(
        &mut self,
        id: UrlId,
        host: HostId,
        change: impl FnOnce(&mut UrlRow),
    ) -> Result<(), StoreError> {
        self.load([id])?;
        if let Some(copy) = self.urls.get_mut(&id) {
            change(copy.now.get_or_insert_with(|| UrlRow::of(host)));
        }
        Ok(())
    }

    /// Changes what is known of a URL, if anything is.
    pub(in crate::store::cluster) fn change_known(
        &mut self,
        id: UrlId,
        change: impl FnOnce(&mut UrlRow),
    ) -> Result<(), StoreError> {
        self.load([id])?;
        if let Some(row) = self.urls.get_mut(&id).and_then(|copy| copy.now.as_mut()) {
            change(row);
        }
        Ok(())
    }

    /// Reads rows of hosts that are not read yet, all at once.
    pub(in crate::store::cluster) fn load_hosts(
        &mut self,
        hosts: impl IntoIterator<Item = HostId>,
    ) -> Result<(), StoreError> {
        let hosts: BTreeSet<HostId> = hosts.into_iter().collect();
        let hosts = hosts
            .into_iter()
            .filter(|host| !self.hosts.contains_key(host));
        let hosts: Vec<[u8; 8]> = hosts.map(|host| host.0).collect();
        if hosts.is_empty() {
            return Ok(());
        }
        let select = format!("{} WHERE host = ANY($1)", host_row::SELECT);
        let rows = self.rows(sqlx::query_as(&select).bind(hosts.clone()))?;
        for host in hosts {
            self.hosts.insert(
                HostId(host),
                Kept {
                    stored: None,
                    now: None,
                },
            );
        }
        for row in rows {
            let (host, row) = host_row::read(row);
            let now = Some(row.clone());
            self.hosts.insert(
                host,
                Kept {
                    stored: Some(row),
                    now,
                },
            );
        }
        Ok(())
    }

    pub(in crate::store::cluster) fn host(&mut self, host: HostId) -> Result<HostRow, StoreError> {
        self.load_hosts([host])?;
        let copy = self.hosts.get(&host);
        Ok(copy.and_then(|copy| copy.now.clone()).unwrap_or_default())
    }

    pub(in crate::store::cluster) fn change_host(
        &mut self,
        host: HostId,
        change: impl FnOnce(&mut HostRow),
    ) -> Result<(), StoreError> {
        self.load_hosts([host])?;
        if let Some(copy) = self.hosts.get_mut(&host) {
            change(copy.now.get_or_insert_default());
        }
        Ok(())
    }

    /// Changes the record of a URL's host, which is made if there is none.
    pub(in crate::store::cluster) fn touch_host(
        &mut self,
        url: &CanonicalUrl,
        change: impl FnOnce(&mut HostRecord),
    ) -> Result<(), StoreError> {
        self.change_host(url.host_id(), |row| {
            let record = row.record.get_or_insert_default();
            url.host().clone_into(&mut record.name);
            change(record);
        })
    }

    /// Writes the rows that were changed, so that statements see them.
    pub(in crate::store::cluster) fn flush(&mut self) -> Result<(), StoreError> {
        let mut changed = Vec::new();
        for (id, copy) in &mut self.urls {
            if copy.stored == copy.now {
                continue;
            }
            let Some(now) = copy.now.clone() else {
                continue;
            };
            if let Some(stored) = &copy.stored {
                self.tally.url(stored, -1);
            }
            self.tally.url(&now, 1);
            let before = copy.stored.replace(now.clone());
            changed.push((*id, before, now));
        }
        url_row::write(self, changed)?;
        let mut hosts = Vec::new();
        for (host, copy) in &mut self.hosts {
            if copy.stored != copy.now
                && let Some(now) = copy.now.clone()
            {
                if let Some(stored) = &copy.stored {
                    self.tally.host(stored, -1);
                }
                self.tally.host(&now, 1);
                copy.stored = Some(now.clone());
                hosts.push((*host, now));
            }
        }
        host_row::write(self, hosts)?;
        let queued = std::mem::take(&mut self.queued);
        self.tally.add("pending", queued.len() as i64);
        queue_row::write(self, queued)
    }

    /// Adds a URL to its host's queue.
    pub(in crate::store::cluster) fn enqueue(
        &mut self,
        host: HostId,
        role: Role,
        promise: Promise,
        id: UrlId,
    ) -> Result<(), StoreError> {
        let number = match self.database().next_order() {
            Some(number) => number,
            None => {
                let reading = sqlx::query_as("SELECT nextval('queue_order')");
                let row: Option<(i64,)> = self.row(reading)?;
                let first = row.map_or(0, |(first,)| unsigned(first));
                self.database().refill_orders(first)
            }
        };
        self.enqueue_at(host, Order::of(role, promise, number), id);
        Ok(())
    }

    /// Adds a URL to its host's queue at a place that it has.
    pub(in crate::store::cluster) fn enqueue_at(&mut self, host: HostId, order: Order, id: UrlId) {
        self.queued.push((host, order, id));
    }

    /// Writes all that is not written yet, and that this was the worker's write of a number.
    pub(in crate::store::cluster) fn finish(&mut self, number: i64) -> Result<(), StoreError> {
        self.flush()?;
        let worker = self.worker;
        std::mem::take(&mut self.tally).write(self, worker)?;
        let note = sqlx::query("UPDATE workers SET last_write = $2 WHERE worker = $1");
        match self.execute(note.bind(worker).bind(number))? {
            0 => {
                self.database().shut_out();
                Err(StoreError::ShutOut)
            }
            _ => Ok(()),
        }
    }

    pub(in crate::store::cluster) fn commit(self) -> Result<(), StoreError> {
        self.session.commit()
    }
}
