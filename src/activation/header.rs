//! The header of a stored layer: the scale of its values and the sum of their squares.

/// Bytes before a layer's values: scale (f32), padding, sum of squares (u64).
pub(super) const HEADER: usize = 16;

/// Writes what stands before a layer's values.
pub(super) fn write_header(stored: &mut [u8], scale: f32, squares: u64) {
    stored[..4].copy_from_slice(&scale.to_le_bytes());
    stored[8..16].copy_from_slice(&squares.to_le_bytes());
}

/// Reads what [`write_header`] wrote.
pub(super) fn read_header(stored: &[u8]) -> (f32, u64) {
    let scale = f32::from_le_bytes([stored[0], stored[1], stored[2], stored[3]]);
    let mut squares = [0; 8];
    squares.copy_from_slice(&stored[8..16]);
    (scale, u64::from_le_bytes(squares))
}
