//! Why two pictures are alike, as a person would say it: "same colours and textures, different
//! object". It tells of the pictures, not of a head: how near they are, layer by layer, against
//! pictures that have nothing to do with each other.

mod distances;
mod nearer;
mod part;
mod unlike;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use distances::PairDistances;
use nearer::Nearer;
use part::{part, turned};
pub use unlike::{LayerGroup, UnlikePairs};

use crate::head::Alignment;
use crate::picture::View;

/// Why a picture is a result, or what a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// In words; never empty.
    pub words: String,
    /// How near the two pictures are in what groups of layers see; `None` of networks without
    /// reference distances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearness: Option<Nearness>,
}

/// Shares of pairs of pictures that have nothing to do with each other, and are farther apart: 1
/// is as near as it gets, .5 is chance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Nearness {
    /// Edges and colours: Conv1 and blocks 1 to 2, wherever they are in the picture; of two
    /// versions of one picture also Conv1 in its places.
    pub colours: f32,
    /// Textures: blocks 3 to 6, wherever they are.
    pub textures: f32,
    /// Parts and shapes in their places: blocks 7 to 13.
    pub parts: f32,
    /// What is shown: blocks 14 to 16, the last convolution and the embedding.
    pub objects: f32,
    /// How much the two pictures' neighbourhoods in the store have in common, 0 to 1; no share of
    /// pairs. `None` where that was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<f32>,
}

/// What is known of a query and a result, or of two pictures that are compared.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Whether their bytes are the same.
    pub is_same: bool,
    /// How far apart they are.
    pub distances: &'a PairDistances,
    /// What their neighbourhoods have in common.
    pub neighbours: Option<f32>,
    /// The view of the query that was compared.
    pub view: View,
    /// Which parts match, where it was sought; told of the query as it is.
    pub alignment: Option<Alignment>,
    /// What the two are called.
    pub names: Names<'a>,
}

/// What two pictures are called.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The query, such as "your picture".
    pub query: &'a str,
    /// The other, such as "it".
    pub other: &'a str,
}

/// Parts that agree by this much match: those of half of the cut-outs do, and of one or two of fifty
/// pairs of one class.
const MATCHING: f32 = 0.5;
/// Parts that agree by this much may match: those of four of five cut-outs do, and of three of
/// fifty pairs of one class.
const MAYBE: f32 = 0.44;

impl Explanation {
    /// Puts into words what is known, with distances of unrelated pairs to hold it against.
    pub fn of(facts: &Facts<'_>, unlike: Option<&UnlikePairs>) -> Self {
        let nearer = unlike.and_then(|unlike| unlike.nearer(facts.distances));
        Self {
            words: words(facts, nearer.as_ref()),
            nearness: nearer.map(|nearer| nearer.shares(facts.neighbours)),
        }
    }
}

impl Nearness {
    /// The groups with their names, in the order of the layers.
    pub fn groups(&self) -> Vec<(&'static str, f32)> {
        let mut groups = vec![
            ("colours", self.colours),
            ("textures", self.textures),
            ("parts", self.parts),
            ("objects", self.objects),
        ];
        groups.extend(self.neighbours.map(|neighbours| ("neighbours", neighbours)));
        groups
    }
}

fn words(facts: &Facts<'_>, nearer: Option<&Nearer>) -> String {
    if facts.is_same {
        return "the very same file".to_owned();
    }
    let is_edited = nearer.is_some_and(Nearer::is_edited);
    let found = facts
        .alignment
        .filter(|found| found.agreement >= MAYBE && !is_edited);
    let matches = found.is_some_and(|found| found.agreement >= MATCHING);
    let turned = match facts.view {
        view if matches || is_edited => turned(view),
        _ => "",
    };
    let part = found.and_then(|found| part(&found, facts.names));
    match (part, nearer) {
        (Some(part), _) if matches => part + turned,
        (Some(part), _) => format!("perhaps {part}"),
        (None, Some(nearer)) => nearer.words(facts.neighbours) + turned,
        (None, None) if matches => format!("much like {}{turned}", facts.names.query),
        (None, None) => "no words for this network: see the numbers".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::Region;

    const FAR: Nearer = Nearer {
        colours: 0.0,
        in_place: 0.0,
        textures: 0.0,
        parts: 0.0,
        objects: 0.0,
    };
    const COPY: Nearer = Nearer {
        colours: 6.0,
        in_place: 8.0,
        textures: 4.0,
        parts: 11.0,
        objects: 10.0,
    };

    fn facts(distances: &PairDistances) -> Facts<'_> {
        Facts {
            is_same: false,
            distances,
            neighbours: None,
            view: View::Upright,
            alignment: None,
            names: Names {
                query: "your picture",
                other: "it",
            },
        }
    }

    #[test]
    fn parts_and_turns_come_before_layers() {
        let distances = PairDistances::default();
        let quarter = Alignment {
            agreement: 0.9,
            query: Region {
                x: 0.0,
                y: 0.0,
                width: 0.5,
                height: 0.5,
            },
            candidate: Region::WHOLE,
        };
        let mirrored = Facts {
            view: View::Mirrored,
            alignment: Some(quarter),
            ..facts(&distances)
        };
        let expected = "the top left quarter of your picture, mirrored";
        assert_eq!(words(&mirrored, Some(&FAR)), expected);
        assert_eq!(words(&mirrored, None), expected);
        // Parts that agree no more than by chance are none.
        let by_chance = Facts {
            alignment: Some(Alignment {
                agreement: 0.2,
                ..quarter
            }),
            ..facts(&distances)
        };
        assert_eq!(words(&by_chance, Some(&FAR)), "little in common");
        let perhaps = Facts {
            alignment: Some(Alignment {
                agreement: 0.45,
                ..quarter
            }),
            ..mirrored
        };
        assert_eq!(
            words(&perhaps, Some(&FAR)),
            "perhaps the top left quarter of your picture"
        );
        let whole = Facts {
            alignment: Some(Alignment {
                query: Region::WHOLE,
                ..quarter
            }),
            view: View::Turned180,
            ..facts(&distances)
        };
        assert_eq!(
            words(&whole, Some(&COPY)),
            "nearly the same picture, upside down"
        );
        let same = Facts {
            is_same: true,
            ..whole
        };
        assert_eq!(words(&same, Some(&COPY)), "the very same file");
    }
}
