//! `crawl --like`: looking for pictures like some, and listing them at the end.

use serde::Serialize;

use super::input::QueryPictures;
use super::session::Session;
use super::{Format, output};
use crate::canonical_url::UrlId;
use crate::crawl::Summary;
use crate::head::{Mode, Ranking};
use crate::ingest::MatchFilter;
use crate::network::{Engine, Network};
use crate::search::{Query, QueryResult, SearchOptions, Searcher, score_pair};
use crate::store::{NewPicture, Store};

/// The pictures that are looked for.
pub(super) struct Wanted {
    pictures: Vec<NewPicture>,
    pub(super) min_score: f32,
}

/// The JSON of a focused crawl: the summary's keys, and a list for each picture.
#[derive(Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    results: &'a [QueryResult],
}

impl Wanted {
    /// Loads the pictures and their features.
    pub(super) fn load(
        session: &Session,
        engine: &Engine,
        network: &Network,
        names: &[String],
        min_score: f32,
    ) -> anyhow::Result<Self> {
        let layout = network.layout(session.config.store.activations);
        let mut loader = QueryPictures::new(session, engine, network, layout)?;
        let pictures = names.iter().map(|name| loader.load(name));
        Ok(Self {
            pictures: pictures.collect::<anyhow::Result<_>>()?,
            min_score,
        })
    }

    /// Scores new pictures by the likest of the wanted ones.
    pub(super) fn screen(
        self,
        session: &Session,
        network: &Network,
        store: &Store,
        keep_matches: bool,
        matches: async_channel::Sender<(UrlId, bool)>,
    ) -> anyhow::Result<MatchFilter> {
        let ranking: Ranking = session.ranking(None, network)?;
        let layout = store.layout().clone();
        let min_score = self.min_score;
        let score = move |picture: &NewPicture| {
            let scores = self.pictures.iter();
            let scores = scores.map(|wanted| {
                score_pair(
                    &ranking,
                    Mode::default(),
                    wanted.features(&layout),
                    picture.features(&layout),
                )
                .score
            });
            scores.fold(0.0, f32::max)
        };
        Ok(MatchFilter {
            score: Box::new(score),
            min_score,
            keep_matches,
            matches,
        })
    }
}

/// Prints the summary and the ranked lists of what is in the store now.
pub(super) fn print(
    session: &Session,
    summary: &Summary,
    names: &[String],
    min_score: f32,
    format: Format,
) -> anyhow::Result<()> {
    let network = session.network()?;
    let store = session.existing_store(&network)?;
    let engine = session.engine()?;
    let index = session.index(&store)?;
    let ranking = session.ranking(None, &network)?;
    let options = SearchOptions {
        k: session.config.query.k,
        candidates: session.config.query.candidates,
        host: None,
        min_score,
        mode: Mode::default(),
        explain: false,
        all_copies: false,
    };
    let mut loader = QueryPictures::new(session, &engine, &network, store.layout().clone())?;
    // By the score with which pictures were screened as they came.
    let searcher = Searcher::new(&store, &index, &ranking, &options)?.alone();
    let mut results = Vec::with_capacity(names.len());
    for name in names {
        let started = std::time::Instant::now();
        let wanted = [vec![loader.load(name)?]];
        results.push(searcher.search(&Query {
            name,
            wanted: &wanted,
            unwanted: &[],
            features_took: started.elapsed(),
        })?);
    }
    if format == Format::Json {
        return output::json(&Found {
            summary,
            results: &results,
        });
    }
    super::crawl_report::print_summary(summary, format)?;
    results.iter().try_for_each(super::query::print)
}
