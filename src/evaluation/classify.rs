//! `simdex eval classify`: how often the answers are right, and whether pictures of no known
//! class are told from others, against plain k-NN and a linear probe.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::{Estimate, auc, linear_probe};
use crate::classify::{CentredCosine, Classifier, ClassifyOptions};
use crate::network::Embedding;
use crate::plural::counted;
use crate::shutdown::Shutdown;

/// How to evaluate.
#[derive(Debug, Clone, Copy)]
pub struct ClassifyEvaluationOptions {
    /// Draws.
    pub draws: usize,
    /// Labelled pictures a class; the rest is asked about.
    pub train_per_class: usize,
    /// Classes left out in each draw: their pictures are of no known class.
    pub unknown_classes: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// How to classify.
    pub classify: ClassifyOptions,
}

/// The evaluation; the JSON that `eval classify` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassifyEvaluation {
    /// Classes in all.
    pub classes: usize,
    /// Classes left out in each draw.
    pub unknown_classes: usize,
    /// Pictures in all.
    pub pictures: usize,
    /// Draws.
    pub draws: usize,
    /// Labelled pictures a class.
    pub train_per_class: usize,
    /// Accuracy of always answering the class that most pictures asked about have.
    pub baseline: Estimate,
    /// One row a method.
    pub rows: Vec<ClassifyRow>,
}

/// One method's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassifyRow {
    /// `evidential`, `knn` (as many votes, ties to the nearest) or `linear_probe`.
    pub method: &'static str,
    /// Share of the pictures of known classes whose likeliest class is right.
    pub accuracy: Estimate,
    /// Area under the ROC curve of "this is of no known class", by what is left unknown, the
    /// mean distance of the neighbours or the highest probability; null if no class was left
    /// out. The same holds for the next figure.
    pub unknown_auc: Option<Estimate>,
    /// Share of the pictures of no known class that are found where 5 % of the known ones
    /// are taken for unknown.
    pub unknown_found_at_5: Option<Estimate>,
    /// The rule of `simdex classify`: how it answers. Null for the others, which have none.
    pub rule: Option<RuleFigures>,
}

/// Figures of the rule "unknown if more is left unknown than speaks for any class".
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleFigures {
    /// Share of the pictures of known classes that are called unknown.
    pub wrongly_unknown: Estimate,
    /// Share of right answers among the others.
    pub accuracy_of_answered: Estimate,
    /// Share of the pictures of no known class that are called unknown.
    pub unknown_found: Option<Estimate>,
}

/// An evaluation cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifyEvaluationError {
    /// Nothing would be left to ask about.
    #[error(
        "class {class} has {}; {needs} are needed: some to label, one to ask about",
        counted(*has, "picture")
    )]
    TooFew {
        /// The class.
        class: String,
        /// Pictures in it.
        has: usize,
        /// Pictures needed.
        needs: usize,
    },
    /// Fewer than two classes would be left.
    #[error("of {classes} classes at least two must stay; leave fewer out")]
    TooFewClasses {
        /// Classes in all.
        classes: usize,
    },
    /// Ctrl-C.
    #[error("the evaluation was interrupted")]
    Interrupted,
}

/// Pictures of one draw, by index.
struct Split {
    /// Labelled pictures, with their classes counted anew without those left out.
    labelled: Vec<usize>,
    labels: Vec<usize>,
    /// Pictures of the same classes.
    known: Vec<usize>,
    known_labels: Vec<usize>,
    /// Pictures of classes left out.
    unknown: Vec<usize>,
}

/// One method's answer for one picture: the class, and how sure it is that the picture is of
/// none.
#[derive(Clone, Copy)]
struct Prediction {
    likeliest: usize,
    unknown: f32,
    /// Whether the rule says "unknown".
    is_unknown: bool,
}

