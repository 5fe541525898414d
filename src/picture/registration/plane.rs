//! Grey pictures as numbers.

use image::GrayImage;

use crate::picture::thumbnail::is_sampled;

/// A grey picture whose values can lie between whole ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    width: usize,
    height: usize,
    values: Vec<f32>,
    is_sparse: bool,
}

impl Plane {
    /// The same picture; `None` if it has no pixels.
    pub fn of(picture: &GrayImage) -> Option<Self> {
        let (width, height) = picture.dimensions();
        (width > 0 && height > 0).then(|| Self {
            width: width as usize,
            height: height as usize,
            values: picture.as_raw().iter().map(|v| f32::from(*v)).collect(),
            is_sparse: false,
        })
    }

    /// The preview of a picture of this size: of a large one it was made of every few pixels.
    #[must_use]
    pub fn preview_of(self, (width, height): (u32, u32)) -> Self {
        Self {
            is_sparse: is_sampled(width.max(height)),
            ..self
        }
    }

    /// Whether it was made of every few pixels of a larger picture, so that fine lines are chance.
    pub(super) fn is_sparse(&self) -> bool {
        self.is_sparse
    }

    /// A value for each column and row.
    pub(super) fn from_fn(
        width: usize,
        height: usize,
        value: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self {
            width,
            height,
            values: places.map(|(x, y)| value(x, y)).collect(),
            is_sparse: false,
        }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn height(&self) -> usize {
        self.height
    }

    pub(super) fn longer_side(&self) -> usize {
        self.width.max(self.height)
    }

    pub(super) fn row(&self, y: usize) -> &[f32] {
        &self.values[y * self.width..(y + 1) * self.width]
    }

    pub(super) fn get(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    /// The value at a place, whole numbers being corners of pixels; `None` outside.
    pub(super) fn at(&self, (x, y): (f32, f32)) -> Option<f32> {
        if !(x >= 0.0 && y >= 0.0 && x <= self.width as f32 && y <= self.height as f32) {
            return None;
        }
        let x = (x - 0.5).clamp(0.0, (self.width - 1) as f32);
        let y = (y - 0.5).clamp(0.0, (self.height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let right = (left + 1).min(self.width - 1);
        let below = (top + 1).min(self.height - 1);
        let (fx, fy) = (x - left as f32, y - top as f32);
        let mixed = |row: usize| self.get(left, row) * (1.0 - fx) + self.get(right, row) * fx;
        Some(mixed(top) * (1.0 - fy) + mixed(below) * fy)
    }

    /// The picture in a smaller size: each pixel the mean of what it covers.
    fn shrunk(&self, width: usize, height: usize) -> Self {
        let (columns, rows) = (covers(self.width, width), covers(self.height, height));
        let narrow = Self::from_fn(width, self.height, |x, y| {
            let row = self.row(y);
            columns[x].mean(|i| row[i])
        });
        Self::from_fn(width, height, |x, y| rows[y].mean(|i| narrow.get(x, i)))
    }

    /// The same, its longer side of so many pixels at most.
    pub(super) fn within(&self, longer: usize) -> Self {
        if longer >= self.longer_side() {
            return self.clone();
        }
        let share = longer as f32 / self.longer_side() as f32;
        let side = |side: usize| ((side as f32 * share).round() as usize).max(1);
        self.shrunk(side(self.width), side(self.height))
    }

    /// Blurred by a Gaussian of this sigma, in pixels.
    pub(super) fn blurred(&self, sigma: f32) -> Self {
        let reach = (sigma * 2.5).ceil().max(1.0) as usize;
        let bell = |i: usize| (-0.5 * (i as f32 / sigma).powi(2)).exp();
        let sum = 1.0 + 2.0 * (1..=reach).map(bell).sum::<f32>();
        let weights: Vec<f32> = (0..=reach).map(|i| bell(i) / sum).collect();
        let pass = |at: usize, length: usize, value: &dyn Fn(usize) -> f32| {
            let sides = weights.iter().enumerate().skip(1).map(|(i, weight)| {
                weight * (value(at.saturating_sub(i)) + value((at + i).min(length - 1)))
            });
            weights[0] * value(at) + sides.sum::<f32>()
        };
        let across = Self::from_fn(self.width, self.height, |x, y| {
            let row = self.row(y);
            pass(x, self.width, &|i| row[i])
        });
        Self::from_fn(self.width, self.height, |x, y| {
            pass(y, self.height, &|i| across.get(x, i))
        })
    }
}

/// What one pixel of a smaller picture covers of a line of a larger one.
struct Cover {
    first: usize,
    weights: Vec<f32>,
}

impl Cover {
    fn mean(&self, value: impl Fn(usize) -> f32) -> f32 {
        let weighed = self.weights.iter().enumerate();
        weighed
            .map(|(i, weight)| weight * value(self.first + i))
            .sum()
    }
}

fn covers(from: usize, to: usize) -> Vec<Cover> {
    let step = from as f32 / to as f32;
    let cover = |i: usize| {
        let (start, end) = (i as f32 * step, (i as f32 + 1.0) * step);
        let first = (start as usize).min(from - 1);
        let last = (end.ceil() as usize).clamp(first + 1, from);
        let covered = |j: usize| (end.min(j as f32 + 1.0) - start.max(j as f32)).max(1e-3);
        let sum: f32 = (first..last).map(covered).sum();
        Cover {
            first,
            weights: (first..last).map(|j| covered(j) / sum).collect(),
        }
    };
    (0..to).map(cover).collect()
}
