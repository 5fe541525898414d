//! The hosts that make up most of a web: pages in a tree, with pictures in every form.

use super::disposition::{Disposition, changing, disposition};
use super::feature::Site;
use super::listing;
use super::page::{Charset, Page, Ref, Shown};
use super::picture::{Picture, PictureStyle};
use super::resource::Resource;
use super::robots::{self, Access};
use crate::reply::Reply;

/// Hosts that a host's first page links to.
const CHILDREN: u32 = 8;

/// The rules of an ordinary host's robots.txt: whether they allow, and the pattern.
const RULES: [(bool, &str); 5] = [
    (false, "/private/"),
    (true, "/private/open/"),
    (false, "/*.secret$"),
    (false, "/*?print="),
    (false, "/pics/*/draft-"),
];

/// How a page shows one of its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// On the own host.
    Own(Shown),
    /// On the host that serves pictures for others.
    Elsewhere,
    /// Through a redirect on the own host.
    Moved,
    /// Through a redirect to the other host.
    MovedAway,
    /// On the other host, where its robots.txt closes it.
    ElsewhereClosed,
    /// Through a redirect from an open path to there.
    MovedClosed,
    /// Closed by the own robots.txt, by a pattern with a star.
    Draft,
    /// On the page itself.
    Data,
}

const FORMS: [Form; 18] = [
    Form::Own(Shown::Image),
    Form::Own(Shown::Srcset),
    Form::Elsewhere,
    Form::Own(Shown::Lazy),
    Form::Own(Shown::Source),
    Form::Own(Shown::OpenGraph),
    Form::Own(Shown::Relative),
    Form::Own(Shown::InlineStyle),
    Form::Moved,
    Form::Own(Shown::StyleBlock),
    Form::Draft,
    Form::Own(Shown::JsonLd),
    Form::Own(Shown::Noscript),
    Form::MovedAway,
    Form::Own(Shown::Anchor),
    Form::ElsewhereClosed,
    Form::MovedClosed,
    Form::Data,
];

/// An ordinary host.
pub(super) struct Ordinary<'a> {
    pub(super) site: Site<'a>,
    /// Which one it is, from 0.
    pub(super) number: u32,
}

/// Whether a path and query of an ordinary host may be fetched.
pub(super) fn access(target: &str) -> Access {
    if robots::matches(&RULES, target) {
        Access::Closed
    } else {
        Access::Open
    }
}

