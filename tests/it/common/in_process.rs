//! The engine in the test's own process, without the program around it.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use simdex::app::{Collection, Extraction, Heads, NamedPicture, Observer, Question};
use simdex::config::Config;
use simdex::search::{QueryResult, SearchOptions};

/// The network and its sessions, which all tests of this program share.
pub static EXTRACTION: LazyLock<Extraction> =
    LazyLock::new(|| Extraction::new(&Config::default(), Observer::silent()).unwrap());

/// How long is waited for what must come. Where nothing else runs it takes a second at most.
const PATIENCE: Duration = Duration::from_secs(180);

/// Opens the collection in the folder `store` of `dir`, making it where there is none. It may
/// crawl the servers of tests, at full speed.
pub fn collection(dir: &Path) -> Collection {
    collection_with(dir, |_| ())
}

/// The same with a configuration of its own.
pub fn collection_with(dir: &Path, configure: impl FnOnce(&mut Config)) -> Collection {
    let mut config = Config {
        data_dir: Some(dir.join("store")),
        ..Config::default()
    };
    config.store.reserve_disk_mb = 0;
    config.crawl.delay_ms = 0;
    config.crawl.allow_private_addresses = true;
    configure(&mut config);
    let heads = Heads::new(&EXTRACTION, "fused");
    Collection::open(config, EXTRACTION.clone(), heads, Observer::silent()).unwrap()
}

/// Asks for pictures like one.
pub fn search(
    collection: &Collection,
    bytes: &[u8],
    head: &str,
    options: &SearchOptions,
) -> QueryResult {
    let picture = NamedPicture {
        name: "query".to_owned(),
        bytes: bytes.to_vec(),
    };
    let question = Question {
        name: picture.name.clone(),
        wanted: vec![picture.into()],
        ..Question::default()
    };
    let head = collection.heads().named(Some(head)).unwrap();
    collection.search(&question, &head, options).unwrap()
}

/// Waits until `look` gives something.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
