//! Boxes of ISO 14496-12, and the numbers in them.

/// The type of a box, of an item or of a reference.
pub(super) type Kind = [u8; 4];

/// What is left to be read of a box.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of so many bytes, at most eight. One of none is zero.
    pub(super) fn number(&mut self, bytes: usize) -> Option<u64> {
        let bytes = self.take(bytes)?.iter();
        Some(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.number(1).map(|number| number as u8)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.number(2).map(|number| number as u16)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.number(4).map(|number| number as u32)
    }

    pub(super) fn kind(&mut self) -> Option<Kind> {
        self.take(4)?.first_chunk().copied()
    }

    /// The version and the flags of a full box.
    pub(super) fn version(&mut self) -> Option<(u8, u32)> {
        let word = self.u32()?;
        // The first byte of four.
        Some(((word >> 24) as u8, word & 0xff_ffff))
    }

    /// The boxes that follow. One that is cut ends them.
    pub(super) fn boxes(self) -> impl Iterator<Item = (Kind, Fields<'a>)> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let mut header = rest;
            let (size, kind) = (header.u32()?, header.kind()?);
            let (size, header_size) = match size {
                0 => (rest.0.len() as u64, 8),
                1 => (header.number(8)?, 16),
                size => (size.into(), 8),
            };
            let whole = rest.take(usize::try_from(size).ok()?)?;
            Some((kind, Fields(whole.get(header_size..)?)))
        })
    }

    /// The first box of a kind.
    pub(super) fn find(self, kind: &Kind) -> Option<Fields<'a>> {
        self.boxes()
            .find_map(|(found, fields)| (found == *kind).then_some(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_have_three_ways_to_tell_their_length() {
        let mut bytes = b"\0\0\0\x0aaaaa\x01\x02".to_vec();
        bytes.extend(b"\0\0\0\x01bbbb\0\0\0\0\0\0\0\x11\x03");
        bytes.extend(b"\0\0\0\0cccc\x04\x05");
        let found: Vec<_> = Fields(&bytes).boxes().map(|(k, f)| (k, f.0)).collect();
        let expected: [(Kind, &[u8]); 3] =
            [(*b"aaaa", &[1, 2]), (*b"bbbb", &[3]), (*b"cccc", &[4, 5])];
        assert_eq!(found, expected);
        assert_eq!(
            Fields(&bytes).find(b"bbbb").and_then(|mut f| f.u8()),
            Some(3)
        );
        // A length that is none, or beyond the end.
        for bytes in [
            b"\0\0\0\x02aaaabbbb".as_slice(),
            b"\0\0\0\x09aaaa",
            b"\0\0\0",
        ] {
            assert!(Fields(bytes).find(b"aaaa").is_none());
        }
    }
}
