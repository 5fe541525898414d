//! Measuring what `simdex query` answers on pictures of many domains.

mod places;
mod shelf;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::watch::{JobEvent, Stage, Watch};
use crate::app::{Error, Extraction};
use crate::config::Config;
use crate::crawl::Problem;
use crate::dataset::{Domains, HeldOut, pictures_below};
use crate::evaluation::{
    Answer, Answered, Answerless, AskedHead, DomainSize, DomainsEvaluation, Listed, Observations,
    SHOWN,
};
use crate::head::{Mode, Ranking, Thresholds};
use crate::index::IndexWriter;
use crate::ingest::{extract, extract_each, read_file};
use crate::local_path::path_text;
use crate::network::Extractor;
use crate::picture::PictureId;
use crate::search::{Query, QueryResult, SearchOptions, Searcher};
use crate::store::{NewPicture, Sequence, Store, StoreError, StoreOptions};
use places::{Place, StoredPicture, places};
use shelf::Shelf;

/// How answers are measured on a folder of domains.
#[derive(Debug, Clone)]
pub struct DomainsOptions {
    /// A folder of domains, each with one folder of pictures a class.
    pub dir: PathBuf,
    /// Names or files of heads, to be measured besides the embedding.
    pub heads: Vec<String>,
    /// Pictures below it are queries without an answer; without it, classes are left out.
    pub background: Option<PathBuf>,
    /// Queries of each class, or a third of a small one.
    pub queries: usize,
    /// Sizes of the samples of the mixed store that are asked, too.
    pub sizes: Vec<usize>,
    /// Candidates that are re-scored.
    pub candidates: usize,
    /// Seed of everything random.
    pub seed: u64,
}

/// What every query is compared with.
const BASELINE: &str = "embedding";

