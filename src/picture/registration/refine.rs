//! A rough placement made exact by Gauss and Newton's steps (Lucas and Kanade 1981; Baker and
//! Matthews 2004, inverse compositional).

use super::correlation::Sums;
use super::placement::Placement;
use super::plane::Plane;

/// Six terms of a placement, and a change of contrast and of brightness.
const UNKNOWNS: usize = 8;
/// The least share of the part that must lie on the whole.
const OVERLAP: f32 = 0.6;
/// Steps that move no pixel by more than this are the last.
const STILL: f32 = 0.03;
/// Differences that are ordinary at least, of 255; larger ones are something else laid over one
/// of the pictures, and pull less.
const ORDINARY: f32 = 4.0;

/// The part's pixels as each step needs them.
struct Pixel {
    place: (f32, f32),
    value: f32,
    /// How the value changes with each term of a placement.
    slopes: [f32; 6],
}

/// Moves a placement to where the pictures agree best near it, whatever their brightness and
/// contrast, in so many steps at most. Gives their correlation there, too.
pub(super) fn refine(
    part: &Plane,
    whole: &Plane,
    placement: Placement,
    steps: usize,
) -> (Placement, f32) {
    let frame = Frame::of(part);
    let pixels = frame.pixels(part);
    let mut at = placement;
    let mut best = (placement, -1.0);
    for left in (0..=steps).rev() {
        let pairs: Vec<(&Pixel, f32)> = pixels
            .iter()
            .filter_map(|pixel| Some((pixel, whole.at(at.apply(pixel.place))?)))
            .collect();
        if (pairs.len() as f32) < OVERLAP * pixels.len() as f32 {
            break;
        }
        let sums = Sums::of(pairs.iter().map(|(pixel, other)| (pixel.value, *other)));
        let reached = sums.correlation();
        if reached > best.1 {
            best = (at, reached);
        }
        if left == 0 || reached < best.1 - 0.05 {
            break;
        }
        let Some(change) = step(&pairs, sums.line()) else {
            break;
        };
        let next = frame.moved(&at, change);
        let far = next.apart(&at, (part.width() as f32, part.height() as f32));
        if !far.is_finite() || far > frame.unit {
            break;
        }
        at = next;
        if far < STILL {
            break;
        }
    }
    best
}

/// The middle of a part, and half its longer side: what terms are counted in.
struct Frame {
    middle: (f32, f32),
    unit: f32,
}

impl Frame {
    fn of(part: &Plane) -> Self {
        Self {
            middle: (part.width() as f32 / 2.0, part.height() as f32 / 2.0),
            unit: part.longer_side() as f32 / 2.0,
        }
    }

    fn pixels(&self, part: &Plane) -> Vec<Pixel> {
        let places = (0..part.height()).flat_map(|y| (0..part.width()).map(move |x| (x, y)));
        places
            .map(|(x, y)| {
                let next = |at: usize, length: usize| (at + 1).min(length - 1);
                let across = part.get(next(x, part.width()), y) - part.get(x.saturating_sub(1), y);
                let down = part.get(x, next(y, part.height())) - part.get(x, y.saturating_sub(1));
                let (across, down) = (across / 2.0, down / 2.0);
                let place = (x as f32 + 0.5, y as f32 + 0.5);
                let i = (place.0 - self.middle.0) / self.unit;
                let j = (place.1 - self.middle.1) / self.unit;
                Pixel {
                    place,
                    value: part.get(x, y),
                    slopes: [across * i, across * j, across, down * i, down * j, down],
                }
            })
            .collect()
    }

    /// A placement after the part was moved by this change.
    fn moved(&self, placement: &Placement, change: [f32; 6]) -> Placement {
        let [a, b, c, d, e, f] = change;
        let [a, b, d, e] = [a / self.unit, b / self.unit, d / self.unit, e / self.unit];
        let c = c - a * self.middle.0 - b * self.middle.1;
        let f = f - d * self.middle.0 - e * self.middle.1;
        let [p, q, r, s, t, u] = placement.terms;
        let (a, e) = (1.0 + a, 1.0 + e);
        Placement {
            terms: [
                p * a + q * d,
                p * b + q * e,
                p * c + q * f + r,
                s * a + t * d,
                s * b + t * e,
                s * c + t * f + u,
            ],
        }
    }
}

/// How the part must be moved for what lies on each other to differ least; `line` tells the
/// whole's values from the part's.
fn step(pairs: &[(&Pixel, f32)], (contrast, brightness): (f32, f32)) -> Option<[f32; 6]> {
    let left = |pixel: &Pixel, other: f32| other - contrast * pixel.value - brightness;
    let mut sizes: Vec<f32> = pairs
        .iter()
        .map(|(p, other)| left(p, *other).abs())
        .collect();
    let middle = sizes.len() / 2;
    let (_, median, _) = sizes.select_nth_unstable_by(middle, f32::total_cmp);
    let ordinary = (*median * 2.5).max(ORDINARY);
    let mut normal = [[0.0f32; UNKNOWNS + 1]; UNKNOWNS];
    for (pixel, other) in pairs {
        let left = left(pixel, *other);
        let weight = 1.0 / (1.0 + (left / ordinary).powi(2));
        let mut row = [-1.0; UNKNOWNS + 1];
        for (term, slope) in row.iter_mut().zip(pixel.slopes) {
            *term = contrast * slope;
        }
        row[6] = -pixel.value / 64.0;
        row[UNKNOWNS] = -left;
        for (i, line) in normal.iter_mut().enumerate() {
            let scaled = weight * row[i];
            line.iter_mut()
                .zip(row)
                .for_each(|(sum, term)| *sum += scaled * term);
        }
    }
    let mut normal = normal.map(|line| line.map(f64::from));
    for (i, line) in normal.iter_mut().enumerate() {
        // What is plain in one direction must not fly away in it.
        line[i] = line[i] * 1.001 + 1.0;
    }
    let solved = solved(normal)?.map(|value| value as f32);
    let change = [
        solved[0], solved[1], solved[2], solved[3], solved[4], solved[5],
    ];
    change.iter().all(|term| term.is_finite()).then_some(change)
}

/// Gauss's elimination.
fn solved(mut normal: [[f64; UNKNOWNS + 1]; UNKNOWNS]) -> Option<[f64; UNKNOWNS]> {
    for i in 0..UNKNOWNS {
        let pivot = normal[i];
        if pivot[i].abs() < 1e-9 {
            return None;
        }
        for (j, line) in normal.iter_mut().enumerate() {
            if i != j {
                let share = line[i] / pivot[i];
                line.iter_mut()
                    .zip(pivot)
                    .for_each(|(a, b)| *a -= share * b);
            }
        }
    }
    let mut found = [0.0; UNKNOWNS];
    for (i, value) in found.iter_mut().enumerate() {
        *value = normal[i][UNKNOWNS] / normal[i][i];
    }
    Some(found)
}
