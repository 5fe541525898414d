//! Measuring how well looks are told.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::pictures::LabelledPictures;
use super::watch::{Stage, Watch};
use crate::app::{Error, Extraction};
use crate::dataset::{Labelled, TripletsFile, pictures_below};
use crate::edit::Edit;
use crate::evaluation::{JudgedPictures, LookSource, LooksEvaluation, Trial, evaluate_looks};
use crate::head::{Mode, Ranking};
use crate::ingest::extract;
use crate::network::Extractor;
use crate::store::NewPicture;
use crate::training::Triplet;

/// How the telling of looks is measured.
#[derive(Debug, Clone)]
pub struct LooksOptions {
    /// A folder of pictures.
    pub dir: PathBuf,
    /// People's judgements.
    pub triplets: Option<PathBuf>,
    /// The name or file of the head whose modes are measured.
    pub head: String,
    /// Most pictures that are stored, spread over all.
    pub pictures: usize,
    /// Pictures that are edited, spread over those.
    pub queries: usize,
    /// Candidates that are re-scored.
    pub candidates: usize,
    /// Seed of the edits.
    pub seed: u64,
}

impl Extraction {
    /// Edits that keep a look, searched among pictures and edits that break it; and people's
    /// judgements. `None` if the user asked to stop.
    ///
    /// # Errors
    /// If there is no such head, there are too few pictures, or the network cannot be run.
    pub fn evaluate_looks(
        &self,
        options: &LooksOptions,
        watch: Watch<'_>,
    ) -> Result<Option<LooksEvaluation>, Error> {
        let named = |name: &str| Ranking::named(name, self.network());
        let fused = named(&options.head)?;
        let (embedding, mse18) = (named("embedding")?, named("mse18")?);
        let rankings = [
            ("look-alike", &fused, Mode::LookAlike),
            ("same-subject", &fused, Mode::SameSubject),
            ("embedding", &embedding, Mode::SameSubject),
            ("mse18", &mse18, Mode::SameSubject),
        ];
        let file = options
            .triplets
            .as_deref()
            .map(TripletsFile::read)
            .transpose()?;
        let judged_paths = file.as_ref().map_or(&[][..], |file| &file.paths);
        let files = pictures_but(&options.dir, judged_paths);
        if files.len() < 2 {
            return Err(Error::TooFewFiles(options.dir.clone()));
        }
        let files = spread(files, options.pictures);
        let labelled = Labelled::unlabelled(files);
        let Some(set) = LabelledPictures::<NewPicture>::load(self, labelled, watch)? else {
            return Ok(None);
        };
        if set.pictures.len() < 2 {
            return Err(Error::TooFewUsable(options.dir.clone()));
        }
        let Some(sources) = self.look_sources(&set, options, watch)? else {
            return Ok(None);
        };
        if sources.is_empty() {
            return Err(Error::NoUsableCopy);
        }
        let judged = match file {
            Some(file) => match self.judged(file, watch)? {
                Some(judged) => Some(judged),
                None => return Ok(None),
            },
            None => None,
        };
        let queries = sources.iter().map(|source| source.kept.len()).sum();
        let steps = watch.begin(Stage::Queries, queries);
        let trial = Trial {
            layout: self.layout(),
            pictures: &set.pictures,
            seed: options.seed,
            shutdown: watch.shutdown,
            progress: &|| steps.step(),
        };
        let candidates = options.candidates;
        Ok(evaluate_looks(
            &trial,
            candidates,
            &rankings,
            &sources,
            judged.as_ref(),
        ))
    }

    /// Some of the pictures with all edits of looks.
    fn look_sources(
        &self,
        set: &LabelledPictures,
        options: &LooksOptions,
        watch: Watch<'_>,
    ) -> Result<Option<Vec<LookSource>>, Error> {
        let originals = spread((0..set.pictures.len()).collect(), options.queries);
        let edits = Edit::KEEP_LOOK.into_iter().chain(Edit::BREAK_LOOK);
        let wanted: Vec<(usize, Edit)> = originals
            .iter()
            .flat_map(|&i| edits.clone().map(move |edit| (i, edit)))
            .collect();
        let (limits, layout) = (self.limits(), self.layout());
        let features =
            |copy: &[u8], extractor: &mut Extractor| extract(copy, limits, extractor, layout);
        let edited = set.edited(self, &wanted, options.seed, &features, watch)?;
        let Some(edited) = edited else {
            return Ok(None);
        };
        let mut sources: Vec<LookSource> = originals
            .into_iter()
            .map(|original| LookSource {
                original,
                kept: Vec::new(),
                broken: Vec::new(),
            })
            .collect();
        let places: HashMap<usize, usize> = sources.iter().map(|s| s.original).zip(0..).collect();
        for copy in edited {
            let source = &mut sources[places[&copy.original]];
            match Edit::KEEP_LOOK.contains(&copy.edit) {
                true => source.kept.push((copy.edit, copy.features)),
                false => source.broken.push((copy.edit, copy.features)),
            }
        }
        sources.retain(|source| !source.kept.is_empty() && !source.broken.is_empty());
        Ok(Some(sources))
    }

    /// The pictures that people have judged. Judgements of those that cannot be used are left out.
    fn judged(
        &self,
        file: TripletsFile,
        watch: Watch<'_>,
    ) -> Result<Option<JudgedPictures>, Error> {
        let labelled = Labelled::unlabelled(file.paths.clone());
        let Some(set) = LabelledPictures::<NewPicture>::load(self, labelled, watch)? else {
            return Ok(None);
        };
        let places: HashMap<&PathBuf, usize> = set.paths.iter().zip(0..).collect();
        let place = |i: usize| places.get(&file.paths[i]).copied();
        let triplets = file.triplets.iter().filter_map(|t| {
            let [reference, a, b] = t.pictures.map(place);
            Some(Triplet {
                reference: reference?,
                a: a?,
                b: b?,
                share: t.share,
                votes: t.votes,
            })
        });
        Ok(Some(JudgedPictures {
            triplets: triplets.collect(),
            pictures: set.pictures,
        }))
    }
}

/// The pictures below a folder that are not among others.
fn pictures_but(dir: &Path, others: &[PathBuf]) -> Vec<PathBuf> {
    let real = |path: &PathBuf| path.canonicalize().ok();
    let others: std::collections::HashSet<PathBuf> = others.iter().filter_map(real).collect();
    let mut files = pictures_below(dir);
    files.retain(|path| real(path).is_none_or(|path| !others.contains(&path)));
    files
}

/// At most so many, spread over all.
fn spread<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let (count, of) = (most.clamp(1, all.len().max(1)), all.len());
    let mut next = 0;
    let chosen = all.into_iter().enumerate().filter(|(i, _)| {
        let is_chosen = next < count && *i == next * of / count;
        next += usize::from(is_chosen);
        is_chosen
    });
    chosen.map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_spread_over_all() {
        assert_eq!(spread((0..10).collect(), 3), [0, 3, 6]);
        assert_eq!(spread((0..3).collect(), 9), [0, 1, 2]);
        assert!(spread(Vec::<u8>::new(), 4).is_empty());
    }
}
