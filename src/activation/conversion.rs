//! Turning a block of one layout into a block of another.

use super::activations::Activations;
use super::block::{encode, write_sketch};
use super::layout::Layout;
use super::transpose::channels_last;

/// The block that `to` makes of the values that a block keeps: what it would have made of the
/// picture itself, but for the rounding of those values. What the block has already is taken as it is:
/// its sketch, or all that the sketch is to be of. `None` where the block does not keep its
/// values, or the two are not of the same layers.
pub fn converted(from: Activations<'_>, to: &Layout) -> Option<Vec<u8>> {
    if from.layout().layers() != to.layers() {
        return None;
    }
    if let Some((sketch, range)) = from.layout().sketch_range()
        && sketch.block_len() == to.block_len()
    {
        return from.bytes().get(range).map(<[u8]>::to_vec);
    }
    let mut layers = Vec::with_capacity(to.layers().len());
    for (i, shape) in to.layers().iter().enumerate() {
        let values = from.layer_values(i)?;
        let mut planes = vec![0.0; values.len()];
        // Channels last become channels first in the same way as back.
        channels_last(&values, shape.positions, &mut planes);
        layers.push(planes);
    }
    let layers: Vec<&[f32]> = layers.iter().map(Vec::as_slice).collect();
    let mut block = Vec::with_capacity(to.block_len());
    // Blocks of different encodings have different lengths.
    match to.sketch().is_some() && from.layout().own_len() == to.own_len() {
        true => {
            block.extend(from.bytes().get(..to.own_len())?);
            block.resize(to.block_len(), 0);
            write_sketch(to, &layers, &from.embedding(), &mut block);
        }
        false => encode(to, &layers, &from.embedding(), &mut block),
    }
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::{Encoding, LayerShape, Measurement, PartsCodec, inner_product_f32};

    fn shapes() -> Vec<LayerShape> {
        let shape = |name: &str, channels, side: usize| LayerShape {
            name: name.into(),
            channels,
            positions: side * side,
            width: side,
        };
        vec![shape("early", 24, 30), shape("late", 130, 7)]
    }

    fn layouts() -> [Layout; 4] {
        [
            Encoding::Int8,
            Encoding::F16,
            Encoding::F32,
            Encoding::Compact,
        ]
        .map(|encoding| {
            let layout = Layout::new(encoding, shapes(), 64);
            match layout.keeps_values() {
                true => layout,
                false => layout.with_parts(PartsCodec::new(1, &[0.5; 130], &[0.3; 130])),
            }
        })
    }

    /// Something like a picture: levels and noise, of which half is everybody's.
    fn picture(seed: u32) -> (Vec<Vec<f32>>, Vec<f32>) {
        let noise = |seed: u32, len: usize| -> Vec<f32> {
            let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 24) as f32
            };
            (0..len).map(|_| next() + next() - 1.0).collect()
        };
        let layer = |at: u32, len: usize| -> Vec<f32> {
            let (own, all) = (noise(2 * seed + at, len), noise(9000 + at, len));
            let values = own.into_iter().zip(all).enumerate();
            let values = values.map(|(i, (own, all))| (i as f32 * 0.01).sin() + own + all);
            values.collect()
        };
        let shapes = shapes();
        let layers = shapes.iter().zip(0..);
        let layers = layers.map(|(shape, at)| layer(at, shape.values()));
        (layers.collect(), noise(seed, 64))
    }

    fn block(layout: &Layout, (layers, embedding): &(Vec<Vec<f32>>, Vec<f32>)) -> Vec<u8> {
        let layers: Vec<&[f32]> = layers.iter().map(Vec::as_slice).collect();
        let mut block = Vec::new();
        encode(layout, &layers, embedding, &mut block);
        block
    }

    #[test]
    fn what_comes_of_single_precision_is_the_block_itself() {
        let [_, _, full, compact] = layouts();
        let picture = picture(3);
        let of_full = block(&full, &picture);
        let made = converted(Activations::new(&full, &of_full), &compact).unwrap();
        assert_eq!(made, block(&compact, &picture));
    }

    #[test]
    fn what_comes_of_signed_bytes_is_what_their_values_give_and_near_the_picture_itself() {
        let [int8, _, _, compact] = layouts();
        let (mut worst, mut furthest) = (0f32, 0f32);
        let pictures: Vec<_> = (1..13).map(picture).collect();
        let both: Vec<_> = pictures
            .iter()
            .map(|picture| {
                let of_int8 = block(&int8, picture);
                let kept = Activations::new(&int8, &of_int8);
                let made = converted(kept, &compact).unwrap();
                // The same bytes as of the values that the signed bytes stand for.
                let planes = (0..2).map(|i| {
                    let (shape, values) = (&shapes()[i], kept.layer_values(i).unwrap());
                    let at = |c: usize, p: usize| values[p * shape.channels + c];
                    let planes =
                        (0..shape.channels).flat_map(|c| (0..shape.positions).map(move |p| (c, p)));
                    planes.map(|(c, p)| at(c, p)).collect()
                });
                assert_eq!(
                    made,
                    block(&compact, &(planes.collect(), picture.1.clone()))
                );
                (made, block(&compact, picture))
            })
            .collect();
        for (made, own) in &both {
            let [made, own] = [made, own].map(|block| Activations::new(&compact, block));
            // The embedding is kept whole in all layouts but this one.
            assert_eq!(made.embedding(), own.embedding());
            let [made, own] = [made, own].map(|it| it.parts().unwrap().vectors);
            for (a, b) in made.iter().zip(&own) {
                worst = worst.max(1.0 - inner_product_f32(a, b));
            }
        }
        for (a, b) in both.iter().zip(&both[1..]) {
            let [made, own] = [[&a.0, &b.0], [&a.1, &b.1]]
                .map(|pair| pair.map(|block| Activations::new(&compact, block)))
                .map(|[a, b]| [0, 1].map(|layer| a.layer_distance(b, layer)));
            for (made, own) in made.into_iter().zip(own) {
                furthest = furthest.max((made.mse / own.mse - 1.0).abs());
                let [made, own] = [made, own].map(|distance| distance.normalised.unwrap());
                furthest = furthest.max((made / own - 1.0).abs());
            }
        }
        // The estimates themselves are off by an eighth to a sixth. Numbers that lie between two signs may
        // get the other one.
        assert!(furthest < 0.03 && worst < 0.04, "{furthest} {worst}");
    }

    #[test]
    fn a_sketch_behind_all_else_is_the_block_of_who_keeps_no_more() {
        let [int8, f16, _, compact] = layouts();
        let both = int8.clone().with_sketch(compact.clone());
        let blocks: Vec<_> = (1..4).map(|seed| block(&both, &picture(seed))).collect();
        assert_eq!(blocks[0].len(), int8.block_len() + compact.block_len());
        for (seed, made) in (1..4).zip(&blocks) {
            let picture = picture(seed);
            let (all, sketch) = made.split_at(int8.block_len());
            assert!(all == block(&int8, &picture) && sketch == block(&compact, &picture));
            // What is there is taken as it is.
            let kept = Activations::new(&both, made);
            assert!(converted(kept, &compact).unwrap() == sketch);
            let made = converted(Activations::new(&int8, all), &both).unwrap();
            let rounded = converted(Activations::new(&int8, all), &compact).unwrap();
            assert!(made == [all, &rounded].concat());
            let half = block(&f16, &picture);
            let made = converted(Activations::new(&f16, &half), &both).unwrap();
            assert_eq!(made.len(), both.block_len());
        }
        // Whichever of two is no more than a sketch, they are compared by sketches.
        let sketches: Vec<_> = blocks
            .iter()
            .map(|block| &block[int8.block_len()..])
            .collect();
        let all = |i: usize| Activations::new(&both, &blocks[i]);
        let least = |i: usize| Activations::new(&both, sketches[i]);
        let alone = |i: usize| Activations::new(&compact, sketches[i]);
        let of_int8 = |i: usize| Activations::new(&int8, &blocks[i][..int8.block_len()]);
        assert_eq!(all(0).mses(all(1)), of_int8(0).mses(of_int8(1)));
        assert_eq!(all(0).compares(all(1)), Measurement::Exact);
        for (a, b) in [(all(0), least(1)), (least(0), all(1)), (least(0), least(1))] {
            assert_eq!(a.mses(b), alone(0).mses(alone(1)));
            assert_eq!(a.layer_distance(b, 1), alone(0).layer_distance(alone(1), 1));
            assert_eq!(a.compares(b), Measurement::Estimated);
        }
        assert!(both.keeps_values() && !both.keeps_all_values() && int8.keeps_all_values());
    }

    #[test]
    fn nothing_comes_of_what_keeps_no_values_or_has_other_layers() {
        let [int8, f16, _, compact] = layouts();
        let picture = picture(5);
        let of_compact = block(&compact, &picture);
        assert!(converted(Activations::new(&compact, &of_compact), &int8).is_none());
        let of_half = block(&f16, &picture);
        let of_half = Activations::new(&f16, &of_half);
        let other = Layout::new(Encoding::Compact, shapes()[..1].to_vec(), 64);
        assert!(converted(of_half, &other).is_none());
        assert_eq!(
            converted(of_half, &compact).unwrap().len(),
            compact.block_len()
        );
    }
}
