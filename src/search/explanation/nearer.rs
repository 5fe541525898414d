//! How much nearer two pictures are than unrelated ones, and what a person would call that.
//!
//! The limits are those that part the kinds of pairs of 204 photos and drawings of 17 domains and
//! their edits (recoloured, grey, blurred, mirrored, recompressed, cut), 425 pairs of one class and
//! 400 unrelated ones.

use super::Nearness;

/// By how many standard deviations of the distances of unrelated pairs two pictures are nearer
/// than these are on average, by what groups of layers see.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Nearer {
    /// Edges and colours, wherever they are.
    pub(super) colours: f32,
    /// The first layer in its places.
    pub(super) in_place: f32,
    /// Textures, wherever they are.
    pub(super) textures: f32,
    /// Parts and shapes in their places.
    pub(super) parts: f32,
    /// What is shown.
    pub(super) objects: f32,
}

/// From here on both are versions of one picture: nine of ten edits that leave shapes where they
/// are have parts as near, one of ten pairs of one class has 2.8.
const EDITED: f32 = 4.0;
/// Versions of one picture have kept their colours from here on: recompressed ones have (6.7), four
/// of five recoloured ones have not (1.6),
const COLOURS_KEPT: f32 = 4.5;
/// and the same textures: blurred ones do not (.3).
const TEXTURES_KEPT: f32 = 2.0;
/// Mirrored and turned, a picture has its colours and objects, but not its parts in their places.
const TURNED_COLOURS: f32 = 4.5;
const TURNED_OBJECTS: f32 = 9.0;

/// Colours, textures and shapes that are as near are the same to people: two of a hundred
/// unrelated pairs are.
const SAME: f32 = 2.0;
/// And similar: one of ten is.
const SIMILAR: f32 = 1.25;
/// Nearly half of the pairs of one class are as near, and no unrelated one.
const SAME_OBJECT: f32 = 2.2;
/// Three of four are, and one of a hundred unrelated ones.
const SIMILAR_OBJECT: f32 = 1.0;
/// Neighbourhoods that have this much in common are a reason of their own.
const NEIGHBOURS: f32 = 0.3;

impl Nearer {
    /// Whether both are versions of one picture.
    pub(super) fn is_edited(&self) -> bool {
        self.parts >= EDITED
    }

    /// How near the colours are: of versions of one picture also place by place.
    fn all_colours(&self) -> f32 {
        match self.is_edited() {
            true => self.colours.max(self.in_place),
            false => self.colours,
        }
    }

    /// The shares of unrelated pairs that are farther apart.
    pub(super) fn shares(&self, neighbours: Option<f32>) -> Nearness {
        Nearness {
            colours: share(self.all_colours()),
            textures: share(self.textures),
            parts: share(self.parts),
            objects: share(self.objects),
            neighbours,
        }
    }

    /// What is the same, what is similar and what is not.
    pub(super) fn words(&self, neighbours: Option<f32>) -> String {
        if self.is_edited() {
            let words = match (
                self.all_colours() >= COLOURS_KEPT,
                self.textures >= TEXTURES_KEPT,
            ) {
                (true, true) => "nearly the same picture",
                (false, _) => "same shapes, other colours",
                (true, false) => "same shapes and colours, other textures",
            };
            return words.to_owned();
        }
        if self.colours >= TURNED_COLOURS && self.objects >= TURNED_OBJECTS {
            return "nearly the same picture, mirrored or turned".to_owned();
        }
        let mut said: Vec<String> = Vec::new();
        let object = match self.objects {
            near if near >= SAME_OBJECT => Some("same kind of object"),
            near if near >= SIMILAR_OBJECT => Some("similar object"),
            _ => None,
        };
        said.extend(object.map(str::to_owned));
        let looks = [
            ("colours", self.colours),
            ("textures", self.textures),
            ("shapes", self.parts),
        ];
        for (how, from, below) in [("same", SAME, f32::MAX), ("similar", SIMILAR, SAME)] {
            let within = looks
                .iter()
                .filter(|(_, near)| (from..below).contains(near));
            let names: Vec<&str> = within.map(|(name, _)| *name).collect();
            if !names.is_empty() {
                said.push(format!("{how} {}", listed(&names)));
            }
        }
        // What people would miss.
        if object.is_none() && !said.is_empty() {
            said.push("different object".to_owned());
        } else if object.is_some() && self.colours < SIMILAR {
            said.push("other colours".to_owned());
        }
        if neighbours.is_some_and(|share| share >= NEIGHBOURS) {
            said.push("like the same other pictures".to_owned());
        }
        match said.is_empty() {
            true => "little in common".to_owned(),
            false => said.join(", "),
        }
    }
}

