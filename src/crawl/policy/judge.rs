//! The one judgement on a URL, asked by the crawl before each request and by a dry run.

use url::Host;

use super::address::{AddressRules, Closed, PrivateAddress};
use super::admission::Admission;
use super::refusal::Refusal;
use super::scope::ScopeRules;
use crate::canonical_url::CanonicalUrl;
use crate::config::{CrawlConfig, most_exact};
use crate::store::Role;
use crate::store::ledger::RobotsDecision;

/// Judges URLs by the user's rules and by what is known of their hosts.
///
/// The order is always the same, and the first refusal counts: scope, admission, hosts to skip,
/// removed hosts, addresses, robots.txt, budgets of pages.
#[derive(Clone, Copy)]
pub(in crate::crawl) struct Judge<'a> {
    config: &'a CrawlConfig,
    scope: Option<&'a ScopeRules>,
    admission: Option<&'a Admission>,
    role: Option<Role>,
}

/// What is known when a URL is judged.
#[derive(Debug, Clone)]
pub(in crate::crawl) struct Facts {
    /// Whether its host was removed from the store.
    pub(in crate::crawl) host_removed: bool,
    /// What its robots.txt says; `None` if that is not known yet.
    pub(in crate::crawl) robots: Option<Result<RobotsDecision, Refusal>>,
    /// Whether more pages of its host may be fetched.
    pub(in crate::crawl) pages_left: bool,
}

/// The URL is allowed, perhaps on a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::crawl) enum Judgement {
    /// It may be fetched.
    Fetch(RobotsDecision),
    /// It may be fetched if its robots.txt, asked first, allows it.
    AskRobots,
}

impl<'a> Judge<'a> {
    /// For a URL that the user names: only what protects hosts and addresses counts.
    pub(in crate::crawl) fn of_query(config: &'a CrawlConfig) -> Self {
        Self {
            config,
            scope: None,
            admission: None,
            role: None,
        }
    }

    /// For a URL of a crawl that is asked for in this role.
    pub(in crate::crawl) fn of_crawl(
        config: &'a CrawlConfig,
        scope: &'a ScopeRules,
        admission: &'a Admission,
        role: Role,
    ) -> Self {
        Self {
            config,
            scope: Some(scope),
            admission: Some(admission),
            role: Some(role),
        }
    }

    /// For where a redirect leads. Admission is for what is queued: links and seeds.
    pub(in crate::crawl) fn of_redirect(self) -> Self {
        Self {
            admission: None,
            ..self
        }
    }

    /// Whether a URL may be fetched, as far as is known.
    ///
    /// # Errors
    /// The first rule that refuses it.
    pub(in crate::crawl) fn judge(
        &self,
        url: &CanonicalUrl,
        facts: &Facts,
    ) -> Result<Judgement, Refusal> {
        let is_page = self.role == Some(Role::Page);
        self.check_scope(url)?;
        if let (Some(admission), Some(role)) = (self.admission, self.role) {
            admission.check(url, role)?;
        }
        let own = self.config.host_config(url.host());
        if own.is_some_and(|host| host.skip) {
            return Err(Refusal::Skipped);
        }
        if facts.host_removed {
            return Err(Refusal::Removed);
        }
        if let Err(closed) = self.check_address(url) {
            let host = url.host().to_owned();
            return Err(PrivateAddress { host, closed }.into());
        }
        let judgement = match &facts.robots {
            Some(robots) => Judgement::Fetch(robots.clone()?),
            None => Judgement::AskRobots,
        };
        if is_page && !facts.pages_left {
            return Err(Refusal::PagesSpent);
        }
        Ok(judgement)
    }

    /// The first of the rules: pages stay in the crawl's scope.
    ///
    /// # Errors
    /// If the URL is out of it.
    pub(in crate::crawl) fn check_scope(&self, url: &CanonicalUrl) -> Result<(), Refusal> {
        let is_page = self.role == Some(Role::Page);
        match is_page && self.scope.is_some_and(|scope| !scope.contains(url)) {
            true => Err(Refusal::OutOfScope),
            false => Ok(()),
        }
    }

