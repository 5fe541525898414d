//! Writing records into a cluster's store.

use std::slice::Iter;

use crate::canonical_url::UrlId;
use crate::store::cluster::catalogue::commit::PictureInsert;
use crate::store::cluster::catalogue::removal::file_key;
use crate::store::cluster::hosts::keep_rules;
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::cluster::rows::url_row::UrlRow;
use crate::store::cluster::server::session::Session;
use crate::store::cluster::{ClusterMetadata, encode, signed, sorted, text, unsigned};
use crate::store::order::Order;
use crate::store::transfer::{KnownPicture, KnownUrl, Notes, Record, Replacement};
use crate::store::{EntryLocation, StoreError};

impl Transaction<'_> {
    /// Reads at once what of rows is written in parts.
    pub(super) fn load_for(&mut self, with: &Replacement) -> Result<(), StoreError> {
        let records = with
            .taken
            .iter()
            .chain(with.put.iter().map(|(record, _)| record));
        let (mut urls, mut hosts) = (Vec::new(), Vec::new());
        for record in records {
            match record {
                Record::Url(id, _) | Record::Retry { url: id, .. } => urls.push(*id),
                Record::Host(id, _) => hosts.push(*id),
                _ => {}
            }
        }
        self.load(urls)?;
        self.load_hosts(hosts)
    }

    pub(super) fn take_record(&mut self, record: &Record) -> Result<(), StoreError> {
        match record {
            Record::Host(id, _) => self.change_host(*id, |row| *row = Default::default()),
            Record::RuleFile(file) => {
                let delete = sqlx::query("DELETE FROM rule_files WHERE id = $1");
                let id = UrlId::of(&file.url);
                self.execute(delete.bind(id.0)).map(drop)
            }
            Record::Url(id, _) => self.change_known(*id, |row| *row = UrlRow::of(row.host)),
            Record::Embed { picture, page, .. } => {
                let delete = sqlx::query("DELETE FROM embeds WHERE picture = $1 AND page = $2");
                self.execute(delete.bind(picture.0).bind(page.0)).map(drop)
            }
            Record::Queued { host, order, .. } => self.leave_queue(*host, Order(*order)),
            Record::Retry { at_ms, url, .. } => {
                let delete = sqlx::query("DELETE FROM retries WHERE at = $1 AND id = $2");
                let gone = self.execute(delete.bind(sorted(*at_ms)).bind(url.0))?;
                self.tally.add("retry", -(gone as i64));
                Ok(())
            }
            Record::Picture(picture) => self.take_out(picture.id, false).map(drop),
            Record::Waiting(id) => self.stop_waiting(*id),
            Record::File(id, _) => {
                let delete = sqlx::query("DELETE FROM files WHERE id = $1");
                self.execute(delete.bind(id.0)).map(drop)
            }
            Record::Place { picture, id, .. } => self.take_location(*picture, *id).map(drop),
            Record::RemovedFile { picture, file, .. } => {
                let delete =
                    sqlx::query("DELETE FROM removed_files WHERE picture = $1 AND file = $2");
                let delete = delete.bind(*picture.as_bytes()).bind(file_key(*file));
                self.execute(delete).map(drop)
            }
            Record::Label(label) => self.take_back_label(label.id()).map(drop),
            Record::Notes(_) => Ok(()),
        }
    }

    /// `places` has where the activations lie of pictures that are not written yet.
    pub(super) fn put_record(
        &mut self,
        record: &Record,
        large: Option<&[u8]>,
        places: &mut Iter<'_, EntryLocation>,
    ) -> Result<(), StoreError> {
        match record {
            Record::Host(id, host) => self.change_host(*id, |row| {
                row.record.clone_from(&host.record);
                row.is_removed = host.is_removed;
            }),
            Record::RuleFile(file) => self.execute(keep_rules(file)).map(drop),
            Record::Url(id, url) => self.put_url(*id, url),
            // All at once.
            Record::Embed { .. } => Ok(()),
            Record::Queued { host, order, url } => {
                self.enqueue_at(*host, Order(*order), *url);
                Ok(())
            }
            Record::Retry { at_ms, url, reason } => {
                let record = self.url(*url)?.and_then(|row| row.record.as_ref());
                let host = record.map(|record| record.host);
                let host = host.ok_or(StoreError::Unreadable { tree: "retries" })?;
                self.retry(host, *at_ms, *url, text(reason.clone()))
            }
            Record::Picture(picture) => {
                let damaged = StoreError::Damaged {
                    picture: picture.id,
                };
                self.put_known(picture, places.next().ok_or(damaged)?)
            }
            Record::Waiting(id) => {
                let keep = sqlx::query("INSERT INTO waiting (picture, body) VALUES ($1, $2)");
                self.execute(keep.bind(*id.as_bytes()).bind(large))?;
                self.tally.add("waiting", 1);
                Ok(())
            }
            Record::File(id, file) => self.put_file(*id, file),
            Record::Place {
                picture,
                id,
                location,
            } => self.put_location(*picture, *id, location),
            Record::RemovedFile {
                picture,
                file,
                named,
            } => self.keep_out(*picture, *file, named),
            Record::Label(label) => self.keep_label(label).map(drop),
            Record::Notes(notes) => self.put_notes(notes),
        }
    }

    /// Writes how pages show pictures.
    pub(super) fn put_embeds_of(&mut self, with: &Replacement) -> Result<(), StoreError> {
        let embeds = with.put.iter().filter_map(|(record, _)| match record {
            Record::Embed {
                picture,
                page,
                embed,
            } => Some(((*picture, *page), embed.clone())),
            _ => None,
        });
        self.put_embeds(embeds.collect())
    }

    fn put_url(&mut self, id: UrlId, url: &KnownUrl) -> Result<(), StoreError> {
        let host = url.host().ok_or(StoreError::Unreadable { tree: "urls" })?;
        self.change(id, host, |row| {
            *row = UrlRow {
                host,
                record: url.record.clone(),
                hint: url.hint.clone(),
                visit: url.visit.clone(),
                absent_s: url.absent_s,
                declined: url.declined.clone(),
                page: url.page.clone(),
                terms: url.terms.clone(),
            }
        })
    }

    fn put_known(
        &mut self,
        picture: &KnownPicture,
        entry: &EntryLocation,
    ) -> Result<(), StoreError> {
        self.insert_picture(&PictureInsert {
            id: picture.id,
            record: &picture.record,
            descriptor: &picture.descriptor,
            look: picture.look.as_deref(),
            thumbnail: picture.thumbnail.as_deref(),
            entry,
        })
    }

    fn put_notes(&mut self, notes: &Notes) -> Result<(), StoreError> {
        for (name, number) in [("runs", notes.runs), ("next_sequence", notes.next_sequence)] {
            let update = sqlx::query("UPDATE numbers SET value = $2 WHERE name = $1");
            self.execute(update.bind(name).bind(signed(number)))?;
        }
        let file_systems = Some(encode(&notes.file_systems));
        for (name, note) in [
            (crate::store::cluster::hosts::SETTINGS, &notes.settings),
            (
                crate::store::cluster::catalogue::files::FILE_SYSTEMS,
                &file_systems,
            ),
        ] {
            let delete = sqlx::query("DELETE FROM notes WHERE name = $1");
            self.execute(delete.bind(name))?;
            if let Some(note) = note {
                let insert = sqlx::query("INSERT INTO notes (name, value) VALUES ($1, $2)");
                self.execute(insert.bind(name).bind(note))?;
            }
        }
        Ok(())
    }
}

impl ClusterMetadata {
    /// Has places in queues that are given out from now on be behind those that are there.
    pub(super) fn begin_orders_behind_queues(&self) -> Result<(), StoreError> {
        // What is below the bits that tell pictures, pages and guesses apart.
        let select = "SELECT coalesce(max(ord & $1), 0) FROM queue";
        let last = self.database().persist(|| {
            let select = sqlx::query_as(select).bind(signed(Order::COUNT));
            Session::snapshot(self.database())?.row(select)
        })?;
        let last = last.map_or(0, |(last,): (i64,)| unsigned(last));
        // A sequence can be moved by its owner alone; whoever may take numbers takes as many as it needs.
        let take = || {
            let take = "SELECT max(taken) FROM (SELECT nextval('queue_order') AS taken \
                        FROM generate_series(1, $1)) AS all_taken";
            sqlx::query_as(take).bind(AT_ONCE)
        };
        loop {
            let row: Option<(i64,)> = self.database().row(take)?;
            if row.is_none_or(|(taken,)| unsigned(taken) > last) {
                return Ok(());
            }
        }
    }
}

/// Numbers that are taken by one statement.
const AT_ONCE: i64 = 1000;
