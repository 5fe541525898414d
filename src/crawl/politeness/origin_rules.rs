//! What an origin allows: its robots.txt (RFC 9309) and its reservation of rights (TDM
//! Reservation Protocol), kept for a day.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::OnceCell;
use tokio::time::{Duration, Instant};

use super::opt_out::{OptOuts, TdmRep};
use super::robots_txt::RobotsTxt;
use crate::canonical_url::CanonicalUrl;
use crate::crawl::ROBOTS_AGENT;
use crate::crawl::policy::refusal::Refusal;
use crate::store::ledger::RobotsDecision;

/// What an origin's robots.txt says to simdex.
#[derive(Debug)]
pub(in crate::crawl) enum Robots {
    /// It was fetched: these rules hold.
    File(RobotsTxt),
    /// There is none (4xx), which allows everything (RFC 9309, section 2.3.1.3).
    Absent,
    /// It cannot be fetched (5xx, 429, network error), for this reason: everything is closed
    /// for now (RFC 9309, section 2.3.1.4).
    Unreachable(String),
}

impl Robots {
    /// The rules in a file. One that is no text at all is as good as one that cannot be fetched:
    /// nobody can tell what it says.
    pub(in crate::crawl) fn read(body: &[u8]) -> Self {
        match RobotsTxt::read(body, ROBOTS_AGENT) {
            Ok(robots) => Self::File(robots),
            Err(error) => Self::Unreachable(error.to_string()),
        }
    }

    /// Whether `url` may be fetched, and why.
    ///
    /// # Errors
    /// If it may not.
    pub(in crate::crawl) fn decide(&self, url: &CanonicalUrl) -> Result<RobotsDecision, Refusal> {
        match self {
            Self::File(robots) => {
                let decision = robots.decision(url);
                if decision.allowed {
                    return Ok(RobotsDecision::AllowedByFile);
                }
                let rule = decision.rule.map(|rule| (rule.line, rule.text.to_owned()));
                Err(Refusal::Robots { rule })
            }
            Self::Absent => Ok(RobotsDecision::NoFile),
            Self::Unreachable(why) => Err(Refusal::RobotsUnreachable(why.clone())),
        }
    }
}

/// One origin's rules. The first caller fetches them, the others wait.
#[derive(Debug)]
pub(in crate::crawl) struct OriginRules {
    made: Instant,
    pub(in crate::crawl) robots: OnceCell<Robots>,
    pub(in crate::crawl) tdmrep: OnceCell<TdmRep>,
    sitemaps_taken: AtomicBool,
}

/// Rules are fetched anew after this time (RFC 9309, section 2.4).
pub(in crate::crawl) const KEPT: Duration = Duration::from_secs(24 * 3600);
/// An origin that could not be reached is asked again after this time.
const KEPT_UNREACHABLE: Duration = Duration::from_millis(300);
/// Where sites have a sitemap, if nobody names one.
const USUAL_SITEMAP: &str = "/sitemap.xml";
/// Most sitemaps of one robots.txt that are read.
const SITEMAPS: usize = 50;

impl OriginRules {
    /// Rules that are yet to be fetched.
    pub(super) fn new() -> Self {
        Self {
            made: Instant::now(),
            robots: OnceCell::new(),
            tdmrep: OnceCell::new(),
            sitemaps_taken: AtomicBool::new(false),
        }
    }

    /// Whether `url` may be fetched, and why.
    ///
    /// # Errors
    /// If it may not.
    pub(in crate::crawl) fn decide(&self, url: &CanonicalUrl) -> Result<RobotsDecision, Refusal> {
        match self.robots.get() {
            Some(robots) => robots.decide(url),
            None => Err(Refusal::RobotsUnreachable(
                "it was not asked for".to_owned(),
            )),
        }
    }

    fn file(&self) -> Option<&RobotsTxt> {
        match self.robots.get() {
            Some(Robots::File(robots)) => Some(robots),
            _ => None,
        }
    }

    pub(in crate::crawl) fn crawl_delay(&self) -> Option<Duration> {
        self.file().and_then(RobotsTxt::crawl_delay)
    }

    /// What the origin's files say against the use of what is at `url`.
    pub(in crate::crawl) fn add_opt_outs(&self, url: &CanonicalUrl, said: &mut OptOuts) {
        if let Some(robots) = self.file() {
            for usage in robots.content_usage(url) {
                said.add_content_usage(usage);
            }
        }
        if let Some(tdmrep) = self.tdmrep.get() {
            match tdmrep.is_unreadable() {
                true => said.add_unreadable_tdm_rep(),
                false => said.add_tdm_rep(tdmrep.reserves(url)),
            }
        }
    }

    /// The origin's sitemaps, given to the first caller only: those that robots.txt names, and
    /// the one in the usual place.
    pub(in crate::crawl) fn take_sitemaps(&self, url: &CanonicalUrl) -> Vec<CanonicalUrl> {
        if self.sitemaps_taken.swap(true, Ordering::Relaxed) {
            return Vec::new();
        }
        let named = self.file().map(RobotsTxt::sitemaps).unwrap_or_default();
        let named = named.iter().take(SITEMAPS).map(String::as_str);
        let usual = std::iter::once(USUAL_SITEMAP);
        named
            .chain(usual)
            .filter_map(|sitemap| CanonicalUrl::join(url.as_url(), sitemap).ok())
            .collect()
    }

    /// Whether robots.txt names this sitemap.
    pub(in crate::crawl) fn names_sitemap(&self, url: &CanonicalUrl) -> bool {
        let named = self.file().map(RobotsTxt::sitemaps).unwrap_or_default();
        named
            .iter()
            .any(|sitemap| CanonicalUrl::join(url.as_url(), sitemap).as_ref() == Ok(url))
    }

    /// Whether they are to be fetched anew.
    pub(super) fn expired(&self) -> bool {
        let kept = match self.robots.get() {
            Some(Robots::Unreachable(_)) => KEPT_UNREACHABLE,
            _ => KEPT,
        };
        self.made.elapsed() > kept
    }
}

/// Whether a sitemap lies where one is looked for that nobody names.
pub(in crate::crawl) fn is_usual_sitemap(url: &CanonicalUrl) -> bool {
    let url = url.as_url();
    url.path() == USUAL_SITEMAP && url.query().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(robots: Robots) -> OriginRules {
        OriginRules {
            robots: OnceCell::new_with(Some(robots)),
            ..OriginRules::new()
        }
    }

    #[test]
    fn only_an_unreachable_file_closes_everything() {
        let url = CanonicalUrl::parse("http://h/a").unwrap();
        assert!(rules(Robots::Absent).decide(&url).is_ok());
        let unreachable = rules(Robots::Unreachable("HTTP status 500".to_owned()));
        assert!(matches!(
            unreachable.decide(&url),
            Err(Refusal::RobotsUnreachable(_))
        ));
        let file = rules(Robots::read(b"User-agent: *\nDisallow: /a"));
        let refusal = file.decide(&url).unwrap_err();
        assert!(refusal.to_string().contains("line 2"), "{refusal}");
    }

    #[test]
    fn sitemaps_are_given_once() {
        let url = CanonicalUrl::parse("http://h/a/b").unwrap();
        let file = b"Sitemap: http://i/map.xml\nSitemap: /own.xml";
        let rules = rules(Robots::read(file));
        let taken: Vec<String> = rules
            .take_sitemaps(&url)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            taken,
            [
                "http://i/map.xml",
                "http://h/own.xml",
                "http://h/sitemap.xml"
            ]
        );
        assert_eq!(rules.take_sitemaps(&url), []);
    }
}
