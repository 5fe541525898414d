//! Where one picture lies on another.

use super::plane::Plane;

/// Takes places of one picture to places of another, both in pixels from the upper left corner
/// (the middle of the first pixel is .5, .5).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placement {
    /// x' = a x + b y + c, y' = d x + e y + f.
    pub(super) terms: [f32; 6],
}

impl Placement {
    /// A picture of this size scaled and turned around its middle, which comes to a place.
    pub(super) fn around(
        size: (f32, f32),
        scale: f32,
        degrees: f32,
        (to_x, to_y): (f32, f32),
    ) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (a, b) = (scale * cos, scale * sin);
        let (x, y) = (size.0 / 2.0, size.1 / 2.0);
        Self {
            terms: [a, -b, to_x - a * x + b * y, b, a, to_y - b * x - a * y],
        }
    }

    /// All of one picture on all of another.
    pub(super) fn corner_on_corner(part: &Plane, whole: &Plane) -> Self {
        let across = whole.width() as f32 / part.width() as f32;
        let down = whole.height() as f32 / part.height() as f32;
        Self {
            terms: [across, 0.0, 0.0, 0.0, down, 0.0],
        }
    }

    pub(super) fn apply(&self, (x, y): (f32, f32)) -> (f32, f32) {
        let [a, b, c, d, e, f] = self.terms;
        (a * x + b * y + c, d * x + e * y + f)
    }

    /// The same for pictures of other sizes: each so many times as large as before.
    pub(super) fn resized(&self, from: f32, to: f32) -> Self {
        let [a, b, c, d, e, f] = self.terms;
        let turn = to / from;
        Self {
            terms: [a * turn, b * turn, c * to, d * turn, e * turn, f * to],
        }
    }

    /// How much larger it makes a picture.
    pub(super) fn scale(&self) -> f32 {
        let [a, b, _, d, e, _] = self.terms;
        (a * e - b * d).abs().sqrt()
    }

    /// How far from each other two of them take a corner of a picture of this size.
    pub(super) fn apart(&self, other: &Self, (width, height): (f32, f32)) -> f32 {
        let corners = [(0.0, 0.0), (width, 0.0), (0.0, height), (width, height)];
        let far = corners.iter().map(|corner| {
            let (a, b) = (self.apply(*corner), other.apply(*corner));
            (a.0 - b.0).abs().max((a.1 - b.1).abs())
        });
        far.fold(0.0, f32::max)
    }
}
