//! Tests of what is estimated from compact blocks, against what is measured.

use super::{Activations, Encoding, LayerShape, Layout, Measurement, Quantity, encode};

/// Something like a layer: each channel has a level, and blots that go over many positions.
fn layer(seed: u32, channels: usize, side: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let mut values = Vec::new();
    for channel in 0..channels {
        let level = (channel as f32).sin() + 0.3 * next();
        let (x0, y0, width) = (
            next() * side as f32,
            next() * side as f32,
            1.0 + 6.0 * next(),
        );
        for at in 0..side * side {
            let (dx, dy) = ((at % side) as f32 - x0, (at / side) as f32 - y0);
            let blot = (-(dx * dx + dy * dy) / (width * width)).exp();
            values.push(level + 2.0 * blot + 0.3 * next());
        }
    }
    values
}

#[test]
fn a_hundredth_of_the_bytes_tells_distances_within_a_sixth() {
    let shape = |name: &str, channels, side: usize| LayerShape {
        name: name.into(),
        channels,
        positions: side * side,
        width: side,
    };
    let shapes = vec![shape("early", 32, 56), shape("late", 320, 7)];
    let [full, compact] = [Encoding::F32, Encoding::Compact]
        .map(|encoding| Layout::new(encoding, shapes.clone(), 64));
    let block = |layout: &Layout, seed| {
        let mut block = Vec::new();
        let layers = [layer(seed, 32, 56), layer(seed + 1, 320, 7)];
        let layers = layers.each_ref().map(Vec::as_slice);
        encode(layout, &layers, &layer(seed, 1, 8), &mut block);
        block
    };
    let mut errors = [[0f64; 2]; 2];
    const PAIRS: u32 = 40;
    for n in 0..PAIRS {
        let blocks =
            [&full, &compact].map(|layout| [block(layout, 4 * n), block(layout, 4 * n + 2)]);
        let distances = [(&full, &blocks[0]), (&compact, &blocks[1])].map(|(layout, blocks)| {
            let [a, b] = blocks
                .each_ref()
                .map(|block| Activations::new(layout, block));
            [0, 1].map(|l| a.layer_distance(b, l))
        });
        for (l, errors) in errors.iter_mut().enumerate() {
            let [exact, estimated] = [0, 1].map(|i| distances[i][l]);
            let off = |estimated: f32, exact: f32| f64::from(estimated / exact - 1.0).powi(2);
            errors[0] += off(estimated.mse, exact.mse);
            errors[1] += off(estimated.normalised.unwrap(), exact.normalised.unwrap());
        }
    }
    for squares in errors.iter().flatten() {
        let rms = (squares / f64::from(PAIRS)).sqrt();
        assert!(rms < 1.0 / 6.0, "{errors:?}");
    }
    assert!(compact.block_len() * 100 < full.block_len());
}

#[test]
fn what_is_kept_comes_back_and_the_same_is_at_zero() {
    let shape = LayerShape {
        name: "layer".into(),
        channels: 8,
        positions: 81,
        width: 9,
    };
    let [full, compact] = [Encoding::F32, Encoding::Compact]
        .map(|encoding| Layout::new(encoding, vec![shape.clone()], 3));
    let [exact, kept] = [&full, &compact].map(|layout| {
        let mut block = Vec::new();
        encode(layout, &[&layer(5, 8, 9)], &[0.6, 0.0, 0.8], &mut block);
        block
    });
    let (exact, kept) = (
        Activations::new(&full, &exact),
        Activations::new(&compact, &kept),
    );
    assert_eq!(kept.mses(kept), [0.0]);
    assert!(kept.layer_distance(kept, 0).normalised.unwrap() < 1e-4);
    assert_eq!(
        (kept.layer_values(0), kept.measures(Quantity::Mse)),
        (None, Measurement::Estimated)
    );
    let near = |a: f32, b: f32| assert!((a - b).abs() < 0.02, "{a} {b}");
    let [mut a, mut b] = [Vec::new(), Vec::new()];
    exact.channel_statistics(0, &mut a);
    kept.channel_statistics(0, &mut b);
    assert_eq!(a.len(), b.len());
    let (means, spreads) = (0..8, 8..16);
    means.for_each(|i| near(a[i], b[i]));
    spreads.for_each(|i| assert!((a[i] - b[i]).abs() < 0.1, "{} {}", a[i], b[i]));
    exact
        .embedding()
        .iter()
        .zip(kept.embedding())
        .for_each(|(a, b)| near(*a, b));
    let (exact, kept) = (
        exact.layer_spread(0).unwrap(),
        kept.layer_spread(0).unwrap(),
    );
    assert!((kept / exact - 1.0).abs() < 0.1, "{exact} {kept}");
}
