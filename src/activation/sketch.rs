//! A codec for tests: it keeps next to nothing and estimates what it can, as a compact codec
//! would. Code that works with it does not depend on the bytes of any other codec.

use super::codec::{Codec, Layer, Measurement, Quantity};
use super::layout::Layout;
use super::shape::LayerShape;

/// Keeps the mean of each channel.
#[derive(Debug)]
struct ChannelMeans;

impl Codec for ChannelMeans {
    fn measures(&self, quantity: Quantity) -> Measurement {
        match quantity {
            Quantity::Mse => Measurement::Estimated,
            Quantity::Normalised | Quantity::Statistics | Quantity::Values => Measurement::Absent,
        }
    }

    fn layer_len(&self, shape: &LayerShape) -> usize {
        shape.channels * size_of::<f32>()
    }

    fn encode(&self, shape: &LayerShape, values: &[f32], stored: &mut [u8]) {
        let channels = values.chunks_exact(shape.positions);
        for (bytes, channel) in stored.as_chunks_mut().0.iter_mut().zip(channels) {
            *bytes = (channel.iter().sum::<f32>() / shape.positions as f32).to_le_bytes();
        }
    }

    fn mse(&self, a: Layer<'_>, b: Layer<'_>) -> f32 {
        let read = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes);
        let pairs = a.stored.as_chunks().0.iter().zip(b.stored.as_chunks().0);
        let squares = pairs.map(|(a, b)| (read(a) - read(b)).powi(2));
        squares.sum::<f32>() / a.shape.channels as f32
    }
}

/// The layout of another, stored by this codec.
pub(crate) fn sketched(layout: &Layout, dimensions: usize) -> Layout {
    Layout::of_codec(&ChannelMeans, layout.layers().to_vec(), dimensions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::{Activations, Encoding, encode};

    #[test]
    fn a_codec_that_keeps_little_gives_short_blocks_and_tells_what_it_knows() {
        let shape = LayerShape {
            name: "layer".into(),
            channels: 2,
            positions: 100,
            width: 10,
        };
        let layout = Layout::new(Encoding::Int8, vec![shape], 4);
        let short = sketched(&layout, 4);
        assert!(short.block_len() * 5 < layout.block_len());
        let block = |value: f32| {
            let mut block = Vec::new();
            encode(&short, &[&[value; 200]], &[0.5; 4], &mut block);
            block
        };
        let blocks = [block(1.0), block(3.0)];
        let [a, b] = blocks
            .each_ref()
            .map(|block| Activations::new(&short, block));
        assert_eq!(a.measures(Quantity::Mse), Measurement::Estimated);
        assert_eq!(a.mses(b), [4.0]);
        let distance = a.layer_distance(b, 0);
        assert_eq!((distance.mse, distance.normalised), (4.0, None));
        assert_eq!((a.layer_values(0), a.layer_spread(0)), (None, None));
        assert_eq!(a.embedding(), [0.5; 4]);
    }
}
