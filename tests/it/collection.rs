//! The engine as a server will use it: one collection, shared by threads, searched while it
//! grows.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use crate::common::in_process::{EXTRACTION, collection, collection_with, search, wait_for};
use crate::common::{SITE, draw_folders, jpeg, numbered, serve};
use serde_json::Value;
use simdex::app::{Collection, CrawlEnd, CrawlJob, QueuedAgain, Removal};
use simdex::canonical_url::CanonicalUrl;
use simdex::crawl::{Event, Rounds};
use simdex::demo::drawing::Motif;
use simdex::head::Mode;
use simdex::search::{Filter, QueryResult, SearchOptions};
use simdex::shutdown::Shutdown;
use simdex::store::{NewPicture, PictureOutcome, Source};
use testweb::reply::Reply;
use testweb::server::Server;

/// Everything, in the index's order.
fn everything() -> SearchOptions {
    SearchOptions::new(1_000, 1_000)
}

fn add(collection: &Collection, folder: &Path) {
    let ignore = &mut |_: simdex::app::AddEvent<'_>| ();
    collection
        .add(&[folder.to_owned()], &Shutdown::manual(), ignore)
        .unwrap();
}

/// Crawls through a clone on a thread of its own.
fn crawl(collection: &Collection, url: &str, shutdown: &Shutdown) -> JoinHandle<CrawlEnd> {
    let job = CrawlJob {
        seeds: vec![CanonicalUrl::parse(url).unwrap()],
        ..CrawlJob::default()
    };
    begin(collection, job, shutdown)
}

fn begin(collection: &Collection, job: CrawlJob, shutdown: &Shutdown) -> JoinHandle<CrawlEnd> {
    let (collection, shutdown) = (collection.clone(), shutdown.clone());
    spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (again, observe) = (&mut |_: QueuedAgain<'_>| (), &mut |_: Event<'_>| ());
        let crawl = collection.crawl(job, &shutdown, again, observe);
        runtime.block_on(crawl).unwrap()
    })
}

/// The ids of all results and of the copies that they stand for, each of which comes once.
fn ids(result: &QueryResult) -> HashSet<&str> {
    let results = result.results.iter();
    let all: Vec<&str> = results
        .flat_map(|entry| {
            let copies = entry.copies.iter().map(|copy| copy.id.as_str());
            std::iter::once(entry.id.as_str()).chain(copies)
        })
        .collect();
    let ids: HashSet<&str> = all.iter().copied().collect();
    assert_eq!(ids.len(), all.len(), "a picture came twice");
    let ranks = result.results.iter().map(|entry| entry.rank);
    assert!(ranks.eq(1..=result.results.len()));
    ids
}

#[test]
fn what_is_added_is_found_at_once_and_what_is_removed_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let collection = collection(dir.path());
    let fish = jpeg(Motif::Fish, 0);
    assert!(
        search(&collection, &fish, "fused", &everything())
            .results
            .is_empty()
    );
    draw_folders(&dir.path().join("few"), 7, 2);
    add(&collection, &dir.path().join("few"));
    let found = search(&collection, &fish, "fused", &everything());
    assert_eq!(ids(&found).len(), 14);
    let first = &found.results[0];
    assert!(first.path.as_ref().unwrap().ends_with("fish/0.jpg"));
    let removal = Removal {
        pictures: vec![first.id.parse().unwrap()],
        ..Removal::default()
    };
    let removed = collection.remove(&removal, &mut |_| ()).unwrap();
    assert_eq!((removed.removed, removed.missing), (1, 0));
    let left = search(&collection, &fish, "fused", &everything());
    assert!(ids(&left).len() == 13 && !ids(&left).contains(first.id.as_str()));
    wait_for("an index without it", || {
        (collection.view().unwrap().index.len() == 13).then_some(())
    });
}

#[test]
fn what_gives_no_answer_rests_in_the_next_rounds_of_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let collection = collection_with(dir.path(), |config| {
        config.crawl.max_attempts = 1;
        config.crawl.sitemaps = false;
    });
    let server = serve(|request| match request.path() {
        // Nobody listens there.
        "/" => Reply::html("<a href=http://127.0.0.1:9/z>x</a><img src=1.jpg>"),
        _ => numbered(request),
    });
    let refused = |seeds: Vec<CanonicalUrl>, rounds: &Rounds| -> u64 {
        let job = CrawlJob {
            seeds,
            rounds: rounds.clone(),
            ..CrawlJob::default()
        };
        let end = begin(&collection, job, &Shutdown::manual());
        end.join().unwrap().summary.refused.values().sum()
    };
    let rounds = Rounds::default();
    let seed = CanonicalUrl::parse(&server.url("/")).unwrap();
    assert_eq!(refused(vec![seed], &rounds), 1);
    assert_eq!(refused(Vec::new(), &rounds), 0);
    // Nor a moment later in another run of the same worker; whoever begins anew asks.
    rounds.end_run();
    assert_eq!(refused(Vec::new(), &rounds), 0);
    assert_eq!(refused(Vec::new(), &Rounds::default()), 1);
}

