//! Inner products: of bytes, the loop that every byte re-scored by `mse18` passes through, and
//! of floats.

use super::widened::widened;

/// Values summed in 32 bits before widening: 2^16 products of at most 127^2 stay below 2^31.
const CHUNK: usize = 1 << 16;

/// The inner product of two vectors of signed bytes.
///
/// # Panics
/// Never; the rest of a longer vector is ignored.
pub fn inner_product(a: &[u8], b: &[u8]) -> i64 {
    a.chunks(CHUNK)
        .zip(b.chunks(CHUNK))
        .map(|(a, b)| i64::from(chunk(a, b)))
        .sum()
}

#[cfg(target_arch = "x86_64")]
fn chunk(a: &[u8], b: &[u8]) -> i32 {
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, the only requirement of the function.
        unsafe { chunk_avx2(a, b) }
    } else {
        chunk_portable(a, b)
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn chunk(a: &[u8], b: &[u8]) -> i32 {
    chunk_portable(a, b)
}

/// Thirty-two products a step: bytes widened to 16 bits, multiplied and added in pairs.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn chunk_avx2(a: &[u8], b: &[u8]) -> i32 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16,
        _mm256_madd_epi16, _mm256_setzero_si256, _mm256_storeu_si256,
    };
    const STEP: usize = 32;
    let (a_steps, a_rest) = a.as_chunks::<STEP>();
    let (b_steps, b_rest) = b.as_chunks::<STEP>();
    let mut sums = [_mm256_setzero_si256(); 2];
    for (a, b) in a_steps.iter().zip(b_steps) {
        for (half, sum) in sums.iter_mut().enumerate() {
            // SAFETY: both halves lie within the 32 bytes of the arrays.
            let (a, b) = unsafe {
                (
                    _mm_loadu_si128(a.as_ptr().add(half * 16).cast::<__m128i>()),
                    _mm_loadu_si128(b.as_ptr().add(half * 16).cast::<__m128i>()),
                )
            };
            let products = _mm256_madd_epi16(_mm256_cvtepi8_epi16(a), _mm256_cvtepi8_epi16(b));
            *sum = _mm256_add_epi32(*sum, products);
        }
    }
    let mut lanes = [0i32; 8];
    // SAFETY: eight lanes of 32 bits are the 32 bytes that are written.
    unsafe {
        _mm256_storeu_si256(
            lanes.as_mut_ptr().cast::<__m256i>(),
            _mm256_add_epi32(sums[0], sums[1]),
        );
    }
    lanes.iter().sum::<i32>() + chunk_portable(a_rest, b_rest)
}

#[inline]
fn chunk_portable(a: &[u8], b: &[u8]) -> i32 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| i32::from(a as i8) * i32::from(b as i8))
        .sum()
}

widened! {
    /// Inner product of two vectors in sixteen independent sums, so that it vectorises.
    pub fn inner_product_f32(a: &[f32], b: &[f32]) -> f32 = sixteen_sums
}

#[inline(always)]
fn sixteen_sums(a: &[f32], b: &[f32]) -> f32 {
    let (a_chunks, a_rest) = a.as_chunks::<16>();
    let (b_chunks, b_rest) = b.as_chunks::<16>();
    let mut lanes = [0f32; 16];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..16 {
            lanes[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f32>() + rest
}

widened! {
    /// Inner products of one vector with four others, so that it is read once for all of them. Each
    /// is to the bit what [`inner_product_f32`] gives.
    pub fn four_inner_products_f32(a: &[f32], others: [&[f32]; 4]) -> [f32; 4] = four_sums
}

#[inline(always)]
fn four_sums(a: &[f32], others: [&[f32]; 4]) -> [f32; 4] {
    let others = others.map(|b| &b[..a.len().min(b.len())]);
    let (a_chunks, a_rest) = a.as_chunks::<16>();
    let chunks = others.map(|b| b.as_chunks::<16>());
    let mut lanes = [[0f32; 16]; 4];
    for (n, a) in a_chunks.iter().enumerate() {
        for (lanes, (b_chunks, _)) in lanes.iter_mut().zip(&chunks) {
            let Some(b) = b_chunks.get(n) else { continue };
            for i in 0..16 {
                lanes[i] += a[i] * b[i];
            }
        }
    }
    let mut sums = [0f32; 4];
    for ((sum, lanes), (_, b_rest)) in sums.iter_mut().zip(&lanes).zip(&chunks) {
        let rest: f32 = a_rest.iter().zip(*b_rest).map(|(a, b)| a * b).sum();
        *sum = lanes.iter().sum::<f32>() + rest;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_at_once_are_what_each_is_alone() {
        for len in [0, 3, 16, 40, 256] {
            let vector = |salt: usize| -> Vec<f32> {
                (0..len).map(|i| ((i * 7 + salt) as f32).sin()).collect()
            };
            let (a, others) = (vector(0), [vector(1), vector(2), vector(3), vector(4)]);
            let together = four_inner_products_f32(&a, others.each_ref().map(Vec::as_slice));
            assert_eq!(together, others.map(|b| inner_product_f32(&a, &b)));
        }
    }

    #[test]
    fn all_paths_agree() {
        let byte = |i: usize, salt: usize| (i.wrapping_mul(2_654_435_761) >> 7 ^ salt) as u8;
        for len in [0, 1, 31, 32, 33, 4096, 200_001] {
            let a: Vec<u8> = (0..len).map(|i| byte(i, 0)).collect();
            let b: Vec<u8> = (0..len).map(|i| byte(i, 77)).collect();
            let plain: i64 = a
                .iter()
                .zip(&b)
                .map(|(&a, &b)| i64::from(a as i8) * i64::from(b as i8))
                .sum();
            assert_eq!(inner_product(&a, &b), plain, "length {len}");
        }
    }

    #[test]
    fn extremes_do_not_overflow() {
        let a = vec![0x81u8; 1 << 20]; // -127
        assert_eq!(inner_product(&a, &a), (127 * 127) << 20);
    }
}
