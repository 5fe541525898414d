//! Where one picture may lie on another, roughly: all places are tried, in small.

use super::correlation::Sums;
use super::placement::Placement;
use super::plane::Plane;

/// A place, with how well the pictures agree there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guess {
    pub(super) placement: Placement,
    pub(super) correlation: f32,
}

/// The longer side of the larger picture while all places are tried.
const SIDE: usize = 24;
/// From one scale to the next, and how many there are: down to a third.
const STEP: f32 = 0.92;
const SCALES: i32 = 13;
/// Angles that are tried down to a scale: what is turned a little is seldom cut, too.
const ANGLES: [f32; 2] = [-9.0, 9.0];
const TURNED_FROM: f32 = 0.8;
/// The least share of a side of the part that must lie on the whole.
const OVERLAP: f32 = 0.85;
/// Fewer pixels tell nothing.
const FEWEST: usize = 30;
/// Places as near as this at all corners, in pixels of the small picture, are one.
const APART: f32 = 1.5;

/// The best places of a part on a whole, best first.
pub(super) fn guesses(part: &Plane, whole: &Plane, count: usize) -> Vec<Guess> {
    let small = whole.within(SIDE);
    let shrink = small.longer_side() as f32 / whole.longer_side() as f32;
    // At scale 1 the part fills the whole one way.
    let fill = (whole.width() as f32 / part.width() as f32)
        .min(whole.height() as f32 / part.height() as f32);
    let mut all = Vec::new();
    for step in 0..SCALES {
        let scale = STEP.powi(step);
        let angles: &[f32] = match scale >= TURNED_FROM {
            true => &ANGLES,
            false => &[],
        };
        for angle in [0.0].iter().chain(angles) {
            slide(part, &small, fill * scale * shrink, *angle, &mut all);
        }
    }
    all.sort_by(|a, b| b.correlation.total_cmp(&a.correlation));
    let mut best: Vec<Guess> = Vec::new();
    let size = (part.width() as f32, part.height() as f32);
    for guess in all {
        let is_new = |other: &Guess| guess.placement.apart(&other.placement, size) > APART;
        if best.iter().all(is_new) {
            best.push(guess);
        }
        if best.len() == count {
            break;
        }
    }
    for guess in &mut best {
        guess.placement = guess.placement.resized(1.0, 1.0 / shrink);
    }
    best
}

/// Lays the part, at a scale and an angle, on every place of the small whole.
fn slide(part: &Plane, whole: &Plane, scale: f32, angle: f32, found: &mut Vec<Guess>) {
    let size = (part.width() as f32, part.height() as f32);
    let small = part.within((part.longer_side() as f32 * scale).round() as usize);
    let shrunk = (small.width() as f32, small.height() as f32);
    // A box around it as it lies.
    let (sin, cos) = angle.to_radians().sin_cos();
    let width = (shrunk.0 * cos + shrunk.1 * sin.abs()).round() as usize;
    let height = (shrunk.0 * sin.abs() + shrunk.1 * cos).round() as usize;
    let middle = (width as f32 / 2.0, height as f32 / 2.0);
    let back = Placement::around((width as f32, height as f32), 1.0, -angle, {
        (shrunk.0 / 2.0, shrunk.1 / 2.0)
    });
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let pixels: Vec<(isize, isize, f32)> = places
        .filter_map(|(x, y)| {
            let value = small.at(back.apply((x as f32 + 0.5, y as f32 + 0.5)))?;
            Some((x as isize, y as isize, value))
        })
        .collect();
    if pixels.len() < FEWEST {
        return;
    }
    let least = (pixels.len() as f32 * OVERLAP) as usize;
    let slack = |side: usize| (side as f32 * (1.0 - OVERLAP)) as isize;
    let end = |whole: usize, side: usize| whole as isize - side as isize + slack(side);
    for top in -slack(height)..=end(whole.height(), height) {
        for left in -slack(width)..=end(whole.width(), width) {
            let mut sums = Sums::default();
            for &(x, y, value) in &pixels {
                let (x, y) = (left + x, top + y);
                if x >= 0 && y >= 0 && x < whole.width() as isize && y < whole.height() as isize {
                    sums.add(value, whole.get(x as usize, y as usize));
                }
            }
            if sums.count() >= least {
                let middle = (left as f32 + middle.0, top as f32 + middle.1);
                found.push(Guess {
                    placement: Placement::around(size, scale, angle, middle),
                    correlation: sums.correlation(),
                });
            }
        }
    }
}
