//! What pages say of pictures' URLs, and the next version when one gives no picture.

use std::collections::{BTreeMap, HashMap};

use crate::canonical_url::UrlId;
use crate::picture::PictureId;
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::hint::{Chosen, Known, choose};
use crate::store::{
    Alternate, Discovery, Lease, Promise, Queued, Role, StoreError, UrlOutcome, UrlRecord, UrlState,
};

impl Transaction<'_> {
    /// Queues what was never seen.
    pub(in crate::store::cluster) fn queue_unseen(
        &mut self,
        found: &[Discovery],
        crawl: u64,
    ) -> Result<Queued, StoreError> {
        let mut queued = Queued::default();
        let found = Discovery::joined(found);
        self.load(found.iter().map(|discovery| discovery.url.id()))?;
        self.load_hosts(found.iter().map(|discovery| discovery.url.host_id()))?;
        for discovery in &found {
            let (id, host) = (discovery.url.id(), discovery.url.host_id());
            if self.host(host)?.is_removed {
                queued.removed += 1;
                continue;
            }
            let known = self.url(id)?.and_then(|row| row.state().cloned());
            if let Some(state) = known
                && !(discovery.is_seed() && state.may_be_asked_for_again())
            {
                if state == UrlState::Open && discovery.role == Role::Picture {
                    self.hear_more(discovery)?;
                }
                continue;
            }
            self.touch_host(&discovery.url, |record| record.crawl = crawl)?;
            let record = UrlRecord {
                url: discovery.url.to_string(),
                host,
                role: discovery.role,
                depth: discovery.depth,
                attempts: 0,
                state: UrlState::Open,
            };
            let promise = discovery.hint.promise;
            self.change(id, host, |row| {
                row.record = Some(record);
                if discovery.role == Role::Picture && !discovery.hint.is_plain() {
                    row.keep_hint(discovery.hint.clone());
                }
            })?;
            self.enqueue(host, discovery.role, promise, id)?;
            match discovery.role {
                Role::Picture => {
                    queued.pictures += 1;
                    queued.guesses += u64::from(promise == Promise::Guessed);
                }
                Role::Page => queued.pages += 1,
                Role::Sheet | Role::Feed | Role::Sitemap => {}
            }
            if !queued.hosts.contains(&host) {
                queued.hosts.push(host);
            }
        }
        Ok(queued)
    }

    /// Adds what another page says of a URL that waits. It keeps its place in the queue.
    fn hear_more(&mut self, discovery: &Discovery) -> Result<(), StoreError> {
        self.change_known(discovery.url.id(), |row| {
            let mut hint = row.hint();
            if hint.merge(&discovery.hint) {
                row.keep_hint(hint);
            }
        })
    }

    /// The discoveries of a document with the URLs that stand for its pictures.
    pub(in crate::store::cluster) fn chosen(
        &mut self,
        found: &[Discovery],
    ) -> Result<Vec<Discovery>, StoreError> {
        let with_others = found
            .iter()
            .filter(|discovery| !discovery.hint.others.is_empty());
        let versions: Vec<Alternate> = with_others.flat_map(Discovery::versions).collect();
        let known = self.known(&versions)?;
        let chosen = found.iter().map(|discovery| {
            if discovery.hint.others.is_empty() {
                return Ok(discovery.clone());
            }
            choose_of(&known, discovery.versions()).map(|chosen| discovery.chosen(chosen))
        });
        chosen.collect()
    }

    /// What is known of pictures' URLs.
    fn known(&mut self, versions: &[Alternate]) -> Result<HashMap<UrlId, Known>, StoreError> {
        self.load(versions.iter().map(|version| version.url.id()))?;
        self.load_hosts(versions.iter().map(|version| version.url.host_id()))?;
        let mut all = HashMap::new();
        for version in versions {
            let id = version.url.id();
            let state = self.url(id)?.and_then(|row| row.state().cloned());
            let known = match state {
                None if self.host(version.url.host_id())?.is_removed => Known::No,
                None => Known::Never,
                Some(UrlState::Open) => Known::Waits,
                Some(UrlState::Done) if self.gave_picture(id)? => Known::Gave,
                Some(_) => Known::No,
            };
            all.insert(id, known);
        }
        Ok(all)
    }

    /// Drops what pages say of a URL that has come to an end.
    pub(in crate::store::cluster) fn drop_hint(
        &mut self,
        url: UrlId,
        outcome: &UrlOutcome,
    ) -> Result<(), StoreError> {
        match outcome.is_end() {
            true => self.change_known(url, |row| row.hint = None),
            false => Ok(()),
        }
    }

    /// Notes that pages show one picture's URL where they showed another's.
    fn show_instead(&mut self, before: UrlId, now: UrlId) -> Result<(), StoreError> {
        let pages = self.pages_showing(before)?;
        let shown: Vec<UrlId> = self
            .pages_showing(now)?
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        let mut embeds = BTreeMap::new();
        for (page, embed) in pages {
            if shown.contains(&page) {
                continue;
            }
            embeds.insert((now, page), embed);
            self.change_known(page, |row| {
                if let Some(visit) = &mut row.visit {
                    visit.shown.push(now);
                }
            })?;
        }
        self.put_embeds(embeds)
    }

    /// Asks for the next version of a picture if a URL of it has come to an end without one.
    pub(in crate::store::cluster) fn ask_for_next(
        &mut self,
        lease: &Lease,
        outcome: &UrlOutcome,
        crawl: u64,
    ) -> Result<(), StoreError> {
        let is_open = self
            .url(lease.id)?
            .is_some_and(crate::store::cluster::rows::url_row::UrlRow::is_open);
        match outcome.asks_for_next(lease) && is_open {
            true => self.queue_next(lease.id, lease.record.depth, crawl),
            false => Ok(()),
        }
    }

    /// Queues the next version of each picture that names a URL which gave none.
    fn queue_next(&mut self, id: UrlId, depth: u32, crawl: u64) -> Result<(), StoreError> {
        let hint = self
            .url(id)?
            .map(crate::store::cluster::rows::url_row::UrlRow::hint)
            .unwrap_or_default();
        for others in hint.pictures() {
            let known = self.known(others)?;
            let (next, others) = match choose_of(&known, others.clone())? {
                Chosen::New(next, others) => (next, others),
                Chosen::Known(known) => {
                    let rest = others.iter().filter(|other| other.url != known.url);
                    let rest = rest.cloned().collect();
                    (known, rest)
                }
                Chosen::None => continue,
            };
            let next_id = next.url.id();
            let discovery = Discovery::next_version(next, others, depth);
            let queued = self.queue_unseen(&[discovery], crawl)?;
            self.new_work.extend(queued.hosts);
            self.show_instead(id, next_id)?;
        }
        Ok(())
    }

    /// Notes of the URLs of a picture that has waited for its features that they gave none.
    pub(in crate::store::cluster) fn fail_waiting(
        &mut self,
        picture: PictureId,
        outcome: &UrlOutcome,
        crawl: u64,
    ) -> Result<(), StoreError> {
        let Some(ended) = outcome.of_no_picture() else {
            return Ok(());
        };
        if self.contains(picture)? {
            return Ok(());
        }
        for (place, _) in self.locations_of(picture)? {
            let id = UrlId(place.0);
            let record = self.url(id)?.and_then(|row| row.record.as_ref());
            let done = record.filter(|record| record.state == UrlState::Done);
            let Some(depth) = done.map(|record| record.depth) else {
                continue;
            };
            self.queue_next(id, depth, crawl)?;
            self.change_known(id, |row| {
                if let Some(record) = &mut row.record {
                    record.state = ended.clone();
                }
                row.hint = None;
            })?;
        }
        Ok(())
    }
}

fn choose_of(
    known: &HashMap<UrlId, Known>,
    versions: Vec<Alternate>,
) -> Result<Chosen, StoreError> {
    choose(versions, |_, id| {
        Ok(known.get(&id).copied().unwrap_or(Known::Never))
    })
}
