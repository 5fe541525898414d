//! Parts of pictures in words: "the top left quarter of your picture".

use super::Names;
use crate::head::{Alignment, Region};
use crate::picture::View;

/// Which part of which picture the other one is; `None` if all of one is all of the other.
pub(super) fn part(found: &Alignment, names: Names<'_>) -> Option<String> {
    if let Some(part) = in_words(&found.query) {
        return Some(format!("{part} of {}", names.query));
    }
    let part = in_words(&found.candidate)?;
    Some(format!("{} is {part} of {}", names.query, names.other))
}

/// How a picture is turned that was found in this view of the query.
pub(super) fn turned(view: View) -> &'static str {
    match view {
        View::Upright => "",
        View::Mirrored => ", mirrored",
        View::Turned90 => ", turned to the right",
        View::Turned180 => ", upside down",
        View::Turned270 => ", turned to the left",
    }
}

/// A part's place and size; `None` of a whole.
fn in_words(region: &Region) -> Option<String> {
    let area = region.width * region.height;
    if area > MOST {
        return None;
    }
    let place = place(region);
    Some(match area {
        area if area > HALF => format!("most{}", beside(&place)),
        area if area > QUARTER => match place.as_str() {
            "middle" => "the middle half".to_owned(),
            place => format!("the {place} half"),
        },
        area if area > EIGHTH => match place.as_str() {
            "middle" => "the middle".to_owned(),
            place => format!("the {place} quarter"),
        },
        _ => match place.as_str() {
            "middle" => "a small part in the middle".to_owned(),
            place => format!("a small part at the {place}"),
        },
    })
}

/// A larger part is a whole, up to what is cut off unseen.
const MOST: f32 = 0.9;
/// A larger one is more than a half in words, and so on: between the sizes that have names.
const HALF: f32 = 0.65;
const QUARTER: f32 = 0.37;
const EIGHTH: f32 = 0.12;

fn beside(place: &str) -> String {
    match place {
        "middle" => String::new(),
        place => format!(" (the {place})"),
    }
}

/// Where the middle of a part is, against the room that it has to move.
fn place(region: &Region) -> String {
    let along = |from: f32, side: f32, names: [&'static str; 2]| {
        let room = 1.0 - side;
        match from / room.max(f32::EPSILON) {
            _ if room < 0.1 => "",
            at if at < 1.0 / 3.0 => names[0],
            at if at > 2.0 / 3.0 => names[1],
            _ => "",
        }
    };
    let (down, across) = (
        along(region.y, region.height, ["top", "bottom"]),
        along(region.x, region.width, ["left", "right"]),
    );
    match (down, across) {
        ("", "") => "middle".to_owned(),
        (down, "") => down.to_owned(),
        ("", across) => across.to_owned(),
        (down, across) => format!("{down} {across}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(x: f32, y: f32, width: f32, height: f32) -> Region {
        Region {
            x,
            y,
            width,
            height,
        }
    }

    fn said(query: Region, candidate: Region) -> Option<String> {
        let found = Alignment {
            agreement: 0.9,
            query,
            candidate,
        };
        let names = Names {
            query: "your picture",
            other: "it",
        };
        part(&found, names)
    }

    #[test]
    fn parts_have_names() {
        for (region, words) in [
            (region(0.0, 0.0, 0.5, 0.5), "the top left quarter"),
            (region(0.5, 0.43, 0.5, 0.5), "the bottom right quarter"),
            (region(0.25, 0.25, 0.5, 0.5), "the middle"),
            (region(0.0, 0.21, 0.59, 0.59), "the left quarter"),
            (region(0.16, 0.16, 0.68, 0.68), "the middle half"),
            (region(0.0, 0.0, 0.5, 1.0), "the left half"),
            (region(0.0, 0.0, 1.0, 0.5), "the top half"),
            (region(0.13, 0.0, 0.87, 0.87), "most (the top right)"),
            (region(0.06, 0.06, 0.87, 0.87), "most"),
            (region(0.7, 0.0, 0.2, 0.2), "a small part at the top right"),
        ] {
            let expected = Some(format!("{words} of your picture"));
            assert_eq!(said(region, Region::WHOLE), expected, "{region:?}");
        }
        assert_eq!(said(Region::WHOLE, Region::WHOLE), None);
        assert_eq!(said(region(0.02, 0.02, 0.96, 0.96), Region::WHOLE), None);
    }

    #[test]
    fn the_other_way_round_it_is_said_of_the_result() {
        let words = said(Region::WHOLE, region(0.5, 0.0, 0.5, 0.5));
        assert_eq!(
            words.as_deref(),
            Some("your picture is the top right quarter of it")
        );
    }
}
