//! A picture's number.

/// A picture's place in the order of storing; never used twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sequence(pub u64);

impl Sequence {
    pub(super) fn key(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    pub(super) fn from_key(key: &[u8]) -> Option<Self> {
        key.try_into()
            .ok()
            .map(|bytes| Self(u64::from_be_bytes(bytes)))
    }
}
