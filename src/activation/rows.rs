//! Inner products position by position: what the channel-normalised distance needs. Their
//! sum is what the MSE needs, so that one reading of the bytes gives both.

use half::f16;

/// Groups of eight products summed in 32 bits before widening: 64 x 1280 x 127^2 < 2^31.
#[cfg(target_arch = "x86_64")]
const GROUPS: usize = 64;

/// For two layers of signed bytes, channels last, and their inverse norms (f16): the inner
/// product of all values, and the sum over the positions of the cosines of their channel
/// vectors.
pub(super) fn products(
    a: &[u8],
    b: &[u8],
    channels: usize,
    a_norms: &[u8],
    b_norms: &[u8],
) -> (i64, f32) {
    #[cfg(target_arch = "x86_64")]
    if channels.is_multiple_of(8)
        && channels <= 1280
        && std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("f16c")
    {
        // SAFETY: the processor has AVX2 and F16C, the only requirements of the function.
        return unsafe { products_avx2(a, b, channels, a_norms, b_norms) };
    }
    products_portable(a, b, channels, a_norms, b_norms)
}

fn products_portable(
    a: &[u8],
    b: &[u8],
    channels: usize,
    a_norms: &[u8],
    b_norms: &[u8],
) -> (i64, f32) {
    let rows = a.chunks_exact(channels).zip(b.chunks_exact(channels));
    let norms = a_norms.as_chunks().0.iter().zip(b_norms.as_chunks().0);
    let (mut total, mut cosines) = (0i64, 0f32);
    for ((a, b), (a_norm, b_norm)) in rows.zip(norms) {
        let product: i32 = a
            .iter()
            .zip(b)
            .map(|(&a, &b)| i32::from(a as i8) * i32::from(b as i8))
            .sum();
        total += i64::from(product);
        cosines += product as f32
            * f16::from_le_bytes(*a_norm).to_f32()
            * f16::from_le_bytes(*b_norm).to_f32();
    }
    (total, cosines)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,f16c")]
fn products_avx2(
    a: &[u8],
    b: &[u8],
    channels: usize,
    a_norms: &[u8],
    b_norms: &[u8],
) -> (i64, f32) {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_add_ps, _mm256_cvtepi32_ps,
        _mm256_cvtph_ps, _mm256_mul_ps, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_storeu_ps,
        _mm256_storeu_si256,
    };
    let positions = a.len() / channels;
    let whole = positions / 8 * 8;
    let mut total = 0i64;
    let mut cosines = _mm256_setzero_ps();
    let mut sums = _mm256_setzero_si256();
    let mut lanes = [0i32; 8];
    for (group, position) in (0..whole).step_by(8).enumerate() {
        let range = position * channels..(position + 8) * channels;
        let products = eight_rows(&a[range.clone()], &b[range], channels);
        sums = _mm256_add_epi32(sums, products);
        let norms = position * 2..position * 2 + 16;
        // SAFETY: the slices are 16 bytes long.
        let (a_norm, b_norm) = unsafe {
            (
                _mm_loadu_si128(a_norms[norms.clone()].as_ptr().cast::<__m128i>()),
                _mm_loadu_si128(b_norms[norms].as_ptr().cast::<__m128i>()),
            )
        };
        let scales = _mm256_mul_ps(_mm256_cvtph_ps(a_norm), _mm256_cvtph_ps(b_norm));
        let terms = _mm256_mul_ps(_mm256_cvtepi32_ps(products), scales);
        cosines = _mm256_add_ps(cosines, terms);
        if group % GROUPS == GROUPS - 1 || position + 8 == whole {
            // SAFETY: eight lanes of 32 bits are the 32 bytes that are written.
            unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast::<__m256i>(), sums) };
            total += lanes.iter().map(|&lane| i64::from(lane)).sum::<i64>();
            sums = _mm256_setzero_si256();
        }
    }
    let mut floats = [0f32; 8];
    // SAFETY: eight lanes of 32 bits are the 32 bytes that are written.
    unsafe { _mm256_storeu_ps(floats.as_mut_ptr(), cosines) };
    let (rest, rest_cosines) = products_portable(
        &a[whole * channels..],
        &b[whole * channels..],
        channels,
        &a_norms[whole * 2..],
        &b_norms[whole * 2..],
    );
    (total + rest, floats.iter().sum::<f32>() + rest_cosines)
}

