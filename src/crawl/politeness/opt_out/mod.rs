//! What pages, pictures and sites say against their use.

mod content_usage;
mod date;
mod directives;
mod tdm_rep;

use std::collections::BTreeSet;
use std::time::SystemTime;

use directives::{Directive, directives, is_agent};
pub use tdm_rep::TdmRep;
use tdm_rep::reservation;

use crate::config::Respect;
use crate::crawl::policy::opt_out::OptOut;

/// What was said about one URL. Statements to everybody and to this crawler add up; those to
/// other crawlers are ignored.
///
/// | Said | on a page | on a picture |
/// |---|---|---|
/// | `noindex`, a passed `unavailable_after` | no record, no pictures from it | not stored |
/// | `noimageindex`, `noai`, `noimageai`, TDM, `Content-Usage` | no pictures from it | not stored |
/// | `nofollow` | no links from it | - |
/// | `none` | as `noindex` and `nofollow` | not stored |
#[derive(Debug, Clone)]
pub struct OptOuts {
    agent: &'static str,
    now: SystemTime,
    reasons: BTreeSet<OptOut>,
    unavailable_after: Option<SystemTime>,
    /// From the site's file, a header, a meta element: later ones overrule earlier ones.
    tdm: [Option<bool>; 3],
    /// Whether there is a site's file that cannot be read.
    has_unreadable_file: bool,
}

impl OptOuts {
    /// No statements yet. `agent` is the crawler's product token.
    pub fn new(agent: &'static str, now: SystemTime) -> Self {
        Self {
            agent,
            now,
            reasons: BTreeSet::new(),
            unavailable_after: None,
            tdm: [None; 3],
            has_unreadable_file: false,
        }
    }

    /// A response header: `X-Robots-Tag`, `TDM-Reservation` and `Content-Usage` speak of
    /// this, all others do not. Each may come several times.
    pub fn add_header(&mut self, name: &str, value: &str) {
        if name.eq_ignore_ascii_case("x-robots-tag") {
            self.add_directives(value);
        } else if name.eq_ignore_ascii_case("tdm-reservation") {
            self.add_reservation(1, reservation(value));
        } else if name.eq_ignore_ascii_case("content-usage") {
            self.add_content_usage(value);
        }
    }

    /// A meta element with `name` and `content`: `robots`, the crawler's own name and
    /// `tdm-reservation` speak of this, all others do not.
    pub fn add_meta(&mut self, name: &str, content: &str) {
        let name = name.trim();
        if name.eq_ignore_ascii_case("robots") || is_agent(name, self.agent) {
            self.add_directives(content);
        } else if name.eq_ignore_ascii_case("tdm-reservation") {
            self.add_reservation(2, reservation(content));
        }
    }

    /// A usage preference of the site's robots.txt, such as `train-ai=n`.
    pub fn add_content_usage(&mut self, expression: &str) {
        if content_usage::disallows(expression) {
            self.reasons.insert(OptOut::ContentUsage);
        }
    }

    /// What the site's tdmrep.json says; headers and meta elements overrule it.
    pub fn add_tdm_rep(&mut self, reserved: Option<bool>) {
        self.add_reservation(0, reserved);
    }

    /// The site has a tdmrep.json that cannot be read.
    pub fn add_unreadable_tdm_rep(&mut self) {
        self.has_unreadable_file = true;
    }

    /// Everything that was said and holds now.
    pub fn reasons(&self) -> impl Iterator<Item = OptOut> {
        let [file, header, meta] = self.tdm;
        let mut reasons = self.reasons.clone();
        reasons.extend(match meta.or(header).or(file) {
            Some(true) => Some(OptOut::Tdm),
            None if self.has_unreadable_file => Some(OptOut::TdmUnreadable),
            _ => None,
        });
        reasons.into_iter()
    }

    /// The ways in which the use of pictures is opted out of, by their short names.
    pub fn of_pictures(&self) -> Vec<String> {
        let of_pictures = |reason: &OptOut| reason.is_said() && *reason != OptOut::NoFollow;
        let reasons = self.reasons().filter(of_pictures);
        reasons.map(|reason| reason.name().to_owned()).collect()
    }

