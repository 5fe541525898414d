//! What pages say of pictures' URLs, and the next version when one gives no picture, in memory.

use super::{MemoryMetadata, State};
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::picture::PictureId;
use crate::store::hint::{Chosen, Known, choose};
use crate::store::{Discovery, Lease, LocationId, PictureHint, StoreError, UrlOutcome, UrlState};

impl State {
    pub(super) fn hint(&self, url: UrlId) -> PictureHint {
        self.hints.get(&url).cloned().unwrap_or_default()
    }

    /// The discoveries of a document with the URLs that stand for its pictures.
    pub(super) fn chosen(&self, found: &[Discovery]) -> Result<Vec<Discovery>, StoreError> {
        let chosen = found.iter().map(|discovery| {
            if discovery.hint.others.is_empty() {
                return Ok(discovery.clone());
            }
            let known = |url: &CanonicalUrl, id| Ok(self.known(url, id));
            choose(discovery.versions(), known).map(|chosen| discovery.chosen(chosen))
        });
        chosen.collect()
    }

    fn known(&self, url: &CanonicalUrl, id: UrlId) -> Known {
        let Some(record) = self.urls.get(&id) else {
            return match self.removed_hosts.contains(&url.host_id()) {
                true => Known::No,
                false => Known::Never,
            };
        };
        match record.state {
            UrlState::Open => Known::Waits,
            UrlState::Done if self.gave_picture(id) => Known::Gave,
            _ => Known::No,
        }
    }

    fn gave_picture(&self, id: UrlId) -> bool {
        self.visits.get(&id).is_some_and(|visit| {
            let picture = PictureId::from_bytes(visit.content);
            self.locations
                .contains_key(&(picture, LocationId::of_url(id)))
        })
    }

    pub(super) fn keep_hint(&mut self, url: UrlId, hint: PictureHint) {
        match hint.is_plain() {
            true => self.hints.remove(&url),
            false => self.hints.insert(url, hint),
        };
    }

    pub(super) fn drop_hint(&mut self, url: UrlId, outcome: &UrlOutcome) {
        if outcome.is_end() {
            self.hints.remove(&url);
        }
    }

    /// Notes that pages show one picture's URL where they showed another's.
    fn show_instead(&mut self, before: UrlId, now: UrlId) {
        let pages: Vec<_> = self
            .pages_showing(before)
            .map(|(page, embed)| (page, embed.clone()))
            .collect();
        for (page, embed) in pages {
            if self.embeds.contains_key(&(now, page)) {
                continue;
            }
            self.embeds.insert((now, page), embed);
            if let Some(visit) = self.visits.get_mut(&page) {
                visit.shown.push(now);
            }
        }
    }

    /// Forgets the URLs of a host that pages name as versions of pictures.
    pub(super) fn forget_versions(&mut self, host: HostId) {
        for hint in self.hints.values_mut() {
            hint.retain(|other| other.url.host_id() != host);
        }
    }
}

impl MemoryMetadata {
    /// Asks for the next version of a picture if a URL of it has come to an end without one.
    pub(super) fn ask_for_next(
        &self,
        state: &mut State,
        lease: &Lease,
        outcome: &UrlOutcome,
    ) -> Result<(), StoreError> {
        let is_open = state
            .urls
            .get(&lease.id)
            .is_some_and(|record| record.state == UrlState::Open);
        match outcome.asks_for_next(lease) && is_open {
            true => self.queue_next(state, lease.id, lease.record.depth),
            false => Ok(()),
        }
    }

    /// Queues the next version of each picture that names a URL which gave none.
    fn queue_next(&self, state: &mut State, id: UrlId, depth: u32) -> Result<(), StoreError> {
        for others in state.hint(id).pictures() {
            let chosen = choose(others.clone(), |url, id| Ok(state.known(url, id)))?;
            let (next, others) = match chosen {
                Chosen::New(next, others) => (next, others),
                Chosen::Known(known) => {
                    let rest = others.iter().filter(|other| other.url != known.url);
                    (known.clone(), rest.cloned().collect())
                }
                Chosen::None => continue,
            };
            let next_id = next.url.id();
            let discovery = Discovery::next_version(next, others, depth);
            let queued = self.queue_unseen(state, &[discovery]);
            state.new_work.extend(queued.hosts);
            state.show_instead(id, next_id);
        }
        Ok(())
    }

    /// Notes of the URLs of a picture that has waited for its features that they gave none.
    pub(super) fn fail_waiting(
        &self,
        state: &mut State,
        picture: PictureId,
        outcome: &UrlOutcome,
    ) -> Result<(), StoreError> {
        let Some(ended) = outcome.of_no_picture() else {
            return Ok(());
        };
        if state.pictures.contains_key(&picture) {
            return Ok(());
        }
        for (_, place) in state.locations_of(picture) {
            let id = UrlId(place.0);
            let record = state.urls.get(&id);
            let done = record.filter(|record| record.state == UrlState::Done);
            let Some(depth) = done.map(|record| record.depth) else {
                continue;
            };
            self.queue_next(state, id, depth)?;
            if let Some(record) = state.urls.get_mut(&id) {
                record.state = ended.clone();
            }
            state.hints.remove(&id);
        }
        Ok(())
    }

    /// Adds what another page says of a URL that waits. It keeps its place in the queue.
    pub(super) fn hear_more(&self, state: &mut State, discovery: &Discovery) {
        let id = discovery.url.id();
        let mut hint = state.hint(id);
        if hint.merge(&discovery.hint) {
            state.keep_hint(id, hint);
        }
    }
}
