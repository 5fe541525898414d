//! The header fields of requests: what is asked for, what the user adds, and to whom that is told.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, COOKIE, DNT, FROM,
    HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, InvalidHeaderValue,
    PROXY_AUTHORIZATION, REFERER, USER_AGENT,
};

use super::content_coding::ACCEPTED;
use super::fetch_options::FetchOptions;
use crate::canonical_url::CanonicalUrl;
use crate::config::CrawlConfig;
use crate::crawl::policy::scope::site_name;
use crate::crawl::user_agent;
use crate::picture::ACCEPT_PICTURES;
use crate::store::ledger::Purpose;

/// Makes the header fields of requests.
pub(super) struct RequestFields {
    config: Arc<CrawlConfig>,
    /// Names of sites that the user has named, with whether by an https URL.
    named: Mutex<HashSet<(String, bool)>>,
}

impl RequestFields {
    /// By a configuration that was checked to hold fields in a sendable form; no host is named yet.
    pub(super) fn new(config: &Arc<CrawlConfig>) -> Self {
        Self {
            config: Arc::clone(config),
            named: Mutex::default(),
        }
    }

    /// From now on credentials that are meant for all hosts go to that of `url`, too.
    pub(super) fn name_host(&self, url: &CanonicalUrl) {
        if self.config.headers.is_empty() {
            return;
        }
        // No panic leaves a set half changed.
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.insert((site_name(url).to_owned(), is_https(url)));
    }

    /// The fields of a request. What may be a secret is marked as sensitive, and no log has it.
    pub(super) fn of(&self, url: &CanonicalUrl, options: &FetchOptions) -> HeaderMap {
        let mut fields = self.usual(url, options.purpose);
        let known = options.known.as_ref();
        let etag = known.and_then(|known| known.etag.as_deref());
        let modified = known.and_then(|known| known.last_modified.as_deref());
        for (name, value) in [(IF_NONE_MATCH, etag), (IF_MODIFIED_SINCE, modified)] {
            if let Some(Ok(value)) = value.map(|value| HeaderValue::from_bytes(value.as_bytes())) {
                fields.insert(name, value);
            }
        }
        let referer = options.referer.as_ref();
        let referer = referer.filter(|_| self.config.sends_referer(url.host()));
        // One of the configuration counts.
        if let Some(Ok(value)) = referer.and_then(|page| referer_to(page, url))
            && !fields.contains_key(REFERER)
        {
            fields.insert(REFERER, value);
        }
        fields
    }

    /// What every request to a host has.
    fn usual(&self, url: &CanonicalUrl, purpose: Purpose) -> HeaderMap {
        let mut fields = HeaderMap::new();
        fields.insert(ACCEPT, HeaderValue::from_static(accepted(purpose)));
        fields.insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
        let of_host = self.config.host_config(url.host());
        let of_host = of_host.into_iter().flat_map(|host| &host.headers);
        let of_all = self.config.headers.iter().map(|field| (field, false));
        for ((name, value), is_meant) in of_all.chain(of_host.map(|field| (field, true))) {
            let value = HeaderValue::from_str(value.expose());
            let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), value) else {
                continue;
            };
            if is_credential(&name) && !is_meant && !self.is_named(url) {
                continue;
            }
            value.set_sensitive(!is_open(&name));
            fields.insert(name, value);
        }
        // The user agent cannot be changed by configuration.
        if let Ok(agent) = HeaderValue::try_from(user_agent(self.config.contact.as_deref())) {
            fields.insert(USER_AGENT, agent);
        }
        fields
    }

    /// Whether the user has named the host, and not for encrypted requests only if this is none.
    fn is_named(&self, url: &CanonicalUrl) -> bool {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let site = site_name(url).to_owned();
        // One that may go in the clear may go encrypted.
        named.contains(&(site.clone(), false)) || is_https(url) && named.contains(&(site, true))
    }
}

fn is_https(url: &CanonicalUrl) -> bool {
    url.as_url().scheme() == "https"
}

