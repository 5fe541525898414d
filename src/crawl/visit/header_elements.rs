//! The header fields that say what elements of a page could say: `Refresh` and `Link`.

use crate::crawl::http::response::Response;
use crate::extract::Page;

/// Attributes of a link that are parameters of the field as well (RFC 8288 and HTML).
const PARAMETERS: [&str; 6] = ["rel", "as", "type", "imagesrcset", "imagesizes", "media"];

/// The fields as the elements that they stand for, in HTML: whoever reads those knows what they
/// mean.
pub(super) fn header_elements(response: &Response) -> String {
    let refreshes = response.headers("refresh");
    let links = response.headers("link");
    elements(
        refreshes.iter().map(AsRef::as_ref),
        links.iter().map(AsRef::as_ref),
    )
}

fn elements<'a>(
    refreshes: impl Iterator<Item = &'a str>,
    links: impl Iterator<Item = &'a str>,
) -> String {
    let mut html = String::new();
    for content in refreshes {
        let attributes = [
            ("http-equiv", "refresh".to_owned()),
            ("content", content.to_owned()),
        ];
        push_element(&mut html, "meta", &attributes);
    }
    for mut rest in links {
        while let Some(attributes) = next_link(&mut rest) {
            // One with an anchor speaks of another document, or of a part.
            if !attributes.iter().any(|(name, _)| *name == "anchor") {
                push_element(&mut html, "link", &attributes);
            }
        }
    }
    html
}

/// Adds what is new of `more` to a page.
pub(super) fn add_to(page: &mut Page, more: Page) {
    let Page {
        links,
        refresh,
        pictures,
        sheets,
        feeds,
        left_out,
        license,
        ..
    } = more;
    if page.license.is_empty() {
        page.license = license;
    }
    for (limit, count) in left_out {
        *page.left_out.entry(limit).or_default() += count;
    }
    page.refresh = page.refresh.take().or(refresh);
    for link in links {
        if !page.links.iter().any(|known| known.url == link.url) {
            page.links.push(link);
        }
    }
    for picture in pictures {
        if !page.pictures.iter().any(|known| known.url == picture.url) {
            page.pictures.push(picture);
        }
    }
    for (known, more) in [(&mut page.sheets, sheets), (&mut page.feeds, feeds)] {
        for url in more {
            if !known.contains(&url) {
                known.push(url);
            }
        }
    }
}

/// Takes the next link from a field's value: `<a.html>; rel=next, ...`.
fn next_link(rest: &mut &str) -> Option<Vec<(&'static str, String)>> {
    let start = rest.find('<')?;
    let (href, after) = rest[start + 1..].split_once('>')?;
    *rest = after;
    let mut attributes = vec![("href", href.trim().to_owned())];
    loop {
        *rest = rest.trim_start();
        let Some(after) = rest.strip_prefix(';') else {
            return Some(attributes);
        };
        let end = after.find(['=', ';', ',', '<']).unwrap_or(after.len());
        let name = after[..end].trim().to_ascii_lowercase();
        *rest = &after[end..];
        let value = match rest.strip_prefix('=') {
            Some(after) => {
                *rest = after.trim_start();
                value(rest)
            }
            None => String::new(),
        };
        let known = PARAMETERS.iter().chain(&["anchor"]);
        let known = known.copied().find(|known| *known == name);
        // The first one of a name counts.
        if let Some(name) = known
            && !attributes.iter().any(|(taken, _)| *taken == name)
        {
            attributes.push((name, value));
        }
    }
}

/// Takes the value of a parameter, quoted or not.
fn value(rest: &mut &str) -> String {
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find([';', ',']).unwrap_or(rest.len());
        let (value, after) = rest.split_at(end);
        *rest = after;
        return value.trim().to_owned();
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                *rest = &quoted[at + 1..];
                return value;
            }
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    *rest = "";
    value
}