/// Measures `simdex classify` on labelled pictures, by their embeddings.
///
/// # Errors
/// If there are too few pictures or classes, or on Ctrl-C.
pub fn evaluate_classify(
    embeddings: &[&Embedding],
    labels: &[usize],
    classes: &[String],
    options: &ClassifyEvaluationOptions,
    shutdown: &Shutdown,
    progress: &mut dyn FnMut(),
) -> Result<ClassifyEvaluation, ClassifyEvaluationError> {
    check(labels, classes, options)?;
    let mut baselines = Vec::new();
    let mut figures: [Vec<Figures>; 3] = Default::default();
    for draw in 0..options.draws {
        if shutdown.requested() {
            return Err(ClassifyEvaluationError::Interrupted);
        }
        let seed = options.seed.wrapping_add(draw as u64);
        let split = Split::draw(labels, classes.len(), options, seed);
        baselines.push(split.baseline());
        let answers = [
            split.evidential(embeddings, &options.classify),
            split.knn(embeddings, options.classify.neighbours),
            split.linear_probe(embeddings),
        ];
        for (all, (known, unknown)) in figures.iter_mut().zip(answers) {
            all.push(Figures::of(&split.known_labels, &known, &unknown));
        }
        progress();
    }
    Ok(ClassifyEvaluation {
        classes: classes.len(),
        unknown_classes: options.unknown_classes,
        pictures: labels.len(),
        draws: options.draws,
        train_per_class: options.train_per_class,
        baseline: Estimate::of(baselines.into_iter()),
        rows: rows(&figures, options.unknown_classes > 0),
    })
}

/// Whether there is enough to draw from.
fn check(
    labels: &[usize],
    classes: &[String],
    options: &ClassifyEvaluationOptions,
) -> Result<(), ClassifyEvaluationError> {
    if classes.len() < options.unknown_classes.saturating_add(2) {
        return Err(ClassifyEvaluationError::TooFewClasses {
            classes: classes.len(),
        });
    }
    let needs = options.train_per_class.saturating_add(1);
    for (class, name) in classes.iter().enumerate() {
        let has = labels.iter().filter(|label| **label == class).count();
        if has < needs {
            return Err(ClassifyEvaluationError::TooFew {
                class: name.clone(),
                has,
                needs,
            });
        }
    }
    Ok(())
}

/// A row for each method, from its figures in each draw.
fn rows(figures: &[Vec<Figures>; 3], leaves_out: bool) -> Vec<ClassifyRow> {
    let methods = ["evidential", "knn", "linear_probe"];
    let rows = methods.into_iter().zip(figures).map(|(method, all)| {
        let of = |value: fn(&Figures) -> f64| Estimate::of(all.iter().map(value));
        ClassifyRow {
            method,
            accuracy: of(|f| f.accuracy),
            unknown_auc: leaves_out.then(|| of(|f| f.auc)),
            unknown_found_at_5: leaves_out.then(|| of(|f| f.found_at_5)),
            rule: (method == "evidential").then(|| RuleFigures {
                wrongly_unknown: of(|f| f.wrongly_unknown),
                accuracy_of_answered: of(|f| f.accuracy_of_answered),
                unknown_found: leaves_out.then(|| of(|f| f.unknown_found)),
            }),
        }
    });
    rows.collect()
}

