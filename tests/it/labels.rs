//! What the user says of pictures: kept, listed, heeded, taken back. And removals that are undone.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::in_process::wait_for;
use crate::common::serving::{Answer, Serving};
use crate::common::{Simdex, Stored};
use crate::near_duplicates::{GROUP, places, with_copies};

fn post(serving: &Serving, path: &str, body: &Value) -> Answer {
    serving.post(path, "application/json", body.to_string().as_bytes())
}

fn say(serving: &Serving, labels: Value) -> Value {
    let answer = post(serving, "/api/v1/labels", &json!({ "labels": labels }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["labels"].take()
}

fn id_of(simdex: &Simdex, name: &str) -> String {
    let stored = simdex.stored();
    let picture = stored.iter().find(|it| it.paths[0].ends_with(name));
    picture.unwrap().id.to_string()
}

/// The names of the files of each group, sorted.
fn groups(simdex: &Simdex) -> Vec<Vec<String>> {
    let groups = simdex.json(&["duplicates"]);
    let groups = groups.as_array().unwrap().iter().map(|group| {
        let mut names = places(&group["results"], "path");
        names.sort();
        names
    });
    groups.collect()
}

#[test]
fn labels_are_kept_listed_and_taken_back() {
    let simdex = Simdex::filled(2, 3);
    let ids: Vec<String> = simdex.stored().iter().map(|it| it.id.to_string()).collect();
    let serving = Serving::start(&simdex);
    let same = json!({"kind": "same", "a": ids[0], "b": ids[1], "mode": "look-alike"});
    let cat = json!({"kind": "class", "picture": ids[0], "class": "cat"});
    let kept = say(&serving, json!([same, cat]));
    assert_eq!((&kept[0]["label"], &kept[1]["label"]), (&same, &cat));
    // What is said again of the same takes its place, and is told to be said once more.
    let different = json!({"kind": "different", "a": ids[1], "b": ids[0], "mode": "look-alike"});
    let again = say(&serving, json!([different]));
    assert_eq!(
        (&again[0]["id"], &again[0]["replaced"]),
        (&kept[0]["id"], &same)
    );
    let dog = json!({"kind": "class", "picture": ids[3], "class": "dog"});
    say(&serving, json!([dog]));
    // A page at a time.
    let mut listed = Vec::new();
    let mut path = "/api/v1/labels?limit=2".to_owned();
    loop {
        let answer = serving.get(&path);
        let page = answer.json();
        listed.extend(page["labels"].as_array().unwrap().clone());
        let link = answer.header("link").map(str::to_owned);
        assert_eq!(link.is_some(), page["next"].is_string(), "{page}");
        let Some(link) = link else { break };
        let next = link.strip_suffix(">; rel=\"next\"").unwrap();
        next.strip_prefix('<').unwrap().clone_into(&mut path);
    }
    let said: Vec<&Value> = listed.iter().map(|label| &label["label"]).collect();
    assert_eq!(said.len(), 3);
    for label in [&different, &cat, &dog] {
        assert!(said.contains(&label), "{listed:?}");
    }
    let of_one = serving
        .get(&format!("/api/v1/labels?picture={}", ids[3]))
        .json();
    assert_eq!(of_one["labels"].as_array().unwrap().len(), 1);
    let path = format!("/api/v1/labels/{}", kept[1]["id"].as_str().unwrap());
    assert_eq!(serving.delete(&path).json()["label"], cat);
    assert_eq!(serving.delete(&path).status, 404);
    for (labels, status, words) in [
        (json!([]), 400, "1 to 1000"),
        (
            json!([{"kind": "same", "a": ids[0], "b": ids[0]}]),
            400,
            "same one",
        ),
        (
            json!([{"kind": "class", "picture": ids[0], "class": " "}]),
            400,
            "name",
        ),
        (
            json!([{"kind": "class", "picture": "abc", "class": "x"}]),
            400,
            "64 hexadecimal",
        ),
        (
            json!([{"kind": "best", "a": ids[0], "b": ids[1]}]),
            400,
            "best",
        ),
        (
            json!([cat, {"kind": "class", "picture": "0".repeat(64), "class": "x"}]),
            404,
            "no picture",
        ),
    ] {
        let answer = post(&serving, "/api/v1/labels", &json!({ "labels": labels }));
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(words), "{}", answer.text());
    }
    let left = serving.get("/api/v1/labels").json();
    assert_eq!(
        left["labels"].as_array().unwrap().len(),
        2,
        "all or nothing"
    );
    // They outlast a process that is killed, and go with a picture that is removed.
    serving.kill();
    simdex.json(&["remove", &ids[3]]);
    let serving = Serving::start(&simdex);
    let left = serving.get("/api/v1/labels").json();
    assert_eq!(left["labels"][0]["label"], different);
    assert_eq!(left["labels"].as_array().unwrap().len(), 1);
}

#[test]
fn pictures_that_were_told_apart_are_grouped_no_more() {
    let simdex = with_copies();
    for exact_below in [10_000, 10] {
        simdex.configure(&format!("[index]\nexact_below = {exact_below}\n"));
        let ids = GROUP.map(|name| id_of(&simdex, name));
        let serving = Serving::start(&simdex);
        assert_eq!(groups(&simdex), [GROUP.map(str::to_owned)]);
        let apart = |a: usize, b: usize| {
            let label = json!({"kind": "not-duplicate", "a": ids[a], "b": ids[b]});
            let kept = say(&serving, json!([label]));
            format!("/api/v1/labels/{}", kept[0]["id"].as_str().unwrap())
        };
        let is = |expected: &[&[&str]]| {
            let expected: Vec<Vec<String>> = expected
                .iter()
                .map(|group| group.iter().map(|&name| name.to_owned()).collect())
                .collect();
            wait_for("the groups", || (groups(&simdex) == expected).then_some(()));
        };
        // The later one leaves.
        let first = apart(0, 2);
        is(&[&[GROUP[0], GROUP[1], GROUP[3]]]);
        // And is a result of its own.
        let query = [
            "query",
            GROUP[0],
            "--head",
            "embedding",
            "-k",
            "5",
            "--format",
            "json",
        ];
        let found = simdex.run(&query).json()["results"].take();
        let alone = places(&found, "path")
            .iter()
            .position(|name| name == GROUP[2]);
        let alone = alone.expect("it is found");
        assert_eq!(found[alone]["copies"], json!([]));
        assert_eq!(places(&found[0]["copies"], "place"), [GROUP[1], GROUP[3]]);
        // One that is told apart from the original, too, stays with the other, as they are copies.
        let second = apart(3, 0);
        is(&[&[GROUP[0], GROUP[1]], &[GROUP[2], GROUP[3]]]);
        let third = apart(2, 3);
        is(&[&[GROUP[0], GROUP[1]]]);
        assert_eq!(simdex.run(&["status"]).code, 0);
        // Without the process that was told.
        serving.kill();
        assert_eq!(groups(&simdex), [GROUP[..2].to_vec()]);
        assert_eq!(simdex.run(&["verify"]).code, 0);
        // Taken back, they are a group again.
        let serving = Serving::start(&simdex);
        for label in [&third, &second] {
            assert_eq!(serving.delete(label).status, 200);
        }
        is(&[&[GROUP[0], GROUP[1], GROUP[3]]]);
        serving.delete(&first);
        is(&[&GROUP]);
        assert_eq!(serving.stop(), 130);
        assert_eq!(groups(&simdex), [GROUP.map(str::to_owned)]);
    }
}

#[test]
fn a_removal_that_waits_hides_and_can_be_undone() {
    let simdex = with_copies();
    let ids = GROUP.map(|name| id_of(&simdex, name));
    let serving = Serving::start(&simdex);
    let remove = |wait_s: u64, id: &str| {
        let asked = json!({"names": [{"name": id, "path": ""}], "wait_s": wait_s});
        post(&serving, "/api/v1/removals", &asked)
    };
    let found = || {
        let query = [
            "query",
            GROUP[0],
            "-k",
            "50",
            "--all-copies",
            "--format",
            "json",
        ];
        let results = simdex.run(&query).json()["results"].take();
        places(&results, "path")
    };
    let images = || simdex.json(&["status"])["images"].as_u64().unwrap();
    let all = images();
    let waiting = remove(3_600, &ids[1]);
    assert_eq!(waiting.status, 202, "{}", waiting.text());
    assert_eq!(waiting.json()["hidden"], 1);
    let path = waiting.header("location").unwrap().to_owned();
    // It is hidden at once, also as a copy, and still there.
    assert!(!found().iter().any(|name| name == GROUP[1]));
    let result = simdex.run(&["query", GROUP[0], "--format", "json"]).json();
    assert_eq!(places(&result["results"][0]["copies"], "place"), GROUP[2..]);
    assert_eq!(groups(&simdex), [[GROUP[0], GROUP[2], GROUP[3]]]);
    assert_eq!(images(), all);
    let list = || serving.get("/api/v1/removals").json()["removals"].take();
    assert_eq!(list().as_array().unwrap().len(), 1);
    assert_eq!(serving.delete(&path).status, 200);
    assert!(found().iter().any(|name| name == GROUP[1]));
    assert_eq!(serving.delete(&path).status, 404);
    assert_eq!(list(), json!([]));
    // When its time has come it is carried out ...
    assert_eq!(remove(1, &ids[2]).status, 202);
    wait_for("the removal", || (images() == all - 1).then_some(()));
    assert_eq!(list(), json!([]));
    // ... and at the end of the process.
    assert_eq!(remove(3_600, &ids[3]).status, 202);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(images(), all - 1);
    for asked in [
        json!({"names": [{"name": "x", "path": "/x"}], "wait_s": 5}),
        json!({"names": [{"name": ids[0], "path": ""}], "wait_s": 0}),
        json!({"take_back": "example.org", "wait_s": 5}),
    ] {
        let answer = post(&serving, "/api/v1/removals", &asked);
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    assert_eq!(serving.stop(), 130);
    assert_eq!(images(), all - 2);
}

/// Labels pictures of three motifs with the motif's name, and pairs.
fn teach(stored: &[Stored], serving: &Serving) {
    let motif = |path: &str| path.rsplit('/').nth(1).unwrap().to_owned();
    let classes = stored.iter().map(|picture| {
        let class = motif(&picture.paths[0]);
        json!({"kind": "class", "picture": picture.id.to_string(), "class": class})
    });
    say(serving, classes.collect());
    let mut pairs = Vec::new();
    for (i, a) in stored.iter().enumerate() {
        for b in &stored[i + 1..] {
            let kind = match motif(&a.paths[0]) == motif(&b.paths[0]) {
                true => "same",
                false => "different",
            };
            pairs.push(json!({"kind": kind, "a": a.id.to_string(), "b": b.id.to_string()}));
        }
    }
    pairs.truncate(60);
    say(serving, pairs.into());
}

#[test]
fn a_head_learns_from_labels_beside_the_server() {
    let simdex = Simdex::filled(3, 5);
    let stored = simdex.stored();
    let serving = Serving::start(&simdex);
    let none = post(&serving, "/api/v1/trainings", &json!({}));
    assert_eq!(none.status, 202, "{}", none.text());
    let progress = |id: u64| serving.get(&format!("/api/v1/trainings/{id}")).json();
    let over = |id: u64| {
        wait_for("the training", || {
            let progress = progress(id);
            let runs = ["running", "stopping"].map(Value::from);
            (!runs.contains(&progress["state"])).then_some(progress)
        })
    };
    let failed = over(1);
    assert_eq!(failed["state"], "failed");
    let problem = failed["problem"].as_str().unwrap();
    assert!(problem.contains("too little to learn from"), "{problem}");
    let untrained = json!({"positive": [stored[0].id.to_string()], "head": "trained"});
    let answer = post(&serving, "/api/v1/search", &untrained);
    assert_eq!(answer.status, 422, "{}", answer.text());
    teach(&stored, &serving);
    let begun = post(&serving, "/api/v1/trainings", &json!({}));
    assert_eq!(begun.header("location"), Some("/api/v1/trainings/2"));
    let done = over(2);
    assert_eq!(done["state"], "done", "{done}");
    let figures = &done["figures"];
    assert_eq!(
        (&figures["pairs"], &figures["classes"]),
        (&60.into(), &3.into())
    );
    assert_eq!(figures["pictures"], 15);
    assert!(figures["measured"].as_u64().unwrap() > 60, "{figures}");
    for share in ["before", "after"] {
        let share = figures[share].as_f64().unwrap();
        assert!((0.5..=1.0).contains(&share), "{figures}");
    }
    let head = serving.get("/api/v1/trainings/2/head");
    assert_eq!(head.header("content-type"), Some("application/json"));
    let found = post(&serving, "/api/v1/search", &untrained);
    assert_eq!(found.status, 200, "{}", found.text());
    let found = found.json();
    assert!(
        found["results"][0]["score"].as_f64().unwrap() > 0.9,
        "{found}"
    );
    assert_eq!(serving.get("/api/v1/trainings/1/head").status, 404);
    assert_eq!(serving.delete("/api/v1/trainings/7").status, 404);
    // The command has it trained by the server, and alone learns the same.
    let train = |name: &str| simdex.run(&["train", "--from-labels", "-o", name]);
    let there = train("there.json");
    assert_eq!(there.code, 0, "{}", there.stderr);
    assert!(
        there.stderr.contains("answered by process"),
        "{}",
        there.stderr
    );
    assert_eq!(serving.stop(), 130);
    let here = train("here.json");
    assert_eq!(here.code, 0, "{}", here.stderr);
    assert_eq!(here.stdout.replace("here", "there"), there.stdout);
    let [a, b] = ["here.json", "there.json"].map(|name| std::fs::read(simdex.path(name)).unwrap());
    assert!(a == b && a == head.body);
    // And the server's head is there for commands.
    let run = simdex.run(&[
        "query",
        &stored[0].paths[0],
        "--head",
        "trained",
        "--format",
        "json",
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn pictures_are_classified_by_labels_of_the_store() {
    let simdex = Simdex::filled(2, 6);
    let stored = simdex.stored();
    let serving = Serving::start(&simdex);
    let asked = json!({"positive": [stored[0].id.to_string()]});
    let none = post(&serving, "/api/v1/classify", &asked);
    assert_eq!(none.status, 422, "{}", none.text());
    teach(&stored, &serving);
    let motif = simdex::demo::drawing::Motif::ALL[0];
    let picture = crate::common::jpeg(motif, 77);
    let files: [(&str, &str, &[u8]); 1] = [("image", "new.jpg", &picture)];
    let (kind, body) = crate::common::serving::form(&[], &files);
    let answer = serving.post("/api/v1/classify", &kind, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json()["answers"][0].take();
    assert_eq!(
        (&answer["query"], &answer["class"]),
        (&"new.jpg".into(), &motif.name().into())
    );
    assert!(!answer["neighbours"].as_array().unwrap().is_empty());
}
