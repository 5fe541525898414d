//! Turns a layer from channels first, as the network gives it, into channels last, as it is
//! stored.

/// Positions transposed at a time, so that a tile of all channels stays in the L1 cache.
pub(super) const TILE: usize = 64;

/// Turns values that are channels first into channels last.
pub(super) fn channels_last(values: &[f32], channels: usize, out: &mut [f32]) {
    let positions = values.len() / channels;
    for start in (0..positions).step_by(TILE) {
        let end = (start + TILE).min(positions);
        for (channel, plane) in values.chunks_exact(positions).enumerate() {
            for (position, &value) in plane[start..end].iter().enumerate() {
                out[(start + position) * channels + channel] = value;
            }
        }
    }
}
