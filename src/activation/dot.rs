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
    if std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512vnni")
    {
        // SAFETY: the processor has what the function requires.
        unsafe { chunk_avx512(a, b) }
    } else if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, the only requirement of the function.
        unsafe { chunk_avx2(a, b) }
    } else {
        chunk_portable(a, b)
    }
}

/// Sixty-four products a step: as [`chunk_avx2`], multiplied and added at once.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512bw,avx512vnni")]
fn chunk_avx512(a: &[u8], b: &[u8]) -> i32 {
    use std::arch::x86_64::{
        __m256i, _mm256_loadu_si256, _mm512_add_epi32, _mm512_cvtepi8_epi16, _mm512_dpwssd_epi32,
        _mm512_reduce_add_epi32, _mm512_setzero_si512,
    };
    const STEP: usize = 64;
    let (a_steps, a_rest) = a.as_chunks::<STEP>();
    let (b_steps, b_rest) = b.as_chunks::<STEP>();
    let mut sums = [_mm512_setzero_si512(); 2];
    for (a, b) in a_steps.iter().zip(b_steps) {
        for (half, sum) in sums.iter_mut().enumerate() {
            // SAFETY: both halves lie within the 64 bytes of the arrays.
            let (a, b) = unsafe {
                (
                    _mm256_loadu_si256(a.as_ptr().add(half * 32).cast::<__m256i>()),
                    _mm256_loadu_si256(b.as_ptr().add(half * 32).cast::<__m256i>()),
                )
            };
            let (a, b) = (_mm512_cvtepi8_epi16(a), _mm512_cvtepi8_epi16(b));
            *sum = _mm512_dpwssd_epi32(*sum, a, b);
        }
    }
    let sum = _mm512_add_epi32(sums[0], sums[1]);
    _mm512_reduce_add_epi32(sum) + chunk_portable(a_rest, b_rest)
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
    let length = a.len().min(b.len());
    let [[product]] = products([&a[..length]], [&b[..length]]);
    product
}

/// Inner products of some vectors with some others, so that each is read once for all of them. Each
/// is to the bit what [`inner_product_f32`] gives.
///
/// # Panics
/// Never; the rest of longer vectors is ignored.
pub fn inner_products_f32<const M: usize, const N: usize>(
    some: [&[f32]; M],
    others: [&[f32]; N],
) -> [[f32; N]; M] {
    let mut lengths = some.iter().chain(&others).map(|vector| vector.len());
    let first = lengths.next().unwrap_or(0);
    match lengths.all(|length| length == first) {
        true => products(some, others),
        false => some.map(|a| others.map(|b| inner_product_f32(a, b))),
    }
}

/// Sums of an inner product.
const LANES: usize = 16;

/// Numbers that are multiplied at a step.
type Step = [f32; LANES];

/// Inner products of vectors of one length.
fn products<const M: usize, const N: usize>(
    some: [&[f32]; M],
    others: [&[f32]; N],
) -> [[f32; N]; M] {
    let (some, others) = (some.map(<[f32]>::as_chunks), others.map(<[f32]>::as_chunks));
    let mut products = sums(some.map(|(steps, _)| steps), others.map(|(steps, _)| steps));
    for (products, (_, a)) in products.iter_mut().zip(some) {
        for (product, (_, b)) in products.iter_mut().zip(others) {
            let rest = a.iter().zip(b).map(|(a, b)| a * b);
            *product += rest.sum::<f32>();
        }
    }
    products
}

/// The sums of products of vectors of as many steps.
fn sums<const M: usize, const N: usize>(some: [&[Step]; M], others: [&[Step]; N]) -> [[f32; N]; M] {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has AVX-512F, the only requirement of the function.
        return unsafe { sums_avx512(some, others) };
    } else if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, the only requirement of the function.
        return some.map(|a| unsafe { sums_avx2(a, others) });
    }
    some.map(|a| others.map(|b| sum_portable(a, b)))
}

