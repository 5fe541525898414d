//! Teaching a head what the user has said of stored pictures.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pictures::{Described, LabelledPictures};
use super::train::MOST_WEIGHED;
use super::watch::{JobEvent, Stage, Watch};
use crate::activation::{Activations, Layout};
use crate::app::labels::mode_named;
use crate::app::{Collection, Error};
use crate::crawl::Problem;
use crate::evaluation::auc;
use crate::head::{Features, Fused, Mode, Ranking};
use crate::network::{Descriptor, Embedding, LookDescriptor};
use crate::picture::{PerceptualHash, PictureId};
use crate::search::score_pair;
use crate::store::{Block, Sequence, Store, StoreError, Verdict};
use crate::training::{Example, train_on_labels, train_on_pairs};

/// It is measured what all labels but those of a fold have taught, on those of the fold.
const FOLDS: usize = 4;
/// To measure, a picture of a class is held against so many of its class and so many others.
const OTHERS: usize = 5;
/// What a head learns of pairs in: looks are told by other means.
const TAUGHT: [Mode; 2] = [Mode::SameSubject, Mode::Copy];

/// A head that has learned from labels.
#[derive(Debug)]
pub struct TaughtByLabels {
    /// The head.
    pub head: Fused,
    /// What it has learned from, and what that has brought.
    pub figures: LabelFigures,
}

/// What a head has learned from labels, and what that has brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LabelFigures {
    /// Pairs that were judged.
    pub pairs: usize,
    /// Classes with two pictures or more.
    pub classes: usize,
    /// Pictures of those classes and pairs.
    pub pictures: usize,
    /// Pairs that it was measured on, by heads that had learned from all labels but theirs.
    pub measured: usize,
    /// Of two of these pairs, of which one is alike and one is not: how often the head that simdex
    /// ships gives the alike one more (the area under the ROC curve; .5 is chance). Null where nothing
    /// could be measured.
    pub before: Option<f64>,
    /// The same of the heads that have learned.
    pub after: Option<f64>,
}

impl Collection {
    /// Teaches the shipped head what the user has said of stored pictures: which pairs are alike, and
    /// of which classes pictures are. `None` if the user asked to stop.
    ///
    /// # Errors
    /// If too little was said to learn from, or the store fails.
    pub fn train_from_labels(&self, watch: Watch<'_>) -> Result<Option<TaughtByLabels>, Error> {
        let said = Lesson::read(self, watch)?;
        let layout = self.store().layout();
        let examples = said.pictures.iter().map(|p| p.example(layout));
        let examples: Vec<Example<'_>> = examples.collect();
        let base = Fused::builtin(self.extraction().network())?;
        watch.tell(JobEvent::Begun("learning from labels ..."));
        let Some(head) = said.teach(&base, &examples, None) else {
            return Err(Error::FewLabels);
        };
        let Some(measured) = said.measure(&base, &examples, watch) else {
            return Ok(None);
        };
        let figures = LabelFigures {
            pairs: said.pairs.len(),
            classes: said.classes.len(),
            pictures: said.pictures.len(),
            measured: measured.count,
            before: measured.before,
            after: measured.after,
        };
        Ok(Some(TaughtByLabels { head, figures }))
    }
}

/// A stored picture to learn from. Its activations stay in the store's file.
struct StoredPicture {
    id: PictureId,
    block: Block,
    embedding: Embedding,
    descriptor: Descriptor,
    look: Option<LookDescriptor>,
    hash: PerceptualHash,
}

impl StoredPicture {
    /// `None` if it is not there.
    fn read(store: &Store, id: PictureId) -> Result<Option<Self>, StoreError> {
        let Some(record) = store.picture(id)? else {
            return Ok(None);
        };
        let sequence = Sequence(record.sequence);
        let block = store.block(id)?;
        let activations = Activations::new(store.layout(), &block);
        Ok(Some(Self {
            id,
            embedding: Embedding::normalized(&activations.embedding()),
            descriptor: store.descriptor(sequence)?,
            look: store.look(sequence)?,
            hash: record.perceptual_hash,
            block,
        }))
    }

    fn example<'a>(&'a self, layout: &'a Layout) -> Example<'a> {
        Example {
            features: Features {
                activations: Activations::new(layout, &self.block),
                descriptor: &self.descriptor,
                look: self.look.as_ref(),
                hash: self.hash,
            },
            embedding: &self.embedding,
            id: self.id,
        }
    }
}

