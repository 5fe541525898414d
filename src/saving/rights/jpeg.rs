//! The segments of a JPEG before its pixels.

/// The contents of the segments of one kind, by its marker, that begin with a name. The name is taken
/// off.
pub(super) fn segments<'a>(
    bytes: &'a [u8],
    marker: u8,
    name: &'static [u8],
) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = bytes.strip_prefix(b"\xFF\xD8").unwrap_or_default();
    let next = move || {
        // Any number of these bytes may stand before a marker.
        while let [0xFF, 0xFF, ..] = rest {
            rest = &rest[1..];
        }
        let [0xFF, found, high, low, after @ ..] = rest else {
            return None;
        };
        // From the first scan on there are pixels.
        if *found == 0xDA {
            return None;
        }
        let length = usize::from(u16::from_be_bytes([*high, *low])).checked_sub(2)?;
        let content = after.get(..length)?;
        rest = &after[length..];
        Some((*found, content))
    };
    std::iter::from_fn(next)
        .filter(move |(found, _)| *found == marker)
        .filter_map(move |(_, content)| content.strip_prefix(name))
}
