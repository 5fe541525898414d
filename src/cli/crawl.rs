use std::sync::Arc;
use std::time::Duration;

use super::Outcome;
use super::crawl_args::CrawlArgs;
use super::crawl_report::{Rates, print_summary};
use super::like::{self, Wanted};
use super::progress::{self, Problems, Progress};
use super::session::Session;
use crate::canonical_url::CanonicalUrl;
use crate::crawl::{Crawl, CrawlPlan, Event, Recorders, Summary};
use crate::ingest::Ingest;
use crate::network::Network;
use crate::store::{Again, Store, now_ms};

/// What happens to the pictures that a crawl fetches.
#[derive(Debug, Clone, Default)]
pub(super) enum Pictures {
    /// They get their features and are stored.
    #[default]
    Indexed,
    /// They are kept without features.
    Kept,
    /// They are held against some; the rest goes on as it is, or is not stored.
    Screened {
        like: Vec<String>,
        min_score: f32,
        keep_matches: bool,
    },
}

pub(super) fn run(mut session: Session, args: CrawlArgs) -> anyhow::Result<Outcome> {
    args.apply(&mut session.config)?;
    let seeds = args.seeds()?;
    if args.dry_run {
        return super::dry_run::run(&session, &seeds, args.format);
    }
    if args.features_only {
        return super::features::run(&session, args.format);
    }
    if session.config.crawl.contact.is_none() {
        progress::note(
            "no contact is configured: webmasters cannot reach you ([crawl] contact in config.toml)",
        );
    }
    let pictures = if args.fetch_only {
        Pictures::Kept
    } else if args.like.is_empty() {
        Pictures::Indexed
    } else {
        Pictures::Screened {
            like: args.like.clone(),
            min_score: args.min_score,
            keep_matches: args.keep_matches,
        }
    };
    let plan = CrawlPlan {
        seeds,
        again: args.again(),
        recorders: Arc::new(args.recorders(&session.config)?),
        ..CrawlPlan::default()
    };
    let (summary, failed) = crawl(&session, plan, pictures)?;
    if args.like.is_empty() || session.shutdown.requested() {
        print_summary(&summary, args.format)?;
    } else {
        like::print(&session, &summary, &args.like, args.min_score, args.format)?;
    }
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

/// Opens the store, and starts what takes the pictures in.
fn start(
    session: &Session,
    network: &Network,
    plan: &mut CrawlPlan,
    pictures: Pictures,
) -> anyhow::Result<(Arc<Store>, Ingest)> {
    let limits = session.config.picture.limits();
    if let Pictures::Kept = pictures {
        let store = session.store(network)?;
        let ingest = Ingest::keep_only(&store, limits);
        return Ok((store, ingest));
    }
    let engine = session.engine()?;
    let wanted = match &pictures {
        Pictures::Screened {
            like, min_score, ..
        } => Some(Wanted::load(session, &engine, network, like, *min_score)?),
        _ => None,
    };
    let store = session.store(network)?;
    let mut screen = None;
    if let (Some(wanted), Pictures::Screened { keep_matches, .. }) = (wanted, pictures) {
        let (sender, receiver) = async_channel::unbounded();
        plan.matches = Some(receiver);
        screen = Some(wanted.screen(session, network, &store, keep_matches, sender)?);
    }
    let ingest = Ingest::start(&store, &engine, network, limits, screen)?;
    Ok((store, ingest))
}

/// Crawls and indexes; says whether a seed could not be used, or a log not be written.
pub(super) fn crawl(
    session: &Session,
    mut plan: CrawlPlan,
    pictures: Pictures,
) -> anyhow::Result<(Summary, bool)> {
    let given = plan.seeds.clone();
    let recorders = Arc::clone(&plan.recorders);
    let again = plan.again.clone();
    let network = session.network()?;
    let (store, ingest) = start(session, &network, &mut plan, pictures)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let bar = Progress::new("crawling", 0);
    let mut problems = Problems::new();
    let mut failed = false;
    let mut rates = Rates::default();
    let result: anyhow::Result<Summary> = runtime.block_on(async {
        let crawl = Crawl::new(
            store.clone(),
            &ingest,
            &session.config,
            plan,
            session.shutdown.clone(),
        )
        .await?;
        if !again.is_empty() {
            say_again(&store, &again, crawl.queued_again())?;
        }
        let asked: Vec<CanonicalUrl> = crawl.seeds().iter().chain(&given).cloned().collect();
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
                failed |= asked.iter().any(|seed| seed.as_str() == problem.source);
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
    // Whoever is not stopped by now, such as a page's parser after Ctrl-C, writes no more.
    for message in Arc::into_inner(recorders).map_or_else(Vec::new, Recorders::close) {
        progress::line(&message);
        failed = true;
    }
    if !session.shutdown.requested() {
        session.update_index(&store)?;
    }
    Ok((summary, failed))
}

/// Says how much is asked for again, or when there will be something.
fn say_again(store: &Store, again: &[Again], queued: u64) -> anyhow::Result<()> {
    if queued > 0 {
        progress::note(&format!("{queued} URLs are asked for again"));
        return Ok(());
    }
    if let [Again::Failed(reason)] = again {
        let reason = reason.as_deref().unwrap_or("any reason");
        let known = store.reasons()?.into_iter();
        let known: Vec<String> = known
            .map(|(reason, count)| format!("{reason} ({count})"))
            .collect();
        let known = match known.is_empty() {
            true => "nothing has failed".to_owned(),
            false => format!("the store knows {}", known.join(", ")),
        };
        progress::note(&format!("nothing failed for {reason}; {known}"));
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
