use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::input::read_list;
use super::progress::{self, Problems, Progress};
use super::session::Session;
use super::{Format, Outcome, output};
use crate::canonical_url::CanonicalUrl;
use crate::config::{Config, Scope};
use crate::crawl::{Crawl, Event, Summary};
use crate::ingest::Ingest;

#[derive(Debug, Args)]
pub(super) struct CrawlArgs {
    /// Pages to start from; without any, the last crawl goes on
    urls: Vec<String>,
    /// File with seeds, one URL a line, # for comments
    #[arg(long, value_name = "FILE")]
    seeds: Option<PathBuf>,
    /// Stop after this many pages
    #[arg(long, value_name = "N")]
    max_pages: Option<u64>,
    /// Stop after this many new pictures
    #[arg(long, value_name = "N")]
    max_images: Option<u64>,
    /// Follow links this far from a seed
    #[arg(long, value_name = "N")]
    max_depth: Option<u32>,
    /// Which pages to follow
    #[arg(long)]
    scope: Option<Scope>,
    /// Least time between two requests to a host, in milliseconds
    #[arg(long, value_name = "MS")]
    delay: Option<u64>,
    /// Requests under way at once
    #[arg(long, value_name = "N")]
    concurrency: Option<usize>,
    /// Requests under way at once to one host
    #[arg(long, value_name = "N")]
    host_concurrency: Option<usize>,
    /// Fetch from loopback, private and other closed addresses too
    #[arg(long)]
    allow_private_addresses: bool,
    /// How to print the summary
    #[arg(long, default_value = "text")]
    format: Format,
}

impl CrawlArgs {
    fn apply(&self, config: &mut Config) -> anyhow::Result<()> {
        let crawl = &mut config.crawl;
        crawl.max_pages = self.max_pages.or(crawl.max_pages);
        crawl.max_images = self.max_images.or(crawl.max_images);
        crawl.max_depth = self.max_depth.or(crawl.max_depth);
        crawl.scope = self.scope.unwrap_or(crawl.scope);
        crawl.delay_ms = self.delay.unwrap_or(crawl.delay_ms);
        crawl.concurrency = self.concurrency.unwrap_or(crawl.concurrency);
        crawl.host_concurrency = self.host_concurrency.unwrap_or(crawl.host_concurrency);
        crawl.allow_private_addresses |= self.allow_private_addresses;
        Ok(config.check()?)
    }

    fn seeds(&self) -> anyhow::Result<Vec<CanonicalUrl>> {
        let mut texts = self.urls.clone();
        if let Some(path) = &self.seeds {
            texts.extend(read_list(path)?);
        }
        texts
            .iter()
            .map(|text| {
                // "example.org" is what people type.
                let absolute = if text.contains("://") {
                    text.clone()
                } else {
                    format!("https://{text}")
                };
                CanonicalUrl::parse(&absolute).with_context(|| text.clone())
            })
            .collect()
    }
}

pub(super) fn run(mut session: Session, args: CrawlArgs) -> anyhow::Result<Outcome> {
    args.apply(&mut session.config)?;
    let seeds = args.seeds()?;
    if session.config.crawl.contact.is_none() {
        progress::note(
            "no contact is configured: webmasters cannot reach you ([crawl] contact in config.toml)",
        );
    }
    let (summary, failed) = crawl(&session, &seeds)?;
    print_summary(&summary, args.format)?;
    if session.shutdown.requested() {
        progress::note("interrupted; `simdex crawl` without URLs goes on where it stopped");
        return Ok(Outcome::Interrupted);
    }
    Ok(if failed {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}

/// Crawls and indexes; says whether a seed could not be used.
pub(super) fn crawl(session: &Session, seeds: &[CanonicalUrl]) -> anyhow::Result<(Summary, bool)> {
    let network = session.network()?;
    let engine = session.engine()?;
    let store = session.store(&network)?;
    let limits = session.config.picture.limits();
    let ingest = Ingest::start(&store, &engine, &network, limits)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let bar = Progress::new("crawling", 0);
    let mut problems = Problems::new();
    let mut seed_failed = false;
    let result = runtime.block_on(async {
        let crawl = Crawl::new(
            store.clone(),
            &ingest,
            &session.config,
            seeds,
            session.shutdown.clone(),
        )?;
        crawl
            .run(&mut |event| match event {
                Event::Progress(summary) => bar.set(0, || progress_line(summary)),
                Event::Problem(problem) => {
                    seed_failed |= seeds.iter().any(|seed| seed.as_str() == problem.source);
                    problems.add(&problem.source, &problem.message);
                }
            })
            .await
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    // The store's own error says more than the crawl's end.
    ingest.finish()?;
    let summary = result?;
    drop(bar);
    problems.finish();
    if !session.shutdown.requested() {
        session.update_index(&store)?;
    }
    Ok((summary, seed_failed))
}

pub(super) fn progress_line(summary: &Summary) -> String {
    let seconds = summary.elapsed_s.max(0.001);
    format!(
        "{} pages, {} pictures indexed of {} found, {} duplicates, {} not usable, {:.1} MB, {:.1} pictures/s",
        summary.pages_fetched,
        summary.images_indexed,
        summary.images_found,
        summary.duplicates,
        summary.problems(),
        summary.bytes as f64 / 1e6,
        summary.images_indexed as f64 / seconds,
    )
}

pub(super) fn print_summary(summary: &Summary, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return output::json(summary);
    }
    let mut text = format!("{} in {:.1} s", progress_line(summary), summary.elapsed_s);
    for (kind, reasons) in [("refused", &summary.refused), ("failed", &summary.failed)] {
        for (reason, count) in reasons {
            text += &format!("\n  {kind} {reason}: {count}");
        }
    }
    output::line(&text)
}
