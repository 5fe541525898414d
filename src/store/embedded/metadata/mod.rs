//! What a store in a folder knows: the traits of its records, whose work is in the files named
//! after it.

pub(super) mod catalogue;
pub(super) mod commit;
pub(super) mod commit_changes;
pub(super) mod describe;
pub(super) mod files;
pub(super) mod hints;
pub(super) mod hosts;
pub(super) mod kept_out;
pub(super) mod labels;
pub(super) mod leaving;
pub(super) mod looks;
pub(super) mod places;
pub(super) mod queues;
pub(super) mod removal;
pub(super) mod urls;
pub(super) mod visits;
pub(super) mod waiting;
pub(super) mod words;

use std::collections::BTreeMap;
use std::sync::PoisonError;

use super::EmbeddedMetadata;
use crate::canonical_url::{HostId, UrlId};
use crate::network::{Descriptor, LookDescriptor};
use crate::picture::PictureId;
use crate::store::{
    Again, AppendEntries, Body, Catalogue, Counts, Discovery, EntryLocation, Flaw, Frontier,
    FrontierCounts, HostRecord, Hosts, KeptOut, Lease, Listing, Measures, Metadata, PageTerms,
    PageVisit, PictureOutcome, PictureRecord, PictureRow, Points, Provenance, Queued, RemovalRules,
    Retrying, RuleFileRecord, Selection, Sequence, SequenceSet, SourcePage, StoreError, UrlOutcome,
    UrlRecord, VisitRecord,
};

impl Frontier for EmbeddedMetadata {
    fn offer(&self, found: &[Discovery]) -> Result<Queued, StoreError> {
        Self::offer(self, found)
    }

    fn recover_leases(&self) -> Result<u64, StoreError> {
        Self::recover_leases(self)
    }

    fn settle(&self, lease: Lease, outcome: UrlOutcome) -> Result<(), StoreError> {
        Self::settle(self, lease, outcome)
    }

    fn take_new_work(&self) -> Vec<HostId> {
        Self::take_new_work(self)
    }

    fn settle_page(&self, lease: Lease, visit: &PageVisit) -> Result<Queued, StoreError> {
        Self::settle_page(self, lease, visit)
    }

    fn frontier_counts(&self) -> Result<FrontierCounts, StoreError> {
        Ok(Self::frontier_counts(self))
    }

    fn seeds(&self) -> Result<Vec<String>, StoreError> {
        Self::seeds(self)
    }

    fn url_record(&self, id: UrlId) -> Result<Option<UrlRecord>, StoreError> {
        Self::url_record(self, id)
    }

    fn lease(&self, host: HostId, pages: bool) -> Result<Option<Lease>, StoreError> {
        Self::lease(self, host, pages)
    }

    fn lease_best(
        &self,
        host: HostId,
        pages: bool,
        most: usize,
        rank: &dyn Fn(UrlId, &UrlRecord) -> f32,
    ) -> Result<Option<Lease>, StoreError> {
        Self::lease_best(self, host, pages, most, rank)
    }

    fn renew(&self, lease: &mut Lease) -> Result<bool, StoreError> {
        Ok(Self::renew(self, lease))
    }

    fn requeue_due(&self, now_ms: u64) -> Result<Vec<HostId>, StoreError> {
        Self::requeue_due(self, now_ms)
    }

    fn requeue_left(&self) -> Result<(), StoreError> {
        Self::requeue_left(self)
    }

    fn next_retry_ms(&self) -> Result<Option<u64>, StoreError> {
        Self::next_retry_ms(self)
    }

