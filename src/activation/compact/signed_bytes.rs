//! Numbers as signed bytes, with what a step of them is worth.

use crate::activation::dot;

/// Bytes of `count` numbers: a step (f32), and a byte each.
pub(super) const fn len(count: usize) -> usize {
    STEP + count
}

const STEP: usize = size_of::<f32>();

/// Writes as many numbers as there is room for.
pub(super) fn write(values: &[f32], bytes: &mut [u8]) {
    let largest = values
        .iter()
        .fold(0f32, |most, value| most.max(value.abs()));
    let step = largest / 127.0;
    bytes[..STEP].copy_from_slice(&step.to_le_bytes());
    for (byte, value) in bytes[STEP..].iter_mut().zip(values) {
        let steps = if step > 0.0 {
            (value / step).round()
        } else {
            0.0
        };
        *byte = steps as i8 as u8;
    }
}

/// Appends what was written.
pub(super) fn read(bytes: &[u8], out: &mut Vec<f32>) {
    let (step, steps) = split(bytes);
    out.extend(steps.iter().map(|byte| f32::from(*byte as i8) * step));
}

/// The inner product of two vectors.
pub(super) fn inner_product(a: &[u8], b: &[u8]) -> f64 {
    let ((s, a), (t, b)) = (split(a), split(b));
    dot::inner_product(a, b) as f64 * f64::from(s) * f64::from(t)
}

/// The squared difference of two vectors, less what rounding adds to it on average: the variance of
/// a uniform error, a twelfth of a squared step, for each number of both.
pub(super) fn squared_difference(a: &[u8], b: &[u8]) -> f64 {
    let apart = inner_product(a, a) - 2.0 * inner_product(a, b) + inner_product(b, b);
    let ((s, steps), (t, _)) = (split(a), split(b));
    let rounding = f64::from(s).powi(2) + f64::from(t).powi(2);
    (apart - steps.len() as f64 * rounding / 12.0).max(0.0)
}

fn split(bytes: &[u8]) -> (f32, &[u8]) {
    let (step, steps) = bytes.split_at(STEP);
    (
        f32::from_le_bytes([step[0], step[1], step[2], step[3]]),
        steps,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_within_half_a_step() {
        let values = [0.0, 12.7, -3.333, 0.04];
        let mut bytes = vec![0; len(4)];
        write(&values, &mut bytes);
        let mut back = vec![9.0];
        read(&bytes, &mut back);
        assert_eq!(back[0], 9.0);
        for (back, value) in back[1..].iter().zip(values) {
            assert!((back - value).abs() <= 0.0501, "{back} {value}");
        }
        assert_eq!(squared_difference(&bytes, &bytes), 0.0);
        let mut zeros = vec![0; len(4)];
        write(&[0.0; 4], &mut zeros);
        let apart = squared_difference(&bytes, &zeros);
        assert!((apart - 172.4).abs() < 0.5, "{apart}");
    }
}
