//! What all pages have around what they show, and how they say things.

use maud::{DOCTYPE, Markup, html};

use crate::plural::noun_of;

/// The pages that every page leads to: their paths and their names.
const PAGES: [(&str, &str); 6] = [
    ("/", "Ask"),
    ("/duplicates", "Duplicates"),
    ("/map", "Map"),
    ("/labels", "Labels"),
    ("/crawl", "Crawl"),
    ("/api", "API"),
];

/// A whole page; `path` says which of those that all pages lead to it belongs to.
pub(super) fn page(path: &str, title: &str, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " - simdex" }
                link rel="stylesheet" href="/files/style.css";
                link rel="icon" type="image/svg+xml" href="/files/icon.svg";
                script type="module" src="/files/page.js" {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.bar {
                    div {
                        a.name href="/" { "simdex" }
                        nav aria-label="Pages" {
                            @for (of, name) in PAGES {
                                a href=(of) aria-current=[(of == path).then_some("page")] { (name) }
                            }
                        }
                    }
                }
                main id="main" tabindex="-1" { (main) }
            }
        }
    }
}

/// A link to a place on the web; anything else is text.
pub(super) fn place(place: &str, words: &str) -> Markup {
    let is_web = place.starts_with("http://") || place.starts_with("https://");
    html! {
        @if is_web {
            a href=(place) rel="noreferrer noopener" { (words) }
        } @else {
            span { (words) }
        }
    }
}

/// Only the very same bytes are 100 %.
pub(super) fn percent(score: f32) -> String {
    match score {
        1.0.. => "100 %".to_owned(),
        _ => format!("{:.1} %", (f64::from(score) * 1000.0).floor() / 10.0),
    }
}

/// Characters of a place that are shown.
const SHOWN: usize = 40;

/// The end of a place, which tells more than its beginning.
pub(super) fn short(place: &str) -> String {
    let count = place.chars().count();
    match count > SHOWN {
        true => {
            let end: String = place.chars().skip(count - SHOWN).collect();
            format!("...{end}")
        }
        false => place.to_owned(),
    }
}

/// A count with its thing: `1 picture`, `1,204 pictures`.
pub(super) fn counted(count: usize, thing: &str) -> String {
    let things = format!("{thing}s");
    format!(
        "{} {}",
        grouped(count as u64),
        noun_of(count, thing, &things)
    )
}

/// Digits in groups of three.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the unit that leaves few digits.
pub(super) fn bytes(count: u64) -> String {
    let mut amount = count as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if amount < 1000.0 {
            return match unit {
                "bytes" => format!("{count} bytes"),
                _ => format!("{amount:.1} {unit}"),
            };
        }
        amount /= 1000.0;
    }
    format!("{amount:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_in_few_digits() {
        assert_eq!(
            [0, 12, 1_204, 1_000_000].map(grouped),
            ["0", "12", "1,204", "1,000,000"]
        );
        assert_eq!(
            [0, 999, 1_000, 12_340_000].map(bytes),
            ["0 bytes", "999 bytes", "1.0 kB", "12.3 MB"]
        );
        assert_eq!(
            [1, 2].map(|count| counted(count, "picture")),
            ["1 picture", "2 pictures"]
        );
        assert_eq!(
            [1.0, 0.9999, 0.5].map(percent),
            ["100 %", "99.9 %", "50.0 %"]
        );
    }
}
