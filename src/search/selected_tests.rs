//! A search with a filter gives what a scan of all pictures with that filter gives, whatever came, went and
//! was closed before: random stores, random filters.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::filter::Rest;
use super::{Filter, SearchOptions, Searcher, Selected, View};
use crate::activation::Encoding;
use crate::canonical_url::{CanonicalUrl, HostId};
use crate::head::Ranking;
use crate::index::{Index, IndexConfig, IndexWriter};
use crate::network::{Descriptor, Embedding, Network};
use crate::picture::{PerceptualHash, PictureId};
use crate::search::pool::Unread;
use crate::store::{
    Again, Discovery, Embed, Lease, NewPicture, PageRecord, PageTerms, PageVisit, PictureHint,
    PictureOutcome, Role, Sequence, Source, Store, StoreOptions, UrlOutcome, Validators, now_ms,
};

const HOSTS: usize = 6;
const WORDS: [&str; 3] = ["boat", "Cactus", "red boat"];
/// Candidates of a search, and pictures above which there are graphs.
const CANDIDATES: usize = 50;
const EXACT_BELOW: usize = 300;
/// Points that pictures lie around.
const CENTRES: u64 = 40;

/// A store that pictures come to and leave, and its index.
struct Room {
    network: Network,
    dir: tempfile::TempDir,
    store: Option<Arc<Store>>,
    writer: Option<IndexWriter>,
    random: ChaCha8Rng,
    /// Pictures so far.
    made: u64,
    pages: u64,
}

fn host(number: usize) -> String {
    format!("h{number}.example")
}

impl Room {
    fn new(seed: u64) -> Self {
        let mut room = Self {
            network: Network::builtin().unwrap(),
            dir: tempfile::tempdir().unwrap(),
            store: None,
            writer: None,
            random: ChaCha8Rng::seed_from_u64(seed),
            made: 0,
            pages: 0,
        };
        room.open();
        room
    }

    /// Ends the process, as it were, and begins another.
    fn open(&mut self) {
        (self.writer, self.store) = (None, None);
        let options = StoreOptions {
            network: &self.network,
            activations: Encoding::Compact,
            recent_bytes: None,
            reserve_bytes: 0,
        };
        let store = Arc::new(Store::open(self.dir.path(), &options).unwrap());
        let config = IndexConfig {
            exact_below: EXACT_BELOW,
            ..IndexConfig::default()
        };
        let writer = IndexWriter::open(&store, &config, &|_, _| true);
        (self.store, self.writer) = (Some(store), Some(writer.unwrap()));
    }

    fn store(&self) -> Arc<Store> {
        Arc::clone(self.store.as_ref().unwrap())
    }

    /// One of the hosts: each is named half as often as the one before it.
    fn host(&mut self) -> String {
        let number = (0..HOSTS - 1).find(|_| self.random.random());
        host(number.unwrap_or(HOSTS - 1))
    }

    /// A direction near to one of the centres.
    fn descriptor(&mut self) -> Descriptor {
        let mut centre = ChaCha8Rng::seed_from_u64(self.random.random_range(0..CENTRES));
        let values = (0..self.network.descriptor_dimensions()).map(|_| {
            let centre: f32 = centre.random_range(-1.0..1.0);
            centre + self.random.random_range(-0.8..0.8)
        });
        Descriptor::normalized(values.collect())
    }

