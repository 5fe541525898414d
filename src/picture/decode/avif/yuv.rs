//! AV1's planes as pixels: brightness and two differences to it as red, green and blue.

use moxcms::ColorProfile;
use rusty_av1d::pixel::YUVRange;
use rusty_av1d::{Picture, PixelLayout, PlanarImageComponent as Component};

use super::boxes::Fields;
use crate::picture::{Format, PictureError};

/// What the numbers of pixels mean: code points of ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CodePoints {
    primaries: u16,
    transfer: u16,
    matrix: u16,
    is_full_range: bool,
}

impl CodePoints {
    /// Those of a box.
    pub(super) fn read(mut nclx: Fields<'_>) -> Option<Self> {
        Some(Self {
            primaries: nclx.u16()?,
            transfer: nclx.u16()?,
            matrix: nclx.u16()?,
            is_full_range: nclx.u8()? >> 7 == 1,
        })
    }

    /// Those of a bitstream, which count where no box says otherwise.
    pub(super) fn of(frame: &Picture) -> Self {
        Self {
            primaries: frame.color_primaries() as u16,
            transfer: frame.transfer_characteristic() as u16,
            matrix: frame.matrix_coefficients() as u16,
            is_full_range: matches!(frame.color_range(), YUVRange::Full),
        }
    }

    /// A profile for colours that no usual screen shows, unless they are brighter than it as well:
    /// of those the numbers are shown as they are, as by most programs.
    pub(super) fn profile(&self) -> Option<Vec<u8>> {
        let profile = match (self.primaries, self.transfer) {
            (9, 1 | 2 | 6 | 13..=15) => ColorProfile::new_bt2020(),
            (12, 1 | 2 | 6 | 13..=15) => ColorProfile::new_display_p3(),
            _ => return None,
        };
        profile.encode().ok()
    }

    /// The shares of red and blue in brightness.
    fn shares(&self) -> Option<(f32, f32)> {
        match (self.matrix, self.primaries) {
            (1, _) | (12, 1) => Some((0.2126, 0.0722)),
            // What is not said is mostly this.
            (2 | 5 | 6, _) | (12, 5 | 6) => Some((0.299, 0.114)),
            (4, _) => Some((0.30, 0.11)),
            (7, _) => Some((0.212, 0.087)),
            (9, _) | (12, 9) => Some((0.2627, 0.0593)),
            (12, 12) => Some((0.228_97, 0.079_29)),
            _ => None,
        }
    }
}

/// Pixels of three bytes, or of four with transparency, that pictures are painted into.
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channels: usize,
    pub(super) bytes: Vec<u8>,
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize, channels: usize) -> Self {
        Self {
            width,
            height,
            channels,
            bytes: vec![255; width * height * channels],
        }
    }

    /// The pixels of a row from `left` on.
    fn row(&mut self, left: usize, y: usize) -> impl Iterator<Item = &mut [u8]> {
        let row = self.width * self.channels;
        let start = (y * row + left * self.channels).min((y + 1) * row);
        self.bytes[start..(y + 1) * row].chunks_exact_mut(self.channels)
    }

    /// Paints the colours of a frame, whose upper left corner is at `left` and `top`.
    pub(super) fn paint(
        &mut self,
        frame: &Picture,
        points: &CodePoints,
        (left, top): (usize, usize),
    ) -> Result<(), PictureError> {
        let convert = Conversion::of(points, frame.bit_depth())?;
        let luma = Plane::of(frame, Component::Y);
        let middle = 1 << (frame.bit_depth() - 1);
        let (across, down) = match frame.pixel_layout() {
            PixelLayout::I420 => (1, 1),
            PixelLayout::I422 => (1, 0),
            PixelLayout::I444 | PixelLayout::I400 => (0, 0),
        };
        let is_grey = frame.pixel_layout() == PixelLayout::I400;
        let chroma = (!is_grey)
            .then(|| [Component::U, Component::V].map(|component| Plane::of(frame, component)));
        for y in 0..(frame.height() as usize).min(self.height.saturating_sub(top)) {
            let row = self.row(left, top + y).take(frame.width() as usize);
            for (x, pixel) in row.enumerate() {
                let value = luma.at(x, y);
                let [u, v] = match &chroma {
                    Some(planes) => planes.each_ref().map(|it| it.at(x >> across, y >> down)),
                    None => [middle; 2],
                };
                pixel[..3].copy_from_slice(&convert.rgb(value, u, v, is_grey));
            }
        }
        Ok(())
    }

    /// Paints how much is seen: the brightness of a frame.
    pub(super) fn paint_transparency(&mut self, frame: &Picture, (left, top): (usize, usize)) {
        let luma = Plane::of(frame, Component::Y);
        let scale = Scale::of(
            matches!(frame.color_range(), YUVRange::Full),
            frame.bit_depth(),
            false,
        );
        for y in 0..(frame.height() as usize).min(self.height.saturating_sub(top)) {
            let row = self.row(left, top + y).take(frame.width() as usize);
            for (x, pixel) in row.enumerate() {
                pixel[3] = byte(scale.apply(luma.at(x, y)));
            }
        }
    }

    /// Keeps a rectangle.
    pub(super) fn crop(&mut self, (left, width): (usize, usize), (top, height): (usize, usize)) {
        let row = width * self.channels;
        for y in 0..height {
            let from = ((top + y) * self.width + left) * self.channels;
            self.bytes.copy_within(from..from + row, y * row);
        }
        self.bytes.truncate(height * row);
        (self.width, self.height) = (width, height);
    }
}

