use clap::Args;

use super::input::{QueryPictures, host_argument};
use super::progress;
use super::session::Session;
use super::{Format, Outcome, output};
use crate::crawl::with_causes;
use crate::search::{QueryResult, SearchOptions, Searcher};

/// The flags that `query` and `export` share.
#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// Results per query
    #[arg(short, value_name = "N")]
    k: Option<usize>,
    /// Candidates that the index hands to the head
    #[arg(long, value_name = "N")]
    candidates: Option<usize>,
    /// Ranking: mse18, embedding or a file made by `simdex train`
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) head: Option<String>,
    /// Only pictures seen on this host
    #[arg(long, value_name = "H")]
    host: Option<String>,
    /// Only results of at least this score
    #[arg(long, value_name = "S", default_value_t = 0.0)]
    min_score: f32,
    /// List near-copies one by one; otherwise one stands for all
    #[arg(long)]
    all_copies: bool,
}

impl SearchArgs {
    pub(super) fn options(&self, session: &Session) -> anyhow::Result<SearchOptions> {
        let mut config = session.config.clone();
        config.query.k = self.k.unwrap_or(config.query.k);
        config.query.candidates = self.candidates.unwrap_or(config.query.candidates);
        config.check()?;
        Ok(SearchOptions {
            k: config.query.k,
            candidates: config.query.candidates,
            host: self.host.as_deref().map(host_argument).transpose()?,
            min_score: self.min_score,
            all_copies: self.all_copies,
        })
    }
}

#[derive(Debug, Args)]
pub(super) struct QueryArgs {
    /// Picture files or URLs
    #[arg(required = true, value_name = "IMAGE|URL")]
    queries: Vec<String>,
    #[command(flatten)]
    search: SearchArgs,
    /// How to print the results; json is one object a line, one line a query
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: QueryArgs) -> anyhow::Result<Outcome> {
    let format = args.format;
    for_each_result(
        session,
        &args.queries,
        &args.search,
        &mut |result| match format {
            Format::Json => output::json(&result),
            Format::Text => print(&result),
        },
    )
}

/// Answers queries one by one. A query that fails is listed and the rest goes on; if all
/// fail, so does the command.
pub(super) fn for_each_result(
    session: &Session,
    queries: &[String],
    args: &SearchArgs,
    each: &mut dyn FnMut(QueryResult) -> anyhow::Result<()>,
) -> anyhow::Result<Outcome> {
    let options = args.options(session)?;
    let network = session.network()?;
    let ranking = session.ranking(args.head.as_deref(), &network)?;
    let store = session.existing_store(&network)?;
    let engine = session.engine()?;
    let index = session.index(&store)?;
    if index.is_empty() {
        progress::note("the store has no pictures yet");
    }
    let mut pictures = QueryPictures::new(session, &engine, &network, store.layout().clone())?;
    let searcher = Searcher::new(&store, &index, &ranking, &options);
    let mut failed = 0;
    for query in queries {
        if session.shutdown.requested() {
            return Ok(Outcome::Interrupted);
        }
        match pictures.load(query) {
            Ok((picture, took)) => each(searcher.search(query, &picture, took)?)?,
            Err(error) if queries.len() == 1 => return Err(error),
            Err(error) => {
                failed += 1;
                progress::line(&with_causes(error.as_ref()));
            }
        }
    }
    anyhow::ensure!(failed < queries.len(), "no query could be used");
    Ok(if failed > 0 {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}

pub(super) fn print(result: &QueryResult) -> anyhow::Result<()> {
    let timing = &result.timing_ms;
    let mut text = format!(
        "{}: {} results in {:.1} ms (features {:.1}, candidates {:.1}, re-scoring {:.1})\n",
        result.query,
        result.results.len(),
        timing.total,
        timing.features,
        timing.candidates,
        timing.rescore
    );
    text += "rank  score  cosine  size       picture\n";
    for entry in &result.results {
        let size = format!("{}x{}", entry.width, entry.height);
        text += &format!(
            "{:>4}  {:.3}  {:.3}   {size:<9}  {}\n",
            entry.rank,
            entry.score,
            entry.cosine,
            entry.place()
        );
        if !entry.copies.is_empty() {
            text += &format!("{:>36}and {} near-copies\n", "", entry.copies.len());
        }
        if let Some(page) = entry.pages.first() {
            text += &format!("{:>36}on {} {}\n", "", page.url, page.title);
        }
    }
    output::write(text.as_bytes())
}
