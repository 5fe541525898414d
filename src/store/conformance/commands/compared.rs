//! What two stores know, compared.

use super::{HOSTS, PATHS, PICTURES, Pair, undated};
use crate::store::conformance::fixture::{block, host, memory, picture_id, url};
use crate::store::leases::LEASE_TIME;
use crate::store::{Measure, Sequence, SequenceSet, Store};

impl Pair {
    /// Two stores, of which one is the other's copy, say the same. What is left of URLs that were forgotten
    /// with their host is not copied.
    pub(in crate::store::conformance) fn know_the_same(stores: [Store; 2]) -> [Store; 2] {
        let mut pair = Self::of(stores, 0, Box::new(|| memory(LEASE_TIME)));
        // What is known of a run ends with it.
        pair.begin_run(0);
        pair.compare_known();
        pair.stores
    }

    /// Compares what filters select by. A server selects by SQL.
    pub(super) fn compare_selected(&self) {
        for name in HOSTS {
            let [first, second] = self.stores.each_ref().map(|it| it.seen_on(host(name)));
            if let Some(first) = first.unwrap() {
                let known = |set: SequenceSet| set.iter().collect::<Vec<_>>();
                let second = second.unwrap().map(known);
                assert_eq!(Some(known(first)), second, "{name} at {}", self.command);
            }
        }
        let [first, second] = self.stores.each_ref().map(|it| it.measures().unwrap());
        if let Some((first, second)) = first.zip(second) {
            // Two clocks were read.
            let size = |(sequence, it): (Sequence, Measure)| (sequence, it.width, it.height);
            let second = second.iter().map(size);
            assert!(first.iter().map(size).eq(second), "at {}", self.command);
        }
    }

    /// Compares all that they know.
    pub(super) fn compare(&self) {
        self.compare_known();
        self.compare_selected();
        for name in HOSTS {
            for path in 0..PATHS {
                let id = url(&format!("{name}/{path}")).id();
                self.same(|store| Ok(store.visit(id)?.as_ref().map(undated)));
            }
        }
    }

    /// The same but for visits of URLs that were forgotten.
    pub(super) fn compare_known(&self) {
        let mut work = self.stores.each_ref().map(|store| store.take_new_work());
        work.iter_mut().for_each(|hosts| hosts.sort_unstable());
        assert_eq!(work[0], work[1], "at command {}", self.command);
        self.same(|store| store.frontier_counts());
        self.same(|store| store.seeds());
        self.same(|store| store.reasons());
        self.same(|store| Ok(store.counts()));
        self.same(|store| store.pending().collect::<Result<Vec<_>, _>>());
        self.same(|store| store.kept_out().collect::<Result<Vec<_>, _>>());
        self.same(|store| Ok((store.removals_stopped(), store.settings()?)));
        self.same(|store| store.retries().collect::<Result<Vec<_>, _>>());
        self.same(|store| store.pending_count());
        self.same(|store| store.next_retry_ms());
        self.same(|store| store.pictures().collect::<Result<Vec<_>, _>>());
        self.same(|store| store.waiting().collect::<Result<Vec<_>, _>>());
        self.same(|store| store.waiting_here().collect::<Result<Vec<_>, _>>());
        self.same(|store| Ok((store.page_count(), store.next_sequence())));
        self.same(|store| store.file_places().collect::<Result<Vec<_>, _>>());
        self.same(|store| store.labels(None).collect::<Result<Vec<_>, _>>());
        let seventh = Some("77777777777777777777777777777777".parse().unwrap());
        self.same(|store| store.labels(seventh).collect::<Result<Vec<_>, _>>());
        for name in HOSTS {
            self.same(|store| store.host(host(name)));
            self.same(|store| store.is_removed(host(name)));
            self.same(|store| store.has_queued(host(name)));
            self.same(|store| store.waiting_host_after(Some(host(name))));
            for path in 0..PATHS {
                let id = url(&format!("{name}/{path}")).id();
                if self.same(|store| store.url_record(id)).is_some() {
                    self.same(|store| Ok(store.visit(id)?.as_ref().map(undated)));
                }
            }
        }
        for n in 0..PICTURES {
            let id = picture_id(n);
            self.same(|store| {
                let record = store.picture(id)?;
                // Two clocks were read.
                Ok(record.map(|record| (record.sequence, record.height)))
            });
            self.same(|store| store.labels_of(id));
            self.same(|store| store.provenance(id));
            self.same(|store| store.thumbnail(id));
            let path = format!("/{n}.png");
            self.same(|store| store.known_file(path.as_ref(), 1, 1));
            for m in 0..PICTURES {
                self.same(|store| store.removed_file(picture_id(m), path.as_ref()));
            }
            self.same(|store| Ok(store.waiting_body(id).ok()));
            let is_whole = self.same(|store| {
                let found = store.verified_block(id).ok();
                Ok(found.map(|found| *found == block(store, n)[..]))
            });
            assert_ne!(is_whole, Some(false));
        }
    }
}