/// What is asked for, so that a server which can choose sends what can be read.
fn accepted(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Picture | Purpose::Query => &ACCEPT_PICTURES,
        // A link may lead to a picture.
        Purpose::Page => "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5",
        Purpose::Sheet => "text/css,*/*;q=0.1",
        Purpose::Feed => {
            "application/rss+xml,application/atom+xml,application/xml;q=0.9,text/xml;q=0.9,*/*;q=0.5"
        }
        Purpose::Sitemap => "application/xml,text/xml,text/plain;q=0.9,*/*;q=0.5",
        _ => "text/plain,*/*;q=0.5",
    }
}

/// Whether a field says who asks. A page may name any host, and none shall get it by that.
fn is_credential(name: &HeaderName) -> bool {
    [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION].contains(name)
}

/// Whether the value of a header field of the configuration may be read by anybody. All others
/// may be secrets.
fn is_open(name: &HeaderName) -> bool {
    matches!(
        *name,
        ACCEPT | ACCEPT_ENCODING | ACCEPT_LANGUAGE | CACHE_CONTROL | DNT | FROM | REFERER
    )
}

/// What a page's Referer says to `url` (Referrer Policy, `strict-origin-when-cross-origin`): the
/// page within its origin, elsewhere its origin alone, and nothing where it would be sent in the
/// clear for the first time.
fn referer_to(
    page: &CanonicalUrl,
    url: &CanonicalUrl,
) -> Option<Result<HeaderValue, InvalidHeaderValue>> {
    if page.origin() == url.origin() {
        return Some(HeaderValue::from_str(page.as_str()));
    }
    let is_downgrade = is_https(page) && !is_https(url);
    (!is_downgrade).then(|| HeaderValue::from_str(&format!("{}/", page.origin())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_the_user_named_get_credentials() {
        let config: CrawlConfig = toml::from_str(
            "[headers]\nAuthorization = 'a'\nCookie = 'c'\nX-Key = 'k'\n\
             [host.'cdn.example']\nheaders = { Authorization = 'own' }",
        )
        .unwrap();
        let fields = RequestFields::new(&Arc::new(config));
        let url = |text: &str| CanonicalUrl::parse(text).unwrap();
        fields.name_host(&url("https://www.a.example/gallery"));
        fields.name_host(&url("http://b.example/"));
        let sent = |text: &str| {
            let fields = fields.of(&url(text), &FetchOptions::first(Purpose::Picture));
            ["authorization", "cookie", "x-key"].map(|name| {
                let value = fields.get(name)?;
                Some(value.to_str().unwrap().to_owned())
            })
        };
        let some = |text: &str| Some(text.to_owned());
        let all = [some("a"), some("c"), some("k")];
        assert_eq!(sent("https://a.example/1.jpg"), all);
        assert_eq!(sent("http://b.example/1.jpg"), all);
        assert_eq!(sent("https://b.example/1.jpg"), all);
        // In the clear for the first time.
        assert_eq!(sent("http://a.example/1.jpg"), [None, None, some("k")]);
        assert_eq!(sent("https://evil.example/1.jpg"), [None, None, some("k")]);
        let own = [some("own"), None, some("k")];
        assert_eq!(sent("https://cdn.example/1.jpg"), own);
    }

    #[test]
    fn other_origins_get_the_origin_of_the_page() {
        let parse = |text: &str| CanonicalUrl::parse(text).unwrap();
        let page = "https://a.example/gallery?n=1";
        for (page, url, expected) in [
            (page, "https://a.example/1.jpg", Some(page)),
            (
                page,
                "https://i.a.example/1.jpg",
                Some("https://a.example/"),
            ),
            (
                page,
                "https://a.example:8443/1.jpg",
                Some("https://a.example/"),
            ),
            (page, "http://a.example/1.jpg", None),
            (
                "http://a.example/g",
                "https://b.example/1.jpg",
                Some("http://a.example/"),
            ),
        ] {
            let referer = referer_to(&parse(page), &parse(url)).map(Result::unwrap);
            assert_eq!(
                referer.as_ref().map(|it| it.to_str().unwrap()),
                expected,
                "{url}"
            );
        }
    }
}
