//! `classify`: the class of pictures by labelled ones.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use serde::Serialize;

use super::input::PictureReader;
use super::progress;
use super::session::Session;
use super::train::features::{Described, Pictures};
use super::{Format, Outcome, output};
use crate::classify::{CentredCosine, Classifier, ClassifyOptions, Verdict};
use crate::crawl::with_causes;
use crate::dataset::labelled_files;
use crate::head::Mode;
use crate::network::Embedding;

#[derive(Debug, Args)]
pub(super) struct ClassifyArgs {
    /// Picture files or URLs
    #[arg(required = true, value_name = "IMAGE|URL")]
    pictures: Vec<String>,
    /// Folder with one folder of labelled pictures per class
    #[arg(long, value_name = "DIR")]
    labels: PathBuf,
    /// Labelled pictures that give evidence on each picture
    #[arg(long, value_name = "K", default_value_t = ClassifyOptions::default().neighbours)]
    neighbours: usize,
    /// How to print the answers; json is one object a line, one line a picture
    #[arg(long, default_value = "text")]
    format: Format,
}

/// The JSON of `classify`.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    query: &'a str,
    /// Null where more is left unknown than speaks for any class.
    class: Option<&'a str>,
    unknown: f64,
    /// Classes that something speaks for, the most first.
    classes: Vec<ClassAnswer<'a>>,
    neighbours: Vec<NeighbourAnswer<'a>>,
}

#[derive(Debug, Serialize)]
struct ClassAnswer<'a> {
    class: &'a str,
    belief: f64,
    plausibility: f64,
}

#[derive(Debug, Serialize)]
struct NeighbourAnswer<'a> {
    path: String,
    class: &'a str,
    similarity: f32,
    support: f64,
}

pub(super) fn run(session: &Session, args: ClassifyArgs) -> anyhow::Result<Outcome> {
    ensure!(args.neighbours > 0, "--neighbours must be at least 1");
    let extraction = session.extraction()?;
    let (network, layout) = (extraction.network(), extraction.layout());
    let labelled = labelled_files(&args.labels)?;
    let set: Pictures<Described> = Pictures::load(session, network, layout, &labelled)?;
    let mut failed = set.outcome() == Outcome::SomeFailed;
    if session.shutdown.requested() {
        return Ok(Outcome::Interrupted);
    }
    set.ensure_classes(1)?;
    let embeddings: Vec<&Embedding> = set.pictures.iter().map(|p| &p.embedding).collect();
    let similarity = CentredCosine::new(&embeddings);
    let options = ClassifyOptions {
        neighbours: args.neighbours,
    };
    let classifier = Classifier::fit(&set.labels, &options, &|a, b| similarity.of_labelled(a, b));
    let mut reader = PictureReader::new(&session.config);
    let mut embedding = |name: &str| -> anyhow::Result<Embedding> {
        let bytes = reader.read(name)?.bytes;
        let mut views = extraction.views(name, &bytes, Mode::default(), layout)?;
        Ok(views.swap_remove(0).embedding)
    };
    let mut answered = false;
    for query in &args.pictures {
        if session.shutdown.requested() {
            return Ok(Outcome::Interrupted);
        }
        let embedding = match embedding(query) {
            Ok(embedding) => embedding,
            Err(error) if args.pictures.len() == 1 => return Err(error),
            Err(error) => {
                failed = true;
                progress::line(&with_causes(error.as_ref()));
                continue;
            }
        };
        answered = true;
        let centred = similarity.minus_mean(&embedding);
        let verdict = classifier.classify(|i| similarity.similarity(&centred, i));
        let answer = Answer::new(query, &verdict, &set);
        match args.format {
            Format::Json => output::json(&answer)?,
            Format::Text => output::line(&answer.text())?,
        }
    }
    ensure!(answered, "no picture could be used");
    Ok(if failed {
        Outcome::SomeFailed
    } else {
        Outcome::Done
    })
}

impl<'a> Answer<'a> {
    fn new(query: &'a str, verdict: &Verdict, labelled: &'a Pictures<Described>) -> Self {
        let name = |class: usize| labelled.classes[class].as_str();
        let evidence = &verdict.evidence;
        let classes = evidence
            .beliefs()
            .iter()
            .map(|&(class, belief)| ClassAnswer {
                class: name(class),
                belief,
                plausibility: evidence.plausibility(class),
            });
        let neighbours = verdict.neighbours.iter().map(|near| NeighbourAnswer {
            path: labelled.paths[near.labelled].display().to_string(),
            class: name(near.class),
            similarity: near.similarity,
            support: near.support,
        });
        Self {
            query,
            class: evidence.class().map(name),
            unknown: evidence.unknown(),
            classes: classes.collect(),
            neighbours: neighbours.collect(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{}: {} (left unknown {:.3})",
            self.query,
            self.class.unwrap_or("unknown"),
            self.unknown
        );
        for answer in &self.classes {
            text += &format!(
                "\n  belief {:.3}  plausibility {:.3}  {}",
                answer.belief, answer.plausibility, answer.class
            );
        }
        text
    }
}
