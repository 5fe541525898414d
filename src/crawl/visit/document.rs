//! From a document's bytes to what is queued: links, pictures, sheets, feeds, sitemaps.

use std::collections::BTreeMap;

use super::visitor::{Reading, Visitor, seconds};
use crate::canonical_url::CanonicalUrl;
use crate::crawl::politeness::opt_out::OptOuts;
use crate::extract::{
    InlinePicture, Page, PictureLink, Sitemap, Way, parse_feed, parse_page, parse_sheet,
    parse_sitemap,
};
use crate::store::{Discovery, Embed, PageRecord, PageVisit, Role, Validators, now_ms};

/// A document that was fetched.
pub(in crate::crawl) struct Document {
    /// Where it came from, after redirects.
    pub(in crate::crawl) url: CanonicalUrl,
    /// What it is read as.
    pub(in crate::crawl) role: Role,
    /// Links from the nearest seed; of sheets and sitemaps, those above it in a row.
    pub(in crate::crawl) depth: u32,
    /// The charset that the server names.
    pub(in crate::crawl) charset: Option<String>,
    pub(in crate::crawl) body: Vec<u8>,
    /// What its header and its origin's rules say against its use.
    pub(in crate::crawl) said: OptOuts,
    pub(in crate::crawl) validators: Validators,
    /// The sitemaps of its origin, if it is the first page of it.
    pub(in crate::crawl) sitemaps: Vec<CanonicalUrl>,
}

/// Sheets that import sheets, and indexes of sitemaps, are followed so far.
const NESTED: u32 = 5;

/// What is taken from a document, and what is not.
struct Taken<'a> {
    visitor: &'a Visitor,
    found: Vec<Discovery>,
    declined: BTreeMap<&'static str, u64>,
    /// Why pictures are not to be used, if the document says so.
    opted_out: Option<&'static str>,
}

impl Document {
    /// Reads the document; takes milliseconds for a large page.
    pub(in crate::crawl) fn read(mut self, visitor: &Visitor) -> Reading {
        let content = *blake3::hash(&self.body).as_bytes();
        let bytes = self.body.len() as u64;
        let mut taken = Taken {
            visitor,
            found: Vec::new(),
            declined: BTreeMap::new(),
            opted_out: None,
        };
        for url in std::mem::take(&mut self.sitemaps) {
            taken.queue(url, Role::Sitemap, 0, None);
        }
        let (title, inline) = match self.role {
            Role::Sheet => (Some(String::new()), self.sheet(&mut taken)),
            Role::Sitemap => {
                self.sitemap(&mut taken);
                (None, Vec::new())
            }
            Role::Page | Role::Feed | Role::Picture => self.page(&mut taken),
        };
        let page = title.map(|title| PageRecord {
            url: self.url.to_string(),
            title,
            fetched_at: now_ms() / 1000,
        });
        Reading {
            visit: PageVisit {
                url: self.url,
                page,
                content,
                validators: Validators {
                    unavailable_after_s: seconds(self.said.unavailable_after()),
                    ..self.validators
                },
                found: taken.found,
                opted_out: taken.opted_out,
            },
            inline,
            bytes,
            declined: taken.declined,
        }
    }

