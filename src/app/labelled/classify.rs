//! The class of pictures by labelled ones.

use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

use super::from_store::labelled_in_store;
use super::pictures::{Described, LabelledPictures};
use super::watch::Watch;
use crate::app::{Collection, Error, Extraction, NamedPicture};
use crate::classify::{CentredCosine, Classifier, ClassifyOptions, Verdict};
use crate::dataset::labelled_files;
use crate::head::Mode;
use crate::local_path::path_text;
use crate::network::Embedding;

/// Tells the class of pictures by labelled ones.
pub struct PictureClassifier {
    extraction: Extraction,
    labelled: LabelledPictures<Described>,
    similarity: CentredCosine,
    classifier: Classifier,
}

/// The JSON of `classify`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Classification<'a> {
    /// The picture's name.
    pub query: &'a str,
    /// Null where more is left unknown than speaks for any class.
    pub class: Option<&'a str>,
    /// How much is left unknown.
    pub unknown: f64,
    /// Classes that something speaks for, the most first.
    pub classes: Vec<ClassBelief<'a>>,
    /// The labelled pictures that gave evidence.
    pub neighbours: Vec<LabelledNeighbour<'a>>,
}

/// How much speaks for a class.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ClassBelief<'a> {
    /// The class.
    pub class: &'a str,
    /// What speaks for it.
    pub belief: f64,
    /// What does not speak against it.
    pub plausibility: f64,
}

/// A labelled picture that gave evidence.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LabelledNeighbour<'a> {
    /// Its file; of a stored picture its id.
    pub path: String,
    /// Its class.
    pub class: &'a str,
    /// How similar it is.
    pub similarity: f32,
    /// How much it speaks for its class.
    pub support: f64,
}

impl PictureClassifier {
    /// Reads a folder with one folder of labelled pictures a class. `None` if the user asked
    /// to stop.
    ///
    /// # Errors
    /// If there are too few pictures, or the network cannot be run.
    pub fn read(
        extraction: &Extraction,
        labels: &Path,
        options: &ClassifyOptions,
        watch: Watch<'_>,
    ) -> Result<Option<Self>, Error> {
        let files = labelled_files(labels)?;
        let Some(labelled) = LabelledPictures::<Described>::load(extraction, files, watch)? else {
            return Ok(None);
        };
        labelled.ensure_classes(1)?;
        Ok(Some(Self::of(extraction, labelled, options)))
    }

    /// Takes the labelled pictures of a store.
    ///
    /// # Errors
    /// If no class is labelled, or the store fails.
    pub fn of_labels(collection: &Collection, options: &ClassifyOptions) -> Result<Self, Error> {
        let labelled = labelled_in_store(collection)?;
        if labelled.pictures.is_empty() {
            return Err(Error::NoClasses);
        }
        Ok(Self::of(collection.extraction(), labelled, options))
    }

    fn of(
        extraction: &Extraction,
        labelled: LabelledPictures<Described>,
        options: &ClassifyOptions,
    ) -> Self {
        let pictures = labelled.pictures.iter();
        let embeddings: Vec<&Embedding> = pictures.map(|p| &p.embedding).collect();
        let similarity = CentredCosine::new(&embeddings);
        let between = |a, b| similarity.of_labelled(a, b);
        let classifier = Classifier::fit(&labelled.labels, options, &between);
        Self {
            extraction: extraction.clone(),
            labelled,
            similarity,
            classifier,
        }
    }

    /// The class of a picture, and how sure that is.
    ///
    /// # Errors
    /// If the picture cannot be used, or the network cannot be run.
    pub fn classify<'a>(&'a self, picture: &'a NamedPicture) -> Result<Classification<'a>, Error> {
        let layout = self.extraction.layout();
        let mode = Mode::default();
        let views = self
            .extraction
            .views(&picture.name, &picture.bytes, mode, layout)?;
        Ok(self.classify_embedding(&picture.name, &views[0].embedding))
    }

    /// The same of a picture whose embedding is known.
    pub fn classify_embedding<'a>(
        &'a self,
        name: &'a str,
        embedding: &Embedding,
    ) -> Classification<'a> {
        let centred = self.similarity.minus_mean(embedding);
        let similarity = |i| self.similarity.similarity(&centred, i);
        let verdict = self.classifier.classify(similarity);
        self.classification(name, &verdict)
    }

    fn classification<'a>(&'a self, query: &'a str, verdict: &Verdict) -> Classification<'a> {
        let name = |class: usize| self.labelled.classes[class].as_str();
        let evidence = &verdict.evidence;
        let beliefs = evidence.beliefs().iter();
        let classes = beliefs.map(|&(class, belief)| ClassBelief {
            class: name(class),
            belief,
            plausibility: evidence.plausibility(class),
        });
        let neighbours = verdict.neighbours.iter().map(|near| LabelledNeighbour {
            path: path_text(&self.labelled.paths[near.labelled]),
            class: name(near.class),
            similarity: near.similarity,
            support: near.support,
        });
        Classification {
            query,
            class: evidence.class().map(name),
            unknown: evidence.unknown(),
            classes: classes.collect(),
            neighbours: neighbours.collect(),
        }
    }
}