impl Ordinary<'_> {
    pub(super) fn resource(&self, target: &str) -> Option<Resource> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if !query.is_empty() && !query.starts_with("print=") {
            return None;
        }
        let page_of = |prefix: &str| {
            let number = path.strip_prefix(prefix)?.strip_suffix(".html")?;
            self.page_number(number)
        };
        Some(match path {
            "/robots.txt" => Resource::other(Reply::text(self.robots())),
            "/" => self.page(0),
            "/sitemap.xml" => listing::sitemap_index(&self.site),
            "/sitemap-pages.xml" => {
                listing::sitemap_pages(&self.site, &self.site.url("/p/mapped.html"))
            }
            "/sitemap-pictures.xml.gz" => listing::sitemap_pictures(
                &self.site,
                &[self.picture_url("hidden-0"), self.picture_url("hidden-1")],
            ),
            "/p/mapped.html" => self.small_page("Mapped", "mapped-0"),
            "/feed.xml" => listing::feed(
                &self.site,
                self.number.is_multiple_of(2),
                &self.site.url("/p/news.html"),
                &self.picture_url("feed-0"),
            ),
            "/p/news.html" => self.small_page("News", "news-0"),
            "/style.css" => listing::style(&self.picture_url("css-0")),
            "/private/0.html" => self.small_page("Private", "private-0"),
            "/doc.secret" => self.small_page("Secret", "secret-0"),
            "/private/open/0.png" => self.site.picture(path),
            "/next" => {
                let next = self.children().next()?;
                Resource::redirect(308, home(&self.site, next))
            }
            _ => {
                if let Some(number) = page_of("/p/") {
                    return Some(self.page(number));
                }
                if let Some(number) = page_of("/old/") {
                    let status = [301, 302, 307, 308][number as usize % 4];
                    let to = self.site.url(&format!("/p/{number}.html"));
                    return Some(Resource::redirect(status, to));
                }
                return self.picture(path);
            }
        })
    }

    /// A number of a page that exists, written as the pages write it.
    fn page_number(&self, text: &str) -> Option<u32> {
        let number: u32 = text.parse().ok()?;
        (number < self.site.plan.pages_per_host && number.to_string() == text).then_some(number)
    }

    fn robots(&self) -> String {
        let mut text = String::from("User-agent: *\n");
        for (allow, pattern) in RULES {
            text += &format!("{}: {pattern}\n", if allow { "Allow" } else { "Disallow" });
        }
        let map = self.site.url("/sitemap.xml");
        format!("{text}\nUser-agent: otherbot\nDisallow: /\n\nSitemap: {map}\n")
    }

    /// The hosts that this one leads to; together they lead from the first to all.
    fn children(&self) -> impl Iterator<Item = u32> + use<> {
        let first = u64::from(self.number) * u64::from(CHILDREN) + 1;
        let hosts = u64::from(self.site.plan.hosts);
        (first..(first + u64::from(CHILDREN)).min(hosts)).map(|number| number as u32)
    }

    fn extension(&self, name: &str) -> &'static str {
        if self.site.hash(name).is_multiple_of(2) {
            "png"
        } else {
            "jpg"
        }
    }

    /// The URL of a picture of this host by its name without an extension.
    fn picture_url(&self, name: &str) -> String {
        self.site
            .url(&format!("/i/{name}.{}", self.extension(name)))
    }

    /// The host that serves this one's pictures too, which shares its address.
    fn elsewhere(&self, folder: &str, name: &str) -> String {
        let address = self.site.plan.address_of(self.number);
        let extension = self.extension(name);
        format!(
            "http://cdn.a{address}.test/{folder}/{}-{name}.{extension}",
            self.number
        )
    }

    fn small_page(&self, title: &str, picture: &str) -> Resource {
        Resource::page(Page::new(title).show(Shown::Image, self.picture_url(picture)))
    }

    fn form(&self, page: u32, slot: u32) -> Form {
        let place = u64::from(page) * u64::from(self.site.plan.pictures_per_page)
            + u64::from(slot)
            // Small webs should have every form too, so hosts begin at different ones.
            + u64::from(self.number) * 7;
        FORMS[(place % FORMS.len() as u64) as usize]
    }

    fn leaf(&self, page: u32) -> bool {
        u64::from(page) * 2 + 1 >= u64::from(self.site.plan.pages_per_host)
    }

    fn page(&self, number: u32) -> Resource {
        let disposition = disposition(&self.site, &format!("page {number}"));
        // A page with others below stays, or most of the host would go with it.
        if let (Disposition::Gone(status), true, true) =
            (disposition, self.leaf(number), number > 0)
        {
            return Resource::other(Reply::new(status));
        }
        let mut page = Page::new(format!("{} page {number} café", self.site.host));
        page.charset = match number % 8 {
            3 => Charset::Header1252,
            7 => Charset::Meta1252,
            _ => Charset::Utf8,
        };
        page.base = (!number.is_multiple_of(4)).then_some("/i/");
        for slot in 0..self.site.plan.pictures_per_page {
            self.show(&mut page, number, slot);
        }
        let mut changed = 0;
        if disposition == Disposition::Changes && self.site.epoch > 0 {
            changed = self.site.epoch;
            let name = format!("new-{number}-{changed}");
            page = page.show(Shown::Image, self.picture_url(&name));
        }
        for child in [u64::from(number) * 2 + 1, u64::from(number) * 2 + 2] {
            if child < u64::from(self.site.plan.pages_per_host) {
                let folder = if child % 5 == 4 { "old" } else { "p" };
                page = page.show(
                    Shown::Link,
                    self.site.url(&format!("/{folder}/{child}.html")),
                );
            }
        }
        page = if number == 0 {
            self.links(page)
        } else {
            page.show(Shown::Link, self.site.url("/"))
        };
        Resource {
            changed,
            ..Resource::page(page)
        }
    }

    /// What only the first page names.
    fn links(&self, mut page: Page) -> Page {
        for (shown, path) in [
            (Shown::Feed, "/feed.xml"),
            (Shown::Stylesheet, "/style.css"),
            (Shown::Link, "/private/0.html"),
            (Shown::Link, "/doc.secret"),
            (Shown::Link, "/?print=1"),
            (Shown::Image, "/private/open/0.png"),
        ] {
            page = page.show(shown, self.site.url(path));
        }
        for (i, child) in self.children().enumerate() {
            let url = if i == 0 {
                self.site.url("/next")
            } else {
                home(&self.site, child)
            };
            page = page.show(Shown::Link, url);
        }
        page
    }

    fn show(&self, page: &mut Page, number: u32, slot: u32) {
        let mut name = format!("{number}-{slot}");
        let shown = match self.form(number, slot) {
            Form::Own(Shown::Relative) if page.base.is_none() => Shown::Image,
            Form::Own(shown) => shown,
            Form::Elsewhere | Form::Moved | Form::MovedAway | Form::MovedClosed => Shown::Image,
            Form::ElsewhereClosed | Form::Draft => Shown::Image,
            Form::Data => {
                page.inline = Some(Picture {
                    // Nobody puts a photo on the page itself.
                    style: PictureStyle::Small,
                    ..self.site.picture_file(&format!("/data/{name}.png"), 0)
                });
                return;
            }
        };
        if page.charset != Charset::Utf8 {
            name.insert_str(0, "caf%C3%A9-");
        }
        let extension = self.extension(&name);
        let url = match self.form(number, slot) {
            Form::Elsewhere => self.elsewhere("i", &name),
            Form::ElsewhereClosed => self.elsewhere("closed", &name),
            Form::Moved | Form::MovedAway | Form::MovedClosed => {
                self.site.url(&format!("/r/{name}.{extension}"))
            }
            Form::Draft => self
                .site
                .url(&format!("/pics/{number}/draft-{name}.{extension}")),
            Form::Own(_) | Form::Data => self.picture_url(&name),
        };
        let small = matches!(shown, Shown::Srcset | Shown::Source)
            .then(|| self.picture_url(&format!("small-{name}")));
        page.refs.push(Ref { url, shown, small });
    }

    /// What stands at a path that pictures have.
    fn picture(&self, path: &str) -> Option<Resource> {
        let (folder, file) = path.rsplit_once('/')?;
        let (name, extension) = file.rsplit_once('.')?;
        if extension != self.extension(name.trim_start_matches("draft-")) {
            return None;
        }
        match folder {
            "/i" => self.named(name).then(|| changing(&self.site, path))?,
            "/r" => {
                let (page, slot) = self.slot(name)?;
                let to = match self.form(page, slot) {
                    Form::MovedAway => self.elsewhere("i", name),
                    Form::MovedClosed => self.elsewhere("closed", name),
                    _ => self.picture_url(name),
                };
                let status = [301, 302, 303, 307, 308][self.site.hash(name) as usize % 5];
                Some(Resource::redirect(status, to))
            }
            _ => {
                self.slot(name.strip_prefix("draft-")?)?;
                folder
                    .starts_with("/pics/")
                    .then(|| self.site.picture(path))
            }
        }
    }

    /// Whether a page or a list of this host names a picture so. A crawler that reads a charset
    /// or a base wrong asks for names that are not.
    fn named(&self, name: &str) -> bool {
        const LISTED: [&str; 8] = [
            "hidden-0",
            "hidden-1",
            "mapped-0",
            "feed-0",
            "news-0",
            "css-0",
            "private-0",
            "secret-0",
        ];
        if LISTED.contains(&name) || self.slot(name).is_some() {
            return true;
        }
        if let Some(name) = name.strip_prefix("small-") {
            return self.slot(name).is_some();
        }
        let new = name
            .strip_prefix("new-")
            .and_then(|name| name.split_once('-'));
        new.is_some_and(|(page, epoch)| {
            let epoch = epoch
                .parse()
                .is_ok_and(|epoch: u64| epoch <= self.site.epoch);
            epoch && self.page_number(page).is_some()
        })
    }

    /// The page and the place on it of a picture's name.
    pub(super) fn slot(&self, name: &str) -> Option<(u32, u32)> {
        let (page, slot) = name.trim_start_matches("caf%C3%A9-").split_once('-')?;
        let (page, slot) = (self.page_number(page)?, slot.parse().ok()?);
        (slot < self.site.plan.pictures_per_page).then_some((page, slot))
    }
}

/// The URL of an ordinary host's first page.
pub(super) fn home(site: &Site<'_>, number: u32) -> String {
    format!("http://{}/", site.plan.host_name(number))
}
