//! RSS and Atom feeds.

use super::*;

const RULES: PageRules = PageRules {
    agent: "simdex",
    icons: false,
    min_side: 64,
};

fn feed(xml: &str) -> Page {
    let url = Url::parse("http://h/feed/rss.xml").unwrap();
    parse_feed(xml.as_bytes(), None, &url, &RULES)
}

fn pictures(xml: &str) -> String {
    feed(xml)
        .pictures
        .iter()
        .map(|picture| picture.url.as_str().strip_prefix("http://h/").unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn pictures_of_an_item() {
    for (item, expected) in [
        (
            "<enclosure url='/a.jpg' type='image/jpeg' length='1'/>",
            "a.jpg",
        ),
        ("<enclosure url='/a' type='image/png'></enclosure>", "a"),
        ("<enclosure url='/a.mp3' type='audio/mpeg'/>", ""),
        (
            "<media:content url='/a?b=1&amp;c=2' medium='image'/>",
            "a?b=1&c=2",
        ),
        (
            "<media:content url='/a?b=1&c=2' medium='image'/>",
            "a?b=1&c=2",
        ),
        (
            "<media:content url='/a.jpg'/><media:content url='/b.jpg'/>",
            "a.jpg b.jpg",
        ),
        ("<media:content url='/a.jpg' width='40' height='40'/>", ""),
        (
            "<media:content url='/a.mp4' type='video/mp4' medium='video'/>",
            "",
        ),
        (
            "<media:group><media:content url='/s.jpg' width='200'/>\
             <media:content url='/l.jpg' width='900'/></media:group>",
            "l.jpg",
        ),
        ("<media:thumbnail url='/s.jpg' width='80'/>", "s.jpg"),
        (
            "<media:thumbnail url='/s.jpg'/><media:content url='/l.jpg'/>",
            "l.jpg",
        ),
        ("<itunes:image href='/a.jpg'/>", "a.jpg"),
        ("<image><url>/a.jpg</url></image>", "a.jpg"),
        (
            "<description>&lt;img src=\"/a.jpg\"&gt;&lt;br&gt;</description>",
            "a.jpg",
        ),
        (
            "<content:encoded><![CDATA[<p><img src='/a.jpg'>]]></content:encoded>",
            "a.jpg",
        ),
        (
            "<description><p><img src='/a.jpg'/></p></description>",
            "a.jpg",
        ),
        ("<description>a.jpg &amp; more &nbsp;</description>", ""),
        (
            "<link>/post/1</link><description>&lt;img src='a.jpg'></description>",
            "post/a.jpg",
        ),
    ] {
        let rss = format!("<rss><channel><item>{item}</item></channel></rss>");
        assert_eq!(pictures(&rss), expected, "{item}");
    }
}

#[test]
fn an_rss_feed() {
    let page = feed(
        "<?xml version='1.0'?><rss version='2.0'><channel><title>A feed</title>\
         <link>http://h/</link><atom:link rel='self' href='/feed/rss.xml'/>\
         <atom:link rel='next' href='?page=2'/>\
         <image><url>http://h/logo.png</url><title>Logo</title><link>http://h/</link></image>\
         <item><title>One &amp; <![CDATA[only]]></title><link>/one</link>\
         <enclosure url='/a.jpg' type='image/jpeg'/>\
         <description>&lt;img src='/b.jpg' title='B'&gt;</description></item>\
         <item><link>/two</link></item>",
    );
    assert_eq!(page.title, "A feed");
    let links: Vec<_> = page.links.iter().map(|link| link.url.as_str()).collect();
    assert_eq!(links, ["http://h/", "http://h/one", "http://h/two"]);
    assert_eq!(page.feeds[0].as_str(), "http://h/feed/rss.xml?page=2");
    let pictures: Vec<_> = page
        .pictures
        .iter()
        .map(|picture| (picture.url.as_str(), &*picture.title))
        .collect();
    assert_eq!(
        pictures,
        [("http://h/a.jpg", "One & only"), ("http://h/b.jpg", "B")]
    );
}

#[test]
fn an_atom_feed() {
    let page = feed(
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>A feed</title>\
         <logo>/logo.png</logo><link href='http://h/'/>\
         <entry><title>One</title><link rel='edit' href='/edit'/><link href='/one/'/>\
         <link rel='enclosure' type='image/png' href='/a'/>\
         <content type='xhtml'><div xmlns='x'><img src='b.jpg'/></div></content>\
         <summary type='html'>&lt;a href='/more'>more&lt;/a></summary></entry></feed>",
    );
    let links: Vec<_> = page.links.iter().map(|link| link.url.as_str()).collect();
    assert_eq!(links, ["http://h/", "http://h/one/", "http://h/more"]);
    let pictures: Vec<_> = page
        .pictures
        .iter()
        .map(|picture| picture.url.as_str())
        .collect();
    assert_eq!(pictures, ["http://h/a", "http://h/one/b.jpg"]);
}

#[test]
fn hostile_feeds_cost_seconds_at_most() {
    let started = Instant::now();
    let deep = format!("&lt;img src=/a.jpg>{}", "&lt;div>".repeat(200_000));
    let item = format!("<item><description>{deep}</description></item>");
    let expected = ["a.jpg", "a.jpg", "a.jpg", ""];
    for (xml, expected) in [
        format!("<rss>{}</rss>", item.repeat(10)),
        format!(
            "<rss><item><enclosure url='/a.jpg'/>{}",
            "<x>".repeat(1_000_000)
        ),
        format!(
            "<rss><item><link href='{}'/><enclosure url='/a.jpg'/>",
            "&a;".repeat(1 << 20)
        ),
        format!("<!DOCTYPE rss [{}", "<!ENTITY a '".repeat(500_000)),
    ]
    .iter()
    .zip(expected)
    {
        assert_eq!(pictures(xml), expected, "{}", &xml[..60]);
    }
    assert!(started.elapsed() < Duration::from_secs(60));
}