/// The inner products of eight rows: bytes widened to 16 bits, multiplied and added in
/// pairs; then eight sums across lanes at once.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn eight_rows(a: &[u8], b: &[u8], channels: usize) -> std::arch::x86_64::__m256i {
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_hadd_epi32, _mm256_permute2x128_si256, _mm256_setzero_si256,
    };
    let mut rows = [_mm256_setzero_si256(); 8];
    let pairs = a.chunks_exact(channels).zip(b.chunks_exact(channels));
    for (row, (a, b)) in rows.iter_mut().zip(pairs) {
        *row = row_products(a, b);
    }
    let pairs = [
        _mm256_hadd_epi32(rows[0], rows[1]),
        _mm256_hadd_epi32(rows[2], rows[3]),
        _mm256_hadd_epi32(rows[4], rows[5]),
        _mm256_hadd_epi32(rows[6], rows[7]),
    ];
    let low = _mm256_hadd_epi32(pairs[0], pairs[1]);
    let high = _mm256_hadd_epi32(pairs[2], pairs[3]);
    _mm256_add_epi32(
        _mm256_permute2x128_si256::<0x20>(low, high),
        _mm256_permute2x128_si256::<0x31>(low, high),
    )
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn row_products(a: &[u8], b: &[u8]) -> std::arch::x86_64::__m256i {
    use std::arch::x86_64::{
        __m128i, _mm_loadl_epi64, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16,
        _mm256_madd_epi16, _mm256_setzero_si256,
    };
    let (a_steps, a_rest) = a.as_chunks::<16>();
    let (b_steps, b_rest) = b.as_chunks::<16>();
    let mut sum = _mm256_setzero_si256();
    for (a, b) in a_steps.iter().zip(b_steps) {
        // SAFETY: both arrays are 16 bytes long.
        let (a, b) = unsafe {
            (
                _mm_loadu_si128(a.as_ptr().cast::<__m128i>()),
                _mm_loadu_si128(b.as_ptr().cast::<__m128i>()),
            )
        };
        let products = _mm256_madd_epi16(_mm256_cvtepi8_epi16(a), _mm256_cvtepi8_epi16(b));
        sum = _mm256_add_epi32(sum, products);
    }
    if let (Some(a), Some(b)) = (a_rest.first_chunk::<8>(), b_rest.first_chunk::<8>()) {
        // SAFETY: both arrays are 8 bytes long, which is what is read.
        let (a, b) = unsafe {
            (
                _mm_loadl_epi64(a.as_ptr().cast::<__m128i>()),
                _mm_loadl_epi64(b.as_ptr().cast::<__m128i>()),
            )
        };
        let products = _mm256_madd_epi16(_mm256_cvtepi8_epi16(a), _mm256_cvtepi8_epi16(b));
        sum = _mm256_add_epi32(sum, products);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_paths_agree() {
        let byte = |i: usize, salt: usize| (i.wrapping_mul(2_654_435_761) >> 7 ^ salt) as u8;
        for (channels, positions) in [(32, 12_544), (24, 3_136), (96, 196), (1280, 49), (3, 49)] {
            let a: Vec<u8> = (0..channels * positions).map(|i| byte(i, 0)).collect();
            let b: Vec<u8> = (0..channels * positions).map(|i| byte(i, 77)).collect();
            let norms: Vec<u8> = (0..positions)
                .flat_map(|i| f16::from_f32(1e-3 + i as f32 * 1e-6).to_le_bytes())
                .collect();
            let (total, cosines) = products(&a, &b, channels, &norms, &norms);
            let (plain, plain_cosines) = products_portable(&a, &b, channels, &norms, &norms);
            assert_eq!(total, plain, "{channels} channels");
            let error = (cosines - plain_cosines).abs() / plain_cosines.abs().max(1.0);
            assert!(error < 1e-3, "{channels}: {cosines} {plain_cosines}");
        }
    }

    #[test]
    fn extremes_do_not_overflow() {
        let a = vec![0x81u8; 1280 * 800]; // -127
        let norms = vec![0u8; 1600];
        let total = products(&a, &a, 1280, &norms, &norms).0;
        assert_eq!(total, 127 * 127 * 1280 * 800);
    }
}