    fn pending(&self) -> Listing<'_, UrlRecord> {
        Self::pending(self)
    }

    fn has_queued(&self, host: HostId) -> Result<bool, StoreError> {
        Self::has_queued(self, host)
    }

    fn pending_count(&self) -> Result<u64, StoreError> {
        Self::pending_count(self)
    }

    fn queue_again(&self, which: &Again) -> Result<u64, StoreError> {
        Self::queue_again(self, which)
    }

    fn kept_out(&self) -> Listing<'_, KeptOut> {
        Self::kept_out(self)
    }

    fn ask_again(&self, url: UrlId, own: bool) -> Result<bool, StoreError> {
        Self::ask_again(self, url, own)
    }

    fn next_due_s(&self) -> Result<Option<u64>, StoreError> {
        Self::next_due_s(self)
    }

    fn failures(&self) -> Listing<'_, UrlRecord> {
        Self::failures(self)
    }

    fn retries(&self) -> Listing<'_, Retrying> {
        Self::retries(self)
    }

    fn reasons(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        Ok(self.trees.counts().reasons)
    }
}

impl Catalogue for EmbeddedMetadata {
    fn commit(
        &self,
        outcomes: Vec<PictureOutcome>,
        log: &dyn AppendEntries,
    ) -> Result<Vec<bool>, StoreError> {
        Self::commit(self, outcomes, log)
    }

    fn may_replace(&self, lease: &Lease, by: PictureId) -> Result<bool, StoreError> {
        Self::may_replace(self, lease, by)
    }

    fn next_sequence(&self) -> u64 {
        Self::next_sequence(self)
    }

    fn block_location(&self, id: PictureId) -> Result<Option<EntryLocation>, StoreError> {
        Self::block_location(self, id)
    }

    fn block_locations(&self) -> Listing<'_, (PictureId, EntryLocation)> {
        Self::block_locations(self)
    }

    fn move_entries(
        &self,
        moves: &[(PictureId, EntryLocation, EntryLocation)],
    ) -> Result<(), StoreError> {
        Self::move_entries(self, moves)
    }

    fn contains(&self, id: PictureId) -> Result<bool, StoreError> {
        Self::contains(self, id)
    }

    fn picture(&self, id: PictureId) -> Result<Option<PictureRecord>, StoreError> {
        Self::picture(self, id)
    }

    fn row(&self, sequence: Sequence) -> Result<Option<PictureRow>, StoreError> {
        Self::row(self, sequence)
    }

    fn picture_at(&self, sequence: Sequence) -> Result<Option<PictureId>, StoreError> {
        Self::picture_at(self, sequence)
    }

    fn pictures(&self) -> Listing<'_, (Sequence, PictureId)> {
        Self::pictures(self)
    }

    fn pictures_from(&self, first: Sequence) -> Listing<'_, (Sequence, PictureId)> {
        Self::pictures_from(self, first)
    }

    fn picture_count(&self) -> usize {
        Self::picture_count(self)
    }

    fn descriptors(&self, first: Sequence) -> Listing<'_, (Sequence, Descriptor)> {
        Self::descriptors(self, first)
    }

    fn descriptor(&self, sequence: Sequence) -> Result<Descriptor, StoreError> {
        Self::descriptor(self, sequence)
    }

    fn looks(&self, first: Sequence) -> Listing<'_, (Sequence, LookDescriptor)> {
        Self::looks(self, first)
    }

    fn look(&self, sequence: Sequence) -> Result<Option<LookDescriptor>, StoreError> {
        Self::look(self, sequence)
    }

    fn thumbnail(&self, id: PictureId) -> Result<Option<Vec<u8>>, StoreError> {
        Self::thumbnail(self, id)
    }

    fn provenance(&self, id: PictureId) -> Result<Provenance, StoreError> {
        self.trees.provenance(id)
    }

    fn page_showing(&self, picture: UrlId) -> Result<Option<String>, StoreError> {
        self.trees.page_showing(picture)
    }

    fn pages_showing(&self, picture: UrlId) -> Result<Vec<SourcePage>, StoreError> {
        self.trees.source_pages(picture)
    }

    fn terms(&self, page: UrlId) -> Result<PageTerms, StoreError> {
        self.trees.terms_of(page)
    }

    fn page_count(&self) -> u64 {
        Self::page_count(self)
    }

    fn keep_bodies(&self, bodies: Vec<Body>) -> Result<Vec<bool>, StoreError> {
        Self::keep_bodies(self, bodies)
    }

    fn waits(&self, id: PictureId) -> Result<bool, StoreError> {
        Self::waits(self, id)
    }

    fn waiting(&self) -> Listing<'_, PictureId> {
        Self::waiting(self)
    }

    fn waiting_count(&self) -> u64 {
        Self::waiting_count(self)
    }

    fn waiting_body(&self, id: PictureId) -> Result<Vec<u8>, StoreError> {
        Self::waiting_body(self, id)
    }

    fn visit(&self, url: UrlId) -> Result<Option<VisitRecord>, StoreError> {
        Self::visit(self, url)
    }

    fn remove_picture(&self, id: PictureId) -> Result<bool, StoreError> {
        Self::remove_picture(self, id)
    }

    fn check_log(&self, report: &mut dyn FnMut(Flaw)) -> Result<(), StoreError> {
        Self::check_log(self, report)
    }

    fn ask_again_for(&self, id: PictureId) -> Result<u64, StoreError> {
        Self::ask_again_for(self, id)
    }

    fn removed_since(&self, seen: usize) -> Vec<Sequence> {
        let removed = self.removed.lock().unwrap_or_else(PoisonError::into_inner);
        removed.get(seen..).unwrap_or_default().to_vec()
    }
}