/// Two pictures, by number, and what was said of them.
struct Pair {
    a: usize,
    b: usize,
    mode: Mode,
    is_alike: bool,
    fold: usize,
}

/// A picture, by number, of a class.
struct Member {
    picture: usize,
    class: usize,
    fold: usize,
}

/// What the user has said.
struct Lesson {
    pictures: Vec<StoredPicture>,
    pairs: Vec<Pair>,
    classes: Vec<String>,
    members: Vec<Member>,
}

/// How well pairs are told apart before and after learning.
struct Measured {
    count: usize,
    before: Option<f64>,
    after: Option<f64>,
}

/// Pairs in the sense of a mode: whether they are alike, and their scores before and after.
type Scores = Vec<(bool, f32, f32)>;

impl Lesson {
    fn read(collection: &Collection, watch: Watch<'_>) -> Result<Self, Error> {
        let store = collection.store();
        let (mut alike, mut by_class) = (Vec::new(), BTreeMap::<String, Vec<PictureId>>::new());
        for label in store.labels(None) {
            let label = label?;
            if !collection.is_of_stored(&label)? {
                continue;
            }
            match label.verdict {
                Verdict::Alike {
                    pictures,
                    mode,
                    is_alike,
                } => {
                    let mode = mode_named(&mode).filter(|mode| TAUGHT.contains(mode));
                    alike.extend(mode.map(|mode| (pictures, mode, is_alike)));
                }
                Verdict::Class { picture, class } => {
                    by_class.entry(class).or_default().push(picture);
                }
                Verdict::NotDuplicates { .. } => {}
            }
        }
        by_class.retain(|_, pictures| pictures.len() > 1);
        let ids = alike.iter().flat_map(|(pictures, ..)| pictures);
        let ids: BTreeSet<PictureId> = ids.chain(by_class.values().flatten()).copied().collect();
        let mut lesson = Self {
            pictures: Vec::with_capacity(ids.len()),
            pairs: Vec::new(),
            classes: by_class.keys().cloned().collect(),
            members: Vec::new(),
        };
        let mut numbers = HashMap::new();
        let steps = watch.begin(Stage::Features, ids.len());
        for id in ids {
            match StoredPicture::read(store, id) {
                Ok(Some(picture)) => {
                    numbers.insert(id, lesson.pictures.len());
                    lesson.pictures.push(picture);
                }
                // Removed meanwhile.
                Ok(None) => {}
                Err(error) => watch.tell(JobEvent::Problem(Problem {
                    source: id.to_string(),
                    message: error.to_string(),
                })),
            }
            steps.step();
        }
        let number = |id: &PictureId| numbers.get(id).copied();
        let mut asked: HashMap<(Mode, bool), usize> = HashMap::new();
        for ([a, b], mode, is_alike) in alike {
            if let (Some(a), Some(b)) = (number(&a), number(&b)) {
                let nth = asked.entry((mode, is_alike)).or_default();
                *nth += 1;
                lesson.pairs.push(Pair {
                    a,
                    b,
                    mode,
                    is_alike,
                    fold: *nth % FOLDS,
                });
            }
        }
        for (class, pictures) in by_class.values().enumerate() {
            let pictures = pictures.iter().filter_map(number).enumerate();
            lesson.members.extend(pictures.map(|(nth, picture)| Member {
                picture,
                class,
                fold: nth % FOLDS,
            }));
        }
        Ok(lesson)
    }

