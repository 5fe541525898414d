//! The headers of OS/2's bitmaps as those of Windows, which the `image` crate reads.

use std::borrow::Cow;

/// The length of the file's own header, and that of the picture's on Windows.
const FILE: usize = 14;
const WINDOWS: usize = 40;

/// The file with such a header. OS/2 has shorter and longer ones, which begin alike, and arrays of
/// bitmaps, of which the first is taken.
pub(super) fn as_of_windows(bytes: &[u8]) -> Cow<'_, [u8]> {
    let is_array = bytes.starts_with(b"BA");
    let start = if is_array { FILE } else { 0 };
    let length = number(bytes, start + FILE).unwrap_or(0);
    // The first version, of 12 bytes, and what Windows itself has had.
    if !is_array && matches!(length, 12 | 40 | 52 | 56 | 108 | 124) {
        return Cow::Borrowed(bytes);
    }
    made(bytes, start, length).map_or(Cow::Borrowed(bytes), Cow::Owned)
}

fn made(bytes: &[u8], start: usize, length: usize) -> Option<Vec<u8>> {
    let header = bytes.get(start + FILE..start + FILE + length)?;
    // An offset from the start of the whole file.
    let pixels = bytes.get(number(bytes, start + 10)?..)?;
    let palette = bytes.get(start + FILE + length..)?;
    let mut made = b"BM".to_vec();
    made.extend([0; 8]);
    if length == 12 {
        let bits = u16::from_le_bytes([header[10], header[11]]);
        let colours = if bits <= 8 { 3 << bits } else { 0 };
        // At most 768.
        made.extend(((FILE + 12 + colours) as u32).to_le_bytes());
        made.extend(header);
        made.extend(palette.get(..colours)?);
    } else if (16..=64).contains(&length) {
        let bits = u16::from_le_bytes([header[14], header[15]]);
        let all = if bits <= 8 { 1 << bits } else { 0 };
        let used = header
            .get(32..36)
            .map_or(0, |_| number(header, 32).unwrap_or(0));
        let colours = 4 * if used > 0 { used.min(all) } else { all };
        made.extend(((FILE + WINDOWS + colours) as u32).to_le_bytes());
        let from = made.len();
        made.extend(&header[..length.min(WINDOWS)]);
        made.resize(from + WINDOWS, 0);
        made[from..from + 4].copy_from_slice(&(WINDOWS as u32).to_le_bytes());
        // 1 and 2 are runs of 8 and 4 bits; OS/2 meant others by what is above.
        if number(&made, from + 16)? > 2 {
            return None;
        }
        made.extend(palette.get(..colours)?);
    } else {
        return None;
    }
    made.extend(pixels);
    Some(made)
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}
