//! Files that name pages and pictures beside the pages: feeds, sitemaps and style sheets.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::feature::Site;
use super::page::{Ref, Shown};
use super::resource::Resource;

const MAP: &str = "http://www.sitemaps.org/schemas/sitemap/0.9";
const IMAGES: &str = "http://www.google.com/schemas/sitemap-image/1.1";

fn listed(urls: &[&str]) -> Vec<Ref> {
    let refs = urls
        .iter()
        .map(|url| Ref::new(Shown::Listed, (*url).to_owned()));
    refs.collect()
}

fn xml(media_type: &'static str, content: &str, urls: &[&str]) -> Resource {
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{content}\n");
    Resource::list(media_type, text.into_bytes(), listed(urls))
}

/// A sitemap of sitemaps.
pub(super) fn sitemap_index(site: &Site<'_>) -> Resource {
    let maps = ["/sitemap-pages.xml", "/sitemap-pictures.xml.gz"].map(|path| site.url(path));
    let entries = maps
        .each_ref()
        .map(|map| format!("<sitemap><loc>{map}</loc></sitemap>"));
    let content = format!(
        "<sitemapindex xmlns=\"{MAP}\">{}</sitemapindex>",
        entries.concat()
    );
    xml(
        "application/xml",
        &content,
        &maps.each_ref().map(String::as_str),
    )
}

/// A sitemap of one page.
pub(super) fn sitemap_pages(site: &Site<'_>, page: &str) -> Resource {
    let home = site.url("/");
    let entries = format!(
        "<url><loc>{home}</loc></url><url><loc>{page}</loc><lastmod>2024-01-01</lastmod></url>"
    );
    let content = format!("<urlset xmlns=\"{MAP}\">{entries}</urlset>");
    xml("application/xml", &content, &[&home, page])
}

/// A sitemap of pictures, as a gzip file. Writing gzip into memory cannot fail; were it empty
/// the tests would tell.
pub(super) fn sitemap_pictures(site: &Site<'_>, pictures: &[String]) -> Resource {
    let home = site.url("/");
    let entries: String = pictures
        .iter()
        .map(|url| format!("<image:image><image:loc>{url}</image:loc></image:image>"))
        .collect();
    let text = format!(
        "<?xml version=\"1.0\"?><urlset xmlns=\"{MAP}\" xmlns:image=\"{IMAGES}\">\
         <url><loc>{home}</loc>{entries}</url></urlset>"
    );
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let written = gzip.write_all(text.as_bytes());
    let bytes = written.and_then(|()| gzip.finish()).unwrap_or_default();
    let urls: Vec<&str> = pictures.iter().map(String::as_str).collect();
    Resource::list("application/gzip", bytes, listed(&urls))
}

/// A feed with one entry that links a page and encloses a picture: RSS 2.0, or Atom (RFC 4287).
pub(super) fn feed(site: &Site<'_>, rss: bool, page: &str, picture: &str) -> Resource {
    let home = site.url("/");
    let urls = [page, picture];
    let media_type = if picture.ends_with(".png") {
        "image/png"
    } else {
        "image/jpeg"
    };
    if rss {
        let content = format!(
            "<rss version=\"2.0\"><channel><title>News</title><link>{home}</link><item>\
             <title>Today</title><link>{page}</link>\
             <enclosure url=\"{picture}\" length=\"1\" type=\"{media_type}\"/></item></channel></rss>"
        );
        return xml("application/rss+xml", &content, &urls);
    }
    let content = format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>News</title><id>{home}</id><entry>\
         <title>Today</title><id>{page}</id><link href=\"{page}\"/>\
         <link rel=\"enclosure\" type=\"{media_type}\" href=\"{picture}\"/></entry></feed>"
    );
    xml("application/atom+xml", &content, &urls)
}

/// A style sheet with a picture.
pub(super) fn style(picture: &str) -> Resource {
    let css = format!(
        "/* the looks */\nbody {{ margin: 0 }}\n.top {{ background: url(\"{picture}\") }}\n"
    );
    Resource::list("text/css", css.into_bytes(), listed(&[picture]))
}
