//! Reading and writing numbers in half precision.

use half::f16;
use half::slice::HalfFloatSliceExt;

/// Bytes of one number.
pub(super) const HALF: usize = size_of::<f16>();

/// Reads values.
pub(super) fn read(bytes: &[u8], out: &mut Vec<f32>) {
    const CHUNK: usize = 256;
    let (values, _) = bytes.as_chunks::<HALF>();
    out.resize(values.len(), 0.0);
    let mut chunk = [f16::ZERO; CHUNK];
    for (values, out) in values.chunks(CHUNK).zip(out.chunks_mut(CHUNK)) {
        for (half, bytes) in chunk.iter_mut().zip(values) {
            *half = f16::from_le_bytes(*bytes);
        }
        chunk[..out.len()].convert_to_f32_slice(out);
    }
}

/// Writes values, as many as there is room for.
pub(super) fn write(values: &[f32], bytes: &mut [u8]) {
    let mut halves = vec![f16::ZERO; values.len()];
    halves.convert_from_f32_slice(values);
    for (bytes, half) in bytes.as_chunks_mut().0.iter_mut().zip(&halves) {
        *bytes = half.to_le_bytes();
    }
}
