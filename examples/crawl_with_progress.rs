//! Crawls a site with a line of progress and searches the collection while it grows. Ctrl-C
//! stops it cleanly; the next run goes on from there.
//!
//! ```text
//! cargo run --example crawl_with_progress -- STORE URL [config.toml]
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};

use simdex::app::{Collection, CrawlJob, Extraction, Heads, Observer};
use simdex::canonical_url::CanonicalUrl;
use simdex::config::Config;
use simdex::crawl::Event;
use simdex::shutdown::Shutdown;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [store, url, rest @ ..] = args.as_slice() else {
        return Err("usage: crawl_with_progress STORE URL [config.toml]".into());
    };
    let config = Config {
        data_dir: Some(PathBuf::from(store)),
        ..Config::load(rest.first().map(Path::new))?
    };
    let extraction = Extraction::new(&config, Observer::silent())?;
    let heads = Heads::new(&extraction, &config.query.head);
    let collection = Collection::open(config, extraction, heads, Observer::silent())?;

    let job = CrawlJob {
        seeds: vec![CanonicalUrl::parse(url)?],
        ..CrawlJob::default()
    };
    // A clone is cheap, and sees within a second what the crawl has stored.
    let growing = collection.clone();
    let mut observe = |event: Event<'_>| match event {
        Event::Progress { summary, hosts, .. } => {
            let can_be_found = growing.view().map_or(0, |view| view.index.len());
            eprint!(
                "\r{} pages, {} pictures of {hosts} hosts, {can_be_found} can be found ",
                summary.pages_fetched, summary.images_indexed
            );
        }
        Event::Problem(of) | Event::LeftOut(of) => eprintln!("\n{}: {}", of.source, of.message),
    };
    let shutdown = Shutdown::on_signals()?;
    let end = collection
        .crawl(job, &shutdown, &mut |_| (), &mut observe)
        .await?;
    eprintln!();
    let (pages, pictures) = (end.summary.pages_fetched, end.summary.images_indexed);
    println!("{pages} pages, {pictures} new pictures");
    println!("{} pictures can be found", collection.view()?.index.len());
    Ok(())
}
