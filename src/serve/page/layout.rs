//! What all pages have around what they show.

use maud::{DOCTYPE, Markup, html};

/// A whole page.
pub(super) fn page(title: &str, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " - simdex" }
                link rel="stylesheet" href="/style.css";
                script type="module" src="/page.js" {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    a.name href="/" { "simdex" }
                    nav aria-label="Pages" { a href="/" { "Ask" } " " a href="/crawl" { "Crawl" } " " a href="/api" { "API" } }
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
