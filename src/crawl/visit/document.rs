//! From a document's bytes to what is queued: links, pictures, sheets, feeds, sitemaps.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::document_contents::DocumentContents;
use super::document_rules::DocumentRules;
use super::header_elements::add_to;
use crate::canonical_url::CanonicalUrl;
use crate::crawl::policy::opt_out::OptOut;
use crate::crawl::policy::reason::Reason;
use crate::crawl::politeness::opt_out::OptOuts;
use crate::extract::{
    InlinePicture, LeftOut, Limit, Page, PictureLink, PicturePlacement, PictureVersion, Sitemap,
    parse_feed, parse_page, parse_sheet, parse_sitemap,
};
use crate::store::{
    Alternate, Discovery, Embed, OptedOut, PageRecord, PageTerms, PageVisit, PictureHint, Promise,
    Role, Validators, now_ms,
};

/// A document that was fetched.
pub(super) struct Document {
    /// Where it came from, after redirects.
    pub(super) url: CanonicalUrl,
    /// What it is read as.
    pub(super) role: Role,
    /// Links from the nearest seed; for sheets and sitemaps, how many lie above it.
    pub(super) depth: u32,
    /// The charset that the server names.
    pub(super) charset: Option<String>,
    pub(super) body: Vec<u8>,
    /// The body ended early.
    pub(super) truncated: bool,
    /// It is longer than it may be; this is its beginning.
    pub(super) overlong: bool,
    /// What its header says that elements could say, in HTML.
    pub(super) header_elements: String,
    /// What its header and its origin's rules say against its use.
    pub(super) said: OptOuts,
    pub(super) validators: Validators,
    /// The sitemaps of its origin, if it is the first page of it.
    pub(super) sitemaps: Vec<CanonicalUrl>,
    /// Whether somebody names it: it is no sitemap that was looked for in the usual place.
    pub(super) is_named: bool,
}

/// The depth to which sheets that import sheets, and indexes of sitemaps, are followed.
const NESTED: u32 = 5;

/// What a document gives: what is queued, and what is not taken.
struct Finds<'a> {
    rules: &'a DocumentRules,
    found: Vec<Discovery>,
    declined: BTreeMap<Reason, u64>,
    /// That pictures are not to be used, if the document says so.
    opted_out: Option<OptedOut>,
    left_scope: Option<CanonicalUrl>,
    left_out: LeftOut,
    fault: Option<String>,
    terms: PageTerms,
}

impl Document {
    /// Reads the document; takes milliseconds for a large page.
    pub(super) fn read(mut self, rules: &DocumentRules) -> DocumentContents {
        let content = *blake3::hash(&self.body).as_bytes();
        let bytes = self.body.len() as u64;
        let mut finds = Finds {
            rules,
            found: Vec::new(),
            declined: BTreeMap::new(),
            opted_out: None,
            left_scope: None,
            left_out: LeftOut::new(),
            fault: None,
            terms: PageTerms::default(),
        };
        for url in std::mem::take(&mut self.sitemaps) {
            finds.queue(url, Role::Sitemap, 0, None);
        }
        let (title, inline) = match self.role {
            Role::Sheet => (Some(String::new()), self.sheet(&mut finds)),
            Role::Sitemap => {
                self.sitemap(&mut finds);
                (None, Vec::new())
            }
            Role::Page | Role::Feed | Role::Picture => self.page(&mut finds),
        };
        let page = title.map(|title| PageRecord {
            url: self.url.to_string(),
            title,
            fetched_at: now_ms() / 1000,
        });
        // The store is to know what other settings would let in.
        let declined = finds
            .declined
            .keys()
            .filter(|reason| matches!(reason, Reason::Admission(_) | Reason::OptOut(_)));
        let declined = declined.map(|reason| reason.name().into_owned());
        let rest = self.overlong.then(|| Reason::TooLarge.name().into_owned());
        if self.overlong {
            let limit = match self.role {
                Role::Sitemap => Limit::SitemapBytes,
                _ => Limit::PageBytes,
            };
            finds.left_out.insert(limit, 1);
            // It ends early because the rest was not read.
            finds.fault = None;
        }
        let fault = finds.fault.filter(|_| self.is_named);
        DocumentContents {
            visit: PageVisit {
                url: self.url,
                page,
                content,
                validators: Validators {
                    unavailable_after_s: seconds(self.said.unavailable_after()),
                    ..self.validators
                },
                found: finds.found,
                opted_out: finds.opted_out,
                declined: declined.chain(rest).collect(),
                failed: fault
                    .is_some()
                    .then(|| Reason::BrokenSitemap.name().into_owned()),
                terms: finds.terms,
            },
            inline,
            left_scope: finds.left_scope,
            bytes,
            truncated: self.truncated,
            declined: finds.declined,
            left_out: finds.left_out,
            fault,
        }
    }

