//! Where the parts of two pictures match.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::channel_scaler::ChannelScaler;
use crate::activation::{Activations, inner_product_f32};
use crate::picture::View;

/// Where two pictures match best: one laid over a part of the other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alignment {
    /// Mean cosine of the local descriptors that lie on each other, -1 to 1.
    pub agreement: f32,
    /// The part of the query that matches.
    pub query: Region,
    /// The part of the candidate that it matches.
    pub candidate: Region,
}

/// A rectangle in shares of a picture's width and height, from the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Region {
    /// Left edge, 0 to 1.
    pub x: f32,
    /// Upper edge, 0 to 1.
    pub y: f32,
    /// Width, 0 to 1.
    pub width: f32,
    /// Height, 0 to 1.
    pub height: f32,
}

impl Region {
    /// The whole picture.
    pub const WHOLE: Self = Self {
        x: 0.0,
        y: 0.0,
        width: 1.0,
        height: 1.0,
    };

    /// Where the part of a turned or mirrored picture lies in the upright one.
    #[must_use]
    pub fn upright(self, view: View) -> Self {
        let Self {
            x,
            y,
            width,
            height,
        } = self;
        let (right, below) = (1.0 - x - width, 1.0 - y - height);
        let (x, y) = match view {
            View::Upright => (x, y),
            View::Mirrored => (right, y),
            View::Turned90 => (y, right),
            View::Turned180 => (right, below),
            View::Turned270 => (below, x),
        };
        let (width, height) = match view {
            View::Turned90 | View::Turned270 => (height, width),
            View::Upright | View::Mirrored | View::Turned180 => (width, height),
        };
        Self {
            x,
            y,
            width,
            height,
        }
    }
}

/// A picture's local descriptors: a grid of channel vectors, scaled, at unit length.
#[derive(Debug, Clone)]
pub struct Grid {
    width: usize,
    height: usize,
    vectors: Vec<Vec<f32>>,
    /// The cosine of two descriptors, by the inner product of their vectors.
    cosine: fn(f32) -> f32,
}

/// Sides of the smaller window, in shares of the larger picture's.
const SCALES: [f32; 7] = [1.0, 0.87, 0.77, 0.68, 0.59, 0.5, 0.42];
/// Steps of the window, in positions.
const STEP: f32 = 0.5;

impl Grid {
    /// The grid of the layer before the last: the last block's output, the deepest layer
    /// of few channels; by rough descriptors where the codec keeps only these. `None` where it keeps
    /// nothing of it.
    pub fn of(scaler: &ChannelScaler, picture: Activations<'_>) -> Option<Self> {
        let layer = picture.layer_count().saturating_sub(2);
        let shape = &picture.layout().layers()[layer];
        if let Some(parts) = picture.parts().filter(|parts| parts.layer == layer) {
            return Some(Self {
                width: shape.width,
                height: shape.positions / shape.width,
                vectors: parts.vectors,
                cosine: parts.cosine,
            });
        }
        let values = picture.layer_values(layer)?;
        let (mean, std) = (&scaler.mean[layer], &scaler.std[layer]);
        let vectors = values
            .chunks_exact(shape.channels)
            .map(|row| {
                let scaled = row.iter().zip(mean.iter().zip(std));
                let mut vector: Vec<f32> = scaled.map(|(v, (m, s))| (v - m) / s).collect();
                let norm = inner_product_f32(&vector, &vector).sqrt().max(1e-6);
                vector.iter_mut().for_each(|v| *v /= norm);
                vector
            })
            .collect();
        Some(Self {
            width: shape.width,
            height: shape.positions / shape.width,
            vectors,
            cosine: |product| product,
        })
    }

    /// Finds the offset and the scale at which this picture agrees best with a part of
    /// `other`, or a part of it with the whole of `other`.
    pub fn align(&self, other: &Self) -> Alignment {
        let columns = other.vectors.len();
        let cosines: Vec<f32> = self
            .vectors
            .iter()
            .flat_map(|a| other.vectors.iter().map(|b| inner_product_f32(a, b)))
            .map(self.cosine)
            .collect();
        let forth = |p: usize, q: usize| cosines[p * columns + q];
        let back = |p: usize, q: usize| cosines[q * columns + p];
        let (agreement, candidate) = best_window(self, other, &forth);
        let (reverse, query) = best_window(other, self, &back);
        if agreement >= reverse {
            Alignment {
                agreement,
                query: Region::WHOLE,
                candidate,
            }
        } else {
            Alignment {
                agreement: reverse,
                query,
                candidate: Region::WHOLE,
            }
        }
    }
}

/// Lays the whole of `small` over windows of `large`.
fn best_window(small: &Grid, large: &Grid, cosine: &dyn Fn(usize, usize) -> f32) -> (f32, Region) {
    let mut best = (f32::MIN, Region::WHOLE);
    for scale in SCALES {
        let room = |side: usize| ((1.0 - scale) * side as f32 / STEP + 1e-3) as usize;
        for row in 0..=room(large.height) {
            for column in 0..=room(large.width) {
                let (x, y) = (column as f32 * STEP, row as f32 * STEP);
                let agreement = agreement(small, large, (x, y, scale), cosine);
                if agreement > best.0 {
                    let region = Region {
                        x: x / large.width as f32,
                        y: y / large.height as f32,
                        width: scale,
                        height: scale,
                    };
                    best = (agreement, region);
                }
            }
        }
    }
    best
}

