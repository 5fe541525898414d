//! `demo`: a small web site made, crawled and asked.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::crawl::crawl;
use super::crawl::report::figures;
use super::input::PictureReader;
use super::output::replace;
use super::progress;
use super::screen::pictures::PicturesArgs;
use super::search::{NamedQuestion, print_list};
use super::session::Session;
use super::{Outcome, output};
use crate::app::CrawlJob;
use crate::canonical_url::CanonicalUrl;
use crate::demo::server::Server;
use crate::demo::{gallery, photos};
use crate::local_path::path_text;
use crate::report::write_html;
use crate::search::SearchOptions;

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Serve the pictures of this folder instead of drawn ones
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// Where to put the store, the query and the page of results
    #[arg(long, value_name = "DIR", default_value = "simdex-demo")]
    dir: PathBuf,
    /// Results
    #[arg(short, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..))]
    k: u16,
    #[command(flatten)]
    pictures: PicturesArgs,
}

pub(super) fn run(mut session: Session, args: DemoArgs) -> anyhow::Result<Outcome> {
    progress::note("making a small web site ...");
    let site = match &args.photos {
        Some(dir) => photos::site(dir)?,
        None => gallery::site()?,
    };
    let query = site.query_picture().to_vec();
    let pictures = site.picture_paths().count();
    let server = Server::start(site).context("cannot serve on loopback")?;
    let store_dir = args.dir.join("store");
    fresh(&args.dir, &store_dir)?;
    let query_path = args.dir.join("query.jpg");
    let page_path = args.dir.join("results.html");
    replace(&query_path, &query)?;

    // Our own server on our own machine: no delay, and loopback is what is asked for.
    session.config.data_dir = Some(store_dir.clone());
    session.config.crawl.allow_private_addresses = true;
    session.config.crawl.delay_ms = 0;
    session.config.crawl.host_concurrency = 4;
    let seed = CanonicalUrl::parse(&server.url("/"))?;
    progress::note(&format!("crawling {seed} ({pictures} picture files) ..."));
    session.start_runtime()?;
    let collection = session.alone(Session::collection)?;
    let job = CrawlJob {
        seeds: vec![seed],
        ..CrawlJob::default()
    };
    let (summary, _) = crawl(&session, &collection, job)?;
    if session.shutdown.requested() {
        return Ok(Outcome::Interrupted);
    }
    output::line(&figures(&summary))?;

    let query_name = path_text(&query_path);
    let question = NamedQuestion::one(query_name).read(&mut PictureReader::new(&session.config))?;
    let options = SearchOptions {
        explain: true,
        ..SearchOptions::new(args.k.into(), session.config.query.candidates)
    };
    let result = collection.search(&question, &session.head(None)?, &options)?;
    print_list(args.pictures.shown(), &result, false)?;
    let mut page = Vec::new();
    write_html(
        std::slice::from_ref(&result),
        &session.config.query.head,
        &mut page,
    )?;
    replace(&page_path, &page)?;
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "simdex".to_owned());
    let (page, store) = (page_path.display(), store_dir.display());
    let lines = [
        String::new(),
        format!("The same list with pictures: {page}"),
        "Now try:".to_owned(),
        format!("  {program} --data-dir {store} query PICTURE"),
        format!("  {program} --data-dir {store} status"),
        format!(
            "  {program} --data-dir {store} export --queries FOLDER --format html -o lists.html"
        ),
        format!("  {program} demo --photos FOLDER"),
    ];
    // Commands are copied.
    output::whole(&lines.iter().collect())?;
    Ok(Outcome::Done)
}

/// Marks a folder in which a demo may delete the store it has made.
const MARKER: &str = ".simdex-demo";

/// Removes the store of an earlier demo, and nothing that a demo has not made.
fn fresh(dir: &Path, store: &Path) -> anyhow::Result<()> {
    let context = || dir.display().to_string();
    if dir.join(MARKER).is_file() && store.exists() {
        std::fs::remove_dir_all(store).with_context(context)?;
    }
    anyhow::ensure!(
        !store.exists(),
        "{} is there and no demo has made it; choose another folder with --dir",
        store.display()
    );
    std::fs::create_dir_all(dir).with_context(context)?;
    std::fs::write(dir.join(MARKER), "Made by simdex demo.\n").with_context(context)
}
