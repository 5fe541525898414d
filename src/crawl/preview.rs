//! What a crawl would fetch, and what not and why, without a single request.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use url::Host;

use super::ROBOTS_AGENT;
use super::http::error::Refusal;
use super::policy::address::is_public;
use super::policy::admission::{Admission, PatternError};
use super::policy::scope::ScopeRules;
use super::politeness::robots_txt::RobotsTxt;
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::config::{CrawlConfig, most_exact};
use crate::store::{Role, Store, StoreError, UrlRecord};

/// What would become of a URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The URL, as it would be asked for.
    pub url: String,
    /// Whether it would be fetched.
    pub fetched: bool,
    /// Why not, as summaries call it; `ask_robots` if robots.txt is not known and would be
    /// asked first.
    pub reason: Option<String>,
    /// The same for people.
    pub message: String,
}

/// Tells what a crawl would do with URLs, from what the configuration says and the store
/// remembers.
pub struct Preview<'a> {
    store: Option<&'a Store>,
    config: &'a CrawlConfig,
    scope: ScopeRules,
    admission: Admission,
    /// By origin; `None` where robots.txt is not known.
    robots: HashMap<String, Option<RobotsTxt>>,
    /// Pages that may still be fetched, of hosts with a budget.
    pages_left: HashMap<HostId, u64>,
    /// What verdicts were given on.
    told: HashSet<UrlId>,
}

/// robots.txt files kept at once.
const REMEMBERED: usize = 1_000;

impl<'a> Preview<'a> {
    /// A preview of a crawl from `seeds`, which are the scope.
    ///
    /// # Errors
    /// If an expression of the configuration cannot be used.
    pub fn new(
        store: Option<&'a Store>,
        config: &'a CrawlConfig,
        seeds: &[CanonicalUrl],
    ) -> Result<Self, PatternError> {
        Ok(Self {
            store,
            config,
            scope: ScopeRules::new(config.scope, config.max_depth, seeds),
            admission: Admission::new(&config.admission)?,
            robots: HashMap::new(),
            pages_left: HashMap::new(),
            told: HashSet::new(),
        })
    }

    /// What would become of a URL that waits; nothing if that was said of a seed.
    ///
    /// # Errors
    /// If the store fails.
    pub fn of_record(&mut self, record: &UrlRecord) -> Result<Option<Verdict>, StoreError> {
        match CanonicalUrl::parse(&record.url) {
            Ok(url) if self.told.contains(&url.id()) => Ok(None),
            Ok(url) => self.of_url(url, record.role).map(Some),
            Err(error) => {
                let message = error.to_string();
                Ok(Some(verdict(&record.url, Some("bad_redirect"), &message)))
            }
        }
    }

    /// What would become of a seed; nothing if it was named before.
    ///
    /// # Errors
    /// If the store fails.
    pub fn of_seed(&mut self, url: CanonicalUrl) -> Result<Option<Verdict>, StoreError> {
        let id = self.admission.admit(url.clone(), Role::Page);
        let id = id.as_ref().unwrap_or(&url).id();
        if !self.told.insert(id) {
            return Ok(None);
        }
        self.of_url(url, Role::Page).map(Some)
    }