    /// A date still to come after which this is not to be used: visit it again then.
    pub fn unavailable_after(&self) -> Option<SystemTime> {
        self.unavailable_after
    }

    /// Why a page is not recorded.
    pub fn forbids_page(&self, respect: &Respect) -> Option<OptOut> {
        let is_for_page = |reason| matches!(reason, OptOut::NoIndex | OptOut::UnavailableAfter);
        self.first(respect, is_for_page)
    }

    /// Why a picture is not stored, or no pictures are taken from a page.
    pub fn forbids_pictures(&self, respect: &Respect) -> Option<OptOut> {
        self.first(respect, |reason| reason != OptOut::NoFollow)
    }

    /// Why a page's links are not followed.
    pub fn forbids_links(&self, respect: &Respect) -> Option<OptOut> {
        self.first(respect, |reason| reason == OptOut::NoFollow)
    }

    fn first(&self, respect: &Respect, counts: impl Fn(OptOut) -> bool) -> Option<OptOut> {
        self.reasons()
            .find(|reason| counts(*reason) && reason.is_heeded(respect))
    }

    fn add_directives(&mut self, value: &str) {
        for directive in directives(value, self.agent) {
            match directive {
                Directive::NoIndex => self.reasons.insert(OptOut::NoIndex),
                Directive::NoImageIndex => self.reasons.insert(OptOut::NoImageIndex),
                Directive::NoAi => self.reasons.insert(OptOut::NoAi),
                Directive::NoImageAi => self.reasons.insert(OptOut::NoImageAi),
                Directive::NoFollow => self.reasons.insert(OptOut::NoFollow),
                Directive::None => {
                    self.reasons.insert(OptOut::NoIndex) | self.reasons.insert(OptOut::NoFollow)
                }
                Directive::UnavailableAfter(date) if date <= self.now => {
                    self.reasons.insert(OptOut::UnavailableAfter)
                }
                Directive::UnavailableAfter(date) => {
                    let earliest = self.unavailable_after.map_or(date, |known| known.min(date));
                    self.unavailable_after = Some(earliest);
                    false
                }
            };
        }
    }

