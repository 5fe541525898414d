//! How sharp a picture is, and making two equally sharp.

use super::plane::Plane;

/// Side of the squares that sharpness is taken of, and from one to the next.
const SIDE: usize = 8;
/// Pictures whose sharpness is this near are equally sharp.
const NEAR: f32 = 1.2;
/// Sigmas of the blurs that are tried.
const SIGMAS: [f32; 9] = [0.6, 0.8, 1.1, 1.5, 2.0, 2.8, 3.8, 5.0, 7.0];

/// Blurs the sharper of two pictures until it is as blurred as the other; `is_there` says which
/// pixels count.
pub(super) fn equalised(a: Plane, b: Plane, is_there: &[bool]) -> (Plane, Plane) {
    let (sharp_a, sharp_b) = (sharpness(&a, is_there), sharpness(&b, is_there));
    let goal = sharp_a.min(sharp_b) * NEAR;
    let blurred = |plane: Plane, sharp: f32| {
        if sharp <= goal {
            return plane;
        }
        let mut last = None;
        for sigma in SIGMAS {
            let blurred = plane.blurred(sigma);
            let is_enough = sharpness(&blurred, is_there) <= goal;
            last = Some(blurred);
            if is_enough {
                break;
            }
        }
        last.unwrap_or(plane)
    };
    (blurred(a, sharp_a), blurred(b, sharp_b))
}

/// How much neighbouring pixels differ, in the quarter of squares where they differ most.
fn sharpness(plane: &Plane, is_there: &[bool]) -> f32 {
    let mut all = Vec::new();
    for y in (0..plane.height().saturating_sub(SIDE)).step_by(SIDE) {
        for x in (0..plane.width().saturating_sub(SIDE)).step_by(SIDE) {
            let places = (y..y + SIDE).flat_map(|j| (x..x + SIDE).map(move |i| (i, j)));
            let mut sum = 0.0;
            let mut is_whole = true;
            for (i, j) in places {
                let value = plane.get(i, j);
                sum += (plane.get(i + 1, j) - value).abs() + (plane.get(i, j + 1) - value).abs();
                is_whole &= is_there[j * plane.width() + i];
            }
            if is_whole {
                all.push(sum);
            }
        }
    }
    all.sort_by(f32::total_cmp);
    let most = &all[all.len() * 3 / 4..];
    most.iter().sum::<f32>() / (most.len().max(1) * 2 * SIDE * SIDE) as f32
}