    /// The title, unless the page is not to be recorded, and the pictures in it.
    fn page(&mut self, finds: &mut Finds<'_>) -> (Option<String>, Vec<InlinePicture>) {
        let respect = &finds.rules.respect;
        let rules = &finds.rules.page;
        let (body, charset, url) = (&self.body, self.charset.as_deref(), self.url.as_url());
        let mut page: Page = match self.role {
            Role::Feed => parse_feed(body, charset, url, rules),
            _ => parse_page(body, charset, url, rules),
        };
        if self.role != Role::Feed && !self.header_elements.is_empty() {
            let elements = self.header_elements.as_bytes();
            add_to(&mut page, parse_page(elements, Some("utf-8"), url, rules));
        }
        finds.left_out = page.left_out;
        for directive in &page.directives {
            self.said.add_meta(&directive.name, &directive.content);
        }
        // A seed's redirect, in other words.
        let leads = page.refresh.filter(|_| self.depth == 0);
        finds.left_scope = leads.filter(|url| !finds.rules.scope.contains(url));
        let links_forbidden = self.said.forbids_links(respect);
        match links_forbidden {
            Some(reason) => finds.decline(Reason::OptOut(reason)),
            None => {
                for link in page.links {
                    if link.nofollow && respect.nofollow {
                        finds.decline(Reason::OptOut(OptOut::NoFollow));
                    } else {
                        finds.link(link.url, self.depth + 1);
                    }
                }
                for feed in page.feeds {
                    if finds.rules.scope.follows(&feed, self.depth + 1) {
                        finds.queue(feed, Role::Feed, self.depth + 1, None);
                    }
                }
            }
        }
        let unrecorded = self.said.forbids_page(respect);
        match unrecorded.or(self.said.forbids_pictures(respect)) {
            Some(reason) => {
                finds.opt_out(reason, page.pictures);
                (unrecorded.is_none().then_some(page.title), Vec::new())
            }
            None => {
                finds.terms.license = page.license;
                finds.terms.opt_outs = self.said.of_pictures();
                for picture in page.pictures {
                    let may_follow = |placement| match placement {
                        PicturePlacement::Shown | PicturePlacement::Guessed => true,
                        PicturePlacement::Linked => links_forbidden.is_none(),
                        PicturePlacement::LinkedNofollow => {
                            links_forbidden.is_none() && !respect.nofollow
                        }
                    };
                    finds.picture(picture, self.depth, &may_follow);
                }
                for sheet in page.sheets {
                    finds.queue(sheet, Role::Sheet, 0, None);
                }
                (Some(page.title), page.inline)
            }
        }
    }

    fn sheet(&self, finds: &mut Finds<'_>) -> Vec<InlinePicture> {
        let sheet = parse_sheet(&self.body, self.charset.as_deref(), self.url.as_url());
        if let Some(reason) = self.said.forbids_pictures(&finds.rules.respect) {
            finds.opt_out(reason, sheet.pictures);
            return Vec::new();
        }
        finds.left_out = sheet.left_out;
        for picture in sheet.pictures {
            finds.picture(picture, 0, &|_| true);
        }
        if self.depth < NESTED {
            for url in sheet.imports {
                finds.queue(url, Role::Sheet, self.depth + 1, None);
            }
        }
        sheet.inline
    }

