//! From jobs to receipts, in the test's own process.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::common::in_process::{EXTRACTION, wait_for};
use crate::common::jpeg;
use simdex::activation::Encoding;
use simdex::canonical_url::{CanonicalUrl, HostId};
use simdex::demo::drawing::Motif;
use simdex::ingest::{
    Ingest, Job, LocalFile, Receipt, ReceiptOutcome, Terms, WebPicture, add_features,
};
use simdex::picture::{Limits, PictureId};
use simdex::shutdown::Shutdown;
use simdex::store::{Discovery, Embed, Lease, PictureHint, Role, Store, StoreOptions, UrlState};

const HOST: &str = "example.org";

fn store() -> Arc<Store> {
    Arc::new(Store::in_memory(&StoreOptions {
        network: EXTRACTION.network(),
        activations: Encoding::Int8,
        recent_bytes: None,
        reserve_bytes: 0,
    }))
}

/// Small enough that a test's picture can be too large.
fn limits() -> Limits {
    Limits {
        max_pixels: 100_000,
        ..*EXTRACTION.limits()
    }
}

fn start<J: Into<Job> + Send + 'static>(store: &Arc<Store>) -> Ingest<J> {
    let engine = EXTRACTION.engine().unwrap();
    Ingest::start(store, engine, EXTRACTION.network(), limits(), None, None).unwrap()
}

fn url(name: &str) -> CanonicalUrl {
    CanonicalUrl::parse(&format!("https://{HOST}/{name}")).unwrap()
}

/// Queues a picture's URL and takes it from the queue.
fn lease(store: &Store, name: &str) -> Lease {
    let found = Discovery {
        url: url(name),
        role: Role::Picture,
        depth: 1,
        embed: None,
        hint: PictureHint::default(),
    };
    store.offer(&[found]).unwrap();
    store.lease(HostId::of(HOST), true).unwrap().unwrap()
}

fn fetched(store: &Store, name: &str, bytes: &[u8]) -> WebPicture {
    WebPicture::Fetched {
        lease: lease(store, name),
        bytes: bytes.to_vec(),
        terms: Terms::default(),
    }
}

/// The first half of a picture, in a format whose pictures are of no use without the other.
fn half_a_picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let whole = crate::common::picture(Motif::Fish, 3);
    whole.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let bytes = bytes.into_inner();
    bytes[..bytes.len() / 2].to_vec()
}

fn state(store: &Store, name: &str) -> UrlState {
    store.url_record(url(name).id()).unwrap().unwrap().state
}

fn file(path: &Path, bytes: &[u8]) -> LocalFile {
    std::fs::write(path, bytes).unwrap();
    LocalFile {
        path: path.to_owned(),
        bytes: bytes.len() as u64,
        modified_ns: 1,
    }
}

/// Hands jobs in one after the other and gives their receipts by their source. Each is durable
/// before the next one comes.
fn receipts<J: std::fmt::Debug>(
    ingest: Ingest<J>,
    jobs: Vec<J>,
) -> BTreeMap<String, ReceiptOutcome> {
    let (sender, receiver) = (ingest.jobs(), ingest.receipts());
    let receipts = jobs.into_iter().map(|job| {
        sender.send_blocking(job).unwrap();
        let Receipt { source, outcome } = receiver.recv_blocking().unwrap();
        (source, outcome)
    });
    let receipts = receipts.collect();
    drop(sender);
    ingest.finish().unwrap();
    assert!(receiver.recv_blocking().is_err(), "one receipt a job");
    receipts
}

#[test]
fn every_job_has_a_receipt_that_says_what_came_of_it() {
    let store = store();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (fish, house) = (jpeg(Motif::Fish, 1), jpeg(Motif::House, 1));
    let large = simdex::demo::drawing::draw(Motif::Fish, 2, 400, 300);
    let large = simdex::edit::jpeg(&large, 90).unwrap();
    let jobs = vec![
        Job::from(file(&path("fish.jpg"), &fish)),
        file(&path("again.jpg"), &fish).into(),
        file(&path("broken.png"), &half_a_picture()).into(),
        file(&path("large.jpg"), &large).into(),
        file(&path("page.jpg"), b"<!DOCTYPE html><title>x</title>").into(),
        fetched(&store, "fish", &fish).into(),
        fetched(&store, "house", &house).into(),
        fetched(&store, "broken", b"no picture").into(),
        fetched(&store, "large", &large).into(),
    ];
    let receipts = receipts(start(&store), jobs);
    assert_eq!(receipts.len(), 9);
    let reason = |name: &str| match &receipts[name] {
        ReceiptOutcome::Failed(reason, message) | ReceiptOutcome::Refused(reason, message) => {
            assert!(!message.is_empty(), "{name}");
            reason.as_str()
        }
        other => panic!("{name}: {other:?}"),
    };
    let of_file = |name: &str| path(name).display().to_string();
    let [fish, house] = [&fish, &house].map(|bytes| PictureId::of(bytes));
    let of_url = |name: &str| url(name).to_string();
    assert!(matches!(receipts[&of_file("fish.jpg")], ReceiptOutcome::Stored(id) if id == fish));
    assert!(matches!(receipts[&of_file("again.jpg")], ReceiptOutcome::Duplicate(id) if id == fish));
    assert!(matches!(receipts[&of_url("fish")], ReceiptOutcome::Duplicate(id) if id == fish));
    assert!(matches!(receipts[&of_url("house")], ReceiptOutcome::Stored(id) if id == house));
    assert_eq!(reason(&of_file("broken.png")), "broken_picture");
    assert_eq!(reason(&of_file("large.jpg")), "too_many_pixels");
    assert_eq!(reason(&of_file("page.jpg")), "html_not_picture");
    assert_eq!(reason(&of_url("broken")), "unknown_format");
    assert_eq!(reason(&of_url("large")), "too_many_pixels");
    assert_eq!(state(&store, "fish"), UrlState::Done);
    assert_eq!(
        state(&store, "broken"),
        UrlState::Failed("unknown_format".into())
    );
    assert_eq!(
        state(&store, "large"),
        UrlState::Refused("too_many_pixels".into())
    );
    // The picture with three places knows all of them.
    assert_eq!(store.picture_count(), 2);
    let seen = store.provenance(fish).unwrap();
    assert_eq!((seen.paths.len(), seen.urls.len()), (2, 1));
}