impl Split {
    fn draw(
        labels: &[usize],
        classes: usize,
        options: &ClassifyEvaluationOptions,
        seed: u64,
    ) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<usize> = (0..classes).collect();
        order.shuffle(&mut rng);
        let (left_out, kept) = order.split_at(options.unknown_classes);
        let members = |class: usize| (0..labels.len()).filter(move |i| labels[*i] == class);
        let mut split = Self {
            labelled: Vec::new(),
            labels: Vec::new(),
            known: Vec::new(),
            known_labels: Vec::new(),
            unknown: left_out.iter().flat_map(|class| members(*class)).collect(),
        };
        for (label, &class) in kept.iter().enumerate() {
            let mut all: Vec<usize> = members(class).collect();
            all.shuffle(&mut rng);
            let (labelled, known) = all.split_at(options.train_per_class);
            split.labelled.extend(labelled);
            split.labels.extend(labelled.iter().map(|_| label));
            split.known.extend(known);
            split.known_labels.extend(known.iter().map(|_| label));
        }
        split
    }

    fn classes(&self) -> usize {
        self.labels.iter().max().map_or(0, |last| last + 1)
    }

    fn baseline(&self) -> f64 {
        let of_class = |class| self.known_labels.iter().filter(|l| **l == class).count();
        let most = (0..self.classes()).map(of_class).max().unwrap_or(0);
        most as f64 / self.known.len().max(1) as f64
    }

    /// Answers on the known and on the unknown pictures.
    fn each<T>(&self, answer: impl Fn(usize) -> T) -> (Vec<T>, Vec<T>) {
        let all = |pictures: &[usize]| pictures.iter().map(|i| answer(*i)).collect();
        (all(&self.known), all(&self.unknown))
    }

    fn similarity(&self, embeddings: &[&Embedding]) -> CentredCosine {
        let labelled: Vec<&Embedding> = self.labelled.iter().map(|i| embeddings[*i]).collect();
        CentredCosine::new(&labelled)
    }

    fn evidential(
        &self,
        embeddings: &[&Embedding],
        options: &ClassifyOptions,
    ) -> (Vec<Prediction>, Vec<Prediction>) {
        let similarity = self.similarity(embeddings);
        let classifier =
            Classifier::fit(&self.labels, options, &|a, b| similarity.of_labelled(a, b));
        self.each(|picture| {
            let centred = similarity.minus_mean(embeddings[picture]);
            let verdict = classifier.classify(|i| similarity.similarity(&centred, i));
            Prediction {
                // There is always a neighbour.
                likeliest: verdict.evidence.likeliest().unwrap_or_default(),
                unknown: verdict.evidence.unknown() as f32,
                is_unknown: verdict.evidence.class().is_none(),
            }
        })
    }

    fn knn(&self, embeddings: &[&Embedding], count: usize) -> (Vec<Prediction>, Vec<Prediction>) {
        let similarity = self.similarity(embeddings);
        self.each(|picture| {
            let centred = similarity.minus_mean(embeddings[picture]);
            let mut all: Vec<(f32, usize)> = (0..self.labelled.len())
                .map(|i| (similarity.similarity(&centred, i), self.labels[i]))
                .collect();
            all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
            all.truncate(count);
            let votes = |class| all.iter().filter(|near| near.1 == class).count();
            // The first with the most votes is the one with the nearest neighbour.
            let most = all.iter().map(|near| votes(near.1)).max().unwrap_or(0);
            let first = all.iter().find(|near| votes(near.1) == most);
            Prediction {
                likeliest: first.map_or(0, |near| near.1),
                unknown: -all.iter().map(|near| near.0).sum::<f32>(),
                is_unknown: false,
            }
        })
    }

    fn linear_probe(&self, embeddings: &[&Embedding]) -> (Vec<Prediction>, Vec<Prediction>) {
        let of = |pictures: &[usize]| pictures.iter().map(|i| embeddings[*i]).collect::<Vec<_>>();
        let asked = [of(&self.known), of(&self.unknown)].concat();
        let labelled = of(&self.labelled);
        let given = linear_probe::probabilities(&labelled, &self.labels, self.classes(), &asked);
        let mut answers: Vec<Prediction> = given
            .iter()
            .map(|probabilities| {
                let best = (0..probabilities.len())
                    .max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]))
                    .unwrap_or_default();
                Prediction {
                    likeliest: best,
                    unknown: -probabilities[best],
                    is_unknown: false,
                }
            })
            .collect();
        let unknown = answers.split_off(self.known.len());
        (answers, unknown)
    }
}

/// One method's figures in one draw.
struct Figures {
    accuracy: f64,
    auc: f64,
    found_at_5: f64,
    wrongly_unknown: f64,
    accuracy_of_answered: f64,
    unknown_found: f64,
}

impl Figures {
    fn of(labels: &[usize], known: &[Prediction], unknown: &[Prediction]) -> Self {
        let share = |part: usize, all: usize| part as f64 / all.max(1) as f64;
        let right = |(answer, label): &(&Prediction, &usize)| answer.likeliest == **label;
        let answered = || {
            known
                .iter()
                .zip(labels)
                .filter(|(answer, _)| !answer.is_unknown)
        };
        let scored = known.iter().map(|answer| (answer.unknown, false));
        let scored: Vec<_> = scored
            .chain(unknown.iter().map(|answer| (answer.unknown, true)))
            .collect();
        let mut of_known: Vec<f32> = known.iter().map(|answer| answer.unknown).collect();
        of_known.sort_unstable_by(|a, b| b.total_cmp(a));
        // At most 5 % of the known pictures lie above it.
        let limit = of_known.get(known.len() / 20).copied().unwrap_or(0.0);
        Self {
            accuracy: share(known.iter().zip(labels).filter(right).count(), known.len()),
            auc: auc(&scored),
            found_at_5: share(
                unknown
                    .iter()
                    .filter(|answer| answer.unknown > limit)
                    .count(),
                unknown.len(),
            ),
            wrongly_unknown: share(known.iter().filter(|a| a.is_unknown).count(), known.len()),
            accuracy_of_answered: share(answered().filter(right).count(), answered().count()),
            unknown_found: share(
                unknown.iter().filter(|a| a.is_unknown).count(),
                unknown.len(),
            ),
        }
    }
}
