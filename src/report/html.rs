//! One self-contained page of pictures with their scores.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::markup::escape;
use super::score_text::score_text;
use crate::head::Region;
use crate::plural::{counted, counted_as};
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
.muted{opacity:.7}\
.pager{display:flex;flex-wrap:wrap;gap:.4rem;align-items:center;margin:1rem 0}\
.pager button{font:inherit;padding:.2rem .6rem}.pager button[aria-current]{font-weight:700}\
@page{margin:12mm}\
@media print{body{margin:0;max-width:none;padding:0;font-size:10pt}.pager,summary{display:none}\
figure{break-inside:avoid}.query{break-after:avoid}.grid{grid-template-columns:repeat(5,1fr);gap:.5rem}\
a{color:inherit;text-decoration:none}}";

/// Results of a page of the page: others are text until somebody turns to them.
const PAGE: usize = 100;
/// From so many results on previews are made smaller, so that the file stays light.
const MANY: usize = 1_000;
/// The longer side of a preview of many, in pixels, and its quality.
const SMALL: u32 = 160;
const QUALITY: u8 = 72;

/// Turns pages, and shows all of them to be searched, and when they are printed.
const SCRIPT: &str = "\
const main=document.querySelector('main'),rest=[...document.querySelectorAll('script[type=\"text/html\"]')];\
const pages=[main.innerHTML,...rest.map(page=>page.text)];let at=0;\
const bars=document.querySelectorAll('.pager');\
const button=(text,go,now)=>{const it=document.createElement('button');it.textContent=text;\
it.onclick=go;if(now)it.setAttribute('aria-current','page');return it};\
function show(to){at=to;main.innerHTML=to<0?pages.join(''):pages[to];bars.forEach(draw);}\
function draw(bar){const last=pages.length-1;bar.replaceChildren();\
const near=new Set([0,last,at-2,at-1,at,at+1,at+2].filter(it=>it>=0&&it<=last));\
let before=-1;for(const it of [...near].sort((a,b)=>a-b)){if(it>before+1)bar.append('\u{2026}');\
bar.append(button(it+1,()=>{show(it);scrollTo(0,0)},it===at));before=it}\
bar.append(button('all on one page',()=>show(-1),at<0));}\
let was=0;addEventListener('beforeprint',()=>{was=at;show(-1)});addEventListener('afterprint',()=>show(was));\
bars.forEach(draw);";

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
    let pages = pages(results);
    let pager = match pages.len() > 1 {
        true => {
            "<nav class=\"pager\" aria-label=\"pages\">Only the first page is shown without scripts.</nav>"
        }
        false => "",
    };
    let total = results
        .iter()
        .map(|result| result.results.len())
        .sum::<usize>();
    let previews = Previews {
        small: total > MANY,
    };
    writeln!(out, "{pager}<main>")?;
    for (number, page) in pages.iter().enumerate() {
        match number {
            0 => {}
            1 => write!(out, "</main>{pager}\n<script type=\"text/html\">")?,
            _ => write!(out, "</script>\n<script type=\"text/html\">")?,
        }
        for part in page {
            section(out, part, &previews)?;
        }
    }
    match pages.len() {
        0 | 1 => writeln!(out, "</main>")?,
        _ => writeln!(out, "</script>\n<script>{SCRIPT}</script>")?,
    }
    writeln!(out, "</html>")
}

/// A part of a list that is on one page.
struct Part<'a> {
    list: &'a QueryResult,
    entries: &'a [ResultEntry],
    /// Whether the list begins on an earlier page.
    goes_on: bool,
}

/// Lists in pages: several short ones on one, a long one on several.
fn pages(results: &[QueryResult]) -> Vec<Vec<Part<'_>>> {
    let mut pages: Vec<Vec<Part<'_>>> = Vec::new();
    let mut room = 0;
    for list in results {
        let mut entries = &list.results[..];
        let mut goes_on = false;
        loop {
            if room == 0 {
                pages.push(Vec::new());
                room = PAGE;
            }
            let (here, rest) = entries.split_at(entries.len().min(room));
            if let Some(page) = pages.last_mut() {
                page.push(Part {
                    list,
                    entries: here,
                    goes_on,
                });
            }
            // A query takes the room of a result.
            room = room.saturating_sub(here.len().max(1));
            (entries, goes_on) = (rest, true);
            if entries.is_empty() {
                break;
            }
        }
    }
    pages
}

fn section(out: &mut dyn Write, part: &Part<'_>, previews: &Previews) -> io::Result<()> {
    let list = part.list;
    write!(out, "<section><div class=\"query\">")?;
    previews.picture(out, &list.thumbnail, list.size, 150.0, "the query picture")?;
    write!(
        out,
        "<div><b>{}</b><br><span class=\"muted\">{} in {:.0} ms{}</span></div></div>\
         <div class=\"grid\">",
        escape(&list.query),
        counted(list.results.len(), "result"),
        list.timing_ms.total,
        if part.goes_on { ", continued" } else { "" }
    )?;
    for entry in part.entries {
        figure(out, list, entry, previews)?;
    }
    writeln!(out, "</div></section>")
}

