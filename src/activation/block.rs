//! Writing a picture's block.

use super::half_floats;
use super::layout::Layout;

/// Appends one picture's block to `block`.
///
/// `layers` are the network's outputs in the layout's order, channels first
/// (C x H x W, as ONNX gives them).
///
/// # Panics
/// If the number of layers or of values is not the layout's: the caller pairs the
/// network with its own layout.
pub fn encode(layout: &Layout, layers: &[&[f32]], embedding: &[f32], block: &mut Vec<u8>) {
    assert_eq!(layers.len(), layout.layers().len());
    let start = block.len();
    block.resize(start + layout.block_len(), 0);
    write(layout, layers, embedding, &mut block[start..]);
    write_sketch(layout, layers, embedding, &mut block[start..]);
}

/// Fills in the sketch of a block, if its layout has one.
pub(super) fn write_sketch(
    layout: &Layout,
    layers: &[&[f32]],
    embedding: &[f32],
    block: &mut [u8],
) {
    if let Some((sketch, range)) = layout.sketch_range() {
        write(sketch, layers, embedding, &mut block[range]);
    }
}

/// Fills in a block without its sketch.
fn write(layout: &Layout, layers: &[&[f32]], embedding: &[f32], block: &mut [u8]) {
    for (i, values) in layers.iter().enumerate() {
        let shape = &layout.layers()[i];
        assert_eq!(values.len(), shape.values(), "{}", shape.name);
        let stored = &mut block[layout.range(i)];
        layout.codec().encode(shape, values, stored);
    }
    if let Some((parts, range)) = layout.parts() {
        let layer = parts.layer();
        parts.write(&layout.layers()[layer], layers[layer], &mut block[range]);
    }
    summarise(layout, embedding, block);
}

/// Fills in everything behind the layers of `block`, as far as the layout's codec keeps it: for
/// each position the inverse length of its channel vector (in stored units, so that scales
/// cancel), for each channel the mean and the spread (standard deviation) over the positions,
/// and the embedding.
///
/// # Panics
/// If the block is shorter than the layout's.
pub fn summarise(layout: &Layout, embedding: &[f32], block: &mut [u8]) {
    for (i, shape) in layout.layers().iter().enumerate() {
        if let Some(moments) = layout.codec().moments(shape, &block[layout.range(i)]) {
            half_floats::write(moments.inverse_norms(), &mut block[layout.norms(i)]);
            half_floats::write(&moments.statistics(), &mut block[layout.statistics(i)]);
        }
    }
    let stored = &mut block[layout.embedding()];
    layout.codec().write_embedding(embedding, stored);
}