impl Hosts for EmbeddedMetadata {
    fn begin_run(&self, crawl: u64, rules: RemovalRules) -> Result<u64, StoreError> {
        Self::begin_run(self, crawl, rules)
    }

    fn last_run(&self) -> Result<u64, StoreError> {
        Self::last_run(self)
    }

    fn removals_stopped(&self) -> BTreeMap<HostId, u64> {
        self.losses.stopped()
    }

    fn settings(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Self::settings(self)
    }

    fn keep_settings(&self, settings: &[u8]) -> Result<(), StoreError> {
        Self::keep_settings(self, settings)
    }

    fn host(&self, host: HostId) -> Result<Option<HostRecord>, StoreError> {
        Self::host(self, host)
    }

    fn leave_host(&self, host: HostId) -> Result<(), StoreError> {
        Self::leave_host(self, host)
    }

    fn waiting_host_after(&self, host: Option<HostId>) -> Result<Option<HostId>, StoreError> {
        Self::waiting_host_after(self, host)
    }

    fn rule_file(&self, url: &str) -> Result<Option<RuleFileRecord>, StoreError> {
        Self::rule_file(self, url)
    }

    fn keep_rule_file(&self, record: &RuleFileRecord) -> Result<(), StoreError> {
        Self::keep_rule_file(self, record)
    }

    fn remove_host(&self, host: &str) -> Result<u64, StoreError> {
        Self::remove_host(self, host)
    }

    fn is_removed(&self, host: HostId) -> Result<bool, StoreError> {
        Self::is_removed(self, host)
    }

    fn take_back_host(&self, host: HostId) -> Result<bool, StoreError> {
        Self::take_back_host(self, host)
    }
}

// What is near is found by the index.
impl Points for EmbeddedMetadata {}

impl Selection for EmbeddedMetadata {
    fn seen_on(&self, host: HostId) -> Result<Option<SequenceSet>, StoreError> {
        self.pictures_seen_on(host)
    }

    fn measures(&self) -> Result<Option<Measures>, StoreError> {
        self.all_measures().map(Some)
    }

    fn check_selection(&self) -> Result<bool, StoreError> {
        self.check_sightings()
    }
}

impl Metadata for EmbeddedMetadata {
    fn check_space(&self) -> Result<(), StoreError> {
        self.reserve.check()
    }

    fn counts(&self) -> Counts {
        self.trees.counts()
    }

    fn recount(&self) -> Result<Counts, StoreError> {
        self.trees.recount()
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.records.sync()
    }
}
