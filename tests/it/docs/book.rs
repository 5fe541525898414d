//! The pages as a book: each is in the summary, each link leads somewhere, each guide is a topic of `help`.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::{Page, docs, page, pages, top};
use crate::common::Simdex;

const SUMMARY: &str = "docs/SUMMARY.md";

/// Where links of a page lead, pictures included: what stands in `](...)`, outside of code.
fn links(text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut links = Vec::new();
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        if is_code || line.starts_with("    ") {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect();
        // Code in a link's text is left out with its marks; its end stays.
        let ends = prose.split("](").skip(1);
        links.extend(ends.filter_map(|rest| rest.split_once(')').map(|it| it.0.to_owned())));
    }
    links
}

/// The path without `..`, from the top of the repository.
fn resolved(page: &Path, link: &str) -> PathBuf {
    let mut path = page.parent().unwrap().to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{link} of {} leads out", page.display()),
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    path
}

/// The anchor of a heading, as GitHub and mdBook make it.
fn anchor(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .collect::<String>();
    kept.replace(' ', "-")
}

fn anchors(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let headings = text.lines().filter(|line| {
        is_code ^= line.starts_with("```");
        !is_code && line.starts_with('#')
    });
    headings
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect()
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = page(Path::new(SUMMARY));
    let linked: Vec<PathBuf> = links(&summary.text)
        .iter()
        .map(|link| resolved(&summary.path, link))
        .collect();
    let once: BTreeSet<&PathBuf> = linked.iter().collect();
    assert_eq!(linked.len(), once.len(), "a page is in it twice");
    let pages: Vec<PathBuf> = docs().into_iter().map(|page| page.path).collect();
    let pages: BTreeSet<&PathBuf> = pages
        .iter()
        .filter(|it| *it != Path::new(SUMMARY))
        .collect();
    assert_eq!(once, pages);
    // What mdBook asks of it: items are links alone, and titles of parts are headings.
    for line in summary.text.lines().filter(|line| !line.is_empty()) {
        let item = line.strip_prefix("- ").unwrap_or(line);
        let is_link = item.starts_with('[') && item.ends_with(".md)");
        assert!(is_link || line.starts_with("# "), "{line}");
    }
    let book = std::fs::read_to_string(top().join("docs/book.toml")).unwrap();
    let book: toml::Table = book.parse().unwrap();
    assert_eq!(book["book"]["src"].as_str(), Some("."));
}

/// All pages, with those that stand elsewhere in the repository.
fn with_those_elsewhere() -> Vec<Page> {
    let elsewhere = [
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "models/README.md",
        "packaging/README.md",
    ];
    let elsewhere = elsewhere.map(|path| page(Path::new(path)));
    pages().into_iter().chain(elsewhere).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let all = with_those_elsewhere();
    let mut wrong = Vec::new();
    for Page { path, text } in &all {
        for link in links(text) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => path.clone(),
                _ => resolved(path, file),
            };
            let is_there = top().join(&target).exists();
            let is_heading =
                heading.is_empty() || is_there && anchors(&page(&target).text).contains(heading);
            if !is_there || !is_heading {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pictures_of_the_pages_are_all_shown() {
    let shown: BTreeSet<PathBuf> = with_those_elsewhere()
        .iter()
        .flat_map(|page| {
            links(&page.text)
                .into_iter()
                .map(move |link| resolved(&page.path, &link))
        })
        .collect();
    for entry in walkdir::WalkDir::new(top().join("docs")) {
        let path = entry.unwrap().into_path();
        let is_picture = path
            .extension()
            .is_some_and(|it| ["png", "svg", "gif"].contains(&it.to_str().unwrap()));
        if is_picture {
            let path = path.strip_prefix(top()).unwrap();
            assert!(shown.contains(path), "nobody shows {}", path.display());
        }
    }
}

#[test]
fn every_guide_is_a_topic_of_help() {
    let simdex = Simdex::new();
    let list = simdex.run(&["help"]);
    assert_eq!((list.code, list.stderr.as_str()), (0, ""));
    let guides = docs()
        .into_iter()
        .filter(|page| page.path.starts_with("docs/guides"));
    let mut read = 0;
    for guide in guides {
        let name = guide.path.file_stem().unwrap().to_str().unwrap().to_owned();
        let title = guide
            .text
            .lines()
            .next()
            .unwrap()
            .trim_start_matches("# ")
            .to_owned();
        let line = list
            .stdout
            .lines()
            .find(|line| line.trim_start().starts_with(&format!("{name} ")));
        assert!(
            line.is_some_and(|line| line.ends_with(&title)),
            "{name}: {}",
            list.stdout
        );
        let topic = simdex.run(&["help", &name]);
        assert_eq!(topic.code, 0, "{name}: {}", topic.stderr);
        assert!(topic.stdout.starts_with(&title), "{}", topic.stdout);
        read += 1;
    }
    assert!(read > 3);
}

#[test]
fn help_of_commands_is_what_their_flag_says() {
    let simdex = Simdex::new();
    for (topic, command) in [
        (&["help", "query"][..], &["query", "--help"][..]),
        (&["help", "eval", "pairs"], &["eval", "pairs", "--help"]),
        (&["help"], &["--help"]),
    ] {
        let [topic, command] = [topic, command].map(|args| simdex.run(args));
        assert_eq!((topic.code, topic.stdout), (0, command.stdout));
    }
    let wrong = simdex.run(&["help", "cooking"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""));
    assert!(wrong.stderr.contains("'cooking'") && wrong.stderr.contains("simdex help"));
}

#[test]
fn links_are_read_outside_of_code() {
    let text = "[a](b.md#c) `[x](y)` [`code`](d.md)\n\n    [e](f)\n![p](g.png)\n";
    assert_eq!(links(text), ["b.md#c", "d.md", "g.png"]);
    assert_eq!(anchor("`export --format csv`"), "export---format-csv");
    assert_eq!(
        resolved(Path::new("docs/guides/a.md"), "../b.md"),
        Path::new("docs/b.md")
    );
}
