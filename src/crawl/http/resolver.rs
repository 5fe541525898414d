//! Host names and the addresses behind them: resolved here, checked here, and pinned, so
//! that the address that was checked and paced is the one that is connected to.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::{Duration, Instant, timeout};
use url::Host;

use crate::canonical_url::CanonicalUrl;
use crate::config::{CrawlConfig, HostPattern, ResolveTarget, most_exact};
use crate::crawl::policy::address::{AddressRules, Closed, PrivateAddress};
use crate::crawl::policy::refusal::Refusal;

/// Why a name leads to no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ResolveError {
    /// It leads to a closed address only.
    #[error(transparent)]
    Private(#[from] PrivateAddress),
    /// It does not resolve.
    #[error("{host} does not resolve: {message}")]
    Unknown { host: String, message: String },
}

impl From<ResolveError> for Refusal {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Private(address) => Self::Private(address),
            ResolveError::Unknown { host, message } => Self::Unresolved { host, message },
        }
    }
}

/// Resolves names and remembers the answers for a while.
#[derive(Debug, Clone)]
pub(super) struct Resolver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Addresses that the user gave.
    given: BTreeMap<HostPattern, ResolveTarget>,
    rules: AddressRules,
    /// The proxy's host, which may be anywhere.
    proxy: Option<String>,
    patience: Duration,
    names: Mutex<HashMap<String, Pinned>>,
}

/// The addresses of a name; the first one is in use.
#[derive(Debug, Clone)]
struct Pinned {
    addresses: Vec<SocketAddr>,
    until: Instant,
}

/// How long an answer counts. The system does not tell for how long it is valid.
const KEPT: Duration = Duration::from_secs(300);
/// Names remembered at most. Beyond that the expired ones are forgotten, and all if that is not
/// enough.
const REMEMBERED: usize = 50_000;

impl Resolver {
    pub(super) fn new(config: &CrawlConfig, proxy: Option<String>) -> Self {
        Self(Arc::new(Inner {
            given: config.resolve.clone(),
            rules: AddressRules::new(config),
            proxy,
            patience: Duration::from_millis(config.connect_timeout_ms),
            names: Mutex::default(),
        }))
    }