/// The samples of one component.
struct Plane<'a> {
    bytes: &'a [u8],
    /// Bytes of a row.
    stride: usize,
    is_wide: bool,
}

impl<'a> Plane<'a> {
    fn of(frame: &'a Picture, component: Component) -> Self {
        Self {
            bytes: frame.plane(component),
            stride: frame.stride(component) as usize,
            is_wide: frame.bit_depth() > 8,
        }
    }

    fn at(&self, x: usize, y: usize) -> u16 {
        let row = &self.bytes[y * self.stride..];
        match self.is_wide {
            true => u16::from_ne_bytes([row[2 * x], row[2 * x + 1]]),
            false => row[x].into(),
        }
    }
}

/// Samples as numbers: brightness from 0 to 1, differences from -0.5 to 0.5.
struct Scale {
    zero: f32,
    factor: f32,
}

impl Scale {
    fn of(is_full_range: bool, depth: usize, is_difference: bool) -> Self {
        let step = (1 << (depth - 8)) as f32;
        let most = ((1 << depth) - 1) as f32;
        let (zero, range) = match (is_full_range, is_difference) {
            (true, false) => (0.0, most),
            (true, true) => (128.0 * step, most),
            (false, false) => (16.0 * step, 219.0 * step),
            (false, true) => (128.0 * step, 224.0 * step),
        };
        Self {
            zero,
            factor: 1.0 / range,
        }
    }

    fn apply(&self, sample: u16) -> f32 {
        (f32::from(sample) - self.zero) * self.factor
    }
}

struct Conversion {
    brightness: Scale,
    difference: Scale,
    matrix: Matrix,
}

enum Matrix {
    /// Green, blue and red.
    Identity,
    /// Sums of halves.
    YCgCo,
    Shares {
        red_of_v: f32,
        green_of_u: f32,
        green_of_v: f32,
        blue_of_u: f32,
    },
}

impl Conversion {
    fn of(points: &CodePoints, depth: usize) -> Result<Self, PictureError> {
        let matrix = match (points.matrix, points.shares()) {
            (0, _) => Matrix::Identity,
            (8, _) => Matrix::YCgCo,
            (_, Some((red, blue))) => {
                let green = 1.0 - red - blue;
                let (red_of_v, blue_of_u) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
                Matrix::Shares {
                    red_of_v,
                    green_of_u: -blue_of_u * blue / green,
                    green_of_v: -red_of_v * red / green,
                    blue_of_u,
                }
            }
            (matrix, None) => {
                return Err(PictureError::Unread {
                    format: Format::Avif,
                    kind: Some(format!("with colours in a rare form (matrix {matrix})")),
                });
            }
        };
        Ok(Self {
            brightness: Scale::of(points.is_full_range, depth, false),
            difference: Scale::of(points.is_full_range, depth, true),
            matrix,
        })
    }

    fn rgb(&self, y: u16, u: u16, v: u16, is_grey: bool) -> [u8; 3] {
        let brightness = self.brightness.apply(y);
        if is_grey {
            return [byte(brightness); 3];
        }
        let rgb = match &self.matrix {
            Matrix::Identity => {
                let [blue, red] = [u, v].map(|sample| self.brightness.apply(sample));
                [red, brightness, blue]
            }
            Matrix::YCgCo => {
                let [green, orange] = [u, v].map(|sample| self.difference.apply(sample));
                let rest = brightness - green;
                [rest + orange, brightness + green, rest - orange]
            }
            Matrix::Shares {
                red_of_v,
                green_of_u,
                green_of_v,
                blue_of_u,
            } => {
                let [u, v] = [u, v].map(|sample| self.difference.apply(sample));
                [
                    brightness + red_of_v * v,
                    brightness + green_of_u * u + green_of_v * v,
                    brightness + blue_of_u * u,
                ]
            }
        };
        rgb.map(byte)
    }
}

/// The nearest of 256 steps; what is beyond is cut off.
fn byte(value: f32) -> u8 {
    (value * 255.0 + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rgb(matrix: u16, is_full_range: bool, depth: usize, samples: [u16; 3]) -> [u8; 3] {
        let points = CodePoints {
            primaries: 1,
            transfer: 13,
            matrix,
            is_full_range,
        };
        let [y, u, v] = samples;
        Conversion::of(&points, depth).unwrap().rgb(y, u, v, false)
    }

    #[test]
    fn each_matrix_and_range_shows_its_colours() {
        // Red, by the formulas of H.273.
        for (matrix, is_full_range, depth, samples) in [
            (0, true, 8, [0, 0, 255]),
            (0, false, 8, [16, 16, 235]),
            (1, false, 8, [63, 102, 240]),
            (1, true, 10, [217, 395, 1023]),
            (6, true, 8, [76, 85, 255]),
            (2, false, 12, [1304, 1443, 3840]),
            (9, false, 10, [294, 387, 960]),
            (8, true, 8, [64, 64, 255]),
        ] {
            let shown = rgb(matrix, is_full_range, depth, samples);
            let is_red = shown
                .iter()
                .zip([255, 0, 0])
                .all(|(a, b)| a.abs_diff(b) <= 3);
            assert!(is_red, "{matrix} {is_full_range} {depth}: {shown:?}");
        }
        for (depth, white) in [(8, 235), (10, 940), (12, 3760)] {
            let middle = 1 << (depth - 1);
            assert_eq!(rgb(6, false, depth, [white, middle, middle]), [255; 3]);
        }
    }
}