impl Extraction {
    /// What searches answer on pictures of many domains, in one store, by domains, and in small
    /// samples: how good the lists are, and whether scores mean what they say. Pictures are
    /// stored in a folder that is gone afterwards. `None` if the user asked to stop.
    ///
    /// # Errors
    /// If there is no such head, the folder does not hold domains, too few pictures can be used,
    /// the network cannot be run, or the store fails.
    pub fn evaluate_domains(
        &self,
        options: &DomainsOptions,
        watch: Watch<'_>,
    ) -> Result<Option<DomainsEvaluation>, Error> {
        let mut names = vec![BASELINE];
        for head in &options.heads {
            if !names.contains(&head.as_str()) {
                names.push(head);
            }
        }
        let rankings = self.rankings(&names)?.into_iter().map(Arc::new);
        let rankings: Vec<Arc<Ranking>> = rankings.collect();
        let domains = Domains::list(&options.dir)?;
        for folder in &domains.ignored {
            watch.tell(JobEvent::NoDomain(folder.clone()));
        }
        let held = domains.hold_out(options.queries, options.background.is_none(), options.seed);
        let background = options.background.as_deref();
        let background = background.map_or_else(Vec::new, pictures_below);
        if options.background.is_some() && background.is_empty() {
            return Err(Error::NoBackground(
                options.background.clone().unwrap_or_default(),
            ));
        }
        let dir = tempfile::tempdir().map_err(Error::TemporaryStore)?;
        let config = Config::default();
        let store = Store::open(
            dir.path(),
            &StoreOptions {
                network: self.network(),
                activations: self.activations(),
                recent_bytes: None,
                reserve_bytes: config.store.reserve_disk_mb << 20,
            },
        )?;
        let store = Arc::new(store);
        let Some(labels) = self.fill(&store, &held, watch)? else {
            return Ok(None);
        };
        let stored = labelled(&store, &labels)?;
        if stored.len() < 2 {
            return Err(Error::TooFewUsable(options.dir.clone()));
        }
        let index = IndexWriter::open(&store, &config.index, &|_, _| true)?.index();
        let places = places(&store, &index, &domains, &stored, options)?;
        let asking = Asking {
            extraction: self,
            options,
            domains: &domains,
            labels: &labels,
            searchers: places
                .iter()
                .map(|place| {
                    let searcher = |head: &Arc<Ranking>| {
                        Searcher::new(store.clone(), place.view.clone(), head.clone())
                    };
                    rankings.iter().map(searcher).collect()
                })
                .collect(),
            places: &places,
        };
        let Some(asked) = asking.ask(&held, &background, watch)? else {
            return Ok(None);
        };
        if asked.answered.is_empty() {
            return Err(Error::NothingToFind);
        }
        let size = |(domain, name): (usize, &String)| {
            let of_domain = |class: usize| domains.classes[class].domain == domain;
            let own = stored
                .iter()
                .filter(|p| p.classes.iter().any(|c| of_domain(*c)));
            let mut classes: Vec<usize> = stored.iter().flat_map(|p| p.classes.clone()).collect();
            classes.retain(|class| of_domain(*class));
            classes.sort_unstable();
            classes.dedup();
            DomainSize {
                domain: name.clone(),
                classes: classes.len(),
                pictures: own.count(),
                queries: asked.queries.get(&domain).copied().unwrap_or_default(),
            }
        };
        let domain_sizes = domains
            .names
            .iter()
            .enumerate()
            .map(|(i, name)| size((i, name)));
        let heads = names.iter().zip(&rankings);
        let seen = heads.clone().filter_map(|(name, ranking)| {
            let count = stored.iter().filter(|p| ranking.saw(p.id)).count();
            (count > 0).then(|| ((*name).to_owned(), count))
        });
        let observations = Observations {
            heads: heads
                .clone()
                .map(|(name, ranking)| asked_head(name, ranking))
                .collect(),
            kinds: places::kinds(&places),
            domains: domains.names.clone(),
            answered: asked.answered,
            answerless: asked.answerless,
        };
        Ok(Some(DomainsEvaluation {
            domains: domain_sizes.collect(),
            left_out: held.left_out,
            answerless: asked.without_answer,
            stored_queries: asked.stored,
            sizes_left_out: places::too_large(&stored, options),
            shown: SHOWN,
            candidates: options.candidates,
            seen: seen.collect(),
            heads: observations.figures(options.seed),
        }))
    }

    /// Stores pictures, and says of which classes each is: the same bytes may be of several.
    /// Those that cannot be used are told and left out. `None` if the user asked to stop.
    fn fill(
        &self,
        store: &Store,
        held: &HeldOut,
        watch: Watch<'_>,
    ) -> Result<Option<HashMap<PictureId, Vec<usize>>>, Error> {
        let (limits, layout, files) = (self.limits(), store.layout(), &held.stored);
        let shelf = Shelf::new(store);
        let steps = watch.begin(Stage::Features, files.len());
        let one = |i: usize, extractor: &mut Extractor| {
            let path = &files[i].0;
            let picture = read_file(path, limits)
                .and_then(|bytes| extract(&bytes, limits, extractor, layout));
            let id = picture.as_ref().map(|picture| picture.id);
            let told = id.map_err(ToString::to_string);
            shelf.put(i, path, picture.ok());
            told
        };
        let (shutdown, progress) = (watch.shutdown, || steps.step());
        let network = self.network();
        let told = extract_each(
            files.len(),
            self.engine()?,
            network,
            shutdown,
            &progress,
            &one,
        )?;
        shelf.finish()?;
        let mut labels: HashMap<PictureId, Vec<usize>> = HashMap::new();
        for (told, (path, class)) in told.into_iter().zip(files) {
            match told {
                Ok(id) => labels.entry(id).or_default().push(*class),
                Err(message) => tell_problem(watch, path_text(path), message),
            }
        }
        Ok((!watch.interrupted()).then_some(labels))
    }
}

