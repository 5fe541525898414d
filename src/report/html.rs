//! One self-contained page of pictures with their scores.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::markup::escape;
use super::score_text::score_text;
use crate::head::Region;
use crate::search::{QueryResult, ResultEntry};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884}\
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}\
h1{font-size:1.4rem}section{border-top:1px solid var(--line);padding:1.2rem 0}\
.query{display:flex;gap:1rem;align-items:center;margin-bottom:1rem;overflow-wrap:anywhere}\
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:1rem}\
figure{margin:0;border:1px solid var(--line);border-radius:.5rem;overflow:hidden}\
.frame{height:9rem;display:grid;place-items:center;background:#8881}\
.frame img{max-width:100%;max-height:100%;object-fit:fill}\
figcaption{padding:.5rem .6rem;font-size:.85rem;overflow-wrap:anywhere}\
.bar{height:.35rem;background:#8883;border-radius:1rem;margin:.3rem 0}\
.bar i{display:block;height:100%;border-radius:1rem;background:#2a7de1}\
details{margin-top:.3rem}table{border-collapse:collapse;font-size:.75rem}td{padding:0 .4rem 0 0}\
.shot{position:relative;display:inline-block;line-height:0;margin:.3rem .3rem 0 0}\
.shot i{position:absolute;border:2px solid #e1442a;box-sizing:border-box}\
.for{color:#1a7f37}.against{color:#c2371f}\
.muted{opacity:.7}";

/// Writes one self-contained page: every query with its results as pictures, scores and
/// the layers that explain them. Nothing is loaded from elsewhere.
///
/// # Errors
/// If writing fails.
pub fn write_html(results: &[QueryResult], ranking: &str, out: &mut dyn Write) -> io::Result<()> {
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>simdex: look-alikes</title><style>{STYLE}</style>\n\
         <h1>Look-alikes</h1><p class=\"muted\">{} {}, ranked by <b>{}</b> \
         (1 is the same picture, 0 an unlike one).</p>\n",
        results.len(),
        if results.len() == 1 {
            "query"
        } else {
            "queries"
        },
        escape(ranking),
    )?;
    for result in results {
        write!(out, "<section><div class=\"query\">")?;
        picture(
            out,
            &result.thumbnail,
            result.size,
            150.0,
            "the query picture",
        )?;
        write!(
            out,
            "<div><b>{}</b><br><span class=\"muted\">{} results in {:.0} ms</span></div></div>\
             <div class=\"grid\">",
            escape(&result.query),
            result.results.len(),
            result.timing_ms.total
        )?;
        for entry in &result.results {
            figure(out, result, entry)?;
        }
        writeln!(out, "</div></section>")?;
    }
    writeln!(out, "</html>")
}

fn figure(out: &mut dyn Write, query: &QueryResult, entry: &ResultEntry) -> io::Result<()> {
    let page = entry.pages.first();
    let alt = page.map_or("", |page| page.alt.as_str());
    write!(out, "<figure><div class=\"frame\">")?;
    picture(
        out,
        &entry.thumbnail,
        (entry.width, entry.height),
        144.0,
        alt,
    )?;
    write!(
        out,
        "</div><figcaption><b>{}. {}</b> <span class=\"muted\">cosine {:.3}</span>\
         <div class=\"bar\"><i style=\"width:{:.1}%\"></i></div>",
        entry.rank,
        score_text(entry.score, 3),
        entry.cosine,
        entry.score * 100.0
    )?;
    let place = entry.place();
    // Only web addresses become links; anything else is shown as text.
    if entry.urls.is_empty() {
        write!(out, "{}", escape(place))?;
    } else {
        write!(out, "<a href=\"{0}\">{0}</a>", escape(place))?;
    }
    for other in entry.other_places() {
        write!(out, "<br>also {}", escape(other))?;
    }
    if let Some(page) = page {
        let title = if page.title.is_empty() {
            &page.url
        } else {
            &page.title
        };
        write!(
            out,
            "<br>on <a href=\"{}\">{}</a>",
            escape(&page.url),
            escape(title)
        )?;
        if !page.words().is_empty() {
            write!(out, "<br><i>{}</i>", escape(page.words()))?;
        }
    }
    match entry.copies.len() {
        0 => {}
        1 => write!(out, "<br>and 1 copy")?,
        copies => write!(out, "<br>and {copies} copies")?,
    }
    if let Some(explanation) = &entry.explanation {
        write!(out, "<br><b>{}</b>", escape(&explanation.words))?;
    }
    write!(out, "<details><summary>why</summary>")?;
    let nearness = entry.explanation.as_ref();
    if let Some(nearness) = nearness.and_then(|explanation| explanation.nearness) {
        write!(out, "<table><tr><td><td>nearer than unlike pairs")?;
        for (group, near) in nearness.groups() {
            write!(out, "<tr><td>{group}<td>{}", score_text(near, 3))?;
        }
        write!(out, "</table>")?;
    }
    if let Some(alignment) = &entry.alignment {
        part(out, &query.thumbnail, query.size, &alignment.query)?;
        let size = (entry.width, entry.height);
        part(out, &entry.thumbnail, size, &alignment.candidate)?;
        write!(out, "<br>these parts agree by {:.2}", alignment.agreement)?;
    }
    write!(out, "<table>")?;
    let odds = |name: &str| {
        let evidence = entry.evidence.as_ref()?;
        evidence
            .0
            .iter()
            .find(|(of, _)| of == name)
            .map(|(_, odds)| *odds)
    };
    write!(out, "<tr><td><td>MSE<td>log-odds")?;
    for (layer, mse) in &entry.layers.0 {
        write!(out, "<tr><td>{}<td>{mse:.4}", escape(layer))?;
        share(out, odds(layer))?;
    }
    let of_all = entry.evidence.iter().flat_map(|evidence| &evidence.0);
    let is_layer = |name: &String| entry.layers.0.iter().any(|(layer, _)| layer == name);
    for (name, odds) in of_all.filter(|(name, _)| !is_layer(name)) {
        write!(out, "<tr><td>{}<td>", escape(name))?;
        share(out, Some(*odds))?;
    }
    write!(out, "</table></details></figcaption></figure>")
}

/// What one layer says for the result or against it.
fn share(out: &mut dyn Write, odds: Option<f32>) -> io::Result<()> {
    let Some(odds) = odds else { return Ok(()) };
    let class = if odds > 0.0 { "for" } else { "against" };
    write!(out, "<td class={class}>{odds:+.2}")
}

/// A small picture with the part that matches.
fn part(out: &mut dyn Write, jpeg: &[u8], size: (u32, u32), region: &Region) -> io::Result<()> {
    write!(out, "<span class=shot>")?;
    picture(out, jpeg, size, 76.0, "")?;
    write!(
        out,
        "<i style=\"left:{:.0}%;top:{:.0}%;width:{:.0}%;height:{:.0}%\"></i></span>",
        region.x * 100.0,
        region.y * 100.0,
        region.width * 100.0,
        region.height * 100.0
    )
}

/// A thumbnail in the picture's own proportions; those that older versions stored are square.
fn picture(
    out: &mut dyn Write,
    jpeg: &[u8],
    (width, height): (u32, u32),
    side: f64,
    alt: &str,
) -> io::Result<()> {
    let scale = side / f64::from(width.max(height).max(1));
    write!(
        out,
        "<img width=\"{:.0}\" height=\"{:.0}\" alt=\"{}\" src=\"data:image/jpeg;base64,{}\">",
        (f64::from(width) * scale).max(1.0),
        (f64::from(height) * scale).max(1.0),
        escape(alt),
        STANDARD.encode(jpeg)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Timing;
    use crate::search::explanation::Explanation;
    use crate::store::SourcePage;

    #[test]
    fn text_from_the_web_stays_text() {
        let entry = ResultEntry {
            rank: 1,
            score: 0.5,
            id: "id".into(),
            urls: vec!["http://h/\"><script>alert(1)</script>".into()],
            pages: vec![SourcePage {
                url: "http://h/".into(),
                title: "<script>".into(),
                alt: "'\"><script>".into(),
                picture_title: "<script>".into(),
                caption: "<script>".into(),
            }],
            path: None,
            paths: vec![],
            width: 4,
            height: 3,
            cosine: 0.5,
            layers: Default::default(),
            evidence: None,
            explanation: Some(Explanation {
                words: "<script>".into(),
                nearness: None,
            }),
            alignment: None,
            copies: vec![],
            thumbnail: vec![],
        };
        let result = QueryResult {
            query: "<script>".into(),
            results: vec![entry],
            unread: Vec::new(),
            timing_ms: Timing::default(),
            thumbnail: vec![],
            size: (1, 1),
        };
        let mut page = Vec::new();
        write_html(&[result], "mse18", &mut page).unwrap();
        assert!(!String::from_utf8(page).unwrap().contains("<script>"));
    }
}