    /// The title, unless the page is not to be recorded, and the pictures in it.
    fn page(&mut self, taken: &mut Taken<'_>) -> (Option<String>, Vec<InlinePicture>) {
        let respect = &taken.visitor.config.respect;
        let rules = &taken.visitor.page_rules;
        let (body, charset, url) = (&self.body, self.charset.as_deref(), self.url.as_url());
        let page: Page = match self.role {
            Role::Feed => parse_feed(body, charset, url, rules),
            _ => parse_page(body, charset, url, rules),
        };
        for directive in &page.directives {
            self.said.add_meta(&directive.name, &directive.content);
        }
        let links_forbidden = self.said.forbids_links(respect);
        match links_forbidden {
            Some(reason) => taken.decline(reason.name()),
            None => {
                for link in page.links {
                    if link.nofollow && respect.nofollow {
                        taken.decline("nofollow");
                    } else {
                        taken.link(link.url, self.depth + 1);
                    }
                }
                for feed in page.feeds {
                    if taken.visitor.scope.follows(&feed, self.depth + 1) {
                        taken.queue(feed, Role::Feed, self.depth + 1, None);
                    }
                }
            }
        }
        let unrecorded = self.said.forbids_page(respect);
        match unrecorded.or(self.said.forbids_pictures(respect)) {
            Some(reason) => {
                taken.opt_out(reason.name());
                (unrecorded.is_none().then_some(page.title), Vec::new())
            }
            None => {
                for picture in page.pictures {
                    let follows = match picture.way {
                        Way::Shown => true,
                        Way::Linked => links_forbidden.is_none(),
                        Way::LinkedNofollow => links_forbidden.is_none() && !respect.nofollow,
                    };
                    if follows {
                        taken.picture(picture, self.depth);
                        continue;
                    }
                    taken.decline("nofollow");
                    // The page shows this one, wherever its link leads.
                    if let Some(url) = picture.thumbnail.clone() {
                        taken.picture(PictureLink { url, ..picture }, self.depth);
                    }
                }
                for sheet in page.sheets {
                    taken.queue(sheet, Role::Sheet, 0, None);
                }
                (Some(page.title), page.inline)
            }
        }
    }

    fn sheet(&self, taken: &mut Taken<'_>) -> Vec<InlinePicture> {
        if let Some(reason) = self.said.forbids_pictures(&taken.visitor.config.respect) {
            taken.opt_out(reason.name());
            return Vec::new();
        }
        let sheet = parse_sheet(&self.body, self.charset.as_deref(), self.url.as_url());
        for url in sheet.pictures {
            taken.queue(url, Role::Picture, 0, Some(Embed::default()));
        }
        if self.depth < NESTED {
            for url in sheet.imports {
                taken.queue(url, Role::Sheet, self.depth + 1, None);
            }
        }
        sheet.inline
    }

    /// Pages in the scope, one link away from the seeds, and the pictures on them.
    fn sitemap(&self, taken: &mut Taken<'_>) {
        match parse_sitemap(&self.body, self.url.as_url()) {
            Sitemap::Index(maps) if self.depth < NESTED => {
                for url in maps {
                    if taken.visitor.scope.contains(&url) {
                        taken.queue(url, Role::Sitemap, self.depth + 1, None);
                    }
                }
            }
            Sitemap::Index(_) => {}
            Sitemap::Urls(entries) => {
                for entry in entries {
                    if !taken.visitor.scope.contains(&entry.url) {
                        continue;
                    }
                    taken.link(entry.url, 1);
                    for picture in entry.pictures {
                        taken.queue(picture.url, Role::Picture, 1, None);
                    }
                }
            }
        }
    }
}

impl Taken<'_> {
    fn link(&mut self, url: CanonicalUrl, depth: u32) {
        if self.visitor.scope.follows(&url, depth) {
            self.queue(url, Role::Page, depth, None);
        }
    }

    fn picture(&mut self, picture: PictureLink, depth: u32) {
        let embed = Embed {
            alt: picture.alt,
            title: picture.title,
            caption: picture.caption,
        };
        self.queue(picture.url, Role::Picture, depth, Some(embed));
    }

    fn queue(&mut self, url: CanonicalUrl, role: Role, depth: u32, embed: Option<Embed>) {
        match self.visitor.admission.admit(url, role) {
            Ok(url) => self.found.push(Discovery {
                url,
                role,
                depth,
                embed,
            }),
            Err(rejection) => self.decline(rejection.name()),
        }
    }

    fn opt_out(&mut self, reason: &'static str) {
        self.opted_out = Some(reason);
        self.decline(reason);
    }

    fn decline(&mut self, reason: &'static str) {
        *self.declined.entry(reason).or_default() += 1;
    }
}