fn push_element(html: &mut String, name: &str, attributes: &[(&'static str, String)]) {
    html.push('<');
    html.push_str(name);
    for (name, value) in attributes {
        html.push(' ');
        html.push_str(name);
        html.push_str("=\"");
        for c in value.chars() {
            match c {
                '&' => html.push_str("&amp;"),
                '"' => html.push_str("&quot;"),
                c => html.push(c),
            }
        }
        html.push('"');
    }
    html.push('>');
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::extract::{Limit, PageRules, parse_page};

    fn read(refreshes: &[&str], links: &[&str]) -> Page {
        let html = elements(refreshes.iter().copied(), links.iter().copied());
        let url = Url::parse("https://a.example/b/c").unwrap();
        parse_page(html.as_bytes(), Some("utf-8"), &url, &PageRules::default())
    }

    fn links(page: &Page) -> Vec<&str> {
        page.links.iter().map(|link| link.url.as_str()).collect()
    }

    fn pictures(page: &Page) -> Vec<&str> {
        page.pictures.iter().map(|it| it.url.as_str()).collect()
    }

    #[test]
    fn fields_are_read_as_the_elements_they_stand_for() {
        let page = read(
            &["0; url=/next?a=1&amp=2"],
            &[
                "<d.html>; rel=\"next\", <https://a.example/e>; rel=canonical",
                "<p.jpg>; rel=preload; as=image, <s.css>;rel=stylesheet,<f.js>; rel=preload; as=script",
                "<feed>; rel=alternate; type=\"application/rss+xml\"; title=\"a, \\\"<b>\\\"\"",
                "<lead.jpg>; rel=image_src",
            ],
        );
        let expected = [
            "https://a.example/next?a=1&amp=2",
            "https://a.example/b/d.html",
            "https://a.example/e",
        ];
        assert_eq!(links(&page), expected);
        assert_eq!(page.refresh.as_ref().unwrap().as_str(), expected[0]);
        assert_eq!(
            pictures(&page),
            ["https://a.example/b/p.jpg", "https://a.example/b/lead.jpg"]
        );
        assert_eq!(page.sheets[0].as_str(), "https://a.example/b/s.css");
        assert_eq!(page.feeds[0].as_str(), "https://a.example/b/feed");
    }

    #[test]
    fn odd_fields_break_nothing() {
        for field in [
            "",
            "<",
            "<>",
            "a.html",
            "<a",
            "; rel=next",
            "<a>; rel",
            "<a>; rel=\"next",
            "<a>; =",
            "<a>;;;",
            "<a> rel=next",
            "\"<a>; rel=next\\",
            ",,,",
            "<a>; rel=next; anchor=\"#b\"",
        ] {
            let page = read(&[field], &[field]);
            assert!(page.pictures.is_empty(), "{field}");
        }
        let page = read(&[], &["<a>; REL = \"prev Next\" ; rel=icon"]);
        assert_eq!(links(&page), ["https://a.example/b/a"]);
        let hidden = read(&[], &["<a\" b>; rel=\"next\\\"><img src=x.jpg>\""]);
        assert_eq!(pictures(&hidden), [""; 0], "no element but those");
    }

    #[test]
    fn what_the_page_says_too_is_there_once() {
        let mut page = read(&[], &["<a>; rel=next, <p.jpg>; rel=image_src"]);
        let more = read(&["1; url=r"], &["<a>; rel=next, <q.jpg>; rel=image_src"]);
        add_to(&mut page, more);
        assert_eq!(
            links(&page),
            ["https://a.example/b/a", "https://a.example/b/r"]
        );
        assert_eq!(page.pictures.len(), 2);
        assert!(page.refresh.is_some());
        let long = format!("</{}.png>; rel=preload; as=image", "x".repeat(2_100));
        add_to(&mut page, read(&[], &[&long]));
        add_to(&mut page, read(&[], &[&long]));
        assert_eq!(page.left_out[&Limit::UrlLength], 2);
    }
}
