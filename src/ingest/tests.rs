//! What a fault that passes costs: nothing.

use std::sync::Arc;

use super::worker::Featurize;
use super::{
    FeatureError, Ingest, Job, LocalFile, MatchFilter, ReceiptOutcome, Terms, WebPicture,
    add_features,
};
use crate::activation::Layout;
use crate::canonical_url::{CanonicalUrl, HostId};
use crate::network::ExtractError;
use crate::picture::{Limits, PictureError, PictureId, Truncated};
use crate::shutdown::Shutdown;
use crate::store::{
    Body, Discovery, Embed, Lease, NewPicture, PictureHint, Role, Source, Store, UrlState,
};

const HOST: &str = "example.org";
const LIMITS: Limits = Limits {
    max_bytes: 1 << 20,
    max_pixels: 1 << 20,
    min_side: 1,
    decode_bytes: 1 << 20,
    truncated: Truncated::Refuse,
};

/// Fails as the bytes say.
struct Failing;

impl Featurize for Failing {
    fn features(
        &mut self,
        bytes: &[u8],
        _: &Limits,
        _: &Layout,
    ) -> Result<NewPicture, FeatureError> {
        Err(match bytes {
            b"network" => ExtractError::Runtime("out of memory".to_owned()).into(),
            b"limit" => PictureError::TooLarge { bytes: 2, limit: 1 }.into(),
            b"decoder panic" => PictureError::DecoderPanicked.into(),
            b"broken" => PictureError::Broken("cut off".to_owned()).into(),
            other => panic!("as a layer may over {other:?}"),
        })
    }
}

fn store() -> Arc<Store> {
    let store = Store::with_lease_time(std::time::Duration::from_secs(600));
    Arc::new(store)
}

fn start<J: Into<Job> + Send + 'static>(
    store: &Arc<Store>,
    screen: Option<MatchFilter>,
) -> Ingest<J> {
    Ingest::start_with(store, &|| Ok(Failing), LIMITS, screen, None).unwrap()
}

fn url(name: &str) -> CanonicalUrl {
    CanonicalUrl::parse(&format!("https://{HOST}/{name}")).unwrap()
}

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

/// Hands in one job and gives what came of it.
fn outcome(store: &Arc<Store>, screen: Option<MatchFilter>, job: Job) -> ReceiptOutcome {
    let ingest = start(store, screen);
    let (jobs, receipts) = (ingest.jobs(), ingest.receipts());
    jobs.send_blocking(job).unwrap();
    drop(jobs);
    let receipt = receipts.recv_blocking().unwrap();
    ingest.finish().unwrap();
    receipt.outcome
}

fn is_postponed(outcome: &ReceiptOutcome) -> bool {
    matches!(outcome, ReceiptOutcome::Postponed(reason, message)
        if reason == "network" && !message.is_empty())
}

#[test]
fn only_a_verdict_on_the_bytes_that_were_fetched_drops_what_waits() {
    let store = store();
    let bodies: [&[u8]; 5] = [
        b"network",
        b"limit",
        b"decoder panic",
        b"a panic",
        b"broken",
    ];
    let mut kept: Vec<Body> = bodies
        .iter()
        .map(|bytes| Body {
            origin: Source::File {
                path: format!("/{}", PictureId::of(bytes)).into(),
                bytes: 1,
                modified_ns: 1,
            },
            id: PictureId::of(bytes),
            bytes: bytes.to_vec(),
        })
        .collect();
    // Broken bytes in the place of others.
    kept.push(Body {
        origin: Source::Url(lease(&store, "other")),
        id: PictureId::of(b"other"),
        bytes: b"broken".to_vec(),
    });
    store.keep_bodies(kept).unwrap();
    let (mut postponed, mut failed) = (0, 0);
    add_features(
        &store,
        start(&store, None),
        &Shutdown::manual(),
        &mut |receipt| match receipt.outcome {
            ReceiptOutcome::Postponed(..) => postponed += 1,
            ReceiptOutcome::Failed(reason, _) => {
                assert_eq!(reason, "broken_picture");
                failed += 1;
            }
            other => panic!("{other:?}"),
        },
    )
    .unwrap();
    assert_eq!((postponed, failed, store.waiting_count()), (5, 1, 5));
    assert!(!store.waits(PictureId::of(b"broken")).unwrap());
    let other = PictureId::of(b"other");
    assert_eq!(store.provenance(other).unwrap().urls.len(), 1);
}

#[test]
fn a_url_is_left_to_the_next_run() {
    let store = store();
    for bytes in ["network", "a panic"] {
        let lease = lease(&store, "x");
        let id = lease.id();
        let fetched = WebPicture::Fetched {
            lease,
            bytes: bytes.into(),
            terms: Terms::default(),
        };
        assert!(is_postponed(&outcome(&store, None, fetched.into())));
        let record = store.url_record(id).unwrap().unwrap();
        assert_eq!((record.state, record.attempts), (UrlState::Open, 0));
        assert!(store.lease(HostId::of(HOST), true).unwrap().is_none());
        store.requeue_left().unwrap();
    }
    assert!(store.lease(HostId::of(HOST), true).unwrap().is_some());
}

#[test]
fn a_file_is_tried_again_when_it_is_added_again() {
    let store = store();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jpg");
    std::fs::write(&path, "network").unwrap();
    let file = LocalFile {
        path: path.clone(),
        bytes: 7,
        modified_ns: 1,
    };
    assert!(is_postponed(&outcome(&store, None, file.into())));
    assert_eq!(store.known_file(&path, 7, 1).unwrap(), None);
}

#[test]
fn a_picture_in_a_page_is_kept_for_later_unless_only_matches_are() {
    for keep_matches in [false, true] {
        let store = store();
        let (stored, told) = async_channel::bounded(1);
        let inline = WebPicture::Inline {
            page: url("page"),
            embed: Embed::default(),
            bytes: b"network".to_vec(),
            terms: Terms::default(),
            stored,
        };
        let (matches, _) = async_channel::unbounded();
        let screen = MatchFilter {
            score: Box::new(|_| 1.0),
            min_score: 0.5,
            keep_matches,
            matches,
        };
        let outcome = outcome(&store, Some(screen), inline.into());
        assert_eq!(is_postponed(&outcome), !keep_matches, "{outcome:?}");
        assert!(told.try_recv().is_ok(), "its page goes on");
        let id = PictureId::of(b"network");
        assert_eq!(store.waits(id).unwrap(), !keep_matches);
    }
}
