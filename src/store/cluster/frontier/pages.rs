//! Pages that were read.

use std::collections::BTreeMap;

use crate::store::cluster::rows::transaction::Transaction;
use crate::store::{
    Lease, PageVisit, Queued, Role, StoreError, UrlOutcome, UrlRecord, UrlState, VisitRecord,
};

impl Transaction<'_> {
    /// Records a page and queues what was found on it.
    pub(in crate::store::cluster) fn settle_page(
        &mut self,
        lease: &mut Lease,
        visit: &PageVisit,
        crawl: u64,
    ) -> Result<Queued, StoreError> {
        let page = visit.url.id();
        let no_picture = UrlOutcome::Gone(String::new());
        self.load([lease.id, page])?;
        self.ask_for_next(lease, &no_picture, crawl)?;
        self.drop_hint(lease.id, &no_picture)?;
        if lease.record.role == Role::Picture {
            // A page came, which has no part in the picture.
            lease.record.role = Role::Page;
        }
        let known = self.url(page)?.and_then(|row| row.record.clone());
        let is_settled = known
            .as_ref()
            .is_some_and(|known| known.state != UrlState::Open);
        if page != lease.id && is_settled {
            self.settle(lease, UrlOutcome::Done)?;
            return Ok(Queued::default());
        }
        self.touch_host(&visit.url, |record| record.pages += 1)?;
        let on_page = self.chosen(&visit.found)?;
        let mut queued = self.queue_unseen(&on_page, crawl)?;
        let is_unknown = self.url(page)?.is_none_or(|row| row.record.is_none());
        if page != lease.id && (known.is_some() || is_unknown) {
            let record = UrlRecord {
                url: visit.url.to_string(),
                host: visit.url.host_id(),
                state: UrlState::Done,
                ..known.unwrap_or_else(|| lease.record.clone())
            };
            self.change(page, visit.url.host_id(), |row| row.record = Some(record))?;
        }
        self.settle(lease, visit.outcome())?;
        let mut embeds = BTreeMap::new();
        for found in &on_page {
            if let Some(embed) = &found.embed {
                embeds.insert((found.url.id(), page), embed.clone());
            }
        }
        self.put_embeds(embeds)?;
        let before = self.url(page)?.and_then(|row| row.visit.clone());
        let shown_before = before.as_ref().map_or(&[][..], |before| &before.shown);
        let shown = visit.shown(shown_before, &on_page);
        let hidden = self.hide(page, shown_before, &shown)?;
        let (content, validators) = (visit.content, visit.validators.clone());
        let after = VisitRecord::after(before.as_ref(), content, validators, shown);
        let shown = after.shown.clone();
        let mut taken_back = self
            .url(page)?
            .map(|row| row.declined.clone())
            .unwrap_or_default();
        taken_back.retain(|reason| !visit.declined.contains(reason));
        self.change(page, visit.url.host_id(), |row| {
            row.page.clone_from(&visit.page);
            row.terms.clone_from(&visit.terms);
            row.absent_s = None;
            row.declined.clone_from(&visit.declined);
            row.visit = Some(after);
        })?;
        self.take_back(&shown, &taken_back, &mut queued, crawl)?;
        if let Some(opted_out) = &visit.opted_out {
            self.remove_orphans(&hidden, opted_out.reason)?;
        }
        Ok(queued)
    }
}
