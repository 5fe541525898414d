//! Numbers that are not negative as half bytes.

/// Bytes of `count` numbers: the largest (f32), and half a byte each.
pub(super) fn len(count: usize) -> usize {
    LARGEST + count.div_ceil(2)
}

const LARGEST: usize = size_of::<f32>();
/// The largest number's step.
const STEPS: f32 = 15.0;

/// Writes as many numbers as there is room for, by their square roots: small ones are told apart better.
pub(super) fn write(values: &[f32], bytes: &mut [u8]) {
    let largest = values.iter().fold(0f32, |most, value| most.max(*value));
    bytes[..LARGEST].copy_from_slice(&largest.to_le_bytes());
    let inverse = if largest > 0.0 { 1.0 / largest } else { 0.0 };
    let step = |value: f32| (STEPS * (value.max(0.0) * inverse).sqrt()).round() as u8;
    for (byte, pair) in bytes[LARGEST..].iter_mut().zip(values.chunks(2)) {
        *byte = step(pair[0]) | pair.get(1).map_or(0, |value| step(*value) << 4);
    }
}

/// Appends `count` numbers that were written.
pub(super) fn read(bytes: &[u8], count: usize, out: &mut Vec<f32>) {
    let largest = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let values: [f32; 16] = std::array::from_fn(|step| largest * (step as f32 / STEPS).powi(2));
    let value = |step: u8| values[usize::from(step & 15)];
    let (pairs, last) = bytes[LARGEST..].split_at(count / 2);
    for byte in pairs {
        out.extend([value(*byte), value(byte >> 4)]);
    }
    if let Some(byte) = last.first().filter(|_| count % 2 == 1) {
        out.push(value(*byte));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_roughly_and_nothing_as_nothing() {
        let values = [0.0, 2.25, 0.01, 1.0, 0.3];
        let mut bytes = vec![0; len(5)];
        assert_eq!(bytes.len(), 7);
        write(&values, &mut bytes);
        let mut back = vec![7.0];
        read(&bytes, 5, &mut back);
        assert_eq!((back.len(), back[0], back[1], back[2]), (6, 7.0, 0.0, 2.25));
        for (back, value) in back[1..].iter().zip(values) {
            assert!((back - value).abs() <= 0.1 * value.sqrt(), "{back} {value}");
        }
        let mut zeros = vec![9; len(2)];
        write(&[0.0, 0.0], &mut zeros);
        let mut back = Vec::new();
        read(&zeros, 2, &mut back);
        assert_eq!(back, [0.0, 0.0]);
    }
}
