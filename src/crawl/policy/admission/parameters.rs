//! Query parameters that do not change what a URL leads to.

use crate::canonical_url::CanonicalUrl;
use crate::config::AdmissionConfig;

/// Session identifiers of common frameworks; they stand in queries and behind `;` in paths.
const SESSIONS: [&str; 6] = [
    "phpsessid",
    "jsessionid",
    "aspsessionid*",
    "asp.net_sessionid",
    "cfid",
    "cftoken",
];
/// Names that often mean a session and sometimes a story or a season: the value decides.
const MAYBE_SESSIONS: [&str; 4] = ["sid", "sessionid", "session_id", "sessid"];
/// Shortest value that is a session's, in letters and digits.
const SESSION_VALUE: usize = 16;

/// What is dropped from URLs, and whether the rest is sorted.
#[derive(Debug, Clone)]
pub(super) struct Parameters {
    /// In lower case; a `*` at the end stands for anything.
    dropped: Vec<String>,
    sessions: bool,
    sorted: bool,
}

impl Parameters {
    pub(super) fn new(config: &AdmissionConfig) -> Self {
        let dropped = config
            .drop_parameters
            .iter()
            .map(|name| name.to_lowercase());
        Self {
            dropped: dropped.collect(),
            sessions: config.drop_sessions,
            sorted: config.sort_parameters,
        }
    }

    /// The URL without what is dropped.
    pub(super) fn clean(&self, url: CanonicalUrl) -> CanonicalUrl {
        let path = self.clean_path(url.as_url().path());
        let query = url
            .as_url()
            .query()
            .and_then(|query| self.clean_query(query));
        if path.is_none() && query.is_none() {
            return url;
        }
        let mut changed = url.as_url().clone();
        if let Some(path) = path {
            changed.set_path(&path);
        }
        if let Some(query) = query {
            changed.set_query((!query.is_empty()).then_some(&query));
        }
        // A part of a canonical URL is a canonical URL; if it were not, the whole would do.
        CanonicalUrl::parse(changed.as_str()).unwrap_or(url)
    }

    /// Without session identifiers; `None` if there are none.
    fn clean_path(&self, path: &str) -> Option<String> {
        if !self.sessions || !path.contains(';') {
            return None;
        }
        let segments = path.split('/').map(|segment| {
            let mut parts = segment.split(';');
            let name = parts.next().unwrap_or_default();
            let kept = parts.filter(|part| !is_session(part));
            kept.fold(name.to_owned(), |kept, part| kept + ";" + part)
        });
        let cleaned = segments.collect::<Vec<_>>().join("/");
        (cleaned != path).then_some(cleaned)
    }

    /// Without dropped parameters, in order; `None` if that changes nothing.
    fn clean_query(&self, query: &str) -> Option<String> {
        let mut kept: Vec<&str> = query.split('&').filter(|part| !self.drops(part)).collect();
        if self.sorted {
            // A stable sort: the order of several values of one name may matter.
            kept.sort_by_key(|part| name_of(part));
        }
        let cleaned = kept.join("&");
        (cleaned != query).then_some(cleaned)
    }

    fn drops(&self, part: &str) -> bool {
        let name = name_of(part).to_ascii_lowercase();
        let is_named = self.dropped.iter().any(|dropped| fits(&name, dropped));
        is_named || self.sessions && is_session(part)
    }
}

fn is_session(part: &str) -> bool {
    let Some((name, value)) = part.split_once('=') else {
        return false;
    };
    let name = name.to_ascii_lowercase();
    let is_long = value.len() >= SESSION_VALUE && value.bytes().all(|c| c.is_ascii_alphanumeric());
    SESSIONS.iter().any(|session| fits(&name, session))
        || is_long && MAYBE_SESSIONS.contains(&name.as_str())
}

fn name_of(part: &str) -> &str {
    part.split('=').next().unwrap_or_default()
}

fn fits(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}
