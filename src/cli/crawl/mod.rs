//! `crawl`: gathering pictures from the web.

mod args;
mod dry_run;
mod features;
mod like;
pub(super) mod report;
mod served;

use std::time::Duration;

use super::dataset::tell_saved;
use super::input::PictureReader;
use super::opened::answered_by;
use super::progress::{self, LeftOuts, Problems, Progress};
use super::session::Session;
use super::{Format, Outcome};
use crate::app::{self, Collection, CrawlJob, Looking, Pictures, QueuedAgain, has_store};
use crate::crawl::{Event, Summary};
use crate::plural::{counted_as, noun_of};
use crate::serve::{SERVE, Server};
use crate::store::{Again, now_ms};
pub(super) use args::CrawlArgs;
#[cfg(feature = "cluster")]
pub(super) use args::SeedParser;
use report::{Rates, print_summary};

pub(super) fn run(mut session: Session, args: CrawlArgs) -> anyhow::Result<Outcome> {
    let before = session.config.clone();
    args.apply(&mut session.config)?;
    let (seeds, bad_lines) = args.seeds()?;
    if args.dry_run {
        let outcome = dry_run::run(&session, &seeds, args.format)?;
        return Ok(match outcome {
            Outcome::Done if bad_lines => Outcome::SomeFailed,
            outcome => outcome,
        });
    }
    if args.features_only {
        return features::run(&session, args.format);
    }
    if session.config.crawl.contact.is_none() {
        progress::note(
            "no contact is configured: webmasters cannot reach you ([crawl] contact in config.toml)",
        );
    }
    // Nothing goes on where there is no store yet.
    if seeds.is_empty() && !has_store(&session.config)? {
        return Err(app::Error::NoSeeds.into());
    }
    // Where another command has it open, that is said when the store is opened.
    if let Some(connection) = session.owner()?
        && connection.owner().command == SERVE
    {
        anyhow::ensure!(
            args.save.is_none(),
            "process {} serves the store and would fetch the pictures, and opens no path that another \
             names: stop it to crawl with --save",
            connection.owner().process
        );
        anyhow::ensure!(
            served::is_plain(&args, &before, &session.config),
            "process {} serves the store, and crawls by its own configuration: only URLs, --seeds and \
             --max-images can be given to it; stop it first, or leave out the other flags",
            connection.owner().process
        );
        answered_by(&connection);
        let outcome = served::run(&session, &connection, &args, &seeds)?;
        return Ok(match outcome {
            Outcome::Done if bad_lines => Outcome::SomeFailed,
            outcome => outcome,
        });
    }
    let pictures = pictures(&session, &args)?;
    let job = CrawlJob {
        seeds,
        again: args.again(),
        recorders: args.recording().open(&session.config)?,
        pictures,
        saver: args
            .save
            .as_deref()
            .map(|dir| args.dataset.open(dir))
            .transpose()?,
        ..CrawlJob::default()
    };
    let collection = session.alone(Session::collection)?;
    let _server = Server::start(&collection, "crawl")?;
    let (summary, failed) = crawl(&session, &collection, job)?;
    if args.like.is_empty() || session.shutdown.requested() {
        print_summary(&summary, args.format)?;
        if args.format == Format::Text && !session.shutdown.requested() {
            hint(&session, &summary);
        }
    } else {
        like::print(
            &collection,
            &summary,
            &args.like,
            args.min_score,
            args.format,
        )?;
    }
    if session.shutdown.requested() {
        progress::note("interrupted; `simdex crawl` without URLs goes on where it stopped");
        return Ok(Outcome::Interrupted);
    }
    Ok(if failed || bad_lines {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}

/// Says what is to be done with what was fetched.
fn hint(session: &Session, summary: &Summary) {
    let mut next = Vec::new();
    if summary.images_fetched > summary.images_indexed {
        let features = session.command("crawl --features-only");
        next.push(format!("{features} makes the pictures ready to be found"));
    } else if summary.images_indexed + summary.duplicates > 0 {
        let query = session.command("query FILE");
        next.push(format!("{query} finds pictures like one of yours"));
    }
    if !summary.failed.is_empty() || !summary.refused.is_empty() {
        let failures = session.command("failures");
        next.push(format!("{failures} lists what was not fetched"));
    }
    if !next.is_empty() {
        progress::hint(&format!("next: {}", next.join(", ")));
    }
}

/// What the flags say of the pictures; what is looked for is read before the store is made.
fn pictures(session: &Session, args: &CrawlArgs) -> anyhow::Result<Pictures> {
    if args.fetch_only {
        return Ok(Pictures::Kept);
    }
    session.start_runtime()?;
    if args.like.is_empty() {
        return Ok(Pictures::Indexed);
    }
    let like = PictureReader::new(&session.config).read_all(&args.like)?;
    let extraction = session.extraction()?;
    let looking = Looking::new(extraction, &like, args.min_score, args.keep_matches)?;
    Ok(Pictures::Compared(looking))
}

/// Crawls and indexes; says whether a seed could not be used, a picture not be taken in yet,
/// or a log not be written.
pub(super) fn crawl(
    session: &Session,
    collection: &Collection,
    job: CrawlJob,
) -> anyhow::Result<(Summary, bool)> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let bar = Progress::new("crawling", 0);
    let mut problems = Problems::listed_by("`simdex failures` lists all");
    let mut left_out = LeftOuts::default();
    let mut rates = Rates::default();
    let mut observe = |event: Event<'_>| match event {
        Event::Progress {
            summary,
            hosts,
            under_way,
        } => {
            rates.sample(summary);
            bar.set(0, || rates.line(summary, hosts, under_way));
        }
        Event::Problem(problem) => problems.add(&problem.source, &problem.message),
        Event::LeftOut(of) => left_out.add(&of.source, &of.message),
    };
    let mut said = say_again;
    let dir = job.saver.as_ref().map(|saver| saver.dir().to_owned());
    let crawl = collection.crawl(job, &session.shutdown, &mut said, &mut observe);
    let end = runtime.block_on(crawl);
    runtime.shutdown_timeout(Duration::from_secs(1));
    let end = end?;
    drop(bar);
    problems.finish();
    left_out.finish();
    for (host, kept) in &end.summary.removals_stopped {
        progress::line(&format!(
            "{host}: no more of its pictures were removed in this run: {} kept that would \
             have gone, since so many at once look like a failure of the site. If the site means \
             it, raise max_removed_share under [crawl] and refresh again",
            counted_as(*kept, "is", "are")
        ));
    }
    for message in &end.unrecorded {
        progress::line(message);
    }
    if let Some((dir, saved)) = dir.zip(end.saved) {
        tell_saved(&dir, saved);
    }
    let postponed = end.summary.postponed > 0;
    let failed = end.seed_failed || postponed || !end.unrecorded.is_empty();
    Ok((end.summary, failed))
}

/// Says how much is asked for again, or when there will be something.
fn say_again(again: QueuedAgain<'_>) {
    if again.let_in > 0 {
        let it = noun_of(again.let_in, "it", "them");
        progress::note(&format!(
            "{} queued again, because the settings have changed that kept {it} or what is on {it} out",
            counted_as(again.let_in, "URL is", "URLs are")
        ));
    }
    if again.queued > 0 {
        let urls = counted_as(again.queued, "URL is", "URLs are");
        progress::note(&format!("{urls} asked for again"));
    }
    if again.queued + again.let_in > 0 {
        return;
    }
    if let [Again::Failed(reason)] = again.which {
        let reason = reason.as_deref().unwrap_or("any reason");
        let known = again.reasons.iter();
        let known: Vec<String> = known
            .map(|(reason, count)| format!("{reason} ({count})"))
            .collect();
        let known = match known.is_empty() {
            true => "nothing has failed".to_owned(),
            false => format!("the store knows {}", known.join(", ")),
        };
        progress::note(&format!("nothing failed for {reason}; {known}"));
        return;
    }
    let now_s = now_ms() / 1000;
    let next = match again.next_due_s {
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
}
