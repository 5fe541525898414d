//! The tags of a TIFF's first picture, classic or BigTIFF.

/// A file's tags, which point into its bytes.
pub(super) struct Directory<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
    entries: Vec<Entry>,
}

struct Entry {
    tag: u16,
    kind: u16,
    count: usize,
    /// Where its values are.
    at: usize,
}

/// Tags of one picture; more are noise.
const MOST_ENTRIES: usize = 4096;

impl<'a> Directory<'a> {
    /// The first directory; `None` if it is not there.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let is_big_endian = bytes.starts_with(b"MM");
        let mut directory = Self {
            bytes,
            is_big_endian,
            entries: Vec::new(),
        };
        // BigTIFF has offsets and counts of eight bytes.
        let is_big = directory.number(2, 2)? == 43;
        let word = if is_big { 8 } else { 4 };
        let start = usize::try_from(directory.number(if is_big { 8 } else { 4 }, word)?).ok()?;
        let counter = if is_big { 8 } else { 2 };
        let count = usize::try_from(directory.number(start, counter)?).ok()?;
        for i in 0..count.min(MOST_ENTRIES) {
            let at = start.checked_add(counter + i * (4 + 2 * word))?;
            let Some(entry) = directory.entry(at, word) else {
                // The file ends in the middle, or the tag points out of it.
                continue;
            };
            directory.entries.push(entry);
        }
        Some(directory)
    }

    fn entry(&self, at: usize, word: usize) -> Option<Entry> {
        // At most 65535 each.
        let (tag, kind) = (self.number(at, 2)? as u16, self.number(at + 2, 2)? as u16);
        let count = usize::try_from(self.number(at + 4, word)?).ok()?;
        let length = count.checked_mul(size(kind)?)?;
        let here = at + 4 + word;
        let at = match length <= word {
            true => here,
            false => usize::try_from(self.number(here, word)?).ok()?,
        };
        let is_inside = at.checked_add(length)? <= self.bytes.len();
        is_inside.then_some(Entry {
            tag,
            kind,
            count,
            at,
        })
    }

    /// A number of so many bytes.
    fn number(&self, at: usize, length: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        Some(self.number_of(bytes))
    }

    /// A number in the file's byte order.
    pub(super) fn number_of(&self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        match self.is_big_endian {
            true => bytes.iter().fold(0, add),
            false => bytes.iter().rev().fold(0, add),
        }
    }

    /// Whether a tag is there.
    pub(super) fn has(&self, tag: u16) -> bool {
        self.find(tag).is_some()
    }

    fn find(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// A tag's bytes as they are.
    pub(super) fn raw(&self, tag: u16) -> Option<&'a [u8]> {
        let entry = self.find(tag)?;
        let length = entry.count * size(entry.kind)?;
        self.bytes.get(entry.at..entry.at + length)
    }

    /// A tag's whole numbers.
    pub(super) fn numbers(&self, tag: u16) -> Option<Vec<u64>> {
        let entry = self.find(tag)?;
        // Shorts, longs and offsets; of bytes, which would become eight times as many, a few.
        let is_whole = match entry.kind {
            3 | 4 | 13 | 16 | 18 => true,
            1 | 7 => entry.count <= MOST_ENTRIES,
            _ => false,
        };
        let size = size(entry.kind).filter(|_| is_whole)?;
        let values = self.raw(tag)?.chunks_exact(size);
        Some(values.map(|value| self.number_of(value)).collect())
    }

    /// A tag's first number.
    pub(super) fn number_at(&self, tag: u16) -> Option<u64> {
        self.numbers(tag)?.first().copied()
    }

    /// A tag's fractions.
    pub(super) fn fractions(&self, tag: u16) -> Option<Vec<f32>> {
        let entry = self.find(tag).filter(|entry| entry.kind == 5)?;
        let pairs = self.raw(entry.tag)?.as_chunks::<8>().0.iter();
        let fractions = pairs.map(|pair| {
            let (above, below) = pair.split_at(4);
            self.number_of(above) as f32 / self.number_of(below) as f32
        });
        let fractions: Vec<f32> = fractions.collect();
        fractions
            .iter()
            .all(|value| value.is_finite())
            .then_some(fractions)
    }
}

/// Bytes of a value.
fn size(kind: u16) -> Option<usize> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => return None,
    })
}
