//! Which URLs failed or were refused, by reason.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Collection, Error};
use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::crawl::Reason;
use crate::store::{Retrying, Role, StoreError, UrlRecord, UrlState};

/// Which URLs are meant.
#[derive(Debug, Clone, Default)]
pub struct FailureFilter {
    /// Only those of this host.
    pub host: Option<String>,
    /// Only those with one of these reasons, by their names; empty: with any.
    pub reasons: Vec<String>,
}

/// Whether the URLs wait, whether they were refused, and why.
type Key = (bool, bool, String);

/// The URLs that failed or were refused for one reason, or wait for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failures {
    /// The reason.
    #[schema(value_type = String)]
    pub reason: Reason,
    /// Whether they were not allowed, rather than not possible.
    pub refused: bool,
    /// Whether they wait to be tried again.
    pub waits: bool,
    /// How many they are.
    pub count: u64,
    /// What can be done, where something can.
    pub advice: Option<Cow<'static, str>>,
    /// Some of them.
    pub urls: Vec<FailedUrl>,
}

/// A URL that failed or was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailedUrl {
    /// The URL.
    pub url: String,
    /// What it was asked for as: `page`, `picture`, `sheet`, `feed` or `sitemap`.
    pub role: Cow<'static, str>,
    /// How often it was asked for in the last run that did.
    pub attempts: u32,
    /// A page that shows it, if it is a picture of one.
    pub shown_on: Option<String>,
    /// When a run tries it again, if it waits and that is not simply the next one: not before, in
    /// seconds since 1970.
    pub again_at: Option<u64>,
}

impl Collection {
    /// The URLs that failed or were refused, or gave nothing yet and wait to be tried again, the
    /// most frequent reason first; of each those at the places `listed`. Reads the whole frontier.
    ///
    /// # Errors
    /// If the store fails.
    pub fn failures(
        &self,
        filter: &FailureFilter,
        listed: Range<usize>,
    ) -> Result<Vec<Failures>, Error> {
        let store = self.store();
        let mut by_reason: BTreeMap<Key, (u64, Vec<FailedUrl>)> = BTreeMap::new();
        let ended = store.failures().map(|record| {
            record.map(|record| Retrying {
                reason: record.state.reason().unwrap_or_default().to_owned(),
                record,
                at_ms: None,
            })
        });
        for failed in ended.chain(store.retries()).chain(self.held()?) {
            let Retrying {
                record,
                reason,
                at_ms,
            } = failed?;
            // Older versions wrote down no reasons of what waits.
            if reason.is_empty() || !filter.wants(&record, &reason) {
                continue;
            }
            let refused = matches!(record.state, UrlState::Refused(_));
            let waits = record.state == UrlState::Open;
            let (count, urls) = by_reason.entry((waits, refused, reason)).or_default();
            let place = usize::try_from(*count).unwrap_or(usize::MAX);
            *count += 1;
            if listed.contains(&place) {
                let id = CanonicalUrl::parse(&record.url).ok().map(|url| url.id());
                let shown_on = id.map(|id| store.page_showing(id)).transpose()?;
                urls.push(FailedUrl {
                    role: name_of(record.role).into(),
                    attempts: record.attempts,
                    shown_on: shown_on.flatten(),
                    again_at: at_ms.map(|at_ms| at_ms / 1000),
                    url: record.url,
                });
            }
        }
        let failures = by_reason
            .into_iter()
            .map(|((waits, refused, reason), (count, urls))| {
                let reason = Reason::from_name(&reason);
                Failures {
                    advice: reason.advice().map(Cow::Borrowed),
                    reason,
                    refused,
                    waits,
                    count,
                    urls,
                }
            });
        let mut failures: Vec<Failures> = failures.collect();
        failures.sort_by_key(|failures| std::cmp::Reverse(failures.count));
        Ok(failures)
    }

    /// The URLs that wait because the last run left their hosts, which asked for more patience than
    /// it had; without those that are to be tried again for a reason of their own.
    fn held(&self) -> Result<impl Iterator<Item = Result<Retrying, StoreError>>, Error> {
        let store = self.store();
        let run = store.last_run()?;
        let is_left = move |host: HostId| {
            let record = store.host(host)?;
            Ok::<_, StoreError>(run > 0 && record.is_some_and(|record| record.left_in == run))
        };
        let mut tried = HashSet::new();
        for retry in store.retries() {
            let record = retry?.record;
            if is_left(record.host)? {
                tried.insert(UrlId::of(&record.url));
            }
        }
        let held = store.pending().map(move |record| {
            let record = record?;
            let is_held = !tried.contains(&UrlId::of(&record.url)) && is_left(record.host)?;
            Ok(is_held.then(|| Retrying {
                record,
                reason: Reason::Held.name().into_owned(),
                at_ms: None,
            }))
        });
        Ok(held.filter_map(Result::transpose))
    }
}

impl FailureFilter {
    fn wants(&self, record: &UrlRecord, reason: &str) -> bool {
        let of_host = |host: &String| {
            CanonicalUrl::parse(&record.url).is_ok_and(|url| url.host().eq_ignore_ascii_case(host))
        };
        self.host.as_ref().is_none_or(of_host)
            && (self.reasons.is_empty() || self.reasons.iter().any(|wanted| wanted == reason))
    }
}

fn name_of(role: Role) -> &'static str {
    match role {
        Role::Page => "page",
        Role::Picture => "picture",
        Role::Sheet => "sheet",
        Role::Feed => "feed",
        Role::Sitemap => "sitemap",
    }
}
