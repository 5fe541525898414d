//! The topic web, asked without a server.

use std::collections::BTreeSet;

use super::*;
use crate::reply::Body;

fn get(web: &TopicWeb, url: &str) -> (u16, Vec<u8>) {
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let reply = web.reply(&Request {
        method: "GET".into(),
        target: format!("/{path}"),
        host: host.into(),
        headers: Vec::new(),
    });
    match reply.body {
        Body::Bytes(bytes) => (reply.status, bytes.to_vec()),
        _ => panic!("only bytes are served"),
    }
}

#[test]
fn topics_keep_together_and_all_can_be_reached() {
    let web = TopicWeb::new(TopicPlan::default());
    let mut queue = web.seeds();
    let mut seen: BTreeSet<String> = queue.iter().cloned().collect();
    let (mut inside, mut links) = (0, 0);
    while let Some(url) = queue.pop() {
        let (status, body) = get(&web, &url);
        assert_eq!(status, 200, "{url}");
        let page = String::from_utf8(body).unwrap();
        let named = page.split('"').filter(|part| part.starts_with("http://"));
        for link in named.map(str::to_owned) {
            let topic = web.topic_of(&link);
            assert!(topic.is_some(), "{link}");
            if link.ends_with(".jpg") {
                assert_eq!(topic, web.topic_of(&url));
                seen.insert(link);
                continue;
            }
            if web.topic_of(&url).is_some() {
                links += 1;
                inside += usize::from(topic == web.topic_of(&url));
            }
            if seen.insert(link.clone()) {
                queue.push(link);
            }
        }
    }
    let part = inside as f32 / links as f32;
    assert!(
        (0.82..0.88).contains(&part),
        "{part} of the links stay within"
    );
    let all = web
        .topics()
        .iter()
        .flat_map(|&topic| [web.pictures(topic), web.pages(topic)]);
    let all: BTreeSet<String> = all.flatten().chain(web.seeds()).collect();
    assert_eq!(all, seen);
    assert_eq!(web.pictures(Motif::Fish).len(), 160);
    assert!(
        web.pictures(Motif::Mushroom).is_empty(),
        "the sixteenth is no topic"
    );
    // A host does not tell the topic.
    let hosts = |topic| {
        let urls = web.pages(topic);
        let names = urls.iter().filter_map(|url| url.split('/').nth(2));
        names.map(str::to_owned).collect::<BTreeSet<_>>().len()
    };
    assert!(web.topics().iter().all(|&topic| hosts(topic) > 5));
}

#[test]
fn pictures_are_drawn_once_and_by_the_seed() {
    let plan = TopicPlan {
        topics: 3,
        pages_per_topic: 2,
        ..TopicPlan::default()
    };
    let (web, again) = (TopicWeb::new(plan.clone()), TopicWeb::new(plan.clone()));
    let other = TopicWeb::new(TopicPlan { seed: 9, ..plan });
    let urls: Vec<_> = web
        .topics()
        .iter()
        .flat_map(|&topic| web.pictures(topic))
        .collect();
    let files: BTreeSet<_> = urls.iter().map(|url| get(&web, url).1).collect();
    assert_eq!(files.len(), 24);
    assert_eq!(get(&web, &urls[5]), get(&again, &urls[5]));
    assert!(
        other
            .pictures(Motif::ALL[1])
            .iter()
            .all(|url| !files.contains(&get(&other, url).1))
    );
    let decoded = image::load_from_memory(&get(&web, &urls[5]).1).unwrap();
    assert_eq!((decoded.width(), decoded.height()), SIZE);
    assert_eq!(
        get(&web, "http://site0.a1.test/1.html").0,
        404,
        "another host's page"
    );
}

#[test]
fn is_served_on_its_addresses() {
    let server = Arc::new(TopicWeb::new(TopicPlan::default()))
        .serve(&ServerOptions::default())
        .unwrap();
    assert_eq!(server.addresses().len(), 2);
}