fn tell_problem(watch: Watch<'_>, source: String, message: String) {
    watch.tell(JobEvent::Problem(Problem { source, message }));
}

/// The stored pictures in the order of storing, with their classes.
fn labelled(
    store: &Store,
    labels: &HashMap<PictureId, Vec<usize>>,
) -> Result<Vec<StoredPicture>, StoreError> {
    let pictures = store.pictures().map(|entry| {
        let (sequence, id): (Sequence, PictureId) = entry?;
        Ok(StoredPicture {
            sequence,
            id,
            classes: labels.get(&id).cloned().unwrap_or_default(),
        })
    });
    pictures.collect()
}

fn asked_head(name: &str, ranking: &Ranking) -> AskedHead {
    let thresholds = match ranking {
        Ranking::Fused(head) => head.scorers(Mode::default()).thresholds,
        Ranking::Mse18(_) | Ranking::Embedding => Thresholds::default(),
    };
    AskedHead {
        name: name.to_owned(),
        precision_90: thresholds.precision_90,
        precision_99: thresholds.precision_99,
    }
}

/// Everything that queries are put to.
struct Asking<'a> {
    extraction: &'a Extraction,
    options: &'a DomainsOptions,
    domains: &'a Domains,
    labels: &'a HashMap<PictureId, Vec<usize>>,
    places: &'a [Place],
    /// Of each place, by each head.
    searchers: Vec<Vec<Searcher>>,
}

/// What came of queries.
#[derive(Default)]
struct Asked {
    answered: Vec<Answered>,
    answerless: Vec<Answerless>,
    /// Queries with an answer in the mixed store, by domain.
    queries: HashMap<usize, usize>,
    /// Queries without an answer.
    without_answer: usize,
    /// Queries that were not asked since their very bytes are stored.
    stored: usize,
}

/// What came of one query.
enum One {
    /// Its very bytes are stored.
    Stored,
    Answers(Vec<Answered>),
    None(Vec<Answerless>),
}