/// The mean cosine of every position of `small` with the place it falls on in `large`,
/// between positions by bilinear weights.
fn agreement(
    small: &Grid,
    large: &Grid,
    (x, y, scale): (f32, f32, f32),
    cosine: &dyn Fn(usize, usize) -> f32,
) -> f32 {
    // Where the centre of a position falls, in positions of the large grid.
    let along = |at: usize, from: f32, small: usize, large: usize| {
        let stretch = scale * large as f32 / small as f32;
        ((at as f32 + 0.5) * stretch + from - 0.5).clamp(0.0, large as f32 - 1.0)
    };
    let mut sum = 0.0;
    for row in 0..small.height {
        let v = along(row, y, small.height, large.height);
        let (v0, fv) = (v as usize, v.fract());
        let v1 = (v0 + 1).min(large.height - 1);
        for column in 0..small.width {
            let u = along(column, x, small.width, large.width);
            let (u0, fu) = (u as usize, u.fract());
            let u1 = (u0 + 1).min(large.width - 1);
            let p = row * small.width + column;
            let at = |v: usize, u: usize| cosine(p, v * large.width + u);
            sum += (1.0 - fv) * ((1.0 - fu) * at(v0, u0) + fu * at(v0, u1))
                + fv * ((1.0 - fu) * at(v1, u0) + fu * at(v1, u1));
        }
    }
    sum / (small.width * small.height) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grid whose vectors are one-hot by a number that is different everywhere.
    fn grid(side: usize, number: &dyn Fn(f32, f32) -> usize) -> Grid {
        let vectors = (0..side * side)
            .map(|p| {
                let place = |at: usize| (at as f32 + 0.5) / side as f32;
                let mut vector = vec![0.0; 256];
                vector[number(place(p % side), place(p / side))] = 1.0;
                vector
            })
            .collect();
        Grid {
            width: side,
            height: side,
            vectors,
            cosine: |product| product,
        }
    }

    #[test]
    fn a_part_of_a_view_is_told_of_the_upright_picture() {
        let part = Region {
            x: 0.25,
            y: 0.5,
            width: 0.5,
            height: 0.25,
        };
        // The part is white.
        let (width, height) = (8u32, 4u32);
        let picture = image::RgbImage::from_fn(width, height, |x, y| {
            let within = (2..6).contains(&x) && y == 2;
            image::Rgb([if within { 255 } else { 0 }; 3])
        });
        for view in View::ALL {
            let turned = view.of(&picture);
            let (width, height) = (turned.width() as f32, turned.height() as f32);
            let white = turned
                .enumerate_pixels()
                .filter(|(_, _, pixel)| pixel[0] > 0);
            let places: Vec<(u32, u32)> = white.map(|(x, y, _)| (x, y)).collect();
            let least =
                |of: &dyn Fn(&(u32, u32)) -> u32| places.iter().map(of).min().unwrap() as f32;
            let most =
                |of: &dyn Fn(&(u32, u32)) -> u32| places.iter().map(of).max().unwrap() as f32;
            let (left, top) = (least(&|p| p.0), least(&|p| p.1));
            let seen = Region {
                x: left / width,
                y: top / height,
                width: (most(&|p| p.0) + 1.0 - left) / width,
                height: (most(&|p| p.1) + 1.0 - top) / height,
            };
            assert_eq!(seen.upright(view), part, "{view:?}");
        }
    }

    #[test]
    fn a_quarter_is_found_where_it_was_cut_out() {
        let scene = |x: f32, y: f32| (x * 15.99) as usize + 16 * (y * 15.99) as usize;
        let whole = grid(8, &scene);
        let lower_right = grid(8, &|x, y| scene(0.5 + x / 2.0, 0.5 + y / 2.0));
        let found = lower_right.align(&whole);
        assert_eq!(found.query, Region::WHOLE);
        let region = found.candidate;
        assert!(
            (region.x - 0.5).abs() < 0.1 && (region.y - 0.5).abs() < 0.1,
            "{region:?}"
        );
        assert!((region.width - 0.5).abs() < 0.1, "{region:?}");
        let reverse = whole.align(&lower_right);
        assert_eq!((reverse.query, reverse.candidate), (region, Region::WHOLE));
    }

    #[test]
    fn a_picture_agrees_with_itself_as_a_whole() {
        let scene = |x: f32, y: f32| (x * 15.99) as usize + 16 * (y * 15.99) as usize;
        let whole = grid(7, &scene);
        let found = whole.align(&whole);
        assert!((found.agreement - 1.0).abs() < 1e-5);
        assert_eq!(
            (found.query, found.candidate),
            (Region::WHOLE, Region::WHOLE)
        );
    }
}