fn sum_portable(a: &[Step], b: &[Step]) -> f32 {
    let mut lanes = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    // Halved at each step: one after the other would take as long as the products of a descriptor.
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
    }
    lanes[0]
}

/// The same, a register a pair.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn sums_avx512<const M: usize, const N: usize>(
    some: [&[Step]; M],
    others: [&[Step]; N],
) -> [[f32; N]; M] {
    use std::arch::x86_64::{
        _mm256_castpd_ps, _mm512_add_ps, _mm512_castps_pd, _mm512_castps512_ps256,
        _mm512_extractf64x4_pd, _mm512_loadu_ps, _mm512_mul_ps, _mm512_setzero_ps,
    };
    let all = some.iter().chain(&others);
    let steps = all.map(|vector| vector.len()).min().unwrap_or(0);
    let mut lanes = [[_mm512_setzero_ps(); N]; M];
    for step in 0..steps {
        let mut numbers = [_mm512_setzero_ps(); N];
        for (numbers, b) in numbers.iter_mut().zip(&others) {
            // SAFETY: no vector has fewer steps, and a step has as many numbers as a register.
            *numbers = unsafe { _mm512_loadu_ps(b.as_ptr().add(step).cast()) };
        }
        for (lanes, a) in lanes.iter_mut().zip(&some) {
            // SAFETY: as above.
            let a = unsafe { _mm512_loadu_ps(a.as_ptr().add(step).cast()) };
            for (lanes, b) in lanes.iter_mut().zip(&numbers) {
                *lanes = _mm512_add_ps(*lanes, _mm512_mul_ps(a, *b));
            }
        }
    }
    let mut sums = [[0.0; N]; M];
    for (sums, lanes) in sums.iter_mut().zip(&lanes) {
        for (sum, lanes) in sums.iter_mut().zip(lanes) {
            let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(*lanes));
            *sum = sum_of(_mm512_castps512_ps256(*lanes), _mm256_castpd_ps(high));
        }
    }
    sums
}

/// The same, two registers a pair. Left to itself, the compiler made scalar code of it, which took half of
/// a search.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sums_avx2<const N: usize>(a: &[Step], others: [&[Step]; N]) -> [f32; N] {
    use std::arch::x86_64::{_mm256_add_ps, _mm256_loadu_ps, _mm256_mul_ps, _mm256_setzero_ps};
    /// Numbers of a register.
    const HALF: usize = LANES / 2;
    let all = others.iter().map(|b| b.len());
    let steps = all.fold(a.len(), usize::min);
    let mut lanes = [[_mm256_setzero_ps(); 2]; N];
    for (step, a) in a[..steps].iter().enumerate() {
        for half in 0..2 {
            // SAFETY: both halves lie within the array.
            let a = unsafe { _mm256_loadu_ps(a.as_ptr().add(half * HALF)) };
            for (lanes, b) in lanes.iter_mut().zip(&others) {
                // SAFETY: no vector has fewer steps; as above.
                let b = unsafe { b.as_ptr().add(step).cast::<f32>() };
                // SAFETY: as above.
                let b = unsafe { _mm256_loadu_ps(b.add(half * HALF)) };
                lanes[half] = _mm256_add_ps(lanes[half], _mm256_mul_ps(a, b));
            }
        }
    }
    let mut sums = [0.0; N];
    for (sum, [low, high]) in sums.iter_mut().zip(&lanes) {
        *sum = sum_of(*low, *high);
    }
    sums
}

/// The sum of sixteen numbers, in the order of [`sum_portable`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn sum_of(low: std::arch::x86_64::__m256, high: std::arch::x86_64::__m256) -> f32 {
    use std::arch::x86_64::{
        _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehl_ps, _mm_shuffle_ps, _mm256_add_ps,
        _mm256_castps256_ps128, _mm256_extractf128_ps,
    };
    let eight = _mm256_add_ps(low, high);
    let (low, high) = (
        _mm256_castps256_ps128(eight),
        _mm256_extractf128_ps::<1>(eight),
    );
    let four = _mm_add_ps(low, high);
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
}