fn figure(
    out: &mut dyn Write,
    query: &QueryResult,
    entry: &ResultEntry,
    previews: &Previews,
) -> io::Result<()> {
    let page = entry.pages.first();
    let alt = page.map_or("", |page| page.alt.as_str());
    write!(out, "<figure><div class=\"frame\">")?;
    let size = (entry.width, entry.height);
    previews.picture(out, &entry.thumbnail, size, 144.0, alt)?;
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
        copies => write!(out, "<br>and {}", counted_as(copies, "copy", "copies"))?,
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
        previews.part(out, &query.thumbnail, query.size, &alignment.query)?;
        previews.part(out, &entry.thumbnail, size, &alignment.candidate)?;
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
    let estimated = if entry.estimated { ", estimated" } else { "" };
    write!(out, "<tr><td><td>MSE{estimated}<td>log-odds")?;
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

/// Previews as they are written into a page.
struct Previews {
    /// Whether they are made smaller.
    small: bool,
}

impl Previews {
    /// A small picture with the part that matches.
    fn part(
        &self,
        out: &mut dyn Write,
        jpeg: &[u8],
        size: (u32, u32),
        region: &Region,
    ) -> io::Result<()> {
        write!(out, "<span class=shot>")?;
        self.picture(out, jpeg, size, 76.0, "")?;
        write!(
            out,
            "<i style=\"left:{:.0}%;top:{:.0}%;width:{:.0}%;height:{:.0}%\"></i></span>",
            region.x * 100.0,
            region.y * 100.0,
            region.width * 100.0,
            region.height * 100.0
        )
    }

    /// A preview in the picture's own proportions; those that older versions stored are square.
    fn picture(
        &self,
        out: &mut dyn Write,
        jpeg: &[u8],
        (width, height): (u32, u32),
        side: f64,
        alt: &str,
    ) -> io::Result<()> {
        let scale = side / f64::from(width.max(height).max(1));
        let small = self.small.then(|| smaller(jpeg)).flatten();
        write!(
            out,
            "<img loading=\"lazy\" decoding=\"async\" width=\"{:.0}\" height=\"{:.0}\" alt=\"{}\" \
             src=\"data:image/jpeg;base64,{}\">",
            (f64::from(width) * scale).max(1.0),
            (f64::from(height) * scale).max(1.0),
            escape(alt),
            STANDARD.encode(small.as_deref().unwrap_or(jpeg))
        )
    }
}

/// A preview with fewer bytes; `None` if it would have more, or cannot be read.
fn smaller(jpeg: &[u8]) -> Option<Vec<u8>> {
    let preview = image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg).ok()?;
    let preview = preview.thumbnail(SMALL, SMALL).into_rgb8();
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    preview.write_with_encoder(encoder).ok()?;
    (bytes.len() < jpeg.len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Timing;
    use crate::search::explanation::Explanation;
    use crate::store::SourcePage;

    #[test]
    fn long_lists_are_on_pages_and_short_ones_share_one() {
        let list = |results: usize| QueryResult {
            query: "q".into(),
            results: (0..results).map(|_| entry()).collect(),
            unread: Vec::new(),
            timing_ms: Timing::default(),
            thumbnail: vec![],
            size: (1, 1),
        };
        let on_pages = |lists: &[QueryResult]| -> Vec<Vec<usize>> {
            let pages = pages(lists);
            let counts = pages
                .iter()
                .map(|page| page.iter().map(|it| it.entries.len()).collect());
            counts.collect()
        };
        assert_eq!(on_pages(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(
            on_pages(&[list(0), list(99), list(3)]),
            [vec![0, 99], vec![3]]
        );
        assert_eq!(
            on_pages(&[list(250), list(7)]),
            [vec![100], vec![100], vec![50, 7]]
        );
        let html = |lists: &[QueryResult]| {
            let mut page = Vec::new();
            write_html(lists, "fused", &mut page).unwrap();
            String::from_utf8(page).unwrap()
        };
        let (one, several) = (html(&[list(100)]), html(&[list(250)]));
        assert_eq!(one.matches("<script").count(), 0);
        assert_eq!(several.matches("<script type=\"text/html\">").count(), 2);
        assert_eq!(several.matches("</script>").count(), 3);
        assert_eq!(several.matches("<figure>").count(), 250);
        let shown = several.split("</main>").next().unwrap();
        assert_eq!(
            shown.matches("<figure>").count(),
            100,
            "what a browser lays out"
        );
    }

    fn entry() -> ResultEntry {
        ResultEntry {
            rank: 1,
            score: 0.5,
            estimated: false,
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
        }
    }

    #[test]
    fn text_from_the_web_stays_text() {
        let result = QueryResult {
            query: "<script>".into(),
            results: vec![entry()],
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
