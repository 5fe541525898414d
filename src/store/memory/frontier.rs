//! The frontier in memory.

use std::collections::BTreeMap;

use super::{MemoryMetadata, State};
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::store::order::Order;
use crate::store::visit::beyond_retries_ms;
use crate::store::{
    Again, Discovery, Frontier, FrontierCounts, HostRecord, KeptOut, Lease, Listing, Metadata,
    PageVisit, Promise, Queued, Retrying, Role, StoreError, UrlOutcome, UrlRecord, UrlState,
    VisitRecord, now_ms,
};

impl Frontier for MemoryMetadata {
    fn offer(&self, found: &[Discovery]) -> Result<Queued, StoreError> {
        Ok(self.queue_unseen(&mut self.lock(), found))
    }

    fn recover_leases(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn settle(&self, mut lease: Lease, outcome: UrlOutcome) -> Result<(), StoreError> {
        let mut state = self.lock();
        if lease.place.renew() {
            match state.closed_meanwhile(&lease) {
                Some(closed) => state.leave_queue(&lease, lease.record.attempts + 1, closed),
                None => {
                    self.ask_for_next(&mut state, &lease, &outcome)?;
                    state.take_word(&self.losses, &lease, &outcome)?;
                    state.drop_hint(lease.id, &outcome);
                    state.settle(&lease, outcome);
                }
            }
        }
        Ok(())
    }

    fn take_new_work(&self) -> Vec<HostId> {
        std::mem::take(&mut self.lock().new_work)
    }

    fn settle_page(&self, mut lease: Lease, visit: &PageVisit) -> Result<Queued, StoreError> {
        let mut state = self.lock();
        if !lease.place.renew() {
            return Ok(Queued::default());
        }
        let page = visit.url.id();
        let no_picture = UrlOutcome::Gone(String::new());
        self.ask_for_next(&mut state, &lease, &no_picture)?;
        state.drop_hint(lease.id, &no_picture);
        if lease.record.role == Role::Picture {
            // A page came, which has no part in the picture.
            lease.record.role = Role::Page;
        }
        let known = state.urls.get(&page).cloned();
        let is_settled = known
            .as_ref()
            .is_some_and(|known| known.state != UrlState::Open);
        if page != lease.id && is_settled {
            state.settle(&lease, UrlOutcome::Done);
            return Ok(Queued::default());
        }
        state.touch_host(&visit.url, |record| record.pages += 1);
        let on_page = state.chosen(&visit.found)?;
        let mut queued = self.queue_unseen(&mut state, &on_page);
        if page != lease.id && (known.is_some() || !state.urls.contains_key(&page)) {
            let record = UrlRecord {
                url: visit.url.to_string(),
                host: visit.url.host_id(),
                state: UrlState::Done,
                ..known.unwrap_or_else(|| lease.record.clone())
            };
            state.urls.insert(page, record);
        }
        state.settle(&lease, visit.outcome());
        for found in &on_page {
            if let Some(embed) = &found.embed {
                state.embeds.insert((found.url.id(), page), embed.clone());
            }
        }
        let before = state.visits.get(&page).cloned();
        let shown_before = before.as_ref().map_or(&[][..], |before| &before.shown);
        let shown = visit.shown(shown_before, &on_page);
        let hidden = state.hide(page, shown_before, &shown);
        let (content, validators) = (visit.content, visit.validators.clone());
        let after = VisitRecord::after(before.as_ref(), content, validators, shown);
        match &visit.page {
            Some(record) => state.pages.insert(page, record.clone()),
            None => state.pages.remove(&page),
        };
        match visit.terms.is_empty() {
            true => state.terms.remove(&page),
            false => state.terms.insert(page, visit.terms.clone()),
        };
        state.absences.remove(&page);
        let mut taken_back = state.declined.remove(&page).unwrap_or_default();
        taken_back.retain(|reason| !visit.declined.contains(reason));
        if !visit.declined.is_empty() {
            state.declined.insert(page, visit.declined.clone());
        }
        self.take_back(&mut state, &after.shown, &taken_back, &mut queued);
        state.visits.insert(page, after);
        if let Some(opted_out) = &visit.opted_out {
            state.remove_orphans(&hidden, opted_out.reason);
        }
        Ok(queued)
    }

    fn frontier_counts(&self) -> Result<FrontierCounts, StoreError> {
        let (mut counts, leased) = (self.counts().frontier, self.leases.count());
        counts.leased = leased;
        counts.pending = counts.pending.saturating_sub(leased);
        Ok(counts)
    }

    fn seeds(&self) -> Result<Vec<String>, StoreError> {
        let state = self.lock();
        let seeds = state.urls.values().filter(|record| {
            record.depth == 0 && record.role == Role::Page && record.state != UrlState::Removed
        });
        Ok(seeds.map(|record| record.url.clone()).collect())
    }

    fn url_record(&self, id: UrlId) -> Result<Option<UrlRecord>, StoreError> {
        Ok(self.lock().urls.get(&id).cloned())
    }

    fn lease(&self, host: HostId, pages: bool) -> Result<Option<Lease>, StoreError> {
        let mut state = self.lock();
        let first = self.leases.from(host);
        let mut passed = false;
        for (order, id) in state.queue_of(host, first) {
            if order.is_page() && !pages {
                passed = true;
                continue;
            }
            if !self.leases.is_out(host, order)
                && let Some(record) = state.open_record(host, order, id)
            {
                let place = self.leases.take(host, order, !passed);
                return Ok(Some(state.hand_out(place, id, record)));
            }
        }
        Ok(None)
    }

    fn lease_best(
        &self,
        host: HostId,
        pages: bool,
        most: usize,
        rank: &dyn Fn(UrlId, &UrlRecord) -> f32,
    ) -> Result<Option<Lease>, StoreError> {
        let mut state = self.lock();
        let queue = state.queue_of(host, Order(0));
        let (third, queue): (Vec<_>, Vec<_>) =
            queue.into_iter().partition(|(order, _)| order.is_guess());
        let (second, first): (Vec<_>, Vec<_>) =
            queue.into_iter().partition(|(order, _)| order.is_page());
        let second = second.into_iter().take(if pages { most } else { 0 });
        let third = third.into_iter().take(most);
        let mut best: Option<(f32, UrlId, Order, UrlRecord)> = None;
        let mut has_better = false;
        for (order, id) in first.into_iter().take(most).chain(second).chain(third) {
            if (order.is_guess() && has_better) || self.leases.is_out(host, order) {
                continue;
            }
            if let Some(record) = state.open_record(host, order, id) {
                let rank = rank(id, &record);
                has_better |= !order.is_guess();
                if best.as_ref().is_none_or(|(known, ..)| rank > *known) {
                    best = Some((rank, id, order, record));
                }
            }
        }
        Ok(best.map(|(_, id, order, record)| {
            let place = self.leases.take(host, order, false);
            state.hand_out(place, id, record)
        }))
    }

    fn renew(&self, lease: &mut Lease) -> Result<bool, StoreError> {
        Ok(lease.place.renew())
    }

    fn requeue_due(&self, now_ms: u64) -> Result<Vec<HostId>, StoreError> {
        let last = Order::NEXT_RUN - 1;
        let mut state = self.lock();
        let mut hosts = self.requeue(&mut state, 0, now_ms.min(last));
        let ahead_ms = beyond_retries_ms(now_ms).min(last);
        hosts.extend(self.requeue(&mut state, ahead_ms, last));
        Ok(hosts)
    }

    fn requeue_left(&self) -> Result<(), StoreError> {
        self.requeue(&mut self.lock(), Order::NEXT_RUN, u64::MAX);
        Ok(())
    }

    fn next_retry_ms(&self) -> Result<Option<u64>, StoreError> {
        let state = self.lock();
        let first = state.retries.keys().next().map(|(at_ms, _)| *at_ms);
        Ok(first.filter(|at_ms| *at_ms < Order::NEXT_RUN))
    }

    fn pending(&self) -> Listing<'_, UrlRecord> {
        let state = self.lock();
        let retries = state.retries.keys().map(|(_, id)| id);
        let records = state
            .queue
            .values()
            .chain(retries)
            .map(|id| &state.urls[id]);
        let open = records.filter(|record| record.state == UrlState::Open);
        let open: Vec<_> = open.cloned().map(Ok).collect();
        Box::new(open.into_iter())
    }

