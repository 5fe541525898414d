//! `eval domains`: the answers of searches on folders of domains.

use std::path::Path;

use serde_json::Value;
use simdex::demo::drawing::Motif;
use simdex::search::SearchOptions;
use simdex::shutdown::Shutdown;

use super::common::in_process::{collection, search};
use super::common::{Simdex, jpeg, picture};

/// Three domains of three classes each, which look nothing alike, six pictures a class; the
/// third domain draws two subjects of the first in grey.
fn draw_domains(dir: &Path) {
    let domains = [
        ("colour", [Motif::Sunset, Motif::Fish, Motif::Tiles]),
        ("things", [Motif::Car, Motif::Snowman, Motif::Flower]),
        ("grey", [Motif::Sunset, Motif::Fish, Motif::Skyline]),
    ];
    for (domain, motifs) in domains {
        for motif in motifs {
            let class = dir.join(domain).join(motif.name());
            std::fs::create_dir_all(&class).unwrap();
            for variation in 0..6 {
                let path = class.join(format!("{variation}.jpg"));
                match domain {
                    "grey" => {
                        let grey = picture(motif, 50 + variation);
                        let grey = image::DynamicImage::ImageRgb8(grey).into_luma8();
                        grey.save(path).unwrap();
                    }
                    _ => picture(motif, variation).save(path).unwrap(),
                }
            }
        }
    }
}

