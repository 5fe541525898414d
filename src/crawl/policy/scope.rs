//! The scope: which pages a crawl follows.

use std::collections::HashSet;

use crate::canonical_url::CanonicalUrl;
use crate::config::Scope;

/// Which pages a crawl follows. The pictures that such pages show may be on any host: sites
/// often keep them elsewhere, and the robots.txt of those hosts is asked.
#[derive(Debug, Clone)]
pub struct ScopeRules {
    scope: Scope,
    /// The seeds' hosts or registrable domains, as the scope needs.
    allowed: HashSet<String>,
    max_depth: Option<u32>,
}

impl ScopeRules {
    /// The scope of a crawl that began at `seeds`.
    pub fn new<'a>(
        scope: Scope,
        max_depth: Option<u32>,
        seeds: impl IntoIterator<Item = &'a CanonicalUrl>,
    ) -> Self {
        let allowed = seeds.into_iter().map(|seed| unit(scope, seed)).collect();
        Self {
            scope,
            allowed,
            max_depth,
        }
    }

    /// Whether a page at `depth` links from a seed is followed.
    pub fn follows(&self, url: &CanonicalUrl, depth: u32) -> bool {
        self.max_depth.is_none_or(|most| depth <= most) && self.contains(url)
    }

    /// Whether a page's host is within the scope.
    pub fn contains(&self, url: &CanonicalUrl) -> bool {
        self.scope == Scope::Any || self.allowed.contains(&unit(self.scope, url))
    }
}

/// What the scope compares: the host, or its registrable domain by the public suffix list.
/// A site's name with and without `www.` lead to each other.
fn unit(scope: Scope, url: &CanonicalUrl) -> String {
    let host = url.host();
    match (scope, url.as_url().host()) {
        (Scope::Domain, Some(url::Host::Domain(domain))) => {
            psl::domain_str(domain).unwrap_or(host).to_owned()
        }
        _ => site_name(url).to_owned(),
    }
}

/// A site's name, which is one with and without `www.`.
pub(in crate::crawl) fn site_name(url: &CanonicalUrl) -> &str {
    let host = url.host();
    host.strip_prefix("www.").unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follows(scope: Scope, seed: &str, url: &str) -> bool {
        let [seed, url] = [seed, url].map(|text| CanonicalUrl::parse(text).unwrap());
        ScopeRules::new(scope, None, [&seed]).follows(&url, 9)
    }

    #[test]
    fn scopes_nest() {
        let seed = "https://www.example.co.uk/";
        assert!(follows(Scope::Host, seed, "http://www.example.co.uk/a"));
        assert!(follows(Scope::Host, seed, "http://example.co.uk/a"));
        assert!(!follows(Scope::Host, seed, "https://img.example.co.uk/"));
        assert!(follows(Scope::Domain, seed, "https://img.example.co.uk/"));
        assert!(!follows(Scope::Domain, seed, "https://other.co.uk/"));
        assert!(follows(Scope::Any, seed, "https://other.co.uk/"));
        assert!(!follows(
            Scope::Domain,
            "http://127.0.0.1/",
            "http://127.0.0.2/"
        ));
    }

    #[test]
    fn domains_are_registrable_ones() {
        for (seed, url, expected) in [
            ("a.example.org", "b.c.example.org", true),
            ("example.org", "example.org", true),
            ("example.org", "badexample.org", false),
            ("ann.github.io", "bob.github.io", false),
            ("ann.github.io", "x.ann.github.io", true),
            ("github.io", "ann.github.io", false),
            ("co.uk", "example.co.uk", false),
            ("a.b.ck", "c.b.ck", false),
            ("a.www.ck", "b.www.ck", true),
            ("a.site.internal", "b.site.internal", true),
            ("a.site.internal", "a.other.internal", false),
            ("localhost", "localhost", true),
            ("localhost", "a.localhost", false),
            ("a.b.\u{516c}\u{53f8}.cn", "c.b.\u{516c}\u{53f8}.cn", true),
            ("a.\u{516c}\u{53f8}.cn", "b.\u{516c}\u{53f8}.cn", false),
            ("127.0.0.1", "127.0.0.1:8080", true),
            ("127.0.0.1", "2.0.0.1", false),
            ("[2001:db8::1]", "[2001:db8::2]", false),
        ] {
            let [from, to] = [seed, url].map(|host| format!("http://{host}/"));
            assert_eq!(follows(Scope::Domain, &from, &to), expected, "{seed} {url}");
        }
    }

    #[test]
    fn depth_is_counted_from_the_seeds() {
        let seed = CanonicalUrl::parse("http://h/").unwrap();
        let rules = ScopeRules::new(Scope::Host, Some(2), [&seed]);
        assert!(rules.follows(&seed, 2) && !rules.follows(&seed, 3));
    }
}