    fn retries(&self) -> Listing<'_, Retrying> {
        let state = self.lock();
        let retries = state.retries.iter().map(|((at_ms, id), reason)| {
            Retrying::new(state.urls[id].clone(), reason.clone(), *at_ms)
        });
        let open = retries.filter(|retry| retry.record.state == UrlState::Open);
        let open: Vec<_> = open.map(Ok).collect();
        Box::new(open.into_iter())
    }

    fn has_queued(&self, host: HostId) -> Result<bool, StoreError> {
        Ok(!self.lock().queue_of(host, Order(0)).is_empty())
    }

    fn pending_count(&self) -> Result<u64, StoreError> {
        Ok(self.counts().waiting())
    }

    fn reasons(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        Ok(self.counts().reasons)
    }

    fn queue_again(&self, which: &Again) -> Result<u64, StoreError> {
        let mut state = self.lock();
        let now_s = now_ms() / 1000;
        let wanted: Vec<UrlId> = match which {
            Again::Due => {
                let all = state.visits.iter();
                let due = all.filter(|(_, visit)| visit.due_at(now_s) <= now_s);
                due.map(|(id, _)| *id).collect()
            }
            Again::Visited => state.visits.keys().copied().collect(),
            Again::Failed(reason) => {
                let failed = state.urls.iter().filter(|(_, record)| match &record.state {
                    UrlState::Failed(why) => reason.as_ref().is_none_or(|reason| reason == why),
                    UrlState::Refused(why) => reason.as_ref() == Some(why),
                    UrlState::Open | UrlState::Done | UrlState::Removed => false,
                });
                failed.map(|(id, _)| *id).collect()
            }
        };
        let reopened = wanted
            .iter()
            .filter(|id| self.reopen(&mut state, **id, true));
        Ok(reopened.count() as u64)
    }

    fn kept_out(&self) -> Listing<'_, KeptOut> {
        let kept_out = self.lock().kept_out().into_iter();
        Box::new(kept_out.map(Ok))
    }

    fn ask_again(&self, url: UrlId, own: bool) -> Result<bool, StoreError> {
        let mut state = self.lock();
        if let Some(visit) = state.visits.remove(&url) {
            state.visits.insert(url, visit.without_version());
        }
        Ok(self.reopen(&mut state, url, own))
    }

    fn next_due_s(&self) -> Result<Option<u64>, StoreError> {
        let now_s = now_ms() / 1000;
        let state = self.lock();
        let due = state.visits.values().map(|visit| visit.due_at(now_s));
        Ok(due.min())
    }

    fn failures(&self) -> Listing<'_, UrlRecord> {
        let state = self.lock();
        let urls = state.urls.values();
        let failed = urls.filter(|record| record.state.reason().is_some());
        let failed: Vec<UrlRecord> = failed.cloned().collect();
        Box::new(failed.into_iter().map(Ok))
    }
}