    /// Among several statements in one place, those that reserve count.
    fn add_reservation(&mut self, place: usize, reserved: Option<bool>) {
        self.tdm[place] = self.tdm[place].max(reserved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> OptOuts {
        let now = httpdate::parse_http_date("Wed, 01 Jan 2025 00:00:00 GMT").unwrap();
        OptOuts::new("simdex", now)
    }

    fn header(name: &str, value: &str) -> OptOuts {
        let mut opt_outs = none();
        opt_outs.add_header(name, value);
        opt_outs
    }

    fn meta(name: &str, content: &str) -> OptOuts {
        let mut opt_outs = none();
        opt_outs.add_meta(name, content);
        opt_outs
    }

    fn forbidden(opt_outs: &OptOuts) -> [Option<&'static str>; 3] {
        let all = &Respect::default();
        [
            opt_outs.forbids_page(all),
            opt_outs.forbids_pictures(all),
            opt_outs.forbids_links(all),
        ]
        .map(|reason| reason.map(OptOut::name))
    }

    #[test]
    fn a_file_that_cannot_be_read_forbids_and_removes_nothing() {
        let mut opt_outs = none();
        opt_outs.add_unreadable_tdm_rep();
        let reason = opt_outs.forbids_pictures(&Respect::default()).unwrap();
        assert_eq!((reason.name(), reason.is_said()), ("tdm", false));
        // What is said of the document itself counts for more.
        let mut open = opt_outs.clone();
        open.add_header("TDM-Reservation", "0");
        assert_eq!(open.reasons().count(), 0);
        opt_outs.add_header("TDM-Reservation", "1");
        assert!(opt_outs.reasons().all(OptOut::is_said));
    }

    #[test]
    fn what_each_statement_forbids() {
        const NO: Option<&str> = None;
        for (value, expected) in [
            ("noindex", [Some("noindex"), Some("noindex"), NO]),
            ("noimageindex", [NO, Some("noimageindex"), NO]),
            ("noai", [NO, Some("noai"), NO]),
            ("noimageai", [NO, Some("noimageai"), NO]),
            ("nofollow", [NO, NO, Some("nofollow")]),
            ("none", [Some("noindex"), Some("noindex"), Some("nofollow")]),
            ("noai, nofollow", [NO, Some("noai"), Some("nofollow")]),
            ("all", [NO; 3]),
            ("otherbot: none", [NO; 3]),
        ] {
            assert_eq!(
                forbidden(&header("X-Robots-Tag", value)),
                expected,
                "{value}"
            );
        }
        for opt_outs in [
            header("tdm-reservation", "1"),
            meta("TDM-Reservation", " 1 "),
        ] {
            assert_eq!(forbidden(&opt_outs), [NO, Some("tdm"), NO]);
        }
        let opt_outs = header("Content-Usage", "search=n");
        assert_eq!(forbidden(&opt_outs), [NO, Some("content_usage"), NO]);
        assert_eq!(forbidden(&header("Robots", "noindex")), [NO; 3]);
    }

    #[test]
    fn meta_elements_speak_to_all_to_us_or_to_others() {
        assert_eq!(forbidden(&meta("ROBOTS", "NOINDEX"))[0], Some("noindex"));
        assert_eq!(forbidden(&meta(" simdex ", "noindex"))[0], Some("noindex"));
        assert_eq!(forbidden(&meta("otherbot", "none")), [None; 3]);
        assert_eq!(forbidden(&meta("description", "noindex")), [None; 3]);
    }

    #[test]
    fn general_and_own_statements_add_up() {
        let mut opt_outs = meta("robots", "nofollow");
        opt_outs.add_meta("simdex", "index, follow, noai");
        opt_outs.add_header("x-robots-tag", "otherbot: noindex");
        opt_outs.add_header("x-robots-tag", "simdex: noimageindex");
        let names: Vec<_> = opt_outs.reasons().map(OptOut::name).collect();
        assert_eq!(names, ["noimageindex", "noai", "nofollow"]);
    }

    #[test]
    fn dates_hold_from_their_moment_on() {
        let passed = header("X-Robots-Tag", "unavailable_after: 1 Jan 2025 00:00:00 GMT");
        assert_eq!(forbidden(&passed)[..2], [Some("unavailable_after"); 2]);
        assert_eq!(passed.unavailable_after(), None);
        let mut coming = header("X-Robots-Tag", "unavailable_after: 2031-01-01");
        coming.add_meta("robots", "unavailable_after: 25-Jun-2030 15:00:00 EST");
        assert_eq!(forbidden(&coming), [None; 3]);
        let expected = httpdate::parse_http_date("Tue, 25 Jun 2030 20:00:00 GMT").ok();
        assert_eq!(coming.unavailable_after(), expected);
    }

    #[test]
    fn the_nearer_reservation_overrules() {
        let mut opt_outs = none();
        opt_outs.add_tdm_rep(Some(true));
        assert_eq!(forbidden(&opt_outs)[1], Some("tdm"));
        opt_outs.add_header("TDM-Reservation", "0");
        assert_eq!(forbidden(&opt_outs)[1], None);
        opt_outs.add_meta("tdm-reservation", "1");
        opt_outs.add_meta("tdm-reservation", "0");
        assert_eq!(forbidden(&opt_outs)[1], Some("tdm"));
    }

    #[test]
    fn what_is_not_respected_forbids_nothing() {
        let mut opt_outs = header("X-Robots-Tag", "none, noai, noimageindex");
        opt_outs.add_content_usage("bots=n");
        let respect: Respect =
            toml::from_str("noindex = false\nnoai = false\nnofollow = false").unwrap();
        assert_eq!(opt_outs.forbids_page(&respect), None);
        assert_eq!(opt_outs.forbids_links(&respect), None);
        let reason = opt_outs.forbids_pictures(&respect);
        assert_eq!(reason, Some(OptOut::NoImageIndex));
        let respect = Respect {
            noimageindex: false,
            ..respect
        };
        let reason = opt_outs.forbids_pictures(&respect);
        assert_eq!(reason, Some(OptOut::ContentUsage));
    }
}