fn mean(value: &Value) -> f64 {
    value["mean"].as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn domains_are_measured_by_the_searches_of_users() {
    let simdex = Simdex::new();
    draw_domains(&simdex.path("domains"));
    let args = ["eval", "domains", "domains", "--sizes", "20,1000"];
    let files = ["--svg", "d.svg", "--html", "d.html"];
    let found = simdex.json(&[&args[..], &files].concat());
    let names = found["domains"].as_array().unwrap().iter();
    let names: Vec<&Value> = names.map(|domain| &domain["domain"]).collect();
    assert_eq!(names, ["colour", "grey", "things"]);
    // One of the seven names is not stored; sunset and fish are the names of two classes.
    let left_out = found["left_out"].as_array().unwrap();
    assert_eq!(left_out.len(), 1);
    let twice = ["sunset", "fish"].contains(&left_out[0].as_str().unwrap());
    let gone = if twice { 2 } else { 1 };
    assert_eq!(found["answerless"], gone * 6);
    let stored: u64 = ["pictures", "queries"]
        .iter()
        .map(|of| {
            let domains = found["domains"].as_array().unwrap().iter();
            domains
                .map(|domain| domain[of].as_u64().unwrap())
                .sum::<u64>()
        })
        .sum();
    assert_eq!(stored, (9 - gone) * 6);
    assert_eq!(found["sizes_left_out"], serde_json::json!([1000]));

    let heads = found["heads"].as_array().unwrap();
    let names: Vec<&Value> = heads.iter().map(|head| &head["head"]).collect();
    assert_eq!(names, ["embedding", "fused"]);
    for head in heads {
        let stores = head["stores"].as_array().unwrap();
        let kinds: Vec<&Value> = stores.iter().map(|store| &store["store"]).collect();
        assert_eq!(kinds, ["mixed", "alone", "sample-20"]);
        for store in stores {
            let error = mean(&store["calibration_error"]);
            assert!((0.0..=1.0).contains(&error), "{store}");
            let bins = store["bins"].as_array().unwrap();
            let results: u64 = bins
                .iter()
                .map(|bin| bin["results"].as_u64().unwrap())
                .sum();
            assert_eq!((bins.len(), store["results"].as_u64()), (10, Some(results)));
            assert_eq!(store["at_90"].is_null(), head["head"] == "embedding");
        }
        // Nothing else looks like what is asked for.
        for store in &stores[..2] {
            assert_eq!(mean(&store["first_hit"]), 1.0, "{store}");
            assert!(mean(&store["map"]) > 0.9, "{store}");
            assert_eq!(store["domains"].as_array().unwrap().len(), 3);
        }
        assert_eq!(stores[0]["queries"], (9 - gone) * 2);
        assert_eq!(stores[1]["stores"], 3);
        assert_eq!(stores[1]["answerless"]["queries"], gone * 6);
    }

    let svg = std::fs::read_to_string(simdex.path("d.svg")).unwrap();
    let mut reader = quick_xml::Reader::from_str(&svg);
    while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
    assert!(svg.contains("fused, mixed, error"), "{svg}");
    let page = std::fs::read_to_string(simdex.path("d.html")).unwrap();
    assert_eq!(page.matches("<svg").count(), 3);
    assert!(page.contains("<td>embedding") && page.contains("<h2>alone"));

    // The same again; and its words.
    let text = simdex.run(&args);
    assert_eq!(text.code, 0, "{}", text.stderr);
    assert!(text.stdout.contains("mixed by domain"), "{}", text.stdout);
    let map = format!("{:.3}", mean(&heads[1]["stores"][0]["map"]));
    let row = text.stdout.lines().find(|line| line.starts_with("fused "));
    assert!(row.unwrap().contains(&map), "{map}: {}", text.stdout);
}

#[test]
fn a_background_has_no_answers_and_nothing_is_left_out_for_it() {
    let simdex = Simdex::new();
    draw_domains(&simdex.path("domains"));
    std::fs::create_dir(simdex.path("others")).unwrap();
    for (n, motif) in [Motif::Cup, Motif::Cactus, Motif::Lake]
        .into_iter()
        .enumerate()
    {
        std::fs::write(simdex.path(&format!("others/{n}.jpg")), jpeg(motif, 1)).unwrap();
    }
    std::fs::write(simdex.path("others/broken.jpg"), b"no picture").unwrap();
    let run = simdex.run(&[
        "eval",
        "domains",
        "domains",
        "--background",
        "others",
        "--sizes",
        "20",
        "--head",
        "embedding",
        "--head",
        "mse18",
        "--format",
        "json",
    ]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("broken.jpg"), "{}", run.stderr);
    let found = run.json();
    assert_eq!(found["left_out"], serde_json::json!([]));
    assert_eq!(found["answerless"], 3);
    assert_eq!(found["heads"].as_array().unwrap().len(), 2);
    let stores = found["heads"][1]["stores"].as_array().unwrap();
    for store in stores {
        assert_eq!(store["answerless"]["queries"], 3, "{store}");
    }
}

#[test]
fn folders_that_hold_no_domains_are_told_apart() {
    let simdex = Simdex::new();
    draw_domains(&simdex.path("domains"));
    std::fs::create_dir_all(simdex.path("empty")).unwrap();
    let one = simdex.path("one");
    std::fs::create_dir(&one).unwrap();
    std::fs::rename(simdex.path("domains/grey"), one.join("grey")).unwrap();
    for (dir, message) in [
        ("empty", "there are no pictures below empty"),
        ("one", "there is only one domain"),
        ("one/grey", "one/grey holds no domains"),
        ("one/grey/sunset", "one/grey/sunset holds no domains"),
        ("nowhere", "nowhere: "),
    ] {
        let run = simdex.run(&["eval", "domains", dir]);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{dir}");
        assert!(run.stderr.contains(message), "{dir}: {}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
    let run = simdex.run(&["eval", "domains", "domains", "--background", "empty"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("--background"), "{}", run.stderr);
    for flag in ["--queries", "--sizes", "--candidates"] {
        let run = simdex.run(&["eval", "domains", "domains", flag, "0"]);
        assert_eq!(run.code, 2, "{flag}");
    }
}

#[test]
fn the_first_results_are_the_same_in_a_longer_list() {
    // Which is why a list of all candidates may be asked for where ten are meant.
    let dir = tempfile::tempdir().unwrap();
    draw_domains(&dir.path().join("domains"));
    let collection = collection(dir.path());
    let folder = dir.path().join("domains");
    let shutdown = Shutdown::manual();
    collection.add(&[folder], &shutdown, &mut |_| ()).unwrap();
    let query = jpeg(Motif::Fish, 77);
    for head in ["embedding", "mse18", "fused"] {
        let listed = |k| {
            let results = search(&collection, &query, head, &SearchOptions::new(k, 200)).results;
            let listed = results.into_iter().take(10);
            listed
                .map(|entry| (entry.id, entry.score))
                .collect::<Vec<_>>()
        };
        assert_eq!(listed(10), listed(200), "{head}");
    }
}