impl MemoryMetadata {
    pub(super) fn queue_unseen(&self, state: &mut State, found: &[Discovery]) -> Queued {
        let mut queued = Queued::default();
        for discovery in &Discovery::joined(found) {
            let (id, host) = (discovery.url.id(), discovery.url.host_id());
            if state.removed_hosts.contains(&host) {
                queued.removed += 1;
                continue;
            }
            if let Some(known) = state.urls.get(&id)
                && !(discovery.is_seed() && known.state.may_be_asked_for_again())
            {
                if known.state == UrlState::Open && discovery.role == Role::Picture {
                    self.hear_more(state, discovery);
                }
                continue;
            }
            let crawl = state.crawl;
            state.touch_host(&discovery.url, |record| record.crawl = crawl);
            let record = UrlRecord {
                url: discovery.url.to_string(),
                host,
                role: discovery.role,
                depth: discovery.depth,
                attempts: 0,
                state: UrlState::Open,
            };
            state.urls.insert(id, record);
            let promise = discovery.hint.promise;
            self.enqueue(state, host, discovery.role, promise, id);
            if discovery.role == Role::Picture && !discovery.hint.is_plain() {
                state.keep_hint(id, discovery.hint.clone());
            }
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
        queued
    }

    pub(super) fn enqueue(
        &self,
        state: &mut State,
        host: HostId,
        role: Role,
        promise: Promise,
        id: UrlId,
    ) {
        let order = Order::of(role, promise, state.queued);
        state.queued += 1;
        self.leases.is_free(host, order);
        state.queue.insert((host, order), id);
    }

    fn requeue(&self, state: &mut State, from: u64, to: u64) -> Vec<HostId> {
        let range = (from, UrlId([0; 16]))..=(to, UrlId([0xff; 16]));
        let due: Vec<_> = state.retries.range(range).map(|(key, _)| *key).collect();
        let mut hosts = Vec::new();
        for retry in due {
            state.retries.remove(&retry);
            let record = state.urls[&retry.1].clone();
            if record.state == UrlState::Open {
                let promise = state.hint(retry.1).promise;
                self.enqueue(state, record.host, record.role, promise, retry.1);
                hosts.push(record.host);
            }
        }
        hosts
    }

    /// Queues a URL again if it was settled; returns whether it was. Its host becomes one of
    /// the present crawl if `own`.
    pub(super) fn reopen(&self, state: &mut State, id: UrlId, own: bool) -> bool {
        let Some(record) = state.urls.get_mut(&id) else {
            return false;
        };
        if matches!(record.state, UrlState::Open | UrlState::Removed) {
            return false;
        }
        record.attempts = 0;
        record.state = UrlState::Open;
        let (host, role, url) = (record.host, record.role, record.url.clone());
        let promise = state.hint(id).promise;
        self.enqueue(state, host, role, promise, id);
        let crawl = state.crawl;
        let known = state.hosts.get(&host).cloned().unwrap_or_default();
        if own && known.crawl != crawl {
            let url = CanonicalUrl::parse(&url);
            let name = url.map_or(known.name, |url| url.host().to_owned());
            let record = HostRecord {
                name,
                crawl,
                ..known
            };
            state.hosts.insert(host, record);
        }
        true
    }
}