#[test]
fn a_search_sees_what_a_running_crawl_has_stored() {
    let dir = tempfile::tempdir().unwrap();
    // Slow enough not to be over before it was looked at.
    let collection = collection_with(dir.path(), |config| config.crawl.delay_ms = 60);
    let server = Server::background(Arc::new(SITE.clone())).unwrap();
    let fish = jpeg(Motif::Fish, 3);
    assert!(
        search(&collection, &fish, "fused", &everything())
            .results
            .is_empty()
    );
    let shutdown = Shutdown::manual();
    let crawler = crawl(&collection, &server.url("/"), &shutdown);
    let mut seen = 0;
    for _ in 0..3 {
        let stored = wait_for("the crawl to store pictures", || {
            let stored = collection.store().next_sequence();
            (stored > seen).then_some(stored)
        });
        let since = Instant::now();
        seen = wait_for("a search to give them", || {
            let before = collection.view().unwrap().index.len();
            let found = search(&collection, &fish, "embedding", &everything());
            let found = ids(&found).len();
            // All of one moment: not fewer than before, and not more than after.
            let after = collection.view().unwrap().index.len();
            assert!(
                (before..=after).contains(&found),
                "{before} {found} {after}"
            );
            (found as u64 >= stored).then_some(found as u64)
        });
        // A second, and what a machine under load takes to look once more.
        assert!(
            since.elapsed() < Duration::from_secs(3),
            "{:?}",
            since.elapsed()
        );
        assert!(!crawler.is_finished(), "the crawl was to be watched");
    }
    shutdown.request();
    let end = crawler.join().unwrap();
    assert!(end.summary.images_indexed >= seen && !end.seed_failed);
    // A crawl that was stopped saves no index; the rest comes a moment later.
    wait_for("the rest", || {
        let all = search(&collection, &fish, "embedding", &everything());
        (ids(&all).len() as u64 == end.summary.images_indexed).then_some(())
    });
}

#[test]
fn the_last_clone_frees_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<img src=1.jpg><img src=2.jpg>"),
        _ => numbered(request),
    });
    let query = jpeg(Motif::Fish, 1);
    for _ in 0..3 {
        let collection = collection(dir.path());
        let crawled = crawl(&collection, &server.url("/"), &Shutdown::manual());
        let searches: Vec<_> = (0..3)
            .map(|_| {
                let (collection, query) = (collection.clone(), query.clone());
                spawn(move || ids(&search(&collection, &query, "fused", &everything())).len())
            })
            .collect();
        crawled.join().unwrap();
        assert!(searches.into_iter().all(|one| one.join().unwrap() <= 2));
        assert_eq!(
            ids(&search(&collection, &query, "fused", &everything())).len(),
            2
        );
    }
}

#[test]
fn threads_search_while_pictures_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let collection = collection(dir.path());
    draw_folders(&dir.path().join("first"), 4, 4);
    add(&collection, &dir.path().join("first"));
    let query = jpeg(Motif::House, 2);
    let itself = search(&collection, &query, "embedding", &everything())
        .results
        .swap_remove(0);
    assert!(itself.path.as_ref().unwrap().ends_with("house/2.jpg"));
    let over = Arc::new(AtomicBool::new(false));
    let searchers: Vec<JoinHandle<u64>> = (0..4)
        .map(|_| {
            let (collection, query, over) = (collection.clone(), query.clone(), over.clone());
            let (id, score) = (itself.id.clone(), itself.score);
            spawn(move || {
                let mut searches = 0;
                while !over.load(Ordering::Relaxed) || searches == 0 {
                    let found = search(&collection, &query, "embedding", &everything());
                    ids(&found);
                    let first = &found.results[0];
                    assert_eq!((&first.id, first.score.to_bits()), (&id, score.to_bits()));
                    searches += 1;
                }
                searches
            })
        })
        .collect();
    for round in 0..3 {
        let folder = dir.path().join(round.to_string());
        std::fs::create_dir(&folder).unwrap();
        for n in 0..6 {
            let picture = jpeg(Motif::ALL[5 + n % 3], 100 * (round + 1) + n as u64);
            std::fs::write(folder.join(format!("{n}.jpg")), picture).unwrap();
        }
        add(&collection, &folder);
        let stored = collection
            .store()
            .pictures()
            .map(|picture| picture.unwrap().1);
        let others = stored.filter(|id| id.to_string() != itself.id);
        for picture in others.take(5).collect::<Vec<_>>() {
            let removal = Removal {
                pictures: vec![picture],
                ..Removal::default()
            };
            collection.remove(&removal, &mut |_| ()).unwrap();
        }
    }
    over.store(true, Ordering::Relaxed);
    for searcher in searchers {
        assert!(searcher.join().unwrap() > 0);
    }
    let left = search(&collection, &query, "embedding", &everything());
    assert_eq!(ids(&left).len(), 16 + 3 * 6 - 3 * 5);
}

