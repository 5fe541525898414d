//! Settings of single hosts.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use super::secret::Secret;

/// A host name, `*.` and a name for every host below it, or `*` for all hosts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct HostPattern {
    /// Whether hosts below the name are meant, not the name itself.
    below: bool,
    name: String,
}

/// Where a host name leads: an address, with a port for URLs that name none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ResolveTarget(pub SocketAddr);

/// What differs for a host.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostConfig {
    /// Least time between two requests, in milliseconds.
    pub delay_ms: Option<u64>,
    /// Pages fetched from it, over all crawls.
    pub max_pages: Option<u64>,
    /// Whether it is skipped: nothing is fetched from it.
    pub skip: bool,
    /// Whether it is told which page shows the picture that is asked for.
    pub send_referer: Option<bool>,
    /// Header fields sent to it besides those of `[crawl.headers]`.
    pub headers: BTreeMap<String, Secret>,
}

impl HostPattern {
    /// Whether the pattern names `host`, which is in canonical form.
    pub fn matches(&self, host: &str) -> bool {
        if !self.below {
            return host == self.name;
        }
        self.name.is_empty()
            || host
                .strip_suffix(self.name.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    }
}

/// The entry of the most exact pattern: the whole name first, then the longest `*.` pattern
/// that covers the host.
pub(crate) fn most_exact<'a, T>(table: &'a BTreeMap<HostPattern, T>, host: &str) -> Option<&'a T> {
    let matching = table.iter().filter(|(pattern, _)| pattern.matches(host));
    matching
        .max_by_key(|(pattern, _)| (!pattern.below, pattern.name.len()))
        .map(|(_, value)| value)
}

impl TryFrom<String> for HostPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "*" {
            return Ok(Self {
                below: true,
                name: String::new(),
            });
        }
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text.as_str()),
        };
        // The URL parser knows what a host is, and its canonical form.
        let host = url::Url::parse(&format!("http://{name}/"))
            .ok()
            .filter(|url| url.path() == "/" && url.port().is_none() && url.username().is_empty())
            .and_then(|url| url.host_str().map(str::to_owned))
            .filter(|host| !host.contains('*') && (!name.contains(':') || name.starts_with('[')));
        let name = host
            .ok_or_else(|| format!("{text:?} is no host: write example.org, *.example.org or *"))?;
        Ok(Self { below, name })
    }
}

impl TryFrom<String> for ResolveTarget {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if let Ok(address) = text.parse() {
            return Ok(Self(address));
        }
        let address: Result<IpAddr, _> = text.trim_matches(['[', ']']).parse();
        address
            .map(|address| Self(SocketAddr::new(address, 0)))
            .map_err(|_| format!("{text:?} is no address: write 192.0.2.1 or 192.0.2.1:8080"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> HostPattern {
        text.to_owned().try_into().unwrap()
    }

    #[test]
    fn a_pattern_names_a_host_or_those_below_it() {
        assert!(pattern("Example.org").matches("example.org"));
        assert!(!pattern("example.org").matches("www.example.org"));
        assert!(pattern("*.example.org").matches("a.b.example.org"));
        assert!(!pattern("*.example.org").matches("example.org"));
        assert!(!pattern("*.example.org").matches("anexample.org"));
        assert!(pattern("*").matches("anything"));
        assert!(pattern("bücher.example").matches("xn--bcher-kva.example"));
        for wrong in ["", "a/b", "a:80", "a.*.b", "u@h", "**"] {
            assert!(HostPattern::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_most_exact_pattern_counts() {
        let table = ["*", "*.org", "*.example.org", "www.example.org"]
            .map(|text| (pattern(text), text))
            .into();
        for (host, expected) in [
            ("www.example.org", "www.example.org"),
            ("img.example.org", "*.example.org"),
            ("example.org", "*.org"),
            ("example.com", "*"),
        ] {
            assert_eq!(most_exact(&table, host), Some(&expected));
        }
    }

    #[test]
    fn addresses_with_and_without_a_port() {
        let target = |text: &str| ResolveTarget::try_from(text.to_owned()).map(|t| t.0);
        assert_eq!(target("192.0.2.1:81"), Ok("192.0.2.1:81".parse().unwrap()));
        assert_eq!(target("192.0.2.1"), Ok("192.0.2.1:0".parse().unwrap()));
        assert_eq!(target("[::1]:81"), Ok("[::1]:81".parse().unwrap()));
        assert_eq!(target("::1"), Ok("[::1]:0".parse().unwrap()));
        assert!(target("localhost").is_err());
    }
}
