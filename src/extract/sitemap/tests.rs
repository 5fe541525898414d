//! Sitemaps, whole and broken.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn read(bytes: &[u8]) -> String {
    let list = |urls: Vec<&CanonicalUrl>| {
        let urls: Vec<_> = urls
            .iter()
            .map(|url| {
                url.as_str()
                    .strip_prefix("http://h")
                    .unwrap_or(url.as_str())
            })
            .collect();
        urls.join(" ")
    };
    match contents(bytes).sitemap {
        Sitemap::Index(maps) => format!("index {}", list(maps.iter().collect())),
        Sitemap::Urls(entries) => list(entries.iter().map(|entry| &entry.url).collect()),
    }
}

fn contents(bytes: &[u8]) -> SitemapContents {
    parse_sitemap(bytes, &Url::parse("http://h/sitemap.xml").unwrap())
}

#[test]
fn what_is_wrong_or_left_out_is_told() {
    for (text, expected) in [
        ("<urlset><url><loc>http://h/a</loc></url></urlset>", ""),
        ("<urlset/>", ""),
        ("http://h/a\n", ""),
        (
            "<urlset><url><loc>http://h/a</loc></url><url><loc>",
            "ends early",
        ),
        ("<html><body>Not found</body></html>", "neither a sitemap"),
        ("Not found", "neither a sitemap"),
        ("", "neither a sitemap"),
        (
            "<urlset><url><loc>http://h/a</loc></url></urlset><!-- x",
            "no XML",
        ),
    ] {
        let fault = contents(text.as_bytes()).fault.unwrap_or_default();
        assert!(fault.contains(expected), "{text}: {fault}");
        assert_eq!(fault.is_empty(), expected.is_empty(), "{text}: {fault}");
    }
    let long = format!(
        "<urlset><url><loc>http://h/{}</loc></url></urlset>",
        "a".repeat(3_000)
    );
    let long_line = format!("http://h/\nhttp://h/{}\n", "a".repeat(3_000));
    for text in [long, long_line] {
        let left_out = contents(text.as_bytes()).left_out;
        assert_eq!(left_out, LeftOut::from([(Limit::UrlLength, 1)]));
    }
}

#[test]
fn sitemaps_of_every_form() {
    for (text, expected) in [
        (
            "<urlset><url><loc> http://h/a?b=1&amp;c=2\n</loc></url></urlset>",
            "/a?b=1&c=2",
        ),
        (
            "<urlset><url><loc>http://h/a?b=1&c=2</loc></url></urlset>",
            "/a?b=1&c=2",
        ),
        (
            "<urlset><url><loc><![CDATA[http://h/a]]></loc></url></urlset>",
            "/a",
        ),
        (
            "<?xml version='1.0'?><x:sitemapindex><x:sitemap><x:loc>http://h/b.gz</x:loc>\
             </x:sitemap><x:sitemap><x:loc>/c</x:loc></x:sitemap></x:sitemapindex>",
            "index /b.gz /c",
        ),
        ("\u{feff}http://h/a\r\nhttp://h/b\n\nnot a url\n", "/a /b"),
        (
            "<rss><channel><item><link>http://h/a</link></item></channel></rss>",
            "/a",
        ),
        (
            "<urlset><url><loc>http://h/a</loc></url><url><loc>http://h/b",
            "/a",
        ),
        (
            "<urlset><url><loc>ftp://h/a</loc></url><url/><url></url></urlset>",
            "",
        ),
        ("<urlset><url><loc>http://h/a.pdf</loc></url></urlset>", ""),
        ("<html><body>Not found</body></html>", ""),
        ("", ""),
    ] {
        assert_eq!(read(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn pages_come_with_their_pictures() {
    let text = "<urlset xmlns:image='i'><url><loc>http://h/a</loc>\
        <lastmod>2024-05-06</lastmod>\
        <image:image><image:loc>http://i/b.jpg</image:loc><image:title>T</image:title>\
        <image:caption>A &quot;C&quot;</image:caption></image:image>\
        <image:image><image:loc>http://i/c.svg</image:loc></image:image>\
        <video:video><video:thumbnail_loc>/d.jpg</video:thumbnail_loc></video:video>\
        </url></urlset>";
    let Sitemap::Urls(entries) = contents(text.as_bytes()).sitemap else {
        panic!("not an index");
    };
    assert_eq!(entries[0].url.as_str(), "http://h/a");
    assert_eq!(entries[0].lastmod.as_deref(), Some("2024-05-06"));
    let pictures: Vec<_> = entries[0]
        .pictures
        .iter()
        .map(|picture| (picture.url.as_str(), &*picture.title, &*picture.caption))
        .collect();
    assert_eq!(
        pictures,
        [
            ("http://i/b.jpg", "T", "A \"C\""),
            ("http://h/d.jpg", "", "")
        ]
    );
}

#[test]
fn packed_sitemaps_are_unpacked_up_to_a_limit() {
    let pack = |text: &[u8]| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    };
    let packed = pack(b"<urlset><url><loc>http://h/a</loc></url></urlset>");
    assert_eq!(read(&packed), "/a");
    // Cut short within the checksum.
    assert_eq!(read(&packed[..packed.len() - 6]), "/a");
    let bomb = pack(&[&b"http://h/a\n"[..], &vec![b' '; LARGEST + 1]].concat());
    assert!(bomb.len() < LARGEST / 100);
    let unpacked = contents(&bomb);
    // Whether it is one byte or a terabyte is not found out.
    assert_eq!(unpacked.left_out[&Limit::SitemapBytes], 1);
    assert!(matches!(unpacked.sitemap, Sitemap::Urls(ref urls) if urls.len() == 1));
    let cut_within = pack(
        &[
            &b"<urlset><url><loc>http://h/a</loc></url><!--"[..],
            &vec![b' '; LARGEST],
        ]
        .concat(),
    );
    for (unpacked, name) in [(&unpacked, "list"), (&contents(&cut_within), "XML")] {
        assert_eq!(
            unpacked.left_out,
            LeftOut::from([(Limit::SitemapBytes, 1)]),
            "{name}"
        );
        assert_eq!(unpacked.fault, None, "{name}: the rest was cut off here");
    }
    let cut = contents(&packed[..packed.len() - 6]);
    assert!(cut.fault.unwrap().contains("packed badly"));
}

#[test]
fn entries_are_counted_and_entities_not_expanded() {
    let many = format!(
        "<urlset>{}",
        "<url><loc>http://h/a</loc></url>".repeat(60_000)
    );
    assert_eq!(read(many.as_bytes()).split(' ').count(), ENTRIES);
    assert_eq!(
        contents(many.as_bytes()).left_out[&Limit::SitemapUrls],
        10_000
    );
    let plain = "http://h/a\n".repeat(60_000);
    assert_eq!(read(plain.as_bytes()).split(' ').count(), ENTRIES);
    let bomb = "<!DOCTYPE u [<!ENTITY a 'b'><!ENTITY b '&a;&a;&a;'>]>\
        <urlset><url><loc>http://h/&b;</loc></url></urlset>";
    assert_eq!(read(bomb.as_bytes()), "/&b;");
}
