use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::crawl_report::{Rates, print_summary};
use super::input::read_list;
use super::progress::{self, Problems, Progress};
use super::session::Session;
use super::{Format, Outcome};
use crate::canonical_url::CanonicalUrl;
use crate::config::{Config, HostPattern, ResolveTarget, Scope};
use crate::crawl::{
    Crawl, CrawlPlan, Event, FetchLog, Recorders, Summary, WarcOptions, WarcWriter, user_agent,
};
use crate::ingest::Ingest;
use crate::store::{Again, Store, now_ms};

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
    /// Write a JSON line for every fetch
    #[arg(long, value_name = "FILE")]
    fetch_log: Option<PathBuf>,
    /// Keep what was fetched in a WARC file; .warc.gz is packed
    #[arg(long, value_name = "FILE")]
    warc: Option<PathBuf>,
    /// Ask again what is due: pages and pictures that an earlier crawl visited
    #[arg(long, value_name = "WHICH", num_args = 0..=1, default_missing_value = "due")]
    refresh: Option<Refresh>,
    /// Try again what failed, for this reason of the summary or for any
    #[arg(long, value_name = "REASON", num_args = 0..=1, default_missing_value = "")]
    retry_failed: Option<String>,
    /// Send a host name to an address: NAME=ADDRESS[:PORT]; *.NAME stands for all below
    #[arg(long, value_name = "NAME=ADDRESS")]
    resolve: Vec<String>,
    /// Fetch from loopback, private and other closed addresses too
    #[arg(long)]
    allow_private_addresses: bool,
    /// How to print the summary
    #[arg(long, default_value = "text")]
    format: Format,
}

/// Which visited URLs are asked for again.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Refresh {
    /// Those whose time has come, by how often they changed
    Due,
    /// All
    All,
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
        for text in &self.resolve {
            let (pattern, target) = text
                .split_once('=')
                .with_context(|| format!("--resolve takes NAME=ADDRESS, not {text}"))?;
            let pattern = HostPattern::try_from(pattern.to_owned());
            let target = ResolveTarget::try_from(target.to_owned());
            let pair = (
                pattern.map_err(anyhow::Error::msg)?,
                target.map_err(anyhow::Error::msg)?,
            );
            crawl.resolve.insert(pair.0, pair.1);
        }
        Ok(config.check()?)
    }

    fn again(&self) -> Vec<Again> {
        let refresh = self.refresh.map(|which| match which {
            Refresh::Due => Again::Due,
            Refresh::All => Again::Visited,
        });
        let failed = self.retry_failed.as_ref();
        let failed = failed.map(|why| Again::Failed((!why.is_empty()).then(|| why.clone())));
        refresh.into_iter().chain(failed).collect()
    }

    fn recorders(&self, config: &Config) -> anyhow::Result<Recorders> {
        let log = self.fetch_log.as_deref().map(FetchLog::open).transpose()?;
        let options = WarcOptions {
            user_agent: user_agent(config.crawl.contact.as_deref()),
            contact: config.crawl.contact.clone(),
            max_bytes: WarcOptions::MAX_BYTES,
        };
        let warc = self.warc.as_deref();
        let warc = warc
            .map(|path| WarcWriter::create(path, options))
            .transpose()?;
        Ok(Recorders {
            fetch_log: log,
            warc,
        })
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
    let plan = CrawlPlan {
        seeds,
        again: args.again(),
        recorders: args.recorders(&session.config)?,
    };
    let (summary, failed) = crawl(&session, plan)?;
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
pub(super) fn crawl(session: &Session, plan: CrawlPlan) -> anyhow::Result<(Summary, bool)> {
    let seeds = plan.seeds.clone();
    let asks_again = !plan.again.is_empty();
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
    let mut rates = Rates::default();
    let result: anyhow::Result<Summary> = runtime.block_on(async {
        let crawl = Crawl::new(
            store.clone(),
            &ingest,
            &session.config,
            plan,
            session.shutdown.clone(),
        )?;
        if asks_again {
            say_again(&store, crawl.queued_again())?;
        }
        let mut observe = |event: Event<'_>| match event {
            Event::Progress {
                summary,
                hosts,
                under_way,
            } => {
                rates.sample(summary);
                bar.set(0, || rates.line(summary, hosts, under_way));
            }
            Event::Problem(problem) => {
                seed_failed |= seeds.iter().any(|seed| seed.as_str() == problem.source);
                problems.add(&problem.source, &problem.message);
            }
        };
        Ok(crawl.run(&mut observe).await?)
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

/// Says how much is asked for again, or when there will be something.
fn say_again(store: &Store, queued: u64) -> anyhow::Result<()> {
    if queued > 0 {
        progress::note(&format!("{queued} URLs are asked for again"));
        return Ok(());
    }
    let now_s = now_ms() / 1000;
    let next = match store.next_due_s()? {
        Some(due_s) if due_s > now_s => {
            let wait = due_s - now_s;
            format!(
                "; the next visit is due in {} h {} min",
                wait / 3600,
                wait / 60 % 60
            )
        }
        _ => String::new(),
    };
    progress::note(&format!("there is nothing to ask for again{next}"));
    Ok(())
}
