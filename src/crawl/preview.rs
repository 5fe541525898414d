//! What a crawl would fetch, and what not and why, without a single request.

use std::collections::HashMap;

use serde::Serialize;
use url::Host;

use super::ROBOTS_AGENT;
use super::address::is_public;
use super::admission::{Admission, PatternError};
use super::robots_txt::RobotsTxt;
use super::scope::ScopeRules;
use crate::canonical_url::CanonicalUrl;
use crate::config::CrawlConfig;
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
        })
    }

    /// What would become of a queued URL.
    ///
    /// # Errors
    /// If the store fails.
    pub fn of_record(&mut self, record: &UrlRecord) -> Result<Verdict, StoreError> {
        match CanonicalUrl::parse(&record.url) {
            Ok(url) => self.of_url(url, record.role),
            Err(error) => Ok(verdict(
                &record.url,
                Some("bad_redirect"),
                &error.to_string(),
            )),
        }
    }

    /// What would become of a URL.
    ///
    /// # Errors
    /// If the store fails.
    pub fn of_url(&mut self, url: CanonicalUrl, role: Role) -> Result<Verdict, StoreError> {
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
        let literal = match url.as_url().host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        let private = literal.is_some_and(|address| !is_public(address));
        if private && !self.config.allow_private_addresses {
            let message = "a private or reserved address";
            return Ok(verdict(text, Some("private_address"), message));
        }
        Ok(match self.robots(&url)? {
            None => verdict_asking(text),
            Some(robots) => {
                let decision = robots.decision(&url);
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
