//! What a crawl would fetch and what it would not, and why, without sending a request.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::policy::admission::{Admission, PatternError};
use super::policy::judge::{Facts, Judge, Judgement};
use super::policy::reason::Reason;
use super::policy::refusal::Refusal;
use super::policy::scope::ScopeRules;
use super::policy::settings::Settings;
use super::politeness::origin_rules::Robots;
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::config::{Config, CrawlConfig};
use crate::store::ledger::RobotsDecision;
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
    settings: Settings,
    scope: ScopeRules,
    admission: Admission,
    /// By origin; `None` where robots.txt is not known.
    robots: HashMap<String, Option<Robots>>,
    /// Pages that may still be fetched, of hosts with a budget.
    pages_left: HashMap<HostId, u64>,
    /// The URLs that have a verdict already.
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
        config: &'a Config,
        seeds: &[CanonicalUrl],
    ) -> Result<Self, PatternError> {
        let settings = Settings::of(config);
        let config = &config.crawl;
        Ok(Self {
            store,
            config,
            settings,
            scope: ScopeRules::new(config.scope, config.max_depth, seeds),
            admission: Admission::new(&config.admission)?,
            robots: HashMap::new(),
            pages_left: HashMap::new(),
            told: HashSet::new(),
        })
    }

    /// What would become of a URL that waits; `None` if it was listed as a seed.
    ///
    /// # Errors
    /// If the store fails.
    pub fn of_record(&mut self, record: &UrlRecord) -> Result<Option<Verdict>, StoreError> {
        match CanonicalUrl::parse(&record.url) {
            Ok(url) if self.told.contains(&url.id()) => Ok(None),
            Ok(url) => self.of_url(url, record.role).map(Some),
            Err(error) => {
                let message = error.to_string();
                Ok(Some(verdict(
                    &record.url,
                    Some(&Reason::BadRedirect.name()),
                    &message,
                )))
            }
        }
    }

    /// What was refused and would be asked for again, because the settings have changed.
    ///
    /// # Errors
    /// If the store fails.
    pub fn let_in(&self) -> Result<Vec<UrlRecord>, StoreError> {
        let Some(store) = self.store else {
            return Ok(Vec::new());
        };
        let before = store.settings()?;
        let respect = &self.config.respect;
        let Some(change) = self.settings.change_since(before.as_deref(), respect) else {
            return Ok(Vec::new());
        };
        let (mut let_in, mut known) = (Vec::new(), HashSet::new());
        for kept in store.kept_out() {
            let kept = kept?;
            let judge = self.judge(kept.record.role);
            let removed = self.is_removed(kept.record.host);
            if change.lets_in(&kept, judge, removed) && known.insert(kept.id) {
                let_in.push(kept.record);
            }
        }
        Ok(let_in)
    }

    /// What would become of a seed; `None` if it was named before.
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
    fn of_url(&mut self, given: CanonicalUrl, role: Role) -> Result<Verdict, StoreError> {
        let url = self.admission.clean(given.clone());
        let mut facts = Facts {
            host_removed: self.is_removed(url.host_id()),
            robots: None,
            pages_left: true,
        };
        // As in a crawl: what is refused anyway needs no robots.txt and no budget.
        let admitted = self.judge(role).judge(&url, &facts);
        if admitted.is_ok() {
            facts.robots = self.robots(&url)?;
            facts.pages_left = role != Role::Page || self.pages_left(&url)? > 0;
        }
        let judgement = admitted.and_then(|_| self.judge(role).judge(&url, &facts));
        let judgement = match judgement {
            Ok(judgement) => judgement,
            Err(refusal) => {
                let url = match refusal {
                    Refusal::OutOfScope | Refusal::Rejected(_) => given,
                    _ => url,
                };
                let reason = refusal.reason().name().into_owned();
                return Ok(verdict(url.as_str(), Some(&reason), &in_brief(&refusal)));
            }
        };
        if role == Role::Page {
            self.take_page(&url)?;
        }
        Ok(match judgement {
            Judgement::Fetch(_) => verdict(url.as_str(), None, "robots.txt allows it"),
            Judgement::AskRobots => Verdict {
                fetched: true,
                ..verdict(
                    url.as_str(),
                    Some("ask_robots"),
                    "if its robots.txt, asked first, allows it",
                )
            },
        })
    }

    fn judge(&self, role: Role) -> Judge<'_> {
        Judge::of_crawl(self.config, &self.scope, &self.admission, role)
    }

    fn is_removed(&self, host: HostId) -> bool {
        let store = self.store;
        store.is_some_and(|store| store.is_removed(host).unwrap_or_default())
    }

    /// Pages that may still be fetched of a URL's host.
    fn pages_left(&self, url: &CanonicalUrl) -> Result<u64, StoreError> {
        let Some(most) = self.config.host_pages(url.host()) else {
            return Ok(u64::MAX);
        };
        let id = url.host_id();
        if let Some(left) = self.pages_left.get(&id) {
            return Ok(*left);
        }
        let host = self.store.map(|store| store.host(id)).transpose()?;
        let read = host.flatten().map_or(0, |host| host.pages);
        Ok(most.saturating_sub(read))
    }

    /// Takes a page from its host's budget.
    fn take_page(&mut self, url: &CanonicalUrl) -> Result<(), StoreError> {
        let left = self.pages_left(url)?;
        if left < u64::MAX {
            self.pages_left
                .insert(url.host_id(), left.saturating_sub(1));
        }
        Ok(())
    }

    /// What the robots.txt of a URL's origin says, as far as it is remembered.
    fn robots(
        &mut self,
        url: &CanonicalUrl,
    ) -> Result<Option<Result<RobotsDecision, Refusal>>, StoreError> {
        let origin = url.origin();
        if !self.robots.contains_key(&origin) {
            let file = match self.store {
                Some(store) => store.rule_file(&format!("{origin}/robots.txt"))?,
                None => None,
            };
            let robots = file.map(|file| match file.body {
                Some(body) => Robots::read(&body),
                None => Robots::Absent,
            });
            if self.robots.len() >= REMEMBERED {
                self.robots.clear();
            }
            self.robots.insert(origin.clone(), robots);
        }
        let robots = self.robots.get(&origin).and_then(Option::as_ref);
        Ok(robots.map(|robots| robots.decide(url)))
    }
}

/// How a refusal appears in a list of verdicts.
fn in_brief(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Private(_) => "a private or reserved address".to_owned(),
        Refusal::Robots {
            rule: Some((line, text)),
        } => format!("robots.txt, line {line}: {text}"),
        refusal => refusal.to_string(),
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