#[test]
fn options_belong_to_a_query() {
    let dir = tempfile::tempdir().unwrap();
    let collection = collection(dir.path());
    let server = serve(|request| match request.path() {
        "/" => Reply::html("<img src=17.jpg><img src=22.jpg><img src=6.jpg>"),
        _ => numbered(request),
    });
    draw_folders(&dir.path().join("files"), 4, 6);
    add(&collection, &dir.path().join("files"));
    let shutdown = Shutdown::manual();
    crawl(&collection, &server.url("/"), &shutdown)
        .join()
        .unwrap();
    let query = jpeg(Motif::Fish, 6);
    let on = |host: &str| SearchOptions {
        filter: Filter {
            host: Some(host.to_owned()),
            ..Filter::default()
        },
        ..everything()
    };
    let in_mode = |mode| SearchOptions {
        mode,
        ..everything()
    };
    let asked: Vec<(&str, SearchOptions)> = vec![
        ("fused", everything()),
        ("fused", in_mode(Mode::Copy)),
        ("fused", in_mode(Mode::LookAlike)),
        ("fused", SearchOptions::new(2, 5)),
        ("mse18", everything()),
        ("embedding", everything()),
        ("embedding", on("127.0.0.1")),
        ("fused", on("example.org")),
    ];
    let answer = |(head, options): &(&str, SearchOptions)| -> Value {
        let found = search(&collection, &query, head, options);
        serde_json::to_value(found.results).unwrap()
    };
    let alone: Vec<Value> = asked.iter().map(answer).collect();
    let counts: Vec<usize> = alone.iter().map(|a| a.as_array().unwrap().len()).collect();
    assert_eq!(counts, [27, 27, 27, 2, 27, 27, 3, 0]);
    let scores = |i: usize| alone[i][5]["score"].as_f64().unwrap();
    let different: HashSet<u64> = [0, 1, 2, 4, 5].map(|i| scores(i).to_bits()).into();
    assert_eq!(
        different.len(),
        5,
        "each head and mode has scores of its own"
    );
    // The other way round, and all at once.
    for (asked, expected) in asked.iter().zip(&alone).rev() {
        assert_eq!(answer(asked), *expected);
    }
    std::thread::scope(|scope| {
        for (asked, expected) in asked.iter().zip(&alone) {
            scope.spawn(move || assert_eq!(answer(asked), *expected));
        }
    });
}

/// Drawn pictures with their features, in the same order every time.
fn drawn(collection: &Collection, numbers: std::ops::Range<u64>) -> Vec<PictureOutcome> {
    let features = |n: u64| -> NewPicture {
        let bytes = jpeg(Motif::ALL[n as usize % 5], n);
        let layout = collection.store().layout();
        let mut views = EXTRACTION
            .views("drawn", &bytes, Mode::default(), layout)
            .unwrap();
        views.swap_remove(0)
    };
    let outcome = |n: u64| {
        let origin = Source::File {
            path: format!("/{n}.jpg").into(),
            bytes: 1,
            modified_ns: 1,
        };
        PictureOutcome::Picture(origin, Box::new(features(n)))
    };
    numbers.map(outcome).collect()
}

#[test]
fn scores_do_not_tell_how_a_collection_grew() {
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [grown, filled] = [0, 1].map(|i| collection(dirs[i].path()));
    let query = jpeg(Motif::House, 200);
    let results = |collection: &Collection| {
        let found = search(collection, &query, "fused", &everything());
        serde_json::to_value(found.results).unwrap()
    };
    // Below 20 pictures nothing is taken off, above it the collection's mean is.
    for numbers in [0..8, 8..24, 24..32] {
        let count = numbers.end as usize;
        grown.store().commit(drawn(&grown, numbers)).unwrap();
        wait_for("the index to follow", || {
            results(&grown);
            (grown.view().unwrap().index.len() == count).then_some(())
        });
    }
    filled.store().commit(drawn(&filled, 0..32)).unwrap();
    let [grown, filled] = [results(&grown), results(&filled)];
    assert!(filled.as_array().unwrap().len() > 20);
    assert_eq!(grown, filled);
}
