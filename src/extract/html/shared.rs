//! What several pictures of a page name: it shows neither of them.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::time::Instant;

use scraper::Html;

use super::img::named_versions;
use super::versions::{Versions, is_usable};
use super::walk::{Step, attribute, walk};

/// Pictures of a page that are compared; those behind them stand for themselves.
const MOST: usize = 10_000;
/// Parts of the names of files that stand where a script puts a picture later.
const PLACEHOLDERS: [&str; 11] = [
    "placeholder",
    "blank.",
    "spacer.",
    "transparent.",
    "pixel.",
    "1x1",
    "loading.",
    "loader.",
    "lazy.",
    "lazyload",
    "clear.gif",
];

/// What the pictures of a page have in common.
#[derive(Debug, Default)]
pub(super) struct Shared<'a> {
    /// What stands in `src` until a script puts the picture there.
    placeholders: HashSet<&'a str>,
    /// Versions that pictures name whose `src` differ: an avatar, an animation of waiting.
    versions: HashSet<String>,
}

impl<'a> Shared<'a> {
    /// Compares the pictures of a page.
    pub(super) fn of(html: &'a Html, deadline: Instant) -> Self {
        let mut shared = Self::default();
        let mut pictures: Vec<(Option<&'a str>, Vec<String>)> = Vec::new();
        let _ = walk(html, deadline, |step| {
            let Step::Enter(element) = step else {
                return ControlFlow::Continue(());
            };
            if matches!(element.value().name(), "img" | "amp-img" | "amp-anim") {
                let src = attribute(&element, "src").filter(|src| is_usable(src));
                let named = named_versions(&element, Versions::default(), &|_| false);
                let named = named.into_list().into_iter();
                let named = named.map(|version| version.reference.into_owned());
                let others = named.filter(|it| src != Some(it.as_str()) && is_usable(it));
                pictures.push((src, others.collect()));
            }
            match pictures.len() < MOST {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        let mut beside: HashMap<&'a str, &str> = HashMap::new();
        for (src, others) in &pictures {
            let (Some(src), Some(best)) = (src, others.first()) else {
                continue;
            };
            if is_named_placeholder(src) || *beside.entry(*src).or_insert(best) != best {
                shared.placeholders.insert(*src);
            }
        }
        let mut shown_with: HashMap<&str, &str> = HashMap::new();
        for (src, others) in &pictures {
            let src = src.filter(|src| !shared.placeholders.contains(src));
            // Without a `src` the best one is what it shows.
            let Some(shown) = src.or(others.first().map(String::as_str)) else {
                continue;
            };
            for other in others.iter().filter(|other| *other != shown) {
                let is_shared = *shown_with.entry(other).or_insert(shown) != shown;
                if is_shared && !shared.is_placeholder(other) {
                    shared.versions.insert(other.clone());
                }
            }
        }
        shared
    }

    /// Whether a `src` only keeps the place of other pictures.
    pub(super) fn is_placeholder(&self, src: &str) -> bool {
        self.placeholders.contains(src)
    }

    /// Whether pictures name this that are not the same.
    pub(super) fn is_shared(&self, reference: &str) -> bool {
        self.versions.contains(reference)
    }
}

fn is_named_placeholder(src: &str) -> bool {
    let path = src.split(['?', '#']).next().unwrap_or_default();
    let file = path.rsplit('/').next().unwrap_or_default();
    let file = file.to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|part| file.contains(part))
}
