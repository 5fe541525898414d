//! Fetching an origin's files of rules.

use std::sync::Arc;

use tokio::time::{Duration, Instant};

use super::body::Overlong;
use super::content_coding::ContentCoding;
use super::decoding::{End, decode_all, looks_like};
use super::error::FetchError;
use super::fetch_options::FetchOptions;
use super::other_host;
use super::response::Response;
use super::transport::Transport;
use super::wait_policy::WaitPolicy;
use crate::canonical_url::CanonicalUrl;
use crate::config::CrawlConfig;
use crate::crawl::archive::exchange::Cut;
use crate::crawl::policy::refusal::Refusal;
use crate::crawl::politeness::opt_out::TdmRep;
use crate::crawl::politeness::origin_rules::{KEPT, OriginRules, Robots};
use crate::crawl::politeness::rules_cache::RulesCache;
use crate::store::ledger::Purpose;
use crate::store::{AsyncStore, RuleFileRecord, now_ms};

/// The rules of origins: from memory, from the store, or from the origins.
pub(super) struct RuleFiles {
    transport: Arc<Transport>,
    cache: RulesCache,
    store: Option<AsyncStore>,
    config: Arc<CrawlConfig>,
}

/// Redirects followed from a robots.txt (RFC 9309, section 2.3.1.2).
const REDIRECTS: usize = 5;

/// How long an origin is left alone whose rules are on a host that another worker asks: else each of
/// its URLs would ask for them anew. No longer than a crawl waits for a turn.
const ANOTHER_WORKERS: Duration = Duration::from_secs(30);

/// A kind of file of rules.
struct RuleFileKind {
    purpose: Purpose,
    /// Bytes read of it; the rest is ignored.
    cap: u64,
    /// Whether its text shows that its end is missing.
    shows_its_end: bool,
}

/// RFC 9309 asks for 500 KiB at least.
const ROBOTS_TXT: RuleFileKind = RuleFileKind {
    purpose: Purpose::Robots,
    cap: 512 << 10,
    shows_its_end: false,
};
const TDMREP_JSON: RuleFileKind = RuleFileKind {
    purpose: Purpose::PolicyFile,
    cap: TdmRep::MAX_BYTES as u64,
    shows_its_end: true,
};

impl RuleFiles {
    /// Nothing is in memory yet; the store may have rules.
    pub(super) fn new(
        transport: &Arc<Transport>,
        store: Option<AsyncStore>,
        config: &Arc<CrawlConfig>,
    ) -> Self {
        Self {
            transport: Arc::clone(transport),
            cache: RulesCache::default(),
            store,
            config: Arc::clone(config),
        }
    }

