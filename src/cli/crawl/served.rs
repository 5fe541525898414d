//! `crawl` on a store that `serve` has open: done there, followed from here.

use std::time::Duration;

use super::args::CrawlArgs;
use super::report::{Rates, print_summary};
use crate::canonical_url::CanonicalUrl;
use crate::cli::Outcome;
use crate::cli::progress::{self, Progress};
use crate::cli::session::Session;
use crate::config::Config;
use crate::serve::api::CrawlRequest;
use crate::serve::{Connection, JobState};

/// How often it is asked how far the crawl is.
const EVERY: Duration = Duration::from_millis(200);

/// Whether the flags ask for no more than what is done there: seeds, and how many pictures. `before` is
/// the configuration without the flags, `after` with them.
pub(super) fn is_plain(args: &CrawlArgs, before: &Config, after: &Config) -> bool {
    let mut plain = before.clone();
    plain.crawl.max_images = after.crawl.max_images;
    let elsewhere = args.fetch_log.is_some() || args.warc.is_some() || args.dry_run;
    let otherwise = args.fetch_only || args.features_only || !args.like.is_empty();
    plain == *after && !elsewhere && !otherwise && args.again().is_empty()
}

/// Crawls there, and says how it goes. Ctrl-C stops the crawl, and waits until what was under way is
/// stored.
pub(super) fn run(
    session: &Session,
    connection: &Connection,
    args: &CrawlArgs,
    seeds: &[CanonicalUrl],
) -> anyhow::Result<Outcome> {
    let asked = CrawlRequest {
        seeds: seeds.iter().map(ToString::to_string).collect(),
        max_images: args.max_images,
    };
    let mut so_far = connection.begin_crawl(&asked)?;
    let bar = Progress::new("crawling", 0);
    let mut rates = Rates::default();
    let mut stopped = false;
    while !so_far.state.is_over() {
        std::thread::sleep(EVERY);
        so_far = match session.shutdown.requested() && !stopped {
            true => {
                stopped = true;
                connection.stop_crawl(so_far.id)?
            }
            false => connection.crawl(so_far.id)?,
        };
        let done = &so_far.figures;
        rates.sample(&done.summary);
        bar.set(0, || rates.line(&done.summary, done.hosts, done.under_way));
    }
    drop(bar);
    if so_far.state == JobState::Failed {
        anyhow::bail!(
            so_far
                .problem
                .unwrap_or_else(|| "the crawl failed".to_owned())
        );
    }
    print_summary(&so_far.figures.summary, args.format)?;
    if so_far.state == JobState::Stopped {
        progress::note("interrupted; `simdex crawl` without URLs goes on where it stopped");
        return Ok(Outcome::Interrupted);
    }
    Ok(match so_far.figures.some_failed {
        true => Outcome::SomeFailed,
        false => Outcome::Done,
    })
}
