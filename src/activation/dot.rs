//! Inner products: of bytes, the loop that every byte re-scored by `mse18` passes through, and
//! of floats.

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

/// Inner product of two vectors, in sixteen sums, so that it is the same on every processor.
///
/// # Panics
/// Never; the rest of a longer vector is ignored.
pub fn inner_product_f32(a: &[f32], b: &[f32]) -> f32 {
    let [product] = products(a, [b]);
    product
}

/// Inner products of one vector with four others, so that it is read once for all of them. Each
/// is to the bit what [`inner_product_f32`] gives.
///
/// # Panics
/// Never; the rest of longer vectors is ignored.
pub fn four_inner_products_f32(a: &[f32], others: [&[f32]; 4]) -> [f32; 4] {
    let is_even = others.iter().all(|b| b.len() >= a.len());
    match is_even {
        true => products(a, others),
        false => others.map(|b| inner_product_f32(a, b)),
    }
}

/// Sums of an inner product.
const LANES: usize = 16;

/// Numbers that are multiplied at a step.
type Step = [f32; LANES];

fn products<const N: usize>(a: &[f32], others: [&[f32]; N]) -> [f32; N] {
    let length = others.iter().fold(a.len(), |least, b| least.min(b.len()));
    let (steps, rest) = a[..length].as_chunks();
    let others = others.map(|b| b[..length].as_chunks());
    let lanes = lanes(steps, others.map(|(steps, _)| steps));
    let mut products = [0.0; N];
    for ((product, lanes), (_, other)) in products.iter_mut().zip(lanes).zip(others) {
        let rest = rest.iter().zip(other).map(|(a, b)| a * b);
        *product = sum_of(lanes) + rest.sum::<f32>();
    }
    products
}

/// The sums of products, lane by lane, of vectors of as many steps.
fn lanes<const N: usize>(a: &[Step], others: [&[Step]; N]) -> [[f32; LANES]; N] {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, the only requirement of the function.
        return unsafe { lanes_avx2(a, others) };
    }
    others.map(|b| {
        let mut lanes = [0.0; LANES];
        for (a, b) in a.iter().zip(b) {
            for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                *lane += a * b;
            }
        }
        lanes
    })
}

/// The same in two registers a vector. Left to itself, the compiler made scalar code of it, which took half of
/// a search.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn lanes_avx2<const N: usize>(a: &[Step], others: [&[Step]; N]) -> [[f32; LANES]; N] {
    use std::arch::x86_64::{
        _mm256_add_ps, _mm256_loadu_ps, _mm256_mul_ps, _mm256_setzero_ps, _mm256_storeu_ps,
    };
    /// Numbers of a register.
    const HALF: usize = LANES / 2;
    let mut sums = [[_mm256_setzero_ps(); 2]; N];
    for (step, a) in a.iter().enumerate() {
        for half in 0..2 {
            // SAFETY: both halves lie within the array.
            let a = unsafe { _mm256_loadu_ps(a.as_ptr().add(half * HALF)) };
            for (sums, b) in sums.iter_mut().zip(others) {
                // SAFETY: as above.
                let b = unsafe { _mm256_loadu_ps(b[step].as_ptr().add(half * HALF)) };
                sums[half] = _mm256_add_ps(sums[half], _mm256_mul_ps(a, b));
            }
        }
    }
    let mut lanes = [[0.0; LANES]; N];
    for (lanes, sums) in lanes.iter_mut().zip(sums) {
        for (half, sum) in sums.into_iter().enumerate() {
            // SAFETY: both halves lie within the array.
            unsafe { _mm256_storeu_ps(lanes.as_mut_ptr().add(half * HALF), sum) };
        }
    }
    lanes
}

/// The sum of sixteen numbers, halved at each step: one after the other would take as long as the
/// products of a descriptor.
#[inline(always)]
fn sum_of(mut lanes: [f32; LANES]) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
    }
    lanes[0]
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
    fn products_are_those_of_plain_sums() {
        for len in [0, 1, 15, 16, 17, 255, 1280] {
            let vector = |salt: usize| -> Vec<f32> {
                (0..len).map(|i| ((i * 7 + salt) as f32).sin()).collect()
            };
            let (a, b) = (vector(0), vector(5));
            let plain: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a * b)).sum();
            assert!((f64::from(inner_product_f32(&a, &b)) - plain).abs() < 1e-3);
            // What one of them has more does not count.
            let longer = [b.clone(), vec![9.0; 40]].concat();
            assert_eq!(inner_product_f32(&a, &longer), inner_product_f32(&a, &b));
            assert_eq!(inner_product_f32(&longer, &a), inner_product_f32(&b, &a));
            let uneven = four_inner_products_f32(&longer, [&a, &longer, &a, &a]);
            assert_eq!(uneven[0], inner_product_f32(&b, &a));
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
