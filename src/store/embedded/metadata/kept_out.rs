//! What settings have kept out, and asking for it again.

use std::collections::BTreeSet;

use crate::canonical_url::UrlId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::trees::{FrontierKey, SETTINGS, decode, encode};
use crate::store::{KeptOut, KeptOutFor, Listing, Queued, Role, StoreError, UrlRecord, UrlState};

impl EmbeddedMetadata {
    pub(in crate::store::embedded) fn settings(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.trees.counters.get(SETTINGS)?;
        Ok(value.map(|value| value.to_vec()))
    }

    pub(in crate::store::embedded) fn keep_settings(
        &self,
        settings: &[u8],
    ) -> Result<(), StoreError> {
        self.trees.counters.insert(SETTINGS, settings)?;
        Ok(())
    }

    /// The reasons for which something on a document was not taken.
    pub(in crate::store::embedded) fn declined(
        &self,
        page: UrlId,
    ) -> Result<BTreeSet<String>, StoreError> {
        let value = self.trees.declined.get(page.0)?;
        let declined = value.map(|value| decode("declined", &value)).transpose();
        Ok(declined?.unwrap_or_default())
    }

    pub(in crate::store::embedded) fn kept_out(&self) -> Listing<'_, KeptOut> {
        let urls = self.trees.frontier.scan_prefix([FrontierKey::URL]);
        let urls = urls.filter_map(|entry| refused(entry).transpose());
        let pages = self.trees.declined.iter();
        let pages = pages.filter_map(|entry| self.declining(entry).transpose());
        Box::new(urls.chain(pages))
    }

    pub(in crate::store::embedded) fn failures(&self) -> Listing<'_, UrlRecord> {
        let urls = self.trees.frontier.scan_prefix([FrontierKey::URL]);
        let records = urls.map(|entry| decode::<UrlRecord>("frontier", &entry?.1));
        let failed = |record: &Result<UrlRecord, _>| !matches!(record, Ok(it) if it.state.reason().is_none());
        Box::new(records.filter(failed))
    }

    fn declining(
        &self,
        entry: sled::Result<(sled::IVec, sled::IVec)>,
    ) -> Result<Option<KeptOut>, StoreError> {
        let (key, value) = entry?;
        let unreadable = StoreError::Unreadable { tree: "declined" };
        let id = UrlId(key.as_ref().try_into().map_err(|_| unreadable)?);
        let record = self.url_record(id)?;
        let record = record.filter(|record| record.state != UrlState::Removed);
        let reasons = decode("declined", &value)?;
        Ok(record.map(|record| KeptOut {
            id,
            record,
            what: KeptOutFor::OnPage(reasons),
        }))
    }

    pub(in crate::store::embedded) fn ask_again(
        &self,
        url: UrlId,
        own: bool,
    ) -> Result<bool, StoreError> {
        if let Some(visit) = self.visit(url)? {
            let visit = visit.without_version();
            self.trees.visits.insert(url.0, encode(&visit))?;
        }
        self.reopen(url, own)
    }

    /// Queues the pictures of a document again that were refused for reasons which it no longer
    /// gives. The caller holds the frontier's guard.
    pub(in crate::store::embedded) fn take_back(
        &self,
        pictures: &[UrlId],
        reasons: &BTreeSet<String>,
        queued: &mut Queued,
    ) -> Result<(), StoreError> {
        if reasons.is_empty() {
            return Ok(());
        }
        for &id in pictures {
            if let Some(record) = self.url_record(id)?
                && let UrlState::Refused(reason) = &record.state
                && reasons.contains(reason)
                && self.reopen_held(id, true)?
            {
                queued.pictures += u64::from(record.role == Role::Picture);
                if !queued.hosts.contains(&record.host) {
                    queued.hosts.push(record.host);
                }
            }
        }
        Ok(())
    }
}

/// An entry of the frontier, if it is a refused URL.
fn refused(entry: sled::Result<(sled::IVec, sled::IVec)>) -> Result<Option<KeptOut>, StoreError> {
    let (key, value) = entry?;
    let record: UrlRecord = decode("frontier", &value)?;
    let (UrlState::Refused(reason), Some(FrontierKey::Url(id))) =
        (&record.state, FrontierKey::decode(&key))
    else {
        return Ok(None);
    };
    let what = KeptOutFor::Url(reason.clone());
    Ok(Some(KeptOut { id, record, what }))
}