/// "a", "a and b", "a, b and c".
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The share of a normal distribution below so many standard deviations.
fn share(deviations: f32) -> f32 {
    // Abramowitz and Stegun, 26.2.17: off by 7.5e-8 at most.
    let t = 1.0 / (1.0 + 0.231_641_9 * deviations.abs());
    let sum = t
        * (0.319_381_53
            + t * (-0.356_563_78 + t * (1.781_477_9 + t * (-1.821_256 + t * 1.330_274_4))));
    let tail = (-deviations * deviations / 2.0).exp() / std::f32::consts::TAU.sqrt() * sum;
    if deviations > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(colours: f32, textures: f32, parts: f32, objects: f32) -> String {
        let nearer = Nearer {
            colours,
            in_place: 0.0,
            textures,
            parts,
            objects,
        };
        nearer.words(None)
    }

    #[test]
    fn what_is_near_is_named_and_what_people_would_miss() {
        for ((colours, textures, parts, objects), words) in [
            (
                (2.5, 3.0, 0.3, 0.2),
                "same colours and textures, different object",
            ),
            ((0.2, 0.5, 0.3, 3.0), "same kind of object, other colours"),
            (
                (1.5, 2.1, 0.3, 3.0),
                "same kind of object, same textures, similar colours",
            ),
            ((0.2, 0.5, 0.3, 1.5), "similar object, other colours"),
            ((0.2, 1.5, 0.3, 0.2), "similar textures, different object"),
            ((0.2, 0.3, 0.1, 0.4), "little in common"),
            (
                (6.0, 5.0, 2.0, 11.0),
                "nearly the same picture, mirrored or turned",
            ),
        ] {
            assert_eq!(said(colours, textures, parts, objects), words);
        }
    }

    #[test]
    fn versions_of_one_picture_are_told_by_what_was_changed() {
        let edited = |in_place, textures| Nearer {
            colours: 3.0,
            in_place,
            textures,
            parts: 9.0,
            objects: 8.0,
        };
        for (in_place, textures, words) in [
            (9.0, 4.0, "nearly the same picture"),
            (1.6, 2.9, "same shapes, other colours"),
            (6.5, 0.3, "same shapes and colours, other textures"),
        ] {
            assert_eq!(edited(in_place, textures).words(Some(0.9)), words);
        }
        let shares = edited(1.6, 2.9).shares(None);
        assert!(shares.textures < shares.colours && shares.colours < shares.parts);
    }

    #[test]
    fn neighbours_are_a_reason_of_their_own() {
        let far = Nearer {
            colours: 0.0,
            in_place: 0.0,
            textures: 0.0,
            parts: 0.0,
            objects: 0.0,
        };
        assert_eq!(far.words(Some(0.5)), "like the same other pictures");
        let near = Nearer {
            objects: 3.0,
            ..far
        };
        assert_eq!(
            near.words(Some(0.5)),
            "same kind of object, other colours, like the same other pictures"
        );
    }

    #[test]
    fn shares_are_the_normal_distributions() {
        for (deviations, expected) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.96, 0.024_997_9)] {
            assert!((share(deviations) - expected).abs() < 1e-5, "{deviations}");
        }
        assert!(share(6.0) > 0.999_99 && share(6.0) <= 1.0);
    }
}
