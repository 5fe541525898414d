//! The head and the projection that simdex ships.

use std::collections::BTreeSet;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::example::{EditedExample, Example, mean_of};
use super::lists::{Rows, copies, lists, pairs};
use super::projection::fit_projection;
use super::thresholds::thresholds;
use crate::activation::Encoding;
use crate::edit::Edit;
use crate::head::{
    ChannelScaler, CollectionMean, Features, Fused, FusedTraining, Measure, Mode, ModeScorers,
    Needs, Scorer, Thresholds, sigmoid, spread,
};
use crate::network::{Descriptor, Network, Projection, pooled};

/// Factor of half the squared weights of the scorers.
const REGULARISATION: f64 = 1e-3;
/// Most pairs of one kind that a scorer of pairs learns from.
const PAIRS: usize = 20_000;

/// Edits after which a copy still looks like its original to `look-alike`: colours and textures
/// stay, whatever happens to the layout.
const KEEPS_LOOK: [Edit; 7] = [
    Edit::Crop60,
    Edit::Crop25,
    Edit::SmallJpeg,
    Edit::Rotate10,
    Edit::Rotate90,
    Edit::Mirror,
    Edit::Noise,
];

/// Edits that are undone by the query's views, so that scorers need not tolerate them.
const UNDONE_BY_VIEWS: [Edit; 2] = [Edit::Mirror, Edit::Rotate90];

/// What the shipped head learns from.
#[derive(Debug)]
pub struct GenericSet<'a> {
    /// Labelled pictures. How they are described does not matter: projections are learned here.
    pub pictures: &'a [Example<'a>],
    /// Their classes.
    pub labels: &'a [usize],
    /// Names of the classes.
    pub classes: &'a [String],
    /// Edited copies of some of the pictures.
    pub edited: &'a [EditedExample<'a>],
    /// Seed of everything random.
    pub seed: u64,
}

/// What was learned.
#[derive(Debug)]
pub struct Generic {
    /// From a network's last layer to a descriptor.
    pub projection: Projection,
    /// The head over pictures that the projection describes.
    pub head: Fused,
}

/// The shipped head cannot be learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenericError {
    /// There is nothing to project.
    #[error("the manifest does not say how the last layer is normalised")]
    NotPooled,
}

/// The pictures as different projections describe them.
struct Described {
    /// Learned on all pictures. This one is shipped.
    projection: Projection,
    /// Each picture, by that.
    pictures: Vec<Descriptor>,
    /// Each edited copy, by that.
    edited: Vec<Descriptor>,
    /// Each picture by a projection that was learned on the other half of the classes, so that
    /// the head does not trust descriptors too much.
    unseen: Vec<Descriptor>,
}

/// Half of the classes.
struct Half<'a> {
    pictures: Vec<Example<'a>>,
    labels: Vec<usize>,
}

/// Learns the projection and the head that are shipped. `note` is called with the name of each
/// step as it begins.
///
/// # Errors
/// If the network's manifest does not say how the last layer is pooled.
pub fn train_generic(
    network: Network,
    set: &GenericSet<'_>,
    note: &dyn Fn(&str),
) -> Result<Generic, GenericError> {
    note("fitting the projections ...");
    let described = describe(&network, set)?;
    let network = network.with_projection_of(described.projection.clone());
    note("comparing pictures ...");
    let head = fit(&network, set, &described);
    Ok(Generic {
        projection: described.projection,
        head,
    })
}

/// The pictures of every other class.
fn of_half(labels: &[usize], half: usize) -> impl Iterator<Item = usize> + '_ {
    (0..labels.len()).filter(move |i| labels[*i] % 2 == half)
}

fn describe(network: &Network, set: &GenericSet<'_>) -> Result<Described, GenericError> {
    let pool = |example: &Example<'_>| {
        pooled(network.manifest(), example.features.activations).ok_or(GenericError::NotPooled)
    };
    let all = set.pictures.iter().map(pool);
    let all = all.collect::<Result<Vec<_>, _>>()?;
    let labels = set.labels;
    // Classes by turns.
    let by_other = [0, 1].map(|half| {
        let other: Vec<usize> = of_half(labels, 1 - half).collect();
        let rows: Vec<Vec<f32>> = other.iter().map(|&i| all[i].clone()).collect();
        let classes: Vec<usize> = other.iter().map(|&i| labels[i]).collect();
        fit_projection(network.id(), &rows, &classes)
    });
    let unseen = all.iter().zip(labels);
    let unseen = unseen.map(|(row, label)| by_other[label % 2].apply(row.clone()));
    let unseen = unseen.collect();
    let projection = fit_projection(network.id(), &all, labels);
    let edited = set.edited.iter();
    let edited = edited.map(|copy| Ok(projection.apply(pool(&copy.example)?)));
    Ok(Described {
        unseen,
        pictures: all.into_iter().map(|row| projection.apply(row)).collect(),
        edited: edited.collect::<Result<_, _>>()?,
        projection,
    })
}

