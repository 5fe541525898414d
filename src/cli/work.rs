//! `work`: one machine of many that work on a cluster's store.

use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, ValueEnum};

use super::Outcome;
use super::crawl::SeedParser;
use super::crawl::report::{figures, file_figures};
use super::progress;
use super::session::Session;
use crate::app::{WorkEvent, WorkerRole};
use crate::canonical_url::CanonicalUrl;
use crate::serve::Server;

#[derive(Debug, Args)]
pub(super) struct WorkArgs {
    /// Pages to start a crawl from; without any, it goes on with what all crawls have left
    #[arg(value_name = "URL", value_parser = SeedParser)]
    urls: Vec<CanonicalUrl>,
    /// What this machine does
    #[arg(long, value_enum)]
    role: RoleArg,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleArg {
    /// Fetch pages and pictures
    Crawl,
    /// Make the features of the pictures that others fetch
    Features,
    /// Both
    All,
}

/// How long what is under way may take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(1);

pub(super) fn run(session: &Session, args: WorkArgs) -> anyhow::Result<Outcome> {
    let role = match args.role {
        RoleArg::Crawl => WorkerRole::Crawl,
        RoleArg::Features => WorkerRole::Features,
        RoleArg::All => WorkerRole::All,
    };
    if role == WorkerRole::Features && !args.urls.is_empty() {
        let why = "a worker that makes features starts no crawl: leave out the URLs\n";
        return Err(clap::Error::raw(ErrorKind::ArgumentConflict, why).into());
    }
    if role != WorkerRole::Crawl {
        session.start_runtime()?;
    }
    let collection = session.alone(Session::collection)?;
    let _server = Server::start(&collection, "work")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut tell = |event: WorkEvent<'_>| match event {
        WorkEvent::Problem(problem) => {
            progress::line(&format!("{}: {}", problem.source, problem.message));
        }
        WorkEvent::Round(summary) if role == WorkerRole::Features => {
            progress::note(&file_figures(summary));
        }
        WorkEvent::Round(summary) => progress::note(&figures(summary)),
        _ => progress::note("nothing to do for now; Ctrl-C ends this worker"),
    };
    let work = collection.work(role, args.urls, &session.shutdown, &mut tell);
    let end = runtime.block_on(work);
    runtime.shutdown_timeout(GRACE);
    end?;
    Ok(Outcome::Interrupted)
}
