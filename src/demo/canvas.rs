//! What the motifs are painted on: [`tiny_skia`] with the few shapes they need.

use std::f32::consts::TAU;

use image::{Rgb, RgbImage};
use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Paint, Path, PathBuilder,
    Pixmap, Point, RadialGradient, Rect, Shader, SpreadMode, Stroke, Transform,
};

use super::random::SplitMix64;

/// Motifs are painted on a stage of 400 by 300, whatever the picture's size.
pub(super) const WIDTH: f32 = 400.0;
/// The height of the stage.
pub(super) const HEIGHT: f32 = 300.0;

/// The longest side of a picture, in pixels.
const LONGEST: u32 = 4096;

/// A colour written as `0xRRGGBB`.
pub(super) fn ink(hex: u32) -> Color {
    let [_, red, green, blue] = hex.to_be_bytes();
    Color::from_rgba8(red, green, blue, 255)
}

/// A colour of the given hue in degrees, saturation and lightness.
pub(super) fn hsl(hue: f32, saturation: f32, lightness: f32) -> Color {
    let reach = saturation * lightness.min(1.0 - lightness);
    let channel = |n: f32| {
        let k = (n + hue / 30.0).rem_euclid(12.0);
        let value = lightness - reach * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0);
        (value * 255.0).round() as u8
    };
    Color::from_rgba8(channel(0.0), channel(8.0), channel(4.0), 255)
}

/// The same colour, partly see-through.
pub(super) fn faint(mut color: Color, opacity: f32) -> Color {
    color.apply_opacity(opacity);
    color
}

/// The colour that lies `part` of the way from one to another.
pub(super) fn mix(from: Color, to: Color, part: f32) -> Color {
    let channel = |a: f32, b: f32| ((a + (b - a) * part) * 255.0).round() as u8;
    Color::from_rgba8(
        channel(from.red(), to.red()),
        channel(from.green(), to.green()),
        channel(from.blue(), to.blue()),
        255,
    )
}

/// A picture being painted.
pub(super) struct Canvas {
    pixmap: Pixmap,
    /// From the stage to pixels.
    stage: Transform,
    /// From the shape being painted to the stage.
    placed: Transform,
}

