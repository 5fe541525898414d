//! Fetching an origin's files of rules.

use std::sync::Arc;

use tokio::task::block_in_place;
use tokio::time::Duration;

use super::error::{FetchError, Refusal};
use super::fetcher::{Asking, Fetcher, Patience};
use crate::canonical_url::CanonicalUrl;
use crate::crawl::ROBOTS_AGENT;
use crate::crawl::politeness::opt_out::TdmRep;
use crate::crawl::politeness::origin_rules::{KEPT, OriginRules, Robots};
use crate::crawl::politeness::robots_txt::RobotsTxt;
use crate::store::ledger::Purpose;
use crate::store::{RuleFileRecord, now_ms};

/// Redirects followed from a robots.txt (RFC 9309, section 2.3.1.2).
const REDIRECTS: usize = 5;

/// A kind of file.
struct Kind {
    purpose: Purpose,
    /// Bytes read of it; the rest is ignored.
    cap: u64,
}

/// RFC 9309 asks for 500 KiB at least.
const ROBOTS_TXT: Kind = Kind {
    purpose: Purpose::Robots,
    cap: 512 << 10,
};
const TDMREP_JSON: Kind = Kind {
    purpose: Purpose::PolicyFile,
    cap: TdmRep::MAX_BYTES as u64,
};

impl Fetcher {
    /// The rules of the origin of `url`, from memory, from the store or from the origin.
    ///
    /// # Errors
    /// If they cannot be had, or not yet.
    pub(in crate::crawl) async fn rules(
        &self,
        url: &CanonicalUrl,
        patience: Patience,
    ) -> Result<Arc<OriginRules>, Refusal> {
        let origin = url.origin();
        let rules = self.rules.entry(&origin);
        let fetch = || async {
            let address = format!("{origin}/robots.txt");
            let robots = self.rule_file(&address, &ROBOTS_TXT, None, patience);
            let robots = match robots.await {
                Ok(Some(body)) => {
                    self.rules.account(&origin, body.len());
                    Robots::File(RobotsTxt::parse(&body, ROBOTS_AGENT))
                }
                Ok(None) => {
                    self.rules.account(&origin, 0);
                    Robots::Absent
                }
                Err(FetchError::Refused(refusal)) if refusal.is_about_the_host() => {
                    return Err(refusal);
                }
                Err(FetchError::Certificate(why)) => return Err(Refusal::Certificate(why)),
                Err(error) => {
                    tracing::info!(origin, %error, "robots.txt cannot be reached");
                    Robots::Unreachable(error.to_string())
                }
            };
            Ok(robots)
        };
        let robots = rules.robots.get_or_try_init(fetch).await?;
        if let Robots::Unreachable(why) = robots {
            return Err(Refusal::RobotsUnreachable(why.clone()));
        }
        Ok(rules)
    }

    /// Has the origin's tdmrep.json fetched, if that was not done; robots.txt must allow it.
    /// One that cannot be had reserves nothing: headers and pages can still do so.
    pub(in crate::crawl) async fn fetch_tdmrep(
        &self,
        rules: &OriginRules,
        url: &CanonicalUrl,
        patience: Patience,
    ) -> Result<(), Refusal> {
        let fetch = || async {
            let address = format!("{}/.well-known/tdmrep.json", url.origin());
            let allowed = CanonicalUrl::parse(&address).is_ok_and(|url| rules.decide(&url).is_ok());
            if !allowed {
                return Ok(TdmRep::default());
            }
            match self
                .rule_file(&address, &TDMREP_JSON, Some(rules), patience)
                .await
            {
                Ok(Some(body)) => Ok(TdmRep::parse(&body)),
                Err(FetchError::Refused(Refusal::NotYet(when))) => Err(Refusal::NotYet(when)),
                Ok(None) | Err(_) => Ok(TdmRep::default()),
            }
        };
        rules.tdmrep.get_or_try_init(fetch).await.map(drop)
    }

    /// A file of rules, remembered or fetched; `None` if there is none.
    async fn rule_file(
        &self,
        address: &str,
        kind: &Kind,
        rules: Option<&OriginRules>,
        patience: Patience,
    ) -> Result<Option<Vec<u8>>, FetchError> {
        if let Some(record) = self.remembered(address) {
            return Ok(record.body);
        }
        let fetched_ms = now_ms();
        let body = self.fetch_rule_file(address, kind, rules, patience).await?;
        if let Some(store) = &self.store {
            let record = RuleFileRecord {
                url: address.to_owned(),
                fetched_ms,
                body,
            };
            if let Err(error) = block_in_place(|| store.keep_rule_file(&record)) {
                tracing::warn!(address, %error, "a file of rules is not remembered");
            }
            return Ok(record.body);
        }
        Ok(body)
    }

    /// The file as an earlier process fetched it, if it still counts.
    fn remembered(&self, address: &str) -> Option<RuleFileRecord> {
        let record = self.store.as_ref()?.rule_file(address).ok()??;
        let age = Duration::from_millis(now_ms().checked_sub(record.fetched_ms)?);
        (age < KEPT).then_some(record)
    }

    /// The result belongs to the origin asked for, wherever redirects lead.
    async fn fetch_rule_file(
        &self,
        address: &str,
        kind: &Kind,
        rules: Option<&OriginRules>,
        mut patience: Patience,
    ) -> Result<Option<Vec<u8>>, FetchError> {
        let mut url = CanonicalUrl::parse(address)
            .map_err(|error| FetchError::BadRedirect(error.to_string()))?;
        for _ in 0..=REDIRECTS {
            let delay = match rules {
                Some(rules) => self.delay(&url, rules),
                None => self.config.host_delay(url.host()),
            };
            let permit = self.turn(&url, kind.purpose, delay, patience).await?;
            let response = self.send(permit, &Asking::FIRST).await?;
            match response.status() {
                200..300 => return self.prefix(response, kind.cap).await.map(Some),
                300..400 => match response.redirect(&url) {
                    // A robots.txt may lead anywhere (RFC 9309); other files of rules need
                    // robots.txt's leave like anything else, so they stay at home.
                    Ok(Some(next))
                        if rules.is_none_or(|rules| {
                            next.origin() == url.origin() && rules.decide(&next).is_ok()
                        }) =>
                    {
                        url = next;
                    }
                    // Not a redirect to anywhere: as good as absent.
                    _ => return Ok(None),
                },
                429 => return Err(FetchError::Busy(429, response.retry_after())),
                400..500 => return Ok(None),
                status => return Err(FetchError::Status(status)),
            }
            patience = Patience::Turn;
        }
        Ok(None)
    }
}
