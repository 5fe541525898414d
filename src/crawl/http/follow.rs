//! Redirects: each hop needs its own permit.

use super::error::{FetchError, Refusal};
use super::fetcher::{Asking, Fetcher, Patience};
use super::response::Response;
use crate::canonical_url::CanonicalUrl;
use crate::config::Config;
use crate::store::ledger::Purpose;

impl Fetcher {
    /// Asks for a URL, following redirects to where `may_lead` allows. Gives the last
    /// response and the URL it came from.
    ///
    /// # Errors
    /// If a hop may not or cannot be fetched, or there are too many.
    pub(in crate::crawl) async fn follow(
        &self,
        first: &CanonicalUrl,
        purpose: Purpose,
        patience: Patience,
        asking: &Asking,
        may_lead: &(dyn Fn(&CanonicalUrl) -> bool + Sync),
    ) -> Result<(Response, CanonicalUrl), FetchError> {
        let mut url = first.clone();
        for hop in 0..=self.config.max_redirects {
            // The first turn may be the scheduler's business; where a redirect leads, it
            // is waited for.
            let patience = if hop == 0 { patience } else { Patience::Turn };
            let permit = self.permit(&url, purpose, patience).await;
            let permit = permit.map_err(|refusal| match refusal {
                Refusal::RobotsUnreachable(_)
                | Refusal::Certificate(_)
                | Refusal::Unresolved { .. }
                    if hop == 0 =>
                {
                    FetchError::OriginClosed(refusal)
                }
                refusal => refusal.into(),
            })?;
            let response = self.send(permit, asking).await?;
            match response.redirect(&url) {
                Ok(None) => return Ok((response, url)),
                Ok(Some(next)) if may_lead(&next) => url = next,
                Ok(Some(_)) => return Err(FetchError::OutOfScope),
                Err(error) => return Err(FetchError::BadRedirect(error.to_string())),
            }
        }
        Err(FetchError::TooManyRedirects(self.config.max_redirects))
    }
}

/// Fetches a single picture for a query, by the same rules as a crawl.
///
/// # Errors
/// If it may not or cannot be fetched.
pub async fn fetch_picture(
    fetcher: &Fetcher,
    url: &CanonicalUrl,
    config: &Config,
) -> Result<Vec<u8>, FetchError> {
    let answer = fetcher.follow(url, Purpose::Query, Patience::Turn, &Asking::FIRST, &|_| {
        true
    });
    let (response, _) = answer.await?;
    match response.status() {
        200 => fetcher.body(response, config.picture.max_bytes).await,
        status => Err(FetchError::Status(status)),
    }
}