impl Canvas {
    /// An empty picture; the stage fills it, losing what sticks out if the shapes differ.
    pub(super) fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width.clamp(1, LONGEST), height.clamp(1, LONGEST));
        let scale = (width as f32 / WIDTH).max(height as f32 / HEIGHT);
        let left = (width as f32 - WIDTH * scale) / 2.0;
        let top = (height as f32 - HEIGHT * scale) / 2.0;
        Self {
            pixmap: Pixmap::new(width, height).expect("sides of 1 to 4096 pixels are in range"),
            stage: Transform::from_row(scale, 0.0, 0.0, scale, left, top),
            placed: Transform::identity(),
        }
    }

    /// Paints with the origin moved to a point, turned by `degrees` and scaled.
    pub(super) fn at(
        &mut self,
        (x, y): (f32, f32),
        degrees: f32,
        (scale_x, scale_y): (f32, f32),
        paint: impl FnOnce(&mut Self),
    ) {
        let before = self.placed;
        let place = Transform::from_translate(x, y)
            .pre_concat(Transform::from_rotate(degrees))
            .pre_scale(scale_x, scale_y);
        self.placed = before.pre_concat(place);
        paint(self);
        self.placed = before;
    }

    /// Fills a path; one without an area, which is `None`, leaves nothing to paint.
    fn fill(&mut self, path: Option<Path>, shader: Option<Shader<'static>>) {
        if let (Some(path), Some(shader)) = (path, shader) {
            let paint = Paint {
                shader,
                ..Paint::default()
            };
            let transform = self.stage.pre_concat(self.placed);
            self.pixmap
                .fill_path(&path, &paint, FillRule::Winding, transform, None);
        }
    }

    /// Fills the outline that `draw` makes.
    pub(super) fn shape(&mut self, color: Color, draw: impl FnOnce(&mut PathBuilder)) {
        let mut builder = PathBuilder::new();
        draw(&mut builder);
        self.fill(builder.finish(), Some(Shader::SolidColor(color)));
    }

    /// Fills a closed chain of straight lines.
    pub(super) fn polygon(&mut self, color: Color, corners: &[(f32, f32)]) {
        self.fill(chain(corners, true), Some(Shader::SolidColor(color)));
    }

    /// Fills a closed chain of straight lines with colours from its top to its bottom.
    pub(super) fn shaded_polygon(&mut self, colors: &[Color], corners: &[(f32, f32)]) {
        let top = corners
            .iter()
            .fold(f32::MAX, |top, corner| top.min(corner.1));
        let bottom = corners
            .iter()
            .fold(f32::MIN, |bottom, corner| bottom.max(corner.1));
        self.fill(
            chain(corners, true),
            fade((0.0, top), (0.0, bottom), colors),
        );
    }

    /// Fills a rectangle given by its upper left corner and its size.
    pub(super) fn rect(&mut self, color: Color, (x, y): (f32, f32), (width, height): (f32, f32)) {
        let rect = Rect::from_xywh(x, y, width, height);
        self.fill(
            rect.map(PathBuilder::from_rect),
            Some(Shader::SolidColor(color)),
        );
    }

    /// Fills the stage's whole width between two heights, with colours from top to bottom.
    pub(super) fn band(&mut self, top: f32, bottom: f32, colors: &[Color]) {
        let rect = Rect::from_ltrb(0.0, top, WIDTH, bottom);
        let shader = fade((0.0, top), (0.0, bottom), colors);
        self.fill(rect.map(PathBuilder::from_rect), shader);
    }

    /// Fills an ellipse.
    pub(super) fn ellipse(&mut self, color: Color, (x, y): (f32, f32), (rx, ry): (f32, f32)) {
        let oval = Rect::from_ltrb(x - rx, y - ry, x + rx, y + ry);
        self.fill(
            oval.and_then(PathBuilder::from_oval),
            Some(Shader::SolidColor(color)),
        );
    }

    /// Fills a circle.
    pub(super) fn disc(&mut self, color: Color, center: (f32, f32), radius: f32) {
        self.ellipse(color, center, (radius, radius));
    }

    /// Fills a circle that is lit from its upper left.
    pub(super) fn ball(&mut self, light: Color, dark: Color, center: (f32, f32), radius: f32) {
        let (x, y) = center;
        let lit = (x - radius * 0.35, y - radius * 0.4);
        self.fill(
            PathBuilder::from_circle(x, y, radius),
            spread(lit, radius * 1.5, light, dark),
        );
    }

    /// A light that fades out towards `radius`.
    pub(super) fn glow(&mut self, color: Color, center: (f32, f32), radius: f32) {
        self.fill(
            PathBuilder::from_circle(center.0, center.1, radius),
            spread(center, radius, color, faint(color, 0.0)),
        );
    }

    /// A line through points.
    pub(super) fn line(&mut self, color: Color, width: f32, points: &[(f32, f32)]) {
        let Some(path) = chain(points, false) else {
            return;
        };
        let paint = Paint {
            shader: Shader::SolidColor(color),
            ..Paint::default()
        };
        let stroke = Stroke {
            width,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        let transform = self.stage.pre_concat(self.placed);
        self.pixmap
            .stroke_path(&path, &paint, &stroke, transform, None);
    }

    /// Rolling ground whose crest swings around `crest` and which reaches the stage's bottom.
    pub(super) fn hills(
        &mut self,
        random: &mut SplitMix64,
        crest: f32,
        swing: f32,
        colors: &[Color],
    ) {
        let waves = [0.006, 0.013, 0.027].map(|pace| (pace, random.between(0.0, TAU)));
        let height = |x: f32| {
            let sum: f32 = waves
                .iter()
                .map(|(pace, shift)| (x * pace * 3.0 + shift).sin())
                .sum();
            crest + swing * sum / 2.0
        };
        let mut corners: Vec<_> = (0..=100)
            .map(|i| i as f32 * 4.0)
            .map(|x| (x, height(x)))
            .collect();
        corners.extend([(WIDTH, HEIGHT), (0.0, HEIGHT)]);
        self.shaded_polygon(colors, &corners);
    }

    /// A cloud of a few puffs, about `size` wide.
    pub(super) fn cloud(
        &mut self,
        random: &mut SplitMix64,
        color: Color,
        at: (f32, f32),
        size: f32,
    ) {
        let shade = mix(color, ink(0x6a7f9c), 0.22);
        let puffs: Vec<_> = (0..random.count(4, 6))
            .map(|i| {
                let aside = i as f32 / 5.0 - 0.5;
                let radius = size * (random.between(0.16, 0.22) - 0.16 * aside.abs());
                (
                    at.0 + size * aside,
                    at.1 - radius * random.between(0.5, 0.9),
                    radius,
                )
            })
            .collect();
        for (color, drop) in [(shade, size * 0.04), (color, 0.0)] {
            for &(x, y, radius) in &puffs {
                self.disc(color, (x, y + drop), radius);
            }
        }
    }

    /// The finished picture, with a grain that gives flat areas something to compress.
    pub(super) fn finish(self, random: &mut SplitMix64) -> RgbImage {
        let lattice: Vec<f32> = (0..LATTICE * LATTICE)
            .map(|_| random.between(-1.0, 1.0))
            .collect();
        // Stains are laid on the stage, so that a picture has the same ones at every size.
        let step = 1.0 / self.stage.sx;
        RgbImage::from_fn(self.pixmap.width(), self.pixmap.height(), |x, y| {
            let (stage_x, stage_y) = (x as f32 * step, y as f32 * step);
            let grain = 5.0 * stain(&lattice, stage_x / 31.0, stage_y / 31.0)
                + 4.0 * stain(&lattice, stage_x / 5.3, stage_y / 5.3)
                + random.between(-3.5, 3.5);
            let index = (y * self.pixmap.width() + x) as usize;
            // Skies and grounds cover the stage, so no pixel is see-through here.
            let pixel = self.pixmap.pixels()[index];
            let grained = |channel: u8| (f32::from(channel) + grain).clamp(0.0, 255.0) as u8;
            Rgb([
                grained(pixel.red()),
                grained(pixel.green()),
                grained(pixel.blue()),
            ])
        })
    }
}

