//! Teaching how pictures look.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::watch::{JobEvent, Stage, Watch};
use crate::activation::Activations;
use crate::app::{Error, Extraction};
use crate::crawl::Problem;
use crate::dataset::{TripletsFile, pictures_below};
use crate::edit::{Edit, jpeg};
use crate::ingest::{FeatureError, extract, extract_each, read_file};
use crate::local_path::path_text;
use crate::network::{Extractor, LookPart, LookProjection, look_statistics};
use crate::picture::decode;
use crate::training::{LookFigures, LookSet, Triplet, Versions, fit_look, held_out, look_parts};

/// Most pictures of one group: of those whose folders are in one folder.
const PICTURES: usize = 150;
/// And most of those whose versions are made.
const SOURCES: usize = 18;
/// The JPEG quality of versions that are not compressed on purpose.
const QUALITY: u8 = 90;

/// A way of telling looks, and how well it does.
#[derive(Debug)]
pub struct TaughtLook {
    /// What is shipped.
    pub projection: LookProjection,
    /// Figures on what was not learned from, by the same recipe.
    pub figures: LookFigures,
    /// The best agreement with people that can be had.
    pub ceiling: f64,
    /// Pictures, versions and judgements learned from.
    pub learned_from: [usize; 3],
}

/// A picture, or a version of one.
struct Wanted {
    path: PathBuf,
    edit: Option<Edit>,
}

impl Extraction {
    /// Learns how pictures look: from edits of the pictures below a folder, and from people's
    /// judgements in a CSV file. `None` if the user asked to stop.
    ///
    /// # Errors
    /// If there are too few pictures, a file cannot be read, or the network cannot be run.
    pub fn train_look(
        &self,
        dir: &Path,
        triplets: &Path,
        seed: u64,
        watch: Watch<'_>,
    ) -> Result<Option<TaughtLook>, Error> {
        let judged = TripletsFile::read(triplets)?;
        let layers = self.layout().layers().iter();
        let parts = look_parts(&layers.map(|l| l.name.clone()).collect::<Vec<_>>());
        let groups = groups(dir, &judged.paths);
        let plan = Plan::of(&groups, &judged.paths);
        if plan.pictures.len() < 2 {
            return Err(Error::TooFewFiles(dir.to_owned()));
        }
        let Some(found) = self.statistics(&plan.wanted, &parts, seed, watch)? else {
            return Ok(None);
        };
        let widths = parts.iter().map(|part| {
            let layer = self.layout().layers().get(part.layer as usize);
            layer.map_or(0, |layer| layer.channels)
        });
        let widths = widths.collect();
        let set = plan.set(found, parts, widths, &judged, seed);
        if set.pictures.len() < 2 || set.versions.is_empty() {
            return Err(Error::TooFewUsable(dir.to_owned()));
        }
        let id = self.network().id();
        let figures = held_out(id, &set, &|fold, of| {
            watch.tell(JobEvent::Begun(&format!(
                "measuring, part {fold} of {of} ..."
            )));
        });
        watch.tell(JobEvent::Begun("learning from all of it ..."));
        let versions = set.versions.iter();
        let versions = versions.map(|v| v.kept.len() + v.broken.len()).sum();
        Ok(Some(TaughtLook {
            projection: fit_look(id, &set),
            figures,
            ceiling: crate::training::ceiling(&set.triplets),
            learned_from: [set.pictures.len(), versions, set.triplets.len()],
        }))
    }

    /// The statistics of pictures and versions; `None` for those that cannot be used, which are
    /// told.
    fn statistics(
        &self,
        wanted: &[Wanted],
        parts: &[LookPart],
        seed: u64,
        watch: Watch<'_>,
    ) -> Result<Option<Vec<Option<Vec<f32>>>>, Error> {
        let (engine, network) = (self.engine()?, self.network());
        let (limits, layout) = (self.limits(), self.layout());
        let steps = watch.begin(Stage::Features, wanted.len());
        let one = |i: usize, extractor: &mut Extractor| {
            let Wanted { path, edit } = &wanted[i];
            let mut bytes = read_file(path, limits)?;
            if let Some(edit) = edit {
                let decoded = decode(&bytes, limits)?;
                let edited = edit.apply(&decoded.rgb, seed.wrapping_add(i as u64));
                drop(decoded);
                let quality = match edit {
                    Edit::SmallJpeg => edit.quality(),
                    _ => QUALITY,
                };
                let file = jpeg(&edited, quality);
                bytes = file.map_err(|error| FeatureError::Read(std::io::Error::other(error)))?;
            }
            let picture = extract(&bytes, limits, extractor, layout)?;
            Ok(look_statistics(
                parts,
                Activations::new(layout, &picture.block),
            ))
        };
        let (shutdown, progress) = (watch.shutdown, || steps.step());
        let made: Vec<Result<_, FeatureError>> =
            extract_each(wanted.len(), engine, network, shutdown, &progress, &one)?;
        if watch.interrupted() {
            return Ok(None);
        }
        let mut all = Vec::with_capacity(made.len());
        for (result, wanted) in made.into_iter().zip(wanted) {
            match result {
                Ok(Some(statistics)) => all.push(Some(statistics)),
                Ok(None) => return Err(Error::NoLooks),
                Err(error) => {
                    // A crop of a small picture may fall below a limit.
                    if wanted.edit.is_none() {
                        watch.tell(JobEvent::Problem(Problem {
                            source: path_text(&wanted.path),
                            message: error.to_string(),
                        }));
                    }
                    all.push(None);
                }
            }
        }
        Ok(Some(all))
    }
}