    /// The address at which `url`'s host will be asked; `None` behind a proxy, which
    /// resolves names itself. A literal address is checked either way.
    pub(super) async fn pin(&self, url: &CanonicalUrl) -> Result<Option<IpAddr>, ResolveError> {
        let literal = match url.as_url().host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            _ => None,
        };
        if let Some(address) = literal {
            return match self.0.rules.check(address) {
                Ok(()) => Ok(Some(address)),
                Err(closed) => Err(closed_at(url.host(), closed)),
            };
        }
        if self.0.proxy.is_some() {
            return Ok(None);
        }
        Ok(self.lookup(url.host()).await?.first().map(SocketAddr::ip))
    }

    /// Where `url` is asked for: the address that [`Self::pin`] gives, and the port.
    pub(super) async fn address(&self, url: &CanonicalUrl) -> Result<SocketAddr, ResolveError> {
        let port = url.as_url().port_or_known_default().unwrap_or_default();
        let address = match url.as_url().host() {
            Some(Host::Ipv4(address)) => SocketAddr::from((address, port)),
            Some(Host::Ipv6(address)) => SocketAddr::from((address, port)),
            _ => {
                let addresses = self.lookup(url.host()).await?;
                let unknown = || ResolveError::Unknown {
                    host: url.host().to_owned(),
                    message: "it has no address".to_owned(),
                };
                *addresses.first().ok_or_else(unknown)?
            }
        };
        self.0
            .rules
            .check(address.ip())
            .map_err(|closed| closed_at(url.host(), closed))?;
        // A port that the user gave is for URLs that name none.
        let is_given = url.as_url().port().is_none() && address.port() != 0;
        let port = if is_given { address.port() } else { port };
        Ok(SocketAddr::new(address.ip(), port))
    }

    /// Switches to a host's next address, because nobody answered at the one in use.
    pub(super) fn unanswered(&self, host: &str) {
        let mut names = self.names();
        if let Some(pinned) = names.get_mut(host) {
            pinned.addresses.rotate_left(1);
        }
    }

    async fn lookup(&self, host: &str) -> Result<Vec<SocketAddr>, ResolveError> {
        if let Some(pinned) = self.names().get(host)
            && pinned.until > Instant::now()
        {
            return Ok(pinned.addresses.clone());
        }
        let unknown = |message: String| ResolveError::Unknown {
            host: host.to_owned(),
            message,
        };
        let all: Vec<SocketAddr> = match most_exact(&self.0.given, host) {
            Some(target) => vec![target.0],
            // The port is the connector's business.
            None => timeout(self.0.patience, tokio::net::lookup_host((host, 0)))
                .await
                .map_err(|_| unknown("no answer in time".to_owned()))?
                .map_err(|error| unknown(error.to_string()))?
                .collect(),
        };
        if all.is_empty() {
            return Err(unknown("it has no address".to_owned()));
        }
        let mine = self.0.proxy.as_deref() == Some(host);
        let mut refused = None;
        let mut addresses = Vec::new();
        for address in all {
            match self.0.rules.check(address.ip()) {
                Err(closed) if !mine => refused = Some(closed),
                _ => addresses.push(address),
            }
        }
        if let (true, Some(closed)) = (addresses.is_empty(), refused) {
            return Err(closed_at(host, closed));
        }
        let mut names = self.names();
        if names.len() >= REMEMBERED {
            let now = Instant::now();
            names.retain(|_, pinned| pinned.until > now);
            if names.len() >= REMEMBERED {
                names.clear();
            }
        }
        let pinned = Pinned {
            addresses: addresses.clone(),
            until: Instant::now() + KEPT,
        };
        names.insert(host.to_owned(), pinned);
        Ok(addresses)
    }

    fn names(&self) -> std::sync::MutexGuard<'_, HashMap<String, Pinned>> {
        self.0.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed_at(host: &str, closed: Closed) -> ResolveError {
    let host = host.to_owned();
    PrivateAddress { host, closed }.into()
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.lookup(name.as_str()).await?;
            // Only the one in use: pacing knows it.
            Ok(Box::new(addresses.into_iter().take(1)) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(given: &[(&str, &str)], allow_private: bool) -> Resolver {
        let given = given.iter().map(|(pattern, target)| {
            (
                HostPattern::try_from((*pattern).to_owned()).unwrap(),
                ResolveTarget::try_from((*target).to_owned()).unwrap(),
            )
        });
        let config = CrawlConfig {
            resolve: given.collect(),
            allow_private_addresses: allow_private,
            ..CrawlConfig::default()
        };
        Resolver::new(&config, None)
    }

    async fn pin(resolver: &Resolver, url: &str) -> Result<Option<IpAddr>, ResolveError> {
        resolver.pin(&CanonicalUrl::parse(url).unwrap()).await
    }

    #[tokio::test]
    async fn given_addresses_are_used_and_checked() {
        let given = [("*.test", "127.0.0.5:4000"), ("open.test", "1.1.1.1")];
        let closed = resolver(&given, false);
        assert!(matches!(
            pin(&closed, "http://a.test/").await,
            Err(ResolveError::Private(_))
        ));
        let open = "1.1.1.1".parse().unwrap();
        assert_eq!(pin(&closed, "http://open.test/").await, Ok(Some(open)));
        let allowed = resolver(&given, true);
        let own = "127.0.0.5".parse().unwrap();
        assert_eq!(pin(&allowed, "http://a.test/").await, Ok(Some(own)));
    }

    #[tokio::test]
    async fn no_name_leads_to_the_secrets_of_a_cloud() {
        let given = [
            ("metadata.test", "169.254.169.254"),
            ("v6.test", "fd00:ec2::254"),
        ];
        let allowed = resolver(&given, true);
        for url in [
            "http://metadata.test/",
            "http://v6.test/",
            "http://169.254.169.254/latest/",
            // 169.254.169.254 as one number.
            "http://2852039166/",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
        ] {
            let Err(ResolveError::Private(refused)) = pin(&allowed, url).await else {
                panic!("{url} is open");
            };
            assert_eq!(refused.closed, Closed::Metadata, "{url}");
            assert!(
                refused.to_string().contains("--allow-address,"),
                "{refused}"
            );
        }
    }

    #[tokio::test]
    async fn literal_addresses_are_checked_too() {
        let resolver = resolver(&[], false);
        for url in [
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://10.0.0.1:8080/",
        ] {
            assert!(matches!(
                pin(&resolver, url).await,
                Err(ResolveError::Private(_))
            ));
        }
    }
}