/// The side of the square of random numbers that [`stain`] repeats.
const LATTICE: usize = 64;

/// Value noise: random numbers on a lattice, blended in between.
fn stain(lattice: &[f32], x: f32, y: f32) -> f32 {
    let (left, top) = (x as usize, y as usize);
    let (across, down) = (x.fract(), y.fract());
    let value = |x: usize, y: usize| lattice[(y % LATTICE) * LATTICE + x % LATTICE];
    let blend = |a: f32, b: f32, part: f32| a + (b - a) * part;
    blend(
        blend(value(left, top), value(left + 1, top), across),
        blend(value(left, top + 1), value(left + 1, top + 1), across),
        down,
    )
}

/// A path of straight lines; `None` when there are too few points for one.
fn chain(points: &[(f32, f32)], closed: bool) -> Option<Path> {
    let (first, rest) = points.split_first()?;
    let mut builder = PathBuilder::new();
    builder.move_to(first.0, first.1);
    for &(x, y) in rest {
        builder.line_to(x, y);
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

/// Evenly spread colours from one point to another.
fn fade(from: (f32, f32), to: (f32, f32), colors: &[Color]) -> Option<Shader<'static>> {
    let last = colors.len().saturating_sub(1).max(1) as f32;
    let stops = colors.iter().enumerate();
    LinearGradient::new(
        Point::from(from),
        Point::from(to),
        stops
            .map(|(i, &color)| GradientStop::new(i as f32 / last, color))
            .collect(),
        SpreadMode::Pad,
        Transform::identity(),
    )
}

/// Two colours from a centre outwards.
fn spread(center: (f32, f32), radius: f32, inner: Color, outer: Color) -> Option<Shader<'static>> {
    RadialGradient::new(
        Point::from(center),
        0.0,
        Point::from(center),
        radius,
        vec![GradientStop::new(0.0, inner), GradientStop::new(1.0, outer)],
        SpreadMode::Pad,
        Transform::identity(),
    )
}
