//! The same random commands to a store in a folder and to one in memory: they must give the
//! same answers, and know the same in the end.

mod compared;

use std::fmt::Debug;
use std::mem;
use std::path::Path;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fixture::{
    discovery, file, found, host, memory, open, picture, picture_id, says, url, visit, with_others,
};
use crate::canonical_url::UrlId;
use crate::local_path::LocalPath;
use crate::store::leases::LEASE_TIME;
use crate::store::{
    Again, Body, Discovery, FilePlace, Label, Lease, PictureOutcome, Promise, RemovalRules, Role,
    Source, Store, StoreError, UrlOutcome, UrlRecord, Validators, Verdict, VisitRecord, Wasteful,
};

const HOSTS: [&str; 3] = ["a.example", "b.example", "c.example"];
const ROLES: [Role; 4] = [Role::Page, Role::Page, Role::Picture, Role::Sheet];
const PATHS: u8 = 8;
const PICTURES: u8 = 6;
const COMMANDS: usize = 400;
const MODES: [&str; 2] = ["copy", "look-alike"];
pub(super) const SEEDS: u64 = 4;

/// Two stores that are told the same.
pub(super) struct Pair {
    /// Opens the first of them again.
    open: Box<dyn Fn() -> Store>,
    /// In a folder or on a server, and in memory.
    stores: [Store; 2],
    /// What both have handed out.
    leases: Vec<[Lease; 2]>,
    random: ChaCha8Rng,
    /// For what pages say of pictures.
    hints: ChaCha8Rng,
    /// What was commanded last, for messages.
    command: usize,
}

#[test]
fn both_stores_answer_alike() {
    for seed in 0..SEEDS {
        let dir = tempfile::tempdir().unwrap();
        drop(Pair::answer_alike(
            seed,
            Box::new(move || open(&dir, LEASE_TIME)),
        ));
    }
}

impl Pair {
    /// Commands of one seed, to a store that `open` opens and to one in memory. Gives the two.
    pub(super) fn answer_alike(seed: u64, open: Box<dyn Fn() -> Store>) -> [Store; 2] {
        let stores = [open(), memory(LEASE_TIME)];
        let mut pair = Self::of(stores, seed, open);
        pair.begin_run(seed);
        for command in 0..COMMANDS {
            pair.command = command;
            pair.step();
            // What is kept against what is counted.
            pair.same(|store| Ok(store.counts()));
            pair.compare_selected();
            if command % 20 == 0 {
                pair.compare();
            }
        }
        pair.compare();
        pair.stores
    }

    fn of(stores: [Store; 2], seed: u64, open: Box<dyn Fn() -> Store>) -> Self {
        Self {
            open,
            stores,
            leases: Vec::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
            hints: ChaCha8Rng::seed_from_u64(seed),
            command: 0,
        }
    }
}

impl Pair {
    /// Asks both and compares what they say.
    fn same<T: Debug + PartialEq>(&self, ask: impl Fn(&Store) -> Result<T, StoreError>) -> T {
        let [a, b] = self.stores.each_ref().map(|store| ask(store).unwrap());
        assert_eq!(a, b, "at command {}", self.command);
        a
    }

    fn chance(&mut self, of: u32) -> bool {
        self.random.random_range(0..of) == 0
    }

