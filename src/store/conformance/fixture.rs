//! What the tests of stores share.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use tempfile::TempDir;

use crate::activation::Encoding;
use crate::canonical_url::{CanonicalUrl, HostId};
use crate::network::{Descriptor, Embedding, LookDescriptor, LookProjection, Network};
use crate::picture::{PerceptualHash, PictureId};
use crate::store::{
    Alternate, Discovery, Embed, LEASE_TIME, Lease, MemoryMetadata, NewPicture, OptedOut,
    PageRecord, PageTerms, PageVisit, PictureHint, PictureOutcome, Promise, Role, Source, Store,
    StoreOptions, UrlOutcome, Validators,
};

static NETWORK: LazyLock<Network> = LazyLock::new(|| Network::builtin().unwrap());

pub(in crate::store) fn options() -> StoreOptions<'static> {
    StoreOptions {
        network: &NETWORK,
        activations: Encoding::Int8,
        recent_bytes: None,
        reserve_bytes: 0,
    }
}

/// A new store in a folder, which is deleted with the first of the two.
pub(super) fn embedded(lease_time: Duration) -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir, lease_time);
    (dir, store)
}

pub(super) fn open(dir: &TempDir, lease_time: Duration) -> Store {
    Store::open_with(dir.path(), &options(), lease_time).unwrap()
}

/// Opens the store on a server.
#[cfg(feature = "cluster")]
pub(in crate::store) fn open_cluster(
    cluster: &crate::store::ClusterOptions,
    lease_time: Duration,
) -> Store {
    Store::in_cluster((cluster, None), &options(), lease_time, Box::new(())).unwrap()
}

pub(super) fn memory(lease_time: Duration) -> Store {
    Store::with_lease_time(lease_time)
}

impl Store {
    /// A new store in memory whose leases last `lease_time`, also for tests of those who lease.
    pub(crate) fn with_lease_time(lease_time: Duration) -> Self {
        Self::in_memory_with(&options(), lease_time)
    }

    /// One in memory beside which another process asks a host.
    pub(crate) fn beside_another(host: HostId) -> Self {
        let metadata = MemoryMetadata::beside_another(LEASE_TIME, host);
        Self {
            metadata: Box::new(metadata),
            ..Self::in_memory_with(&options(), LEASE_TIME)
        }
    }
}

pub(in crate::store) fn url(text: &str) -> CanonicalUrl {
    CanonicalUrl::parse(&format!("https://{text}")).unwrap()
}

/// A seed if it is a page.
pub(in crate::store) fn discovery(text: &str, role: Role) -> Discovery {
    let depth = u32::from(role != Role::Page);
    Discovery {
        url: url(text),
        role,
        depth,
        embed: None,
        hint: PictureHint::default(),
    }
}

/// A link or a picture on a page.
pub(in crate::store) fn found(text: &str, role: Role) -> Discovery {
    let embed = (role == Role::Picture).then(|| Embed {
        alt: format!("alt of {text}"),
        ..Embed::default()
    });
    Discovery {
        depth: 1,
        embed,
        ..discovery(text, role)
    }
}

/// A picture on a page with other versions.
pub(super) fn with_others(text: &str, promise: Promise, others: &[&str]) -> Discovery {
    let others = others.iter().map(|text| Alternate {
        url: url(text),
        promise: Promise::Shown,
    });
    Discovery {
        hint: PictureHint {
            promise,
            others: others.collect(),
            ..PictureHint::default()
        },
        ..found(text, Role::Picture)
    }
}

pub(in crate::store) fn host(name: &str) -> HostId {
    HostId::of(name)
}

/// It is to be tried again.
pub(super) fn retry(at_ms: u64) -> UrlOutcome {
    UrlOutcome::Retry {
        at_ms,
        reason: "timeout".to_owned(),
    }
}

/// Queues URLs of one role.
pub(in crate::store) fn offer(store: &Store, role: Role, urls: &[&str]) {
    let found: Vec<_> = urls.iter().map(|text| discovery(text, role)).collect();
    store.offer(&found).unwrap();
}

/// The next lease of a host, which must have one.
pub(in crate::store) fn lease(store: &Store, name: &str) -> Lease {
    store.lease(host(name), true).unwrap().unwrap()
}

/// A page that was read.
pub(in crate::store) fn visit(text: &str, found: Vec<Discovery>) -> PageVisit {
    let page = PageRecord {
        url: url(text).to_string(),
        title: format!("title of {text}"),
        fetched_at: 1,
    };
    PageVisit {
        url: url(text),
        page: Some(page),
        content: *blake3::hash(text.as_bytes()).as_bytes(),
        validators: Validators::default(),
        found,
        opted_out: None,
        declined: BTreeSet::new(),
        failed: None,
        terms: PageTerms::default(),
    }
}

/// A page's word about the pictures that it shows.
pub(super) fn says(reason: &'static str, shown: &[Discovery]) -> OptedOut {
    OptedOut {
        reason,
        shown: shown.iter().map(|found| found.url.id()).collect(),
    }
}

pub(in crate::store) fn picture_id(n: u8) -> PictureId {
    PictureId::of(&[n])
}

/// The block of the picture of a number.
pub(in crate::store) fn block(store: &Store, n: u8) -> Vec<u8> {
    vec![n; store.layout().block_len()]
}

pub(in crate::store) fn picture(store: &Store, n: u8) -> Box<NewPicture> {
    picture_with(block(store, n), n)
}

pub(in crate::store) fn picture_with(block: Vec<u8>, n: u8) -> Box<NewPicture> {
    let values = |count: usize| {
        (0..count)
            .map(|i| (i % (usize::from(n) + 2)) as f32)
            .collect()
    };
    let descriptor: Vec<f32> = values(NETWORK.descriptor_dimensions());
    let embedding: Vec<f32> = values(NETWORK.manifest().embedding.dimensions);
    let look: Vec<f32> = values(NETWORK.look().map_or(0, LookProjection::dimensions));
    Box::new(NewPicture {
        id: picture_id(n),
        width: 8,
        height: u32::from(n),
        media_type: "image/png",
        bytes: 1,
        perceptual_hash: PerceptualHash(u64::from(n)),
        embedding: Embedding::normalized(&embedding),
        descriptor: Descriptor::normalized(descriptor),
        look: Some(LookDescriptor::quantised(&look)),
        thumbnail: vec![n],
        block,
    })
}

pub(in crate::store) fn file(name: &str) -> Source {
    Source::File {
        path: format!("/{name}").into(),
        bytes: 1,
        modified_ns: 1,
    }
}

/// Stores one picture; says whether it was new.
pub(in crate::store) fn commit(store: &Store, origin: Source, n: u8) -> bool {
    let outcome = PictureOutcome::Picture(origin, picture(store, n));
    store.commit(vec![outcome]).unwrap() == [true]
}

/// Queues, leases and stores the picture of a URL.
pub(in crate::store) fn fetch(store: &Store, name: &str, text: &str, n: u8) -> bool {
    offer(store, Role::Picture, &[text]);
    let lease = lease(store, name);
    assert_eq!(lease.record().url, url(text).to_string());
    commit(store, Source::Url(lease), n)
}
