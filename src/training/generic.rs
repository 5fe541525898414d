//! The head and the projection that simdex ships.

use std::collections::BTreeSet;

use super::cross_fitting::{CrossFitting, Fold};
use super::example::{EditedExample, Example, mean_of, redescribed};
use super::generic_set::{GenericError, GenericSet};
use super::list_rows::ListRows;
use super::lists::{REGULARISATION, Rows, copies, fit_pair};
use super::thresholds::{list_thresholds, thresholds};
use crate::edit::Edit;
use crate::head::{
    Calibration, ChannelScaler, Fused, FusedTraining, Measure, Mode, ModeScorers, Needs,
    ReferenceSet, Scorer, Thresholds, sigmoid, spread,
};
use crate::network::{Descriptor, Network, Projection};

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

/// What was learned.
#[derive(Debug)]
pub struct Generic {
    /// From a network's layers to a descriptor.
    pub projection: Projection,
    /// The head over pictures that the projection describes.
    pub head: Fused,
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
    note("pooling layers ...");
    let fitting = CrossFitting::new(&network, set)?;
    note("fitting a projection for each fold ...");
    let folds = fitting.folds();
    note("drawing stores and asking them ...");
    let lists = fitting.list_rows(&folds);
    note("fitting the projection ...");
    let projection = fitting.projection_of_all();
    let descriptors = fitting.described(&projection);
    let edited = fitting.edited(&projection)?;
    let references = fitting.references(&descriptors);
    note("comparing copies ...");
    let learned = Learned {
        scaler: fitting.into_scaler(),
        folds,
        lists,
        references,
    };
    let network = network.with_projection_of(projection.clone());
    let head = learned.head(&network, set, &descriptors, &edited);
    Ok(Generic { projection, head })
}

/// What was learned on parts of the pictures, for a head over all of them.
struct Learned {
    scaler: ChannelScaler,
    folds: Vec<Fold>,
    lists: ListRows,
    references: ReferenceSet,
}

impl Learned {
    fn head(
        self,
        network: &Network,
        set: &GenericSet<'_>,
        descriptors: &[Descriptor],
        edited: &[Descriptor],
    ) -> Fused {
        let originals = set.pictures.iter().zip(descriptors);
        let originals: Vec<Example<'_>> = originals.map(|(e, d)| redescribed(e, d)).collect();
        let edited: Vec<EditedExample<'_>> = set
            .edited
            .iter()
            .zip(edited)
            .map(|(copy, descriptor)| EditedExample {
                example: redescribed(&copy.example, descriptor),
                ..*copy
            })
            .collect();
        let mean = mean_of(&originals);
        let layers = self.scaler.mean.len();
        let measure = Measure {
            scaler: &self.scaler,
            mean: &mean,
            needs: Needs::all(layers),
        };
        let chosen = |keep: &dyn Fn(Edit) -> bool| {
            let kept = edited.iter().filter(|copy| keep(copy.edit));
            let kept: Vec<_> = kept.map(|copy| (copy.original, copy.example)).collect();
            copies(&measure, &originals, &kept, &|_| ())
        };
        let copied = chosen(&|edit| !UNDONE_BY_VIEWS.contains(&edit));
        let looked = chosen(&|edit| KEEPS_LOOK.contains(&edit));
        let mut pairs = Rows::default();
        self.folds
            .into_iter()
            .for_each(|fold| pairs.extend(fold.pairs));
        let training = FusedTraining {
            from: "labels and edits".to_owned(),
            classes: set.classes.to_vec(),
            pictures: set.pictures.len(),
            pairs: [&pairs, &copied, &looked]
                .map(|rows| rows.same.len())
                .iter()
                .sum(),
            seed: set.seed,
            base_rate: 0.5,
            seen: BTreeSet::new(),
        };
        let training = training.having_seen(originals.iter().map(|e| e.id));
        let weights = self.lists.balanced();
        let lists = &self.lists;
        let calibration = Calibration::fit(
            &lists.features,
            &lists.same,
            &weights,
            self.references,
            least_variation(&originals),
        );
        let pair = fit_pair(layers, &pairs);
        let scorers = [
            ModeScorers {
                // What lists tell is in the calibration.
                list: pair.clone(),
                pair,
                thresholds: list_thresholds(&calibration, lists),
            },
            scorers(Mode::LookAlike, layers, &looked),
            scorers(Mode::Copy, layers, &copied),
        ];
        let spread = spread(&mean.descriptor, descriptors.iter());
        Fused::new(
            network,
            self.scaler,
            mean,
            spread,
            scorers,
            calibration,
            training,
        )
    }
}

/// One in so many of the training pictures shows nothing.
const PLAIN: usize = 1_000;

/// How much hardly any of the pictures varies less than.
fn least_variation(pictures: &[Example<'_>]) -> f32 {
    let all = pictures.iter().map(|p| p.features.activations);
    let mut variations: Vec<f32> = all.filter_map(Calibration::variation).collect();
    variations.sort_by(f32::total_cmp);
    variations
        .get(variations.len() / PLAIN)
        .copied()
        .unwrap_or_default()
}

fn scorers(mode: Mode, layers: usize, rows: &Rows) -> ModeScorers {
    let fit =
        |signals: Vec<_>| Scorer::fit(layers, &signals, &rows.values, &rows.same, REGULARISATION);
    let list = fit(ModeScorers::list_signals(mode, layers));
    ModeScorers {
        pair: fit(ModeScorers::pair_signals(mode, layers)),
        thresholds: thresholds_of(&list, rows),
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
