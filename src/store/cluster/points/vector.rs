//! Numbers as pgvector reads them.

use std::fmt::Write;

use crate::network::LookDescriptor;

/// The largest number that half a float can hold.
const LARGEST: f32 = 65_504.0;

/// A look's numbers.
pub(super) fn look_values(look: &LookDescriptor) -> impl Iterator<Item = f32> + '_ {
    look.bytes()
        .iter()
        .map(|byte| f32::from(byte.cast_signed()))
}

/// Numbers as pgvector reads them; `None` if it would refuse them.
pub(super) fn vector(values: impl Iterator<Item = f32>) -> Option<String> {
    let mut text = "[".to_owned();
    for value in values {
        if !value.is_finite() || value.abs() > LARGEST {
            return None;
        }
        if text.len() > 1 {
            text.push(',');
        }
        // Writing into a text cannot fail.
        let _ = write!(text, "{value}");
    }
    text.push(']');
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none_make_no_point() {
        let text = |values: &[f32]| vector(values.iter().copied());
        assert_eq!(text(&[0.5, -1.0, 0.0]).as_deref(), Some("[0.5,-1,0]"));
        assert_eq!(text(&[f32::NAN]), None);
        assert_eq!(text(&[1.0, f32::INFINITY]), None);
        assert_eq!(text(&[70_000.0]), None);
    }
}