/// A picture with another descriptor.
fn redescribed<'a>(example: &Example<'a>, descriptor: &'a Descriptor) -> Example<'a> {
    Example {
        features: Features {
            descriptor,
            ..example.features
        },
        ..*example
    }
}

fn fit(network: &Network, set: &GenericSet<'_>, described: &Described) -> Fused {
    let half = |half: usize| Half {
        pictures: of_half(set.labels, half)
            .map(|i| redescribed(&set.pictures[i], &described.unseen[i]))
            .collect(),
        labels: of_half(set.labels, half).map(|i| set.labels[i]).collect(),
    };
    let halves = [half(0), half(1)];
    let originals = set.pictures.iter().zip(&described.pictures);
    let originals: Vec<Example<'_>> = originals.map(|(e, d)| redescribed(e, d)).collect();
    let edited: Vec<EditedExample<'_>> = set
        .edited
        .iter()
        .zip(&described.edited)
        .map(|(copy, descriptor)| EditedExample {
            example: redescribed(&copy.example, descriptor),
            ..*copy
        })
        .collect();
    let mean = mean_of(&originals);
    let pictures = halves.iter().flat_map(|half| &half.pictures);
    let activations = pictures.map(|picture| picture.features.activations);
    // Its layers are the same in every encoding.
    let layout = &network.layout(Encoding::default());
    let scaler = ChannelScaler::fit(layout, activations);
    let rows = LearnedFrom::measure(&scaler, &mean, &halves, &originals, &edited, set.seed);
    let training = FusedTraining {
        from: "labels and edits".to_owned(),
        classes: set.classes.to_vec(),
        pictures: set.pictures.len(),
        pairs: rows.count(),
        seed: set.seed,
        base_rate: 0.5,
        seen: BTreeSet::new(),
    };
    let training = training.having_seen(originals.iter().map(|e| e.id));
    let layers = layout.layers().len();
    let scorers = [
        scorers(Mode::SameSubject, layers, &rows.alone, &rows.in_lists),
        scorers(Mode::LookAlike, layers, &rows.looked, &rows.looked),
        scorers(Mode::Copy, layers, &rows.copied, &rows.copied),
    ];
    let spread = spread(&mean.descriptor, described.pictures.iter());
    Fused::new(network, scaler, mean, spread, scorers, training)
}

/// All measured pairs.
struct LearnedFrom {
    /// Pairs of one class or not, without lists.
    alone: Rows,
    /// The same, in lists.
    in_lists: Rows,
    /// Copies with their originals and the nearest other pictures.
    copied: Rows,
    /// The same, of copies that look like their originals.
    looked: Rows,
}

impl LearnedFrom {
    fn measure(
        scaler: &ChannelScaler,
        mean: &CollectionMean,
        halves: &[Half<'_>; 2],
        originals: &[Example<'_>],
        edited: &[EditedExample<'_>],
        seed: u64,
    ) -> Self {
        let layers = scaler.mean.len();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut in_lists, mut alone) = (Rows::default(), Rows::default());
        for half in halves {
            let measure = Measure {
                scaler,
                mean: &mean_of(&half.pictures),
                needs: Needs::all(layers),
            };
            let same = |i: usize, j: usize| half.labels[i] == half.labels[j];
            in_lists.extend(lists(&measure, &half.pictures, &same, &|_| ()));
            alone.extend(pairs(&measure, &half.pictures, &same, PAIRS, &mut rng));
        }
        let measure = Measure {
            scaler,
            mean,
            needs: Needs::all(layers),
        };
        let chosen = |keep: &dyn Fn(Edit) -> bool| {
            let kept = edited.iter().filter(|copy| keep(copy.edit));
            let kept: Vec<_> = kept.map(|copy| (copy.original, copy.example)).collect();
            copies(&measure, originals, &kept, &|_| ())
        };
        Self {
            copied: chosen(&|edit| !UNDONE_BY_VIEWS.contains(&edit)),
            looked: chosen(&|edit| KEEPS_LOOK.contains(&edit)),
            alone,
            in_lists,
        }
    }

    fn count(&self) -> usize {
        let all = [&self.alone, &self.in_lists, &self.copied, &self.looked];
        all.iter().map(|rows| rows.same.len()).sum()
    }
}

fn scorers(mode: Mode, layers: usize, alone: &Rows, in_lists: &Rows) -> ModeScorers {
    let fit = |signals: Vec<_>, rows: &Rows| {
        Scorer::fit(layers, &signals, &rows.values, &rows.same, REGULARISATION)
    };
    let list = fit(ModeScorers::list_signals(mode, layers), in_lists);
    ModeScorers {
        pair: fit(ModeScorers::pair_signals(mode, layers), alone),
        thresholds: thresholds_of(&list, in_lists),
        list,
    }
}

fn thresholds_of(scorer: &Scorer, rows: &Rows) -> Thresholds {
    let score = |values: &Vec<f32>| sigmoid(scorer.log_odds(values));
    let scored: Vec<_> = rows
        .values
        .iter()
        .map(score)
        .zip(rows.same.iter().copied())
        .collect();
    thresholds(&scored)
}
