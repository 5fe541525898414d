//! Pictures in `data-*` attributes. Scripts that load pictures late each have names of their own
//! for them, so it is the value that tells, and the name only how good a version is.

use std::borrow::Cow;

use scraper::ElementRef;

use super::versions::{Rank, Versions, is_usable};
use super::walk::attribute;
use crate::extract::REFERENCE;
use crate::extract::link_target::LinkTarget;
use crate::extract::sheet::References;

/// Where pages put the full-size version: galleries, magnifiers, WordPress.
const FULL: [&str; 10] = [
    "full", "large", "zoom", "hires", "highres", "hi", "high", "orig", "big", "magnify",
];
/// What names of small versions begin with.
const SMALL: [&str; 11] = [
    "thumb",
    "small",
    "tiny",
    "placeholder",
    "preview",
    "lqip",
    "blur",
    "lowres",
    "lowsrc",
    "icon",
    "mini",
];
/// Where pages hide the picture that a script loads later, the most usual name last. Their values
/// need not look like pictures: see [`names_picture`].
const LAZY: [&str; 5] = [
    "data-echo",
    "data-lazy",
    "data-lazy-src",
    "data-original",
    "data-src",
];
/// What names of attributes have in which scripts keep the picture for `src`.
const FOR_SRC: [&str; 13] = [
    "src",
    "lazy",
    "original",
    "orig",
    "defer",
    "delayed",
    "echo",
    "image",
    "img",
    "poster",
    "background",
    "bg",
    "url",
];
/// What names of attributes have whose picture is another than that of `src`.
const OTHERS: [&str; 13] = [
    "alt", "hover", "rollover", "swap", "over", "flip", "avatar", "author", "next", "prev", "back",
    "error", "fallback",
];
/// Elements for which scripts load something else than a picture.
const LOADERS: [&str; 12] = [
    "a", "audio", "button", "embed", "form", "frame", "iframe", "link", "object", "source",
    "track", "video",
];
/// Widths that are asked for where a page lets a script choose.
const WIDTHS: [u32; 3] = [2048, 1080, 720];
/// Most widths that are read of a list.
const MOST_WIDTHS: usize = 64;
/// Longest list of candidates that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// Adds what an element's `data-*` attributes name. `is_image`: the element is one that shows a
/// picture, whatever its URL looks like.
pub(super) fn add_data_attributes<'a>(
    element: &ElementRef<'a>,
    is_image: bool,
    versions: &mut Versions<'a>,
) {
    // Beside a picture that is shown, a name must say that its value is meant for the same.
    let beside_picture = is_image || element.value().name() == "a";
    let rank = |name, words| match rank(name, words) {
        Rank::Unsure if !beside_picture => Rank::Lazy(0),
        rank => rank,
    };
    for (name, value) in element.value().attrs() {
        let Some(words) = name.strip_prefix("data-") else {
            continue;
        };
        if is_later_of_series(element, name) {
            continue;
        }
        let value = value.trim();
        // JSON is read elsewhere; markup is a script's template.
        if value.is_empty() || value.len() > LONGEST || value.starts_with(['{', '[', '<']) {
            continue;
        }
        if let Some(template) = template(value) {
            add_widths(element, template, versions);
        } else if value.contains("url(") {
            for mut picture in References::read(value).pictures {
                versions.push(rank(name, words), picture.swap_remove(0));
            }
        } else if is_set_name(words) {
            // lazysizes' bgset: a set for each screen, `a.jpg 200w [--small] | b.jpg 400w`.
            for part in value.split('|') {
                versions.push_set(part.split('[').next().unwrap_or_default().trim());
            }
        } else if value.contains(|c: char| c.is_ascii_whitespace()) {
            if is_set(value) {
                versions.push_set(value);
            }
        } else if is_usable(value)
            && !value.contains('{')
            && (LinkTarget::of_path(value) == LinkTarget::Picture
                || names_picture(element, is_image, name, value))
        {
            versions.push(rank(name, words), value);
        }
    }
}

/// Whether the name of an attribute says that its value is a picture, whatever that ends with.
fn names_picture(element: &ElementRef<'_>, is_image: bool, name: &str, value: &str) -> bool {
    if is_image {
        let mut words = name.split(['-', '_']);
        let is_src = words.any(|word| word.contains("src")) && is_for_src(name);
        return (LAZY.contains(&name) || is_src) && value.contains(['/', '.']);
    }
    // Elsewhere scripts load documents, too: those have no query, or end like documents.
    let is_file = || value.contains('?') && !LinkTarget::is_document(value);
    LAZY.contains(&name)
        && (LinkTarget::asks_for_picture(value)
            || !LOADERS.contains(&element.value().name()) && is_file())
}

/// What the name of an attribute promises.
fn rank(name: &str, words: &str) -> Rank {
    if let Some(usual) = LAZY.iter().position(|known| *known == name) {
        return Rank::Lazy(usual + 1);
    }
    let has = |prefixes: &[&str]| {
        words.split(['-', '_']).any(|word| {
            let mut known = prefixes.iter();
            word != "original" && known.any(|prefix| word.starts_with(prefix))
        })
    };
    if has(&SMALL) {
        Rank::Small
    } else if has(&["2x", "at2x", "retina"]) {
        Rank::Dense(2.0)
    } else if has(&FULL) {
        Rank::Full
    } else if is_for_src(words) {
        Rank::Lazy(0)
    } else {
        Rank::Unsure
    }
}

