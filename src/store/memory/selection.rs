//! What filters select by, in memory: all is looked at each time.

use super::MemoryMetadata;
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::store::{Location, Measure, Measures, Selection, Sequence, SequenceSet, StoreError};

impl Selection for MemoryMetadata {
    fn seen_on(&self, host: HostId) -> Result<Option<SequenceSet>, StoreError> {
        let state = self.lock();
        let on_host = |url: &str| CanonicalUrl::parse(url).is_ok_and(|url| url.host_id() == host);
        let seen = state.locations.iter().filter(|((_, at), location)| {
            let Location::Url(url) = location else {
                return false;
            };
            let mut pages = state.pages_showing(UrlId(at.0));
            let on_page = |(page, _)| state.pages.get(&page).is_some_and(|it| on_host(&it.url));
            on_host(url) || pages.any(on_page)
        });
        let pictures = seen.filter_map(|((id, _), _)| state.pictures.get(id));
        let sequences = pictures.map(|picture| Sequence(picture.record.sequence));
        Ok(Some(sequences.collect()))
    }

    fn measures(&self) -> Result<Option<Measures>, StoreError> {
        let mut measures = Measures::default();
        for picture in self.lock().pictures.values() {
            let sequence = Sequence(picture.record.sequence);
            measures.set(sequence, Some(Measure::from(&picture.record)));
        }
        Ok(Some(measures))
    }
}