impl Asking<'_> {
    /// Asks all queries; each is kept only while it is asked. `None` if the user asked to stop.
    fn ask(
        &self,
        held: &HeldOut,
        background: &[PathBuf],
        watch: Watch<'_>,
    ) -> Result<Option<Asked>, Error> {
        let queries = held
            .queries
            .iter()
            .map(|(path, class)| (path, Some(*class), true));
        let left_out = held.answerless.iter();
        let left_out = left_out.map(|(path, class)| (path, Some(*class), false));
        let background = background.iter().map(|path| (path, None, false));
        let all: Vec<(&PathBuf, Option<usize>, bool)> =
            queries.chain(left_out).chain(background).collect();
        let steps = watch.begin(Stage::Queries, all.len());
        let extraction = self.extraction;
        let (limits, layout) = (extraction.limits(), extraction.layout());
        let one = |i: usize, extractor: &mut Extractor| {
            let (path, class, has_answer) = all[i];
            let bytes = read_file(path, limits).map_err(|error| Ok(error.to_string()))?;
            let picture = extract(&bytes, limits, extractor, layout);
            let picture = picture.map_err(|error| Ok(error.to_string()))?;
            if self.labels.contains_key(&picture.id) {
                return Ok(One::Stored);
            }
            let wanted = [vec![picture]];
            let asked = match class.filter(|_| has_answer) {
                Some(class) => self.answers(&wanted, class).map(One::Answers),
                None => self.no_answers(&wanted, i, class).map(One::None),
            };
            asked.map_err(Err)
        };
        let (shutdown, progress) = (watch.shutdown, || steps.step());
        let (engine, network) = (extraction.engine()?, extraction.network());
        let told = extract_each(all.len(), engine, network, shutdown, &progress, &one)?;
        if watch.interrupted() {
            return Ok(None);
        }
        let mut asked = Asked::default();
        for (told, (path, class, _)) in told.into_iter().zip(&all) {
            match told {
                Ok(One::Stored) => asked.stored += 1,
                Ok(One::Answers(mut answers)) => {
                    if !answers.is_empty() {
                        let domain = class.map(|class| self.domains.classes[class].domain);
                        *asked.queries.entry(domain.unwrap_or_default()).or_default() += 1;
                    }
                    asked.answered.append(&mut answers);
                }
                Ok(One::None(mut best)) => {
                    asked.without_answer += 1;
                    asked.answerless.append(&mut best);
                }
                Err(Ok(message)) => tell_problem(watch, path_text(path), message),
                Err(Err(error)) => return Err(error),
            }
        }
        Ok(Some(asked))
    }

    /// What each head answers in each place that has something of the class.
    fn answers(&self, wanted: &[Vec<NewPicture>], class: usize) -> Result<Vec<Answered>, Error> {
        let own = &self.domains.classes[class];
        let mut all = Vec::new();
        for (place, searchers) in self.places.iter().zip(&self.searchers) {
            let relevant = place.counts.get(&class).copied().unwrap_or_default();
            if relevant == 0 || place.only.is_some_and(|domain| domain != own.domain) {
                continue;
            }
            for (head, searcher) in searchers.iter().enumerate() {
                let result = self.search(searcher, wanted)?;
                let listed: Vec<Listed> = result
                    .results
                    .iter()
                    .map(|entry| Listed {
                        score: entry.score,
                        answer: self.answer(&entry.id, class),
                        copies: entry
                            .copies
                            .iter()
                            .map(|copy| self.answer(&copy.id, class))
                            .collect(),
                    })
                    .collect();
                all.push(Answered::of(
                    (head, place.kind, own.domain),
                    &listed,
                    relevant,
                ));
            }
        }
        Ok(all)
    }

    /// The best that each head gives to a query without an answer: in the mixed store, in that
    /// of its own domain or, of a picture that has none, of each in turn, and in a sample of
    /// each size.
    fn no_answers(
        &self,
        wanted: &[Vec<NewPicture>],
        number: usize,
        class: Option<usize>,
    ) -> Result<Vec<Answerless>, Error> {
        let domain = match class {
            Some(class) => self.domains.classes[class].domain,
            None => number % self.domains.names.len(),
        };
        let mut all = Vec::new();
        for (place, searchers) in self.places.iter().zip(&self.searchers) {
            let is_its_turn = match place.only {
                Some(only) => only == domain,
                None => number % place.of == place.draw,
            };
            if !is_its_turn {
                continue;
            }
            for (head, searcher) in searchers.iter().enumerate() {
                let best = self.search(searcher, wanted)?;
                all.push(Answerless {
                    head,
                    kind: place.kind,
                    best: best.results.first().map_or(0.0, |entry| entry.score),
                });
            }
        }
        Ok(all)
    }

    /// A search with the options that `simdex query` has by default, but for the length of the
    /// list, which no score depends on.
    fn search(
        &self,
        searcher: &Searcher,
        wanted: &[Vec<NewPicture>],
    ) -> Result<QueryResult, Error> {
        let candidates = self.options.candidates;
        let query = Query {
            name: "",
            wanted,
            unwanted: &[],
            features_took: std::time::Duration::ZERO,
        };
        Ok(searcher.search(&query, &SearchOptions::new(candidates, candidates))?)
    }

    /// What a stored picture is to a query of this class.
    fn answer(&self, id: &str, class: usize) -> Answer {
        let own = &self.domains.classes[class];
        let id = id.parse().ok();
        let classes = id.and_then(|id: PictureId| self.labels.get(&id));
        let classes = classes.map_or(&[][..], Vec::as_slice);
        if classes.contains(&class) {
            return Answer::Right;
        }
        let of_name = |other: &usize| self.domains.classes[*other].name == own.name;
        match classes.iter().any(of_name) {
            true => Answer::SameSubject,
            false => Answer::Wrong,
        }
    }
}