/// Whether the name of an attribute says that a script puts its value into `src`.
fn is_for_src(words: &str) -> bool {
    let mut is_for_src = false;
    for word in words.split(['-', '_']) {
        if OTHERS.contains(&word) {
            return false;
        }
        is_for_src |= FOR_SRC.iter().any(|known| word.contains(known));
    }
    is_for_src
}

/// The pictures of an element's series (`data-image1`, `data-image2`) but for the first, which is
/// the element's own. Names with a size (`data-640`, `data-src-2x`) are none of a series.
pub(super) fn rest_of_series<'a>(element: &ElementRef<'a>) -> Vec<&'a str> {
    let mut rest: Vec<(&str, &str)> = Vec::new();
    for (name, value) in element.value().attrs() {
        if is_series_picture(value.trim()) && is_later_of_series(element, name) {
            rest.push((name, value.trim()));
        }
    }
    rest.sort_unstable_by_key(|(name, _)| numbered(name));
    rest.into_iter().map(|(_, value)| value).collect()
}

fn is_later_of_series(element: &ElementRef<'_>, name: &str) -> bool {
    let Some((stem, number)) = numbered(name) else {
        return false;
    };
    let mut attributes = element.value().attrs();
    attributes.any(|(other, value)| {
        let other = numbered(other);
        other.is_some_and(|(of, it)| of == stem && it < number) && is_series_picture(value.trim())
    })
}

fn is_series_picture(value: &str) -> bool {
    is_usable(value)
        && !value.contains(|c: char| c == '{' || c.is_ascii_whitespace())
        && LinkTarget::of_path(value) == LinkTarget::Picture
}

/// The stem and the number, below 100, of an attribute whose name counts.
fn numbered(name: &str) -> Option<(&str, u32)> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_counted = (1..=2).contains(&(name.len() - stem.len()));
    let is_data = stem.starts_with("data-") && stem.len() > "data-".len();
    let number = name[stem.len()..].parse().ok();
    number
        .filter(|_| is_counted && is_data)
        .map(|it| (stem, it))
}

fn is_set_name(words: &str) -> bool {
    words.ends_with("srcset") || words.ends_with("bgset") || words.ends_with("src-set")
}

/// Whether a value of an attribute of any name is a set: pictures, each with a width or a density.
fn is_set(value: &str) -> bool {
    let is_candidate = |part: &str| {
        let mut words = part.split_ascii_whitespace();
        let url = words.next().unwrap_or_default();
        let mut descriptors = words.peekable();
        let has_size = descriptors.peek().is_some();
        let are_sizes = descriptors.all(|word| {
            let number = word.trim_end_matches(['w', 'x', 'h']);
            number.len() + 1 == word.len() && number.parse::<f64>().is_ok()
        });
        LinkTarget::of_path(url) == LinkTarget::Picture && has_size && are_sizes
    };
    let parts = value.split(", ").map(|part| part.trim_end_matches(','));
    parts
        .filter(|part| !part.trim().is_empty())
        .all(is_candidate)
}

/// The two halves around the width that a script puts in.
fn template(value: &str) -> Option<(&str, &str)> {
    if value.len() > REFERENCE {
        return None;
    }
    let marks = ["{width}", "%7Bwidth%7D", "{w}"];
    let found = marks.iter().find_map(|mark| value.split_once(mark));
    found.filter(|(_, after)| !after.contains(['{', ' ']))
}

/// Adds the widths that an element lists, else the usual ones (`data-widths="[180, 360]"`).
fn add_widths<'a>(
    element: &ElementRef<'a>,
    (before, after): (&str, &str),
    versions: &mut Versions<'a>,
) {
    let listed = attribute(element, "data-widths").unwrap_or_default();
    let listed = listed.split(|c: char| !c.is_ascii_digit());
    let listed = listed.filter_map(|width| width.parse().ok());
    let mut widths: Vec<u32> = listed.take(MOST_WIDTHS).collect();
    if widths.is_empty() {
        widths = WIDTHS.to_vec();
    }
    for width in widths {
        let reference: Cow<'a, str> = format!("{before}{width}{after}").into();
        if is_usable(&reference) {
            versions.push(Rank::Width(width), reference);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_told_from_text() {
        for (value, expected) in [
            ("a.jpg 1x, b.jpg 2x", true),
            ("a.jpg 320w, b,c.jpg 640w 480h,", true),
            ("see a.jpg, b.jpg", false),
            ("a.jpg b.jpg", false),
            ("a.mp4 1x, b.mp4 2x", false),
            ("a.jpg, b.jpg", false),
        ] {
            assert_eq!(is_set(value), expected, "{value}");
        }
    }

    #[test]
    fn names_promise_sizes() {
        for (words, expected) in [
            ("src", Rank::Lazy(5)),
            ("echo", Rank::Lazy(1)),
            ("pin-media", Rank::Unsure),
            ("avatar", Rank::Unsure),
            ("alt-src", Rank::Unsure),
            ("gt-lazy-src", Rank::Lazy(0)),
            ("cfsrc", Rank::Lazy(0)),
            ("original-url", Rank::Lazy(0)),
            ("large_image", Rank::Full),
            ("zoom-image", Rank::Full),
            ("orig-file", Rank::Full),
            ("hi-res-src", Rank::Full),
            ("src-retina", Rank::Dense(2.0)),
            ("thumb", Rank::Small),
            ("large-placeholder", Rank::Small),
        ] {
            assert_eq!(rank(&format!("data-{words}"), words), expected, "{words}");
        }
    }
}
