//! The codec that keeps a hundredth: sketches, and what a head reads besides.

mod count_sketch;
mod half_bytes;
mod signed_bytes;

use std::ops::Range;

use super::codec::{Codec, Layer, LayerDistance, Measurement, Quantity, mean_over};
use super::moments::Moments;
use super::shape::LayerShape;
use count_sketch::{CountSketches, SKETCH, Stored, places};

/// Per layer two count sketches, the channels' means as signed bytes and their spreads as half bytes.
///
/// The squared difference of two pictures is that of their channels' means, which are kept, and that
/// of what is left of the values without them, whose inner product is estimated from sketches; the
/// normalised distance is estimated from sketches of the channel vectors at unit length.
#[derive(Debug)]
pub(super) struct Compact;

/// Where what is kept of a layer stands: the sketch of the values without their channels' means,
/// that of the unit vectors, means, spreads.
const UNITS: usize = SKETCH;
const MEANS: usize = 2 * SKETCH;

impl Compact {
    fn spreads(shape: &LayerShape) -> usize {
        MEANS + signed_bytes::len(shape.channels)
    }
}

impl Codec for Compact {
    fn measures(&self, quantity: Quantity) -> Measurement {
        match quantity {
            Quantity::Mse | Quantity::Normalised | Quantity::Statistics => Measurement::Estimated,
            Quantity::Values => Measurement::Absent,
        }
    }

    fn keeps_beside(&self, _quantity: Quantity) -> bool {
        false
    }

    fn layer_len(&self, shape: &LayerShape) -> usize {
        Self::spreads(shape) + half_bytes::len(shape.channels)
    }

    fn encode(&self, shape: &LayerShape, values: &[f32], stored: &mut [u8]) {
        let moments = Moments::of_planes(shape, values);
        let statistics = moments.statistics();
        let (means, spreads) = statistics.split_at(shape.channels);
        let mut sketches = CountSketches::new();
        let places = places(shape.values());
        let planes = values.chunks_exact(shape.positions).zip(means);
        for ((plane, mean), places) in planes.zip(places.chunks_exact(shape.positions)) {
            let pairs = plane.iter().zip(moments.inverse_norms());
            sketches.add(
                places,
                pairs.map(|(value, inverse)| [value - mean, value * inverse]),
            );
        }
        sketches.write(0, moments.squares_without(means), &mut stored[..UNITS]);
        // Each is 1 long, or nothing.
        let units = moments.inverse_norms().iter().filter(|it| **it > 0.0);
        sketches.write(1, units.count() as f64, &mut stored[UNITS..MEANS]);
        let behind = Self::spreads(shape);
        signed_bytes::write(means, &mut stored[MEANS..behind]);
        half_bytes::write(spreads, &mut stored[behind..]);
    }

    fn mse(&self, a: Layer<'_>, b: Layer<'_>) -> f32 {
        let of_means = signed_bytes::squared_difference(means(a), means(b));
        let rest = squared_difference(a.stored, b.stored, 0..UNITS);
        mean_over(a.shape, of_means * a.shape.positions as f64 + rest)
    }

    fn distance(&self, a: Layer<'_>, b: Layer<'_>) -> LayerDistance {
        let units = squared_difference(a.stored, b.stored, UNITS..MEANS);
        let normalised = units / a.shape.positions as f64;
        LayerDistance {
            mse: self.mse(a, b),
            normalised: Some(normalised.clamp(0.0, 4.0) as f32),
        }
    }

    fn statistics(&self, layer: Layer<'_>, out: &mut Vec<f32>) {
        out.clear();
        let behind = Self::spreads(layer.shape);
        signed_bytes::read(means(layer), out);
        half_bytes::read(&layer.stored[behind..], layer.shape.channels, out);
    }

    fn embedding_len(&self, dimensions: usize) -> usize {
        signed_bytes::len(dimensions)
    }

    fn write_embedding(&self, embedding: &[f32], bytes: &mut [u8]) {
        signed_bytes::write(embedding, bytes);
    }

    fn read_embedding(&self, bytes: &[u8], out: &mut Vec<f32>) {
        signed_bytes::read(bytes, out);
    }
}

fn means(layer: Layer<'_>) -> &[u8] {
    &layer.stored[MEANS..Compact::spreads(layer.shape)]
}

/// Of what two layers have sketches of.
fn squared_difference(a: &[u8], b: &[u8], sketch: Range<usize>) -> f64 {
    let (a, b) = (Stored::read(&a[sketch.clone()]), Stored::read(&b[sketch]));
    (a.squared() + b.squared() - 2.0 * a.inner_product(b)).max(0.0)
}