    /// The rules of the origin of `url`.
    ///
    /// # Errors
    /// If they cannot be fetched, or not yet.
    pub(super) async fn rules(
        &self,
        url: &CanonicalUrl,
        wait: WaitPolicy,
    ) -> Result<Arc<OriginRules>, Refusal> {
        let origin = url.origin();
        let rules = self.cache.entry(&origin);
        let fetch = || async {
            let address = format!("{origin}/robots.txt");
            let robots = self.rule_file(&address, &ROBOTS_TXT, None, wait);
            let robots = match robots.await {
                Ok(Some(body)) => {
                    self.cache.account(&origin, body.len());
                    Robots::read(&body)
                }
                Ok(None) => {
                    self.cache.account(&origin, 0);
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

    /// Fetches the origin's tdmrep.json if that was not done; robots.txt must allow it. If it
    /// cannot be fetched it reserves nothing: headers and pages can still do so. One of which
    /// something comes is read as far as it came; if it cannot be decoded it may reserve everything.
    ///
    /// # Errors
    /// If the host's turn has not come.
    pub(super) async fn fetch_tdmrep(
        &self,
        rules: &OriginRules,
        url: &CanonicalUrl,
        wait: WaitPolicy,
    ) -> Result<(), Refusal> {
        let fetch = || async {
            let address = format!("{}/.well-known/tdmrep.json", url.origin());
            let allowed = CanonicalUrl::parse(&address).is_ok_and(|url| rules.decide(&url).is_ok());
            if !allowed {
                return Ok(TdmRep::default());
            }
            match self
                .rule_file(&address, &TDMREP_JSON, Some(rules), wait)
                .await
            {
                Ok(Some(body)) => Ok(TdmRep::parse(&body)),
                Err(FetchError::Refused(Refusal::NotDue(when))) => Err(Refusal::NotDue(when)),
                Err(FetchError::Undecodable(_)) => Ok(TdmRep::unreadable()),
                Ok(None) | Err(_) => Ok(TdmRep::default()),
            }
        };
        rules.tdmrep.get_or_try_init(fetch).await.map(drop)
    }

    /// Least time between two requests to the host of `url`: the user's, or what its
    /// robots.txt asks for.
    pub(super) fn delay(&self, url: &CanonicalUrl, rules: &OriginRules) -> Duration {
        let longest = Duration::from_secs(self.config.max_crawl_delay_s);
        let asked = rules.crawl_delay().unwrap_or_default().min(longest);
        self.config.host_delay(url.host()).max(asked)
    }

    /// A file of rules, remembered or fetched; `None` if there is none.
    async fn rule_file(
        &self,
        address: &str,
        kind: &RuleFileKind,
        rules: Option<&OriginRules>,
        wait: WaitPolicy,
    ) -> Result<Option<Vec<u8>>, FetchError> {
        if let Some(record) = self.remembered(address).await {
            return Ok(record.body);
        }
        let fetched_ms = now_ms();
        let body = self.fetch(address, kind, rules, wait).await?;
        let Some(store) = &self.store else {
            return Ok(body);
        };
        let record = RuleFileRecord {
            url: address.to_owned(),
            fetched_ms,
            body,
        };
        let keep = store.call(move |store| (store.keep_rule_file(&record), record.body));
        let (kept, body) = keep.await;
        if let Err(error) = kept {
            tracing::warn!(address, %error, "a file of rules is not remembered");
        }
        Ok(body)
    }

    /// The file as an earlier process fetched it, if it still counts.
    async fn remembered(&self, address: &str) -> Option<RuleFileRecord> {
        let address = address.to_owned();
        let read = self
            .store
            .as_ref()?
            .call(move |store| store.rule_file(&address));
        let record = read.await.ok()??;
        let age = Duration::from_millis(now_ms().checked_sub(record.fetched_ms)?);
        (age < KEPT).then_some(record)
    }

    /// The result belongs to the origin asked for, wherever redirects lead.
    async fn fetch(
        &self,
        address: &str,
        kind: &RuleFileKind,
        rules: Option<&OriginRules>,
        mut wait: WaitPolicy,
    ) -> Result<Option<Vec<u8>>, FetchError> {
        let first = CanonicalUrl::parse(address)
            .map_err(|error| FetchError::BadRedirect(error.to_string()))?;
        let mut url = first.clone();
        let options = FetchOptions::first(kind.purpose);
        for _ in 0..=REDIRECTS {
            let delay = match rules {
                Some(rules) => self.delay(&url, rules),
                None => self.config.host_delay(url.host()),
            };
            let mut response = self.ask((&first, &url), delay, wait, &options).await?;
            match response.status() {
                // A part of the rules is not enough, unless it shows to be all.
                206 if !(kind.shows_its_end && response.begins_content()) => {
                    return Err(FetchError::Status(206));
                }
                200..300 => {
                    let mut is_framed = response.is_framed();
                    let read = self
                        .transport
                        .read(response, kind.cap, None, Overlong::Cut)
                        .await;
                    let body = match read {
                        Err(FetchError::OddChunks) => {
                            // It is read in another way now.
                            let again = WaitPolicy::ForTurn;
                            response = self.ask((&first, &url), delay, again, &options).await?;
                            is_framed = response.is_framed();
                            self.transport
                                .read(response, kind.cap, None, Overlong::Cut)
                                .await?
                        }
                        read => read?,
                    };
                    return match body.cut {
                        // Half of the rules allows too much. Where nothing but the connection's
                        // end tells that of the file, however, nobody knows of another half.
                        Some(Cut::Disconnected) if is_framed && !kind.shows_its_end => Err(
                            FetchError::Transfer("the file ends before its end".to_owned()),
                        ),
                        Some(Cut::Length) => {
                            let read = kind.cap >> 10;
                            tracing::warn!(%url, "only the first {read} KiB of it are read; the rest of its rules is not known");
                            readable(whole_rules(body.bytes, kind), kind).map(Some)
                        }
                        _ => readable(body.bytes, kind).map(Some),
                    };
                }
                300..400 => match response.redirect(&url) {
                    // A robots.txt may lead anywhere (RFC 9309); other files of rules need
                    // robots.txt's permission like anything else, so their redirects must stay
                    // on the host.
                    Ok(Some(next))
                        if rules.is_none_or(|rules| {
                            next.origin() == url.origin() && rules.decide(&next).is_ok()
                        }) =>
                    {
                        self.claim(&first, &next).await?;
                        url = next;
                    }
                    Ok(Some(_)) => return Ok(None),
                    // There are rules, but not where they are said to be.
                    Ok(None) => {
                        let why = format!("status {} without a Location", response.status());
                        return Err(FetchError::BadRedirect(why));
                    }
                    Err(error) => return Err(FetchError::BadRedirect(error.to_string())),
                },
                429 => return Err(FetchError::Busy(429, response.retry_after())),
                400..500 => return Ok(None),
                status => return Err(FetchError::Status(status)),
            }
            wait = WaitPolicy::ForTurn;
        }
        Ok(None)
    }

    /// Sees to it that no other worker asks the host to which the rules of `first` have led.
    async fn claim(&self, first: &CanonicalUrl, next: &CanonicalUrl) -> Result<(), Refusal> {
        let claimed = other_host::claim(self.store.as_ref(), first, next).await;
        claimed.map_err(|_| {
            let until = Instant::now() + ANOTHER_WORKERS;
            self.transport.hold(first.host_id(), until);
            Refusal::NotDue(until)
        })
    }

    /// Sends one request for what `first` has led to; an answer that is to be asked for in another
    /// way is, at once.
    async fn ask(
        &self,
        (first, url): (&CanonicalUrl, &CanonicalUrl),
        delay: Duration,
        wait: WaitPolicy,
        options: &FetchOptions,
    ) -> Result<Response, FetchError> {
        let permit = self.transport.permit_rule_file(url, delay, wait).await?;
        // The turn may have been waited for so long that another worker has the host.
        self.claim(first, url).await?;
        match self.transport.send(permit, options).await {
            Err(FetchError::OddHead) => {
                let again = WaitPolicy::ForTurn;
                let again = self.transport.permit_rule_file(url, delay, again).await?;
                self.transport.send(again, options).await
            }
            sent => sent,
        }
    }
}

/// What was read of a file that is longer: half a rule of a robots.txt, which has one a line, would open
/// more, or close more, than the whole one. Where nothing shows its end, all is kept.
fn whole_rules(mut bytes: Vec<u8>, kind: &RuleFileKind) -> Vec<u8> {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    if !kind.shows_its_end
        && let Some(end) = bytes.iter().rposition(is_end)
    {
        bytes.truncate(end + 1);
    }
    bytes
}

/// A file as it is kept. A robots.txt that is no text is not: it is to be asked for again.
fn readable(bytes: Vec<u8>, kind: &RuleFileKind) -> Result<Vec<u8>, FetchError> {
    let bytes = unzipped(bytes, kind.cap)?;
    if kind.purpose == Purpose::Robots
        && let Robots::Unreachable(why) = Robots::read(&bytes)
    {
        return Err(FetchError::NoText(why));
    }
    Ok(bytes)
}

/// A file in the form of gzip or zstd is unpacked, though nobody says that it is: no text begins
/// so.
fn unzipped(bytes: Vec<u8>, cap: u64) -> Result<Vec<u8>, FetchError> {
    let codings = [ContentCoding::Gzip, ContentCoding::Zstd];
    let Some(coding) = codings.into_iter().find(|it| looks_like(*it, &bytes)) else {
        return Ok(bytes);
    };
    // The cap is far below what a usize holds.
    match decode_all(bytes, &[coding], cap as usize) {
        Ok(decoded) if decoded.end != End::Early => Ok(decoded.bytes),
        _ => Err(FetchError::Undecodable(format!("{coding}, unsaid"))),
    }
}

#[cfg(test)]
mod tests;