    /// Another picture; one in ten is a near-copy of the others of its kind.
    fn picture(&mut self) -> Box<NewPicture> {
        let number = self.made;
        self.made += 1;
        let hash = match number % 10 {
            0 => number % 70,
            _ => self.random.random(),
        };
        Box::new(NewPicture {
            id: PictureId::of(&number.to_le_bytes()),
            width: 100 * self.random.random_range(1..=20),
            height: 100 * self.random.random_range(1..=20),
            media_type: "image/png",
            bytes: 1,
            perceptual_hash: PerceptualHash(hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            embedding: Embedding::normalized(&[1.0]),
            descriptor: self.descriptor(),
            look: None,
            thumbnail: Vec::new(),
            // Any four of its bytes are a number that can be computed with.
            block: vec![0x3c; self.store().layout().block_len()],
        })
    }

    fn file(&mut self) -> PictureOutcome {
        let path = format!("/{}.png", self.made).into();
        let origin = Source::File {
            path,
            bytes: 1,
            modified_ns: 1,
        };
        PictureOutcome::Picture(origin, self.picture())
    }

    /// How a page shows a picture's URL.
    fn shown(&mut self, url: &CanonicalUrl) -> Discovery {
        let words = WORDS.choose(&mut self.random).copied().unwrap_or_default();
        Discovery {
            embed: Some(Embed {
                alt: words.to_owned(),
                ..Embed::default()
            }),
            ..found(url.clone(), Role::Picture)
        }
    }

    /// A page with some pictures, which come before it or after.
    fn page(&mut self) {
        let store = self.store();
        let page = url(&format!("{}/page/{}", self.host(), self.pages));
        self.pages += 1;
        let urls: Vec<CanonicalUrl> = (0..12)
            .map(|n| url(&format!("{}/{}/{n}.png", self.host(), self.pages)))
            .collect();
        let shown: Vec<Discovery> = urls.iter().map(|url| self.shown(url)).collect();
        let is_first = self.random.random();
        if is_first {
            self.visit(&page, shown.clone());
        }
        let queued: Vec<Discovery> = urls
            .iter()
            .map(|url| found(url.clone(), Role::Picture))
            .collect();
        store.offer(&queued).unwrap();
        let mut outcomes = Vec::new();
        for url in urls {
            // Of a host that was removed nothing is taken.
            let Some(lease) = store.lease(url.host_id(), false).unwrap() else {
                continue;
            };
            let picture = self.picture();
            outcomes.push(PictureOutcome::Picture(Source::Url(lease), picture));
        }
        store.commit(outcomes).unwrap();
        if !is_first {
            self.visit(&page, shown);
        }
    }

    fn visit(&mut self, page: &CanonicalUrl, shown: Vec<Discovery>) {
        let store = self.store();
        store.offer(&[found(page.clone(), Role::Page)]).unwrap();
        if let Some(lease) = store.lease(page.host_id(), true).unwrap() {
            self.settle_page(lease, shown);
        }
    }

    fn settle_page(&mut self, lease: Lease, shown: Vec<Discovery>) {
        let url = CanonicalUrl::parse(&lease.record().url).unwrap();
        let page = PageRecord {
            url: url.to_string(),
            title: String::new(),
            fetched_at: 1,
        };
        let visit = PageVisit {
            url,
            // Some pages are not to be recorded.
            page: (self.random.random_range(0..8) > 0).then_some(page),
            content: [0; 32],
            validators: Validators::default(),
            found: shown,
            opted_out: None,
            declined: BTreeSet::new(),
            failed: None,
            terms: PageTerms::default(),
        };
        self.store().settle_page(lease, &visit).unwrap();
    }

    /// Visits much again: pages show other pictures, some pictures are gone, or are others.
    fn visit_again(&mut self) {
        let store = self.store();
        store.queue_again(&Again::Visited).unwrap();
        for number in 0..HOSTS {
            let id = HostId::of(&host(number));
            let mut left = Vec::new();
            while let Some(lease) = store.lease(id, true).unwrap() {
                let record = lease.record();
                match (record.role, self.random.random_range(0..10)) {
                    (_, 0..7) => left.push(lease),
                    (Role::Page, _) => {
                        let other = self.random.random_range(1..=self.pages);
                        let other = url(&format!("{}/{other}/0.png", self.host()));
                        let shown = self.shown(&other);
                        self.settle_page(lease, vec![shown]);
                    }
                    (_, 7) => store
                        .settle(lease, UrlOutcome::OptedOut("noai".to_owned()))
                        .unwrap(),
                    _ => {
                        let outcome = PictureOutcome::Picture(Source::Url(lease), self.picture());
                        store.commit(vec![outcome]).unwrap();
                    }
                }
            }
            for lease in left {
                store.settle(lease, UrlOutcome::Unchanged).unwrap();
            }
        }
    }

    fn remove(&mut self) {
        for _ in 0..30 {
            let number: u64 = self.random.random_range(0..self.made);
            let id = PictureId::of(&number.to_le_bytes());
            self.store().remove_picture(id).unwrap();
        }
    }

    fn filter(&mut self, pictures: u64) -> Filter {
        let now_s = now_ms() / 1000;
        let mut filter = Filter::default();
        if self.random.random_range(0..3) > 0 {
            filter.host = Some(self.host());
        }
        if self.random.random() {
            filter.min_width = self.random.random_range(0..2100);
            filter.min_height = self.random.random_range(0..2100);
        }
        match self.random.random_range(0..8) {
            0 => filter.since_s = Some(now_s - 1_000_000),
            1 => filter.until_s = Some(now_s - 1_000_000),
            2 => filter.words = Filter::words_of(WORDS[self.random.random_range(0..3)]),
            3 => {
                let hidden = (0..100).map(|_| Sequence(self.random.random_range(0..pictures)));
                filter.hidden = Arc::new(hidden.collect());
            }
            _ => {}
        }
        filter
    }

    /// Random filters against scans. Gives how many candidates of walks should have come, and did.
    fn compare(&mut self) -> [usize; 2] {
        let store = self.store();
        let index = self.writer.as_mut().unwrap().refresh().unwrap();
        assert!(index.is_graph());
        assert!(!index.near_duplicates().groups().is_empty());
        let all: Vec<Sequence> = store.pictures().map(|entry| entry.unwrap().0).collect();
        assert_eq!(all.len(), index.len());
        let scan = Arc::new(index.of_few(&store, &all));
        let of_index = |index: &Arc<Index>| {
            let view = View {
                index: Arc::clone(index),
                mean: None,
                looks: None,
                gathered: None,
            };
            Searcher::new(Arc::clone(&store), view, Arc::new(Ranking::Embedding))
        };
        let (walked, scanned) = (of_index(&index), of_index(&scan));
        let mut came = [0, 0];
        for _ in 0..30 {
            let filter = self.filter(store.next_sequence());
            let asks_all = Rest {
                host: filter.host.is_some(),
                measure: true,
                words: true,
            };
            let is_let_through = |sequence: &&Sequence| {
                !filter.hidden.contains(sequence)
                    && filter.accepts_rest(&store, **sequence, asks_all)
            };
            let expected: Vec<Sequence> = all.iter().filter(is_let_through).copied().collect();
            let selected = Selected::of(&store, &filter).unwrap();
            let accepted = all.iter().filter(|sequence| selected.accepts(**sequence));
            assert!(accepted.eq(&expected), "{filter:?}");
            if filter.words.is_empty() && !filter.is_open() {
                assert_eq!(selected.at_most(expected.len()), Some(expected.clone()));
                let less = expected.len().checked_sub(1);
                assert_eq!(less.and_then(|less| selected.at_most(less)), None);
            }
            let is_few = selected.at_most(index.few(CANDIDATES)).is_some();
            let query = vec![vec![NewPicture {
                id: PictureId::of(b"none"),
                ..*self.picture()
            }]];
            let options = SearchOptions {
                filter: filter.clone(),
                ..SearchOptions::new(10, CANDIDATES)
            };
            let [walk, scan] = [&walked, &scanned].map(|searcher| {
                let mut unread = Unread::default();
                let found = searcher.candidates(&query, &options, &selected, &mut unread);
                found.unwrap().0
            });
            assert!(scan.len() == expected.len().min(CANDIDATES) || scan.len() < expected.len());
            if is_few {
                assert_eq!(walk, scan, "{filter:?}");
                continue;
            }
            let walk: HashSet<Sequence> = walk.iter().map(|it| it.sequence).collect();
            came[0] += scan.len();
            came[1] += scan.iter().filter(|it| walk.contains(&it.sequence)).count();
        }
        came
    }
}

fn url(text: &str) -> CanonicalUrl {
    CanonicalUrl::parse(&format!("https://{text}")).unwrap()
}

fn found(url: CanonicalUrl, role: Role) -> Discovery {
    Discovery {
        url,
        role,
        depth: u32::from(role != Role::Page),
        embed: None,
        hint: PictureHint::default(),
    }
}

#[test]
fn a_search_with_a_filter_gives_what_a_scan_gives() {
    let mut room = Room::new(11);
    let mut came = [0, 0];
    for round in 0..4 {
        for _ in 0..if round == 0 { 80 } else { 8 } {
            room.page();
        }
        let files: Vec<PictureOutcome> = (0..100).map(|_| room.file()).collect();
        room.store().commit(files).unwrap();
        if round > 0 {
            room.visit_again();
            room.remove();
        }
        if round == 2 {
            room.store().remove_host(&host(HOSTS - 1)).unwrap();
        }
        if round % 2 == 0 {
            room.open();
        }
        for (sum, of_round) in came.iter_mut().zip(room.compare()) {
            *sum += of_round;
        }
    }
    let [expected, found] = came;
    assert!(expected > 1_000, "{expected}");
    assert!(
        found as f64 >= 0.99 * expected as f64,
        "{found} of {expected}"
    );
}