/// Pictures below a folder without those that were judged, by the folder that their folder is in.
fn groups(dir: &Path, judged: &[PathBuf]) -> Vec<Vec<PathBuf>> {
    let real = |path: &Path| path.canonicalize().ok();
    let judged: std::collections::HashSet<PathBuf> =
        judged.iter().filter_map(|path| real(path)).collect();
    let mut groups: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in pictures_below(dir) {
        if real(&path).is_some_and(|path| judged.contains(&path)) {
            continue;
        }
        let group = path.parent().and_then(Path::parent).unwrap_or(dir);
        groups.entry(group.to_owned()).or_default().push(path);
    }
    groups.into_values().collect()
}

/// What is computed, and what of it is what.
struct Plan {
    wanted: Vec<Wanted>,
    /// Places of the pictures, with their groups.
    pictures: Vec<(usize, usize)>,
    /// Places of pictures with versions: group, kept, broken.
    versions: Vec<(usize, Vec<usize>, Vec<usize>)>,
    /// Places of what was judged.
    judged: Vec<usize>,
}

impl Plan {
    fn of(groups: &[Vec<PathBuf>], judged: &[PathBuf]) -> Self {
        let mut plan = Self {
            wanted: Vec::new(),
            pictures: Vec::new(),
            versions: Vec::new(),
            judged: Vec::new(),
        };
        for (group, files) in groups.iter().enumerate() {
            let files: Vec<&PathBuf> = spread(files, PICTURES).collect();
            for path in &files {
                let place = plan.want(path, None);
                plan.pictures.push((group, place));
            }
            let first = plan.pictures.len() - files.len();
            let own: Vec<usize> = (first..plan.pictures.len()).collect();
            for &number in spread(&own, SOURCES) {
                let place = plan.pictures[number].1;
                let path = plan.wanted[place].path.clone();
                let mut kept = vec![place];
                kept.extend(Edit::KEEP_LOOK.map(|edit| plan.want(&path, Some(edit))));
                let broken = Edit::BREAK_LOOK.map(|edit| plan.want(&path, Some(edit)));
                plan.versions.push((group, kept, broken.to_vec()));
            }
        }
        for path in judged {
            let place = plan.want(path, None);
            plan.judged.push(place);
        }
        plan
    }

    fn want(&mut self, path: &Path, edit: Option<Edit>) -> usize {
        self.wanted.push(Wanted {
            path: path.to_owned(),
            edit,
        });
        self.wanted.len() - 1
    }

    fn set(
        &self,
        found: Vec<Option<Vec<f32>>>,
        parts: Vec<LookPart>,
        widths: Vec<usize>,
        file: &TripletsFile,
        seed: u64,
    ) -> LookSet {
        let all = |places: &[usize]| places.iter().filter_map(|i| found[*i].clone()).collect();
        let pictures = self.pictures.iter();
        let pictures = pictures.filter_map(|(group, i)| Some((*group, found[*i].clone()?)));
        let versions = self.versions.iter().map(|(group, kept, broken)| Versions {
            group: *group,
            kept: all(kept),
            broken: all(broken),
        });
        let versions = versions.filter(|v| v.kept.len() > 1 && !v.broken.is_empty());
        // Judgements of pictures that cannot be used go with them.
        let mut judged = Vec::new();
        let numbers = self.judged.iter().map(|i| {
            judged.push(found[*i].clone()?);
            Some(judged.len() - 1)
        });
        let numbers: Vec<Option<usize>> = numbers.collect();
        let triplets = file.triplets.iter().filter_map(|t| {
            let [reference, a, b] = t.pictures.map(|i| numbers[i]);
            Some(Triplet {
                reference: reference?,
                a: a?,
                b: b?,
                share: t.share,
                votes: t.votes,
            })
        });
        LookSet {
            parts,
            widths,
            pictures: pictures.collect(),
            versions: versions.collect(),
            triplets: triplets.collect(),
            judged,
            seed,
        }
    }
}

/// At most so many of a list, spread over all of it.
fn spread<T>(all: &[T], most: usize) -> impl Iterator<Item = &T> {
    let count = most.min(all.len());
    (0..count).map(move |i| &all[i * all.len() / count])
}