    /// Whether a URL's host is known to be closed before its name is resolved. What a name
    /// resolves to is checked when it is. A proxy resolves names itself.
    fn check_address(&self, url: &CanonicalUrl) -> Result<(), Closed> {
        let rules = AddressRules::new(self.config);
        match url.as_url().host() {
            Some(Host::Ipv4(address)) => rules.check(address.into()),
            Some(Host::Ipv6(address)) => rules.check(address.into()),
            Some(Host::Domain(_)) if self.config.proxy.is_some() => Ok(()),
            Some(Host::Domain(name)) => match most_exact(&self.config.resolve, name) {
                Some(target) => rules.check(target.0.ip()),
                // RFC 6761, section 6.3.
                None if name == "localhost" || name.ends_with(".localhost") => {
                    match rules.allows_loopback() {
                        true => Ok(()),
                        false => Err(Closed::Private),
                    }
                }
                None => Ok(()),
            },
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn url(text: &str) -> CanonicalUrl {
        CanonicalUrl::parse(text).unwrap()
    }

    fn facts() -> Facts {
        Facts {
            host_removed: false,
            robots: None,
            pages_left: true,
        }
    }

    #[test]
    fn the_first_no_counts() {
        let mut config = CrawlConfig::default();
        config.admission.exclude = vec!["/private/".to_owned()];
        let scope = ScopeRules::new(config.scope, None, [&url("http://example.org/")]);
        let admission = Admission::new(&config.admission).unwrap();
        let judge = Judge::of_crawl(&config, &scope, &admission, Role::Page);
        let disallowed = Refusal::Robots { rule: None };
        let mut facts = Facts {
            host_removed: true,
            robots: Some(Err(disallowed.clone())),
            pages_left: false,
        };
        let asked = url("http://example.org/private/a");
        let said = |judge: Judge<'_>, url, facts: &Facts| judge.judge(url, facts).unwrap_err();
        let elsewhere = url("http://other.org/private/a");
        assert_eq!(said(judge, &elsewhere, &facts), Refusal::OutOfScope);
        assert!(matches!(said(judge, &asked, &facts), Refusal::Rejected(_)));
        let judge = judge.of_redirect();
        assert_eq!(said(judge, &asked, &facts), Refusal::Removed);
        facts.host_removed = false;
        assert_eq!(said(judge, &asked, &facts), disallowed);
        facts.robots = Some(Ok(RobotsDecision::NoFile));
        assert_eq!(said(judge, &asked, &facts), Refusal::PagesSpent);
        facts.pages_left = true;
        let allowed = Judgement::Fetch(RobotsDecision::NoFile);
        assert_eq!(judge.judge(&asked, &facts), Ok(allowed));
    }

    #[test]
    fn private_names_are_known_before_they_are_resolved() {
        let mut config = CrawlConfig::default();
        let judge =
            |config: &CrawlConfig, text| Judge::of_query(config).judge(&url(text), &facts());
        for text in ["http://localhost/", "http://10.0.0.1/", "http://[::1]/"] {
            assert!(matches!(judge(&config, text), Err(Refusal::Private(_))));
        }
        assert_eq!(judge(&config, "http://a.org/"), Ok(Judgement::AskRobots));
        let proxy = Secret::from("http://proxy:1/".to_owned());
        config.proxy = Some(proxy.try_into().unwrap());
        assert!(judge(&config, "http://localhost/").is_ok(), "the proxy's");
        assert!(judge(&config, "http://10.0.0.1/").is_err());
        config.allow_private_addresses = true;
        assert!(judge(&config, "http://10.0.0.1/").is_ok());
        let metadata = "http://169.254.169.254/";
        assert!(matches!(judge(&config, metadata), Err(Refusal::Private(_))));
        config.allow_addresses = vec!["169.254.169.254".parse().unwrap()];
        assert!(judge(&config, metadata).is_ok());
    }
}