    /// Pages in the scope, one link away from the seeds, and the pictures on them.
    fn sitemap(&self, finds: &mut Finds<'_>) {
        let contents = parse_sitemap(&self.body, self.url.as_url());
        (finds.left_out, finds.fault) = (contents.left_out, contents.fault);
        match contents.sitemap {
            Sitemap::Index(maps) if self.depth < NESTED => {
                for url in maps {
                    if finds.rules.scope.contains(&url) {
                        finds.queue(url, Role::Sitemap, self.depth + 1, None);
                    }
                }
            }
            Sitemap::Index(_) => {}
            Sitemap::Urls(entries) => {
                for entry in entries {
                    if !finds.rules.scope.contains(&entry.url) {
                        continue;
                    }
                    finds.link(entry.url, 1);
                    for picture in entry.pictures {
                        finds.queue(picture.url, Role::Picture, 1, None);
                    }
                }
            }
        }
    }
}

impl Finds<'_> {
    fn link(&mut self, url: CanonicalUrl, depth: u32) {
        if self.rules.scope.follows(&url, depth) {
            self.queue(url, Role::Page, depth, None);
        }
    }

    /// Queues the best version of a picture that may be asked for, with the others.
    fn picture(
        &mut self,
        picture: PictureLink,
        depth: u32,
        may_follow: &dyn Fn(PicturePlacement) -> bool,
    ) {
        let embed = Embed {
            alt: picture.alt,
            title: picture.title,
            caption: picture.caption,
        };
        let license = picture.license;
        let best = PictureVersion {
            url: picture.url,
            placement: picture.placement,
        };
        let mut versions = Vec::new();
        for version in std::iter::once(best).chain(picture.others) {
            let refused = match may_follow(version.placement) {
                true => match self.rules.admission.admit(version.url, Role::Picture) {
                    Ok(url) => {
                        let promise = promise(version.placement);
                        versions.push(Alternate { url, promise });
                        continue;
                    }
                    Err(rejection) => Reason::Admission(rejection),
                },
                false => Reason::OptOut(OptOut::NoFollow),
            };
            // Of what is not needed it does not matter that it may not be asked for.
            if versions.is_empty() {
                self.decline(refused);
            }
        }
        if versions.is_empty() {
            return;
        }
        if !license.is_empty() {
            // Whichever version of it is taken.
            let of_each = versions.iter().map(|it| (it.url.id(), license.clone()));
            self.terms.pictures.extend(of_each);
        }
        let best = versions.remove(0);
        self.found.push(Discovery {
            url: best.url,
            role: Role::Picture,
            depth,
            embed: Some(embed),
            hint: PictureHint {
                promise: best.promise,
                others: versions,
                ..PictureHint::default()
            },
        });
    }

    fn queue(&mut self, url: CanonicalUrl, role: Role, depth: u32, embed: Option<Embed>) {
        match self.rules.admission.admit(url, role) {
            Ok(url) => self.found.push(Discovery {
                url,
                role,
                depth,
                embed,
                hint: PictureHint::default(),
            }),
            Err(rejection) => self.decline(Reason::Admission(rejection)),
        }
    }

    fn opt_out(&mut self, reason: OptOut, shown: Vec<PictureLink>) {
        let admission = &self.rules.admission;
        // Whichever version of a picture was taken.
        let versions = shown.into_iter().flat_map(|picture| {
            let others = picture.others.into_iter().map(|version| version.url);
            std::iter::once(picture.url).chain(others)
        });
        let admitted = versions.filter_map(|url| admission.admit(url, Role::Picture).ok());
        self.opted_out = reason.is_said().then(|| OptedOut {
            reason: reason.name(),
            shown: admitted.map(|url| url.id()).collect(),
        });
        self.decline(Reason::OptOut(reason));
    }

    fn decline(&mut self, reason: Reason) {
        *self.declined.entry(reason).or_default() += 1;
    }
}

fn promise(placement: PicturePlacement) -> Promise {
    match placement {
        PicturePlacement::Shown => Promise::Shown,
        PicturePlacement::Linked | PicturePlacement::LinkedNofollow => Promise::Linked,
        PicturePlacement::Guessed => Promise::Guessed,
    }
}

/// A time in seconds since 1970.
pub(super) fn seconds(time: Option<SystemTime>) -> Option<u64> {
    let since = time?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}