    /// What all labels teach but those of a fold; `None` if that is nothing.
    fn teach(
        &self,
        base: &Fused,
        examples: &[Example<'_>],
        but_fold: Option<usize>,
    ) -> Option<Fused> {
        let mut head = None;
        for mode in TAUGHT {
            let pairs = self.pairs.iter();
            let pairs = pairs.filter(|pair| pair.mode == mode && Some(pair.fold) != but_fold);
            let answers: Vec<_> = pairs.map(|pair| (pair.a, pair.b, pair.is_alike)).collect();
            let have = |kind: bool| answers.iter().any(|(.., alike)| *alike == kind);
            if have(true) && have(false) {
                let base = head.as_ref().unwrap_or(base);
                head = Some(train_on_pairs(base, examples, &answers, mode));
            }
        }
        let members = self.members.iter();
        let members: Vec<&Member> = members.filter(|it| Some(it.fold) != but_fold).collect();
        let classes: BTreeSet<usize> = members.iter().map(|member| member.class).collect();
        if classes.len() > 1 {
            let pictures = members.iter().map(|member| &self.pictures[member.picture]);
            let pictures: Vec<_> = pictures.map(|it| (it.id, &it.descriptor)).collect();
            let labels: Vec<usize> = members.iter().map(|member| member.class).collect();
            let step = members.len().div_ceil(MOST_WEIGHED);
            let sample = members.iter().enumerate().step_by(step);
            let sample: Vec<_> = sample.map(|(i, it)| (i, examples[it.picture])).collect();
            let base = head.as_ref().unwrap_or(base);
            head = Some(train_on_labels(
                base,
                &pictures,
                &labels,
                &self.classes,
                &sample,
            ));
        }
        head
    }

    /// How well pairs are told apart by what all other labels teach. `None` if the user asked to stop.
    fn measure(
        &self,
        base: &Fused,
        examples: &[Example<'_>],
        watch: Watch<'_>,
    ) -> Option<Measured> {
        let before = Ranking::Fused(Box::new(base.clone()));
        let mut scores: HashMap<Mode, Scores> = HashMap::new();
        let steps = watch.begin(Stage::Draws, FOLDS);
        for fold in 0..FOLDS {
            if watch.interrupted() {
                return None;
            }
            if let Some(head) = self.teach(base, examples, Some(fold)) {
                let after = Ranking::Fused(Box::new(head));
                for (a, b, mode, is_alike) in self.asked_of(fold) {
                    let [a, b] = [a, b].map(|picture| examples[picture].features);
                    let [before, after] =
                        [&before, &after].map(|head| score_pair(head, mode, a, b).score);
                    scores
                        .entry(mode)
                        .or_default()
                        .push((is_alike, before, after));
                }
            }
            steps.step();
        }
        // Where there is only one kind, nothing is told apart.
        let is_told =
            |scores: &Scores| [true, false].map(|kind| scores.iter().any(|it| it.0 == kind));
        scores.retain(|_, scores| is_told(scores) == [true, true]);
        let count: usize = scores.values().map(Vec::len).sum();
        let mean = |of: &dyn Fn(&(bool, f32, f32)) -> f32| {
            let weighed = scores.values().map(|scores| {
                let scored: Vec<_> = scores.iter().map(|score| (of(score), score.0)).collect();
                auc(&scored) * scores.len() as f64
            });
            (count > 0).then(|| weighed.sum::<f64>() / count as f64)
        };
        Some(Measured {
            count,
            before: mean(&|score| score.1),
            after: mean(&|score| score.2),
        })
    }

    /// The pairs that a fold is asked: those that were judged, and its pictures of classes with some of
    /// their class and some of others.
    fn asked_of(&self, fold: usize) -> Vec<(usize, usize, Mode, bool)> {
        let judged = self.pairs.iter().filter(|pair| pair.fold == fold);
        let judged = judged.map(|pair| (pair.a, pair.b, pair.mode, pair.is_alike));
        let mut asked: Vec<_> = judged.collect();
        for member in self.members.iter().filter(|member| member.fold == fold) {
            for is_alike in [true, false] {
                let others = self.members.iter().filter(|other| {
                    (other.class == member.class) == is_alike && other.picture != member.picture
                });
                let others: Vec<usize> = others.map(|other| other.picture).collect();
                let step = others.len().div_ceil(OTHERS).max(1);
                let some = others.iter().step_by(step);
                let pairs = some.map(|other| (member.picture, *other, Mode::SameSubject, is_alike));
                asked.extend(pairs);
            }
        }
        asked
    }
}

/// The pictures of a store that the user has said the class of.
pub(super) fn labelled_in_store(
    collection: &Collection,
) -> Result<LabelledPictures<Described>, Error> {
    let store = collection.store();
    let mut labelled = LabelledPictures {
        pictures: Vec::new(),
        paths: Vec::new(),
        labels: Vec::new(),
        classes: Vec::new(),
    };
    let mut by_class = BTreeMap::<String, Vec<PictureId>>::new();
    for label in store.labels(None) {
        if let Verdict::Class { picture, class } = label?.verdict {
            by_class.entry(class).or_default().push(picture);
        }
    }
    for (class, pictures) in by_class {
        for id in pictures {
            // One that is damaged or gone gives no evidence.
            let Ok(Some(picture)) = StoredPicture::read(store, id) else {
                continue;
            };
            labelled.pictures.push(Described {
                id,
                embedding: picture.embedding,
                descriptor: picture.descriptor,
            });
            labelled.paths.push(id.to_string().into());
            labelled.labels.push(labelled.classes.len());
        }
        labelled.classes.push(class);
    }
    Ok(labelled)
}