    /// What would become of a URL.
    ///
    /// # Errors
    /// If the store fails.
    fn of_url(&mut self, url: CanonicalUrl, role: Role) -> Result<Verdict, StoreError> {
        let given = url.to_string();
        if role == Role::Page && !self.scope.contains(&url) {
            return Ok(verdict(
                &given,
                Some("out_of_scope"),
                "out of the crawl's scope",
            ));
        }
        let url = match self.admission.admit(url, role) {
            Ok(url) => url,
            Err(rejection) => {
                return Ok(verdict(
                    &given,
                    Some(rejection.name()),
                    &rejection.to_string(),
                ));
            }
        };
        let text = url.as_str();
        if self
            .config
            .host_config(url.host())
            .is_some_and(|host| host.skip)
        {
            return Ok(verdict(
                text,
                Some("skipped_host"),
                "the configuration skips its host",
            ));
        }
        let store = self.store;
        if store.is_some_and(|store| store.is_removed(url.host_id()).unwrap_or_default()) {
            let message = Refusal::Removed.to_string();
            return Ok(verdict(text, Some(Refusal::Removed.reason()), &message));
        }
        if self.is_private(&url) && !self.config.allow_private_addresses {
            let message = "a private or reserved address";
            return Ok(verdict(text, Some("private_address"), message));
        }
        let by_robots = self.by_robots(&url)?;
        if by_robots.fetched && role == Role::Page && !self.take_page(&url)? {
            let message = "its host has had all the pages that max_host_pages lets it";
            return Ok(verdict(text, Some("host_pages"), message));
        }
        Ok(by_robots)
    }

    /// Whether a URL's host is known to be private before its name is resolved.
    fn is_private(&self, url: &CanonicalUrl) -> bool {
        let address = match url.as_url().host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(name)) => match most_exact(&self.config.resolve, name) {
                Some(target) => Some(target.0.ip()),
                // RFC 6761, section 6.3.
                None if name == "localhost" || name.ends_with(".localhost") => return true,
                None => None,
            },
            None => None,
        };
        address.is_some_and(|address| !is_public(address))
    }

    /// Takes a page from its host's budget, if something is left of it.
    fn take_page(&mut self, url: &CanonicalUrl) -> Result<bool, StoreError> {
        let Some(most) = self.config.host_pages(url.host()) else {
            return Ok(true);
        };
        let id = url.host_id();
        let left = match self.pages_left.get(&id) {
            Some(left) => *left,
            None => {
                let host = self.store.map(|store| store.host(id)).transpose()?;
                let read = host.flatten().map_or(0, |host| host.pages);
                most.saturating_sub(read)
            }
        };
        self.pages_left.insert(id, left.saturating_sub(1));
        Ok(left > 0)
    }

    fn by_robots(&mut self, url: &CanonicalUrl) -> Result<Verdict, StoreError> {
        let text = url.as_str();
        Ok(match self.robots(url)? {
            None => verdict_asking(text),
            Some(robots) => {
                let decision = robots.decision(url);
                match decision.rule {
                    _ if decision.allowed => verdict(text, None, "robots.txt allows it"),
                    Some(rule) => {
                        let by = format!("robots.txt, line {}: {}", rule.line, rule.text);
                        verdict(text, Some("robots"), &by)
                    }
                    None => verdict(text, Some("robots"), "robots.txt disallows it"),
                }
            }
        })
    }

    /// The robots.txt of a URL's origin, as far as it is remembered.
    fn robots(&mut self, url: &CanonicalUrl) -> Result<Option<&RobotsTxt>, StoreError> {
        let origin = url.origin();
        if !self.robots.contains_key(&origin) {
            let file = match self.store {
                Some(store) => store.rule_file(&format!("{origin}/robots.txt"))?,
                None => None,
            };
            let robots = file.map(|file| match file.body {
                Some(body) => RobotsTxt::parse(&body, ROBOTS_AGENT),
                None => RobotsTxt::default(),
            });
            if self.robots.len() >= REMEMBERED {
                self.robots.clear();
            }
            self.robots.insert(origin.clone(), robots);
        }
        Ok(self.robots.get(&origin).and_then(Option::as_ref))
    }
}

fn verdict(url: &str, reason: Option<&str>, message: &str) -> Verdict {
    Verdict {
        url: url.to_owned(),
        fetched: reason.is_none(),
        reason: reason.map(str::to_owned),
        message: message.to_owned(),
    }
}

fn verdict_asking(url: &str) -> Verdict {
    Verdict {
        fetched: true,
        ..verdict(
            url,
            Some("ask_robots"),
            "if its robots.txt, asked first, allows it",
        )
    }
}
