//! `crawl --dry-run`: what would be fetched, and what not and why.

use super::session::Session;
use super::{Format, Outcome, output};
use crate::canonical_url::CanonicalUrl;
use crate::crawl::{Preview, Verdict};
use crate::store::Store;

pub(super) fn run(
    session: &Session,
    seeds: &[CanonicalUrl],
    format: Format,
) -> anyhow::Result<Outcome> {
    let exists = Store::exists(&session.config.data_dir()?);
    let store = match exists {
        true => Some(session.store(&session.network()?)?),
        false => None,
    };
    let earlier = match (&store, seeds.is_empty()) {
        (Some(store), true) => store.seeds()?,
        _ => Vec::new(),
    };
    let earlier = earlier
        .iter()
        .filter_map(|seed| CanonicalUrl::parse(seed).ok());
    let scope: Vec<CanonicalUrl> = seeds.iter().cloned().chain(earlier).collect();
    anyhow::ensure!(
        !scope.is_empty(),
        "there is nothing to crawl: name URLs, or seeds with --seeds FILE"
    );
    let mut preview = Preview::new(store.as_deref(), &session.config.crawl, &scope)?;
    for seed in seeds {
        print(preview.of_seed(seed.clone())?, format)?;
    }
    if let Some(store) = &store {
        for record in store.pending() {
            if session.shutdown.requested() {
                return Ok(Outcome::Interrupted);
            }
            print(preview.of_record(&record?)?, format)?;
        }
    }
    Ok(Outcome::Done)
}

fn print(verdict: Option<Verdict>, format: Format) -> anyhow::Result<()> {
    let Some(verdict) = verdict else {
        return Ok(());
    };
    if format == Format::Json {
        return output::json(&verdict);
    }
    let word = if verdict.fetched { "fetch" } else { "leave" };
    output::line(&format!("{word}  {}  {}", verdict.url, verdict.message))
}