#[test]
fn a_picture_in_a_page_is_stored_when_its_page_is_told_so() {
    let store = store();
    let ingest = start(&store);
    let (jobs, receipts) = (ingest.jobs(), ingest.receipts());
    for (bytes, is_stored) in [
        (jpeg(Motif::Fish, 1), true),
        (b"no picture".to_vec(), false),
    ] {
        let id = PictureId::of(&bytes);
        let (stored, told) = async_channel::bounded(1);
        let job = WebPicture::Inline {
            page: url("page"),
            embed: Embed::default(),
            bytes,
            terms: Terms::default(),
            stored,
        };
        jobs.send_blocking(job).unwrap();
        assert!(told.recv_blocking().is_ok());
        assert_eq!(store.contains(id).unwrap(), is_stored);
        let receipt = receipts.recv_blocking().unwrap();
        assert!(receipt.source.contains("in the page itself"));
    }
    drop(jobs);
    ingest.finish().unwrap();
    assert_eq!(store.picture_count(), 1);
}

#[test]
fn kept_pictures_get_their_features_later() {
    let store = store();
    let (fish, house) = (jpeg(Motif::Fish, 1), jpeg(Motif::House, 1));
    let jobs = vec![
        fetched(&store, "fish", &fish),
        fetched(&store, "house", &house),
        fetched(&store, "same-house", &house),
        fetched(&store, "broken", &half_a_picture()),
        fetched(&store, "page", b"<!DOCTYPE html><title>x</title>"),
    ];
    let kept = receipts(Ingest::keep_only(&store, limits(), None), jobs);
    let of = |name: &str| &kept[&url(name).to_string()];
    assert!(matches!(of("fish"), ReceiptOutcome::Kept(_)));
    assert!(matches!(of("same-house"), ReceiptOutcome::Duplicate(_)));
    // The header alone does not tell that the rest is missing.
    assert!(matches!(of("broken"), ReceiptOutcome::Kept(_)));
    assert!(matches!(of("page"), ReceiptOutcome::Failed(..)));
    assert_eq!((store.waiting_count(), store.picture_count()), (3, 0));
    let (mut stored, mut failed) = (BTreeSet::new(), 0);
    let ingest = start(&store);
    add_features(
        &store,
        ingest,
        &Shutdown::manual(),
        &mut |receipt| match receipt.outcome {
            ReceiptOutcome::Stored(id) => assert!(stored.insert(id)),
            ReceiptOutcome::Failed(reason, _) => {
                assert_eq!(reason, "broken_picture");
                failed += 1;
            }
            other => panic!("{other:?}"),
        },
    )
    .unwrap();
    assert_eq!(
        stored,
        [&fish, &house].map(|bytes| PictureId::of(bytes)).into()
    );
    assert_eq!(
        (failed, store.waiting_count(), store.picture_count()),
        (1, 0, 2)
    );
    let seen = store.provenance(PictureId::of(&house)).unwrap();
    assert_eq!(seen.urls.len(), 2);
}

#[test]
fn a_slow_receiver_loses_nothing() {
    const JOBS: u32 = 400;
    let store = store();
    let ingest = start(&store);
    let (jobs, receipts) = (ingest.jobs(), ingest.receipts());
    let queue = jobs.clone();
    let feeder = std::thread::spawn(move || {
        for n in 0..JOBS {
            let (stored, _) = async_channel::bounded(1);
            let job = WebPicture::Inline {
                page: url(&n.to_string()),
                embed: Embed::default(),
                // Two of them are pictures.
                bytes: match n % 200 {
                    100 => jpeg(Motif::Fish, u64::from(n)),
                    _ => n.to_le_bytes().to_vec(),
                },
                terms: Terms::default(),
                stored,
            };
            jobs.send_blocking(job).unwrap();
        }
    });
    // Until nothing goes on any more: every queue is full.
    wait_for("full queues", || {
        (queue.is_full() && receipts.is_full()).then_some(())
    });
    drop(queue);
    assert!(!feeder.is_finished(), "whoever hands in waits");
    let finisher = std::thread::spawn(move || ingest.finish());
    let mut sources = BTreeSet::new();
    let mut stored = 0;
    while let Ok(receipt) = receipts.recv_blocking() {
        stored += u32::from(matches!(receipt.outcome, ReceiptOutcome::Stored(_)));
        assert!(sources.insert(receipt.source));
    }
    feeder.join().unwrap();
    finisher.join().unwrap().unwrap();
    assert_eq!((sources.len(), stored), (JOBS as usize, 2));
    assert_eq!(store.picture_count(), 2);
}