/// The squared length of a vector, in eight sums: one after the other would take as long as all else that
/// is measured of an embedding.
pub fn squared_length(vector: &[f32]) -> f64 {
    const LANES: usize = 8;
    let square = |value: &f32| f64::from(*value).powi(2);
    let (steps, rest) = vector.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for step in steps {
        for (sum, value) in sums.iter_mut().zip(step) {
            *sum += square(value);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(square).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_plain_sums() {
        for len in [0, 5, 8, 1280, 1283] {
            let vector: Vec<f32> = (0..len).map(|i| ((i * 7) as f32).sin()).collect();
            let plain: f64 = vector.iter().map(|v| f64::from(*v).powi(2)).sum();
            assert!(
                (squared_length(&vector) - plain).abs() <= 1e-14 * plain,
                "length {len}"
            );
        }
    }

    #[test]
    fn some_at_once_are_what_each_is_alone() {
        for len in [0, 3, 16, 40, 256] {
            let vector = |salt: usize| -> Vec<f32> {
                (0..len).map(|i| ((i * 7 + salt) as f32).sin()).collect()
            };
            let (some, others) = ([0, 1, 2].map(vector), [3, 4, 5, 6].map(vector));
            let (some, others) = (some.each_ref(), others.each_ref());
            let (some, others) = (some.map(Vec::as_slice), others.map(Vec::as_slice));
            let together = inner_products_f32(some, others);
            assert_eq!(
                together,
                some.map(|a| others.map(|b| inner_product_f32(a, b)))
            );
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
            let [uneven] = inner_products_f32([&longer], [&a, &longer, &a, &a]);
            assert_eq!(uneven[0], inner_product_f32(&b, &a));
        }
    }

    #[test]
    fn sums_are_to_the_bit_those_of_the_plain_loop() {
        let vector = |salt: usize| -> Vec<Step> {
            let number = |i: usize| ((i * 7 + salt) as f32).sin();
            let steps = 0..17;
            steps
                .map(|step| std::array::from_fn(|lane| number(step * LANES + lane)))
                .collect()
        };
        let (some, others) = ([0, 1].map(vector), [3, 4, 5].map(vector));
        let plain = some
            .each_ref()
            .map(|a| others.each_ref().map(|b| sum_portable(a, b)));
        let some = some.each_ref().map(Vec::as_slice);
        let others = others.each_ref().map(Vec::as_slice);
        assert_eq!(sums(some, others), plain);
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            let by_avx2 = some.map(|a| unsafe { sums_avx2(a, others) });
            assert_eq!(by_avx2, plain);
        }
    }

    #[test]
    fn all_paths_agree() {
        let byte = |i: usize, salt: usize| (i.wrapping_mul(2_654_435_761) >> 7 ^ salt) as u8;
        for len in [0, 1, 31, 32, 33, 64, 95, 256, 4096, 200_001] {
            let a: Vec<u8> = (0..len).map(|i| byte(i, 0)).collect();
            let b: Vec<u8> = (0..len).map(|i| byte(i, 77)).collect();
            let plain: i64 = a
                .iter()
                .zip(&b)
                .map(|(&a, &b)| i64::from(a as i8) * i64::from(b as i8))
                .sum();
            assert_eq!(inner_product(&a, &b), plain, "length {len}");
            if len <= CHUNK {
                assert_eq!(i64::from(chunk_portable(&a, &b)), plain, "length {len}");
            }
            #[cfg(target_arch = "x86_64")]
            if len <= CHUNK && std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                let by_avx2 = unsafe { chunk_avx2(&a, &b) };
                assert_eq!(i64::from(by_avx2), plain, "length {len}");
            }
        }
    }

    #[test]
    fn extremes_do_not_overflow() {
        let a = vec![0x81u8; 1 << 20]; // -127
        assert_eq!(inner_product(&a, &a), (127 * 127) << 20);
    }
}
