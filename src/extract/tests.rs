//! Whole pages, sheets, feeds and sitemaps, and hostile ones.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use url::Url;

use super::srcset::Candidates;
use super::*;

const PAGE: &str = "<!doctype html><meta charset=utf-8><title>A page</title><base href=/b/>\
    <meta http-equiv=refresh content='5; url=next'><meta name=robots content=noindex>\
    <link rel=stylesheet href=a.css><link rel=icon sizes='16x16 64x64' href=i.png>\
    <script type=application/ld+json>{\"image\": [{\"url\": \"a.jpg\", \"width\": 900}]}</script>\
    <style>p { background: image-set(url(s.jpg) 1x, 'l.jpg' 2x) }</style>\
    <figure><a href=l.jpg><img src=s.jpg alt=Fish></a><figcaption>A fish</figcaption></figure>\
    <picture><source srcset='a.webp 1x, b.webp (1,2) 2x' type=image/webp><img src=c.jpg></picture>\
    <img src='data:image/png;base64,QUFBQUFBQUFB' data-srcset='d.jpg 640w 480h, e.jpg 9w'>\
    <svg><image xlink:href=f.jpg /></svg><template><img src=g.jpg></template>\
    <noscript><img src=h.jpg></noscript><p style='background:url(\"i.jpg\")'>&eacute;</p>";
const SHEET: &str = "@charset \"utf-8\"; @import url('a.css') screen; @font-face { src: url(f) }\
    a { b: url( 'a.jpg' ) \\61 (1, [2]); c: -webkit-image-set(\"d\" type('image/png') 2dppx) }";
const FEED: &str = "<?xml version='1.0' encoding='utf-8'?><!DOCTYPE rss [<!ENTITY a 'b'>]><rss>\
    <channel><title>A feed</title><atom:link rel='next' href='?2'/><item><title>One &amp; &a;\
    </title><link>/one</link><media:group><media:content url='/a.jpg' width='9'/></media:group>\
    <description><![CDATA[<p><img src='b.jpg'>]]></description></item><entry><link href='/two'/>\
    <content type='xhtml'><div><img src='c.jpg'/></div></content></entry></channel></rss>";
const SITEMAP: &str = "<?xml version='1.0'?><urlset><url><loc>http://h/a</loc><lastmod>2024\
    </lastmod><image:image><image:loc>/a.jpg</image:loc><image:caption>&#65;&lt;</image:caption>\
    </image:image></url><sitemap><loc>http://h/b.xml</loc></sitemap></urlset>";

fn read_all(bytes: &[u8], charset: Option<&str>) {
    let url = Url::parse("http://h/dir/x").unwrap();
    let rules = PageRules {
        agent: "simdex",
        icons: true,
        min_side: 64,
    };
    parse_page(bytes, charset, &url, &rules);
    parse_sheet(bytes, charset, &url);
    parse_feed(bytes, charset, &url, &rules);
    parse_sitemap(bytes, &url);
    let _ = Candidates::new(&String::from_utf8_lossy(bytes)).count();
}

#[test]
fn no_bytes_make_a_reader_panic_or_hang() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(SITEMAP.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let samples = [
        PAGE.as_bytes(),
        SHEET.as_bytes(),
        FEED.as_bytes(),
        SITEMAP.as_bytes(),
        &packed,
    ];
    let charsets = [None, Some("utf-16le"), Some("iso-2022-jp"), Some("gb18030")];
    let started = Instant::now();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for round in 0..2_000 {
        let sample = samples[round % samples.len()];
        let mut bytes = sample.to_vec();
        for _ in 0..random.random_range(1..8) {
            let at = random.random_range(0..bytes.len());
            match random.random_range(0..5) {
                0 => bytes[at] = random.random(),
                1 => bytes[at] = *b"<>\"'&;(){}[],/: \\\0".choose(&mut random).unwrap(),
                2 => bytes.truncate(at.max(1)),
                3 => {
                    let end = random.random_range(at..bytes.len());
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece.repeat(random.random_range(1..4)));
                }
                _ => {
                    let end = random.random_range(at..bytes.len());
                    bytes.drain(at..end);
                }
            }
        }
        read_all(&bytes, *charsets.choose(&mut random).unwrap());
    }
    // Milliseconds each, where quadratic reading or a loop would take far longer.
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn samples_are_read_in_full() {
    // The mutations above start from something worth reading.
    let url = Url::parse("http://h/dir/x").unwrap();
    let page = parse_page(PAGE.as_bytes(), None, &url, &PageRules::default());
    let names: Vec<_> = page
        .pictures
        .iter()
        .map(|picture| picture.url.as_url().path())
        .collect();
    assert_eq!(
        names,
        [
            "/b/a.jpg",
            "/b/l.jpg",
            "/b/a.webp",
            "/b/d.jpg",
            "/b/f.jpg",
            "/b/h.jpg",
            "/b/i.jpg"
        ]
    );
    assert_eq!(page.pictures[1].caption, "A fish");
    assert_eq!(parse_sheet(SHEET.as_bytes(), None, &url).pictures.len(), 2);
    let feed = parse_feed(FEED.as_bytes(), None, &url, &PageRules::default());
    assert_eq!((feed.links.len(), feed.pictures.len()), (2, 3));
}