    fn host(&mut self) -> &'static str {
        HOSTS.choose(&mut self.random).copied().unwrap_or(HOSTS[0])
    }

    fn url(&mut self) -> String {
        format!("{}/{}", self.host(), self.random.random_range(0..PATHS))
    }

    fn picture(&mut self) -> u8 {
        self.random.random_range(0..PICTURES)
    }

    fn reason(&mut self) -> String {
        format!("reason {}", self.random.random_range(0..2))
    }

    /// URLs as they stand on a page, or as seeds.
    fn found(&mut self, on_page: bool) -> Vec<Discovery> {
        let count = self.random.random_range(0..5);
        let found = (0..count).map(|_| {
            let url = self.url();
            let role = ROLES
                .choose(&mut self.random)
                .copied()
                .unwrap_or(Role::Page);
            match on_page {
                true if role == Role::Picture => self.with_others(&url),
                true => found(&url, role),
                false => discovery(&url, role),
            }
        });
        found.collect()
    }

    /// A picture of which a page says more.
    fn with_others(&mut self, url: &str) -> Discovery {
        let promises = [Promise::Shown, Promise::Linked, Promise::Guessed];
        let promise = promises[self.hints.random_range(0..3)];
        let others = (0..self.hints.random_range(0..3)).map(|_| {
            let host = HOSTS.choose(&mut self.hints).copied().unwrap_or(HOSTS[0]);
            format!("{host}/{}", self.hints.random_range(0..PATHS))
        });
        let others: Vec<String> = others.collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        with_others(url, promise, &others)
    }

    fn take_lease(&mut self) -> Option<[Lease; 2]> {
        let count = self.leases.len();
        (count > 0).then(|| self.leases.swap_remove(self.random.random_range(0..count)))
    }

    fn hand_out(&mut self, lease: impl Fn(&Store) -> Result<Option<Lease>, StoreError>) {
        let [a, b] = self.stores.each_ref().map(|store| lease(store).unwrap());
        let about = |lease: &Lease| {
            let visit = lease.last_visit().map(undated);
            (lease.id(), lease.record().clone(), visit, lease.promise())
        };
        let told = [&a, &b].map(|lease| lease.as_ref().map(about));
        assert_eq!(told[0], told[1], "at command {}", self.command);
        if let (Some(a), Some(b)) = (a, b) {
            self.leases.push([a, b]);
        }
    }

    fn outcome(&mut self) -> UrlOutcome {
        let reason = self.reason();
        match self.random.random_range(0..8) {
            0 => UrlOutcome::Done,
            5 if self.hints.random() => UrlOutcome::Unwanted(reason),
            1 => UrlOutcome::Unchanged,
            2 => UrlOutcome::Gone(reason),
            3 => UrlOutcome::OptedOut(reason),
            4 => UrlOutcome::Failed(reason),
            5 => UrlOutcome::Refused(reason),
            6 => UrlOutcome::Retry {
                at_ms: self.random.random_range(0..100),
                reason,
            },
            _ => UrlOutcome::Left(reason),
        }
    }

    fn step(&mut self) {
        match self.random.random_range(0..29) {
            0..=2 => {
                let found = self.found(false);
                self.same(|store| store.offer(&found));
            }
            3..=6 => {
                let (host, pages) = (host(self.host()), !self.chance(4));
                self.hand_out(|store| store.lease(host, pages));
            }
            7 => {
                let host = host(self.host());
                let rank = |id: UrlId, _: &UrlRecord| f32::from(id.0[0] % 4);
                self.hand_out(|store| store.lease_best(host, true, 3, &rank));
            }
            8 | 9 => self.settle(),
            10..=12 => self.settle_page(),
            13..=15 => self.commit(),
            16 => self.keep_bodies(),
            17 => {
                let now_ms = self.random.random_range(0..100);
                self.same(|store| store.requeue_due(now_ms));
                if self.chance(2) {
                    self.same(|store| store.requeue_left());
                }
            }
            18 => drop(self.take_lease()),
            19 => {
                let id = picture_id(self.picture());
                self.same(|store| store.remove_picture(id));
            }
            20 => self.remove_host(),
            21 => {
                let reason = self.reason();
                let again = match self.random.random_range(0..4) {
                    0 => Again::Due,
                    1 => Again::Visited,
                    2 => Again::Failed(None),
                    _ => Again::Failed(Some(reason)),
                };
                self.same(|store| store.queue_again(&again));
            }
            22 => {
                let (id, crawl) = (host(self.host()), self.random.random_range(0..3));
                self.begin_run(crawl);
                self.same(|store| store.leave_host(id));
            }
            23 => self.ask_again(),
            24 => self.drop_files(),
            25 => {
                let (n, path) = (self.picture(), format!("/{}.png", self.picture()));
                self.same(|store| store.take_back_file(picture_id(n), path.as_ref()));
            }
            26 => self.keep_labels(),
            27 => {
                let id = self.verdict().id();
                self.same(|store| store.take_back_label(id));
            }
            _ => self.reopen(),
        }
    }

    /// Begins a run that removes at once or not at all, little or much.
    fn begin_run(&mut self, crawl: u64) {
        let rules = RemovalRules {
            gone_after_s: [0, 0, 86_400][self.random.random_range(0..3)],
            most_share: [0.1, 0.5, 1.0][self.random.random_range(0..3)],
            ..RemovalRules::default()
        };
        self.same(|store| store.begin_run(crawl, rules));
    }

    fn ask_again(&mut self) {
        let (id, own) = (url(&self.url()).id(), self.chance(2));
        self.same(|store| store.ask_again(id, own));
        let settings = [self.picture()];
        self.same(|store| store.keep_settings(&settings));
    }

    /// Drops some of the files that are known, and one that may be.
    fn drop_files(&mut self) {
        let mut places = self.same(|store| store.file_places().collect::<Result<Vec<_>, _>>());
        let most = self.random.random_range(0..3);
        places.truncate(most);
        places.push(FilePlace {
            picture: picture_id(self.picture()),
            path: LocalPath::new(format!("/{}.png", self.picture())),
            is_current: true,
        });
        let by_word = self.chance(2).then_some(Path::new("/"));
        self.same(|store| store.drop_files(&places, by_word));
    }

    fn verdict(&mut self) -> Verdict {
        let pictures = [self.picture(), self.picture()].map(picture_id);
        let mode = MODES[self.random.random_range(0..2)].to_owned();
        match self.random.random_range(0..3) {
            0 => Verdict::NotDuplicates { pictures },
            1 => Verdict::Class {
                picture: pictures[0],
                class: mode,
            },
            _ => Verdict::Alike {
                pictures,
                mode,
                is_alike: self.random.random(),
            },
        }
    }

    fn keep_labels(&mut self) {
        let labels = (0..self.random.random_range(0..4)).map(|at_ms| Label {
            verdict: self.verdict(),
            at_ms,
        });
        let labels: Vec<Label> = labels.collect();
        self.same(|store| store.keep_labels(&labels));
    }

    fn settle(&mut self) {
        let outcome = self.outcome();
        if let Some(leases) = self.take_lease() {
            for (store, lease) in self.stores.iter().zip(leases) {
                store.settle(lease, outcome.clone()).unwrap();
            }
        }
    }

    fn settle_page(&mut self) {
        let on_it = self.found(true);
        let shown = self.found(true);
        let elsewhere = self.url();
        let redirected = self.chance(4);
        let (opted_out, unnamed) = (self.chance(4), self.chance(4));
        let Some(leases) = self.take_lease() else {
            return;
        };
        let at = leases[0].record().url.replace("https://", "");
        let mut page = visit(if redirected { &elsewhere } else { &at }, on_it);
        if opted_out {
            // What such a page shows is no find.
            page.found.iter_mut().for_each(|found| found.embed = None);
        }
        page.opted_out = opted_out.then(|| says("noai", &shown));
        let declined = ["noai".to_owned(), self.reason()];
        let count = self.random.random_range(0..3);
        page.declined = declined.into_iter().take(count).collect();
        page.failed = self.chance(4).then(|| self.reason());
        page.validators.unavailable_after_s = unnamed.then_some(1);
        if unnamed {
            page.page = None;
        }
        let [a, b] = leases;
        let queued = [(0, a), (1, b)].map(|(n, lease)| {
            let store: &Store = &self.stores[n];
            store.settle_page(lease, &page).unwrap()
        });
        assert_eq!(queued[0], queued[1], "at command {}", self.command);
    }

    /// Where a picture came from, twice; takes a lease if there is one.
    fn origins(&mut self) -> [Source; 2] {
        let (name, page) = (format!("{}.png", self.picture()), self.url());
        match (self.random.random_range(0..4), self.take_lease()) {
            (0..2, Some(leases)) => leases.map(Source::Url),
            (2, _) => [(); 2].map(|()| Source::Inline {
                page: url(&page),
                embed: Default::default(),
            }),
            _ => [(); 2].map(|()| file(&name)),
        }
    }

    fn commit(&mut self) {
        let mut batches = [Vec::new(), Vec::new()];
        let waiting = self.same(|store| store.waiting().collect::<Result<Vec<_>, _>>());
        for _ in 0..self.random.random_range(1..3) {
            let mut n = self.picture();
            let mut origins = self.origins();
            let of_waiting = (0..PICTURES).find(|n| waiting.contains(&picture_id(*n)));
            if let Some(of_waiting) = of_waiting
                && batches[0].is_empty()
                && self.chance(2)
            {
                n = of_waiting;
                origins = [(); 2].map(|()| Source::Waiting(picture_id(n)));
            }
            let kind = self.random.random_range(0..5);
            let reason = self.reason();
            let outcome = match self.random.random_range(0..4) {
                0 => UrlOutcome::Gone(reason),
                1 => UrlOutcome::OptedOut(reason),
                _ => UrlOutcome::Failed(reason),
            };
            for (i, origin) in origins.into_iter().enumerate() {
                let store = &self.stores[i];
                let may_replace = match &origin {
                    Source::Url(lease) => store.may_replace(lease, picture_id(n)).unwrap(),
                    _ => true,
                };
                batches[i].push(match kind {
                    _ if !may_replace => PictureOutcome::Unusable(origin, outcome.clone()),
                    0 => PictureOutcome::Unusable(origin, outcome.clone()),
                    4 => PictureOutcome::Postponed(origin),
                    1 if store.contains(picture_id(n)).unwrap() => {
                        PictureOutcome::Known(origin, picture_id(n))
                    }
                    _ => PictureOutcome::Picture(origin, picture(store, n)),
                });
            }
        }
        let [a, b] = batches;
        let stored = [
            self.stores[0].commit(a).unwrap(),
            self.stores[1].commit(b).unwrap(),
        ];
        assert_eq!(stored[0], stored[1], "at command {}", self.command);
    }

    fn keep_bodies(&mut self) {
        let n = self.picture();
        let kept = self.origins().into_iter().zip(&self.stores);
        let kept: Vec<_> = kept
            .map(|(origin, store)| {
                let body = Body {
                    origin,
                    id: picture_id(n),
                    bytes: vec![n; 10],
                };
                store.keep_bodies(vec![body]).unwrap()
            })
            .collect();
        assert_eq!(kept[0], kept[1], "at command {}", self.command);
    }

    fn remove_host(&mut self) {
        let name = self.host();
        if self.chance(3) {
            self.same(|store| store.remove_host(name));
        }
        if self.chance(2) {
            // Two leases of one URL, of before and after, would be settled by one commit.
            self.leases.clear();
            self.same(|store| store.take_back_host(host(name)));
        }
    }

    /// Ends the process, as it were: leases end, what was written stays.
    fn reopen(&mut self) {
        self.leases.clear();
        // A store in memory takes the folder's place until that one is closed.
        drop(mem::replace(&mut self.stores[0], memory(LEASE_TIME)));
        self.stores[0] = (self.open)();
        self.begin_run(1);
        for store in &self.stores {
            store.compact(Wasteful::Any).unwrap();
        }
    }
}

/// What does not depend on when the clock was read.
fn undated(visit: &VisitRecord) -> (Validators, [u8; 32], u64, Vec<UrlId>) {
    let it = visit.clone();
    (it.validators, it.content, it.interval_s, it.shown)
}
