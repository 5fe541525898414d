//! The headers of a JPEG, as far as they say how it must be decoded.

/// What stands before a JPEG's first scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// The frame's marker, without its first byte: how the pixels are coded.
    pub(super) kind: u8,
    /// Bits of a sample.
    pub(super) precision: u8,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) components: Vec<Component>,
    /// Whether three components are red, green and blue as they are.
    pub(super) is_rgb: bool,
    /// Whether their names say the same, and nothing else something other.
    pub(super) is_as_named: bool,
    /// Components of the first scan.
    pub(super) scan_components: usize,
    /// Whether each component has a scan of its own, and no more.
    pub(super) is_split: bool,
    /// Whether its coded data is cut into parts by marks.
    pub(super) has_restarts: bool,
    /// Where the first scan's header begins, behind its marker.
    pub(super) first_scan: usize,
}

/// One channel, and how many blocks of it there are in a unit: across and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) id: u8,
    pub(super) across: u8,
    pub(super) down: u8,
}

/// A marker and what follows: where its segment begins, behind the length, and ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) kind: u8,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The next marker with a segment from `at` on; what stands between segments is passed over, as
/// decoders do. One without a segment is only given if it ends the picture.
pub(super) fn next_segment(bytes: &[u8], mut at: usize) -> Option<Segment> {
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        let kind = *bytes.get(at + 1)?;
        match kind {
            // Filling.
            0xff => at += 1,
            0x00 | 0x01 | 0xd0..=0xd8 => at += 2,
            0xd9 => {
                return Some(Segment {
                    kind,
                    start: at + 2,
                    end: at + 2,
                });
            }
            _ => {
                let start = at + 4;
                let length = bytes.get(at + 2..start)?;
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                let end = at + 2 + length;
                return (length >= 2 && end <= bytes.len()).then_some(Segment { kind, start, end });
            }
        }
    }
}

impl Frame {
    /// Reads it; `None` if the file has none, or it makes no sense.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (mut at, mut frame) = (2, None);
        let (mut is_jfif, mut adobe) = (false, None);
        loop {
            let segment = next_segment(bytes, at)?;
            let data = &bytes[segment.start..segment.end];
            match segment.kind {
                0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                    let &[precision, h1, h2, w1, w2, _, ref components @ ..] = data else {
                        return None;
                    };
                    let components = components.as_chunks::<3>().0.iter();
                    let components = components.map(|[id, sampling, _]| Component {
                        id: *id,
                        across: sampling >> 4,
                        down: sampling & 15,
                    });
                    let components: Vec<_> = components.take(usize::from(data[5])).collect();
                    let is_odd = |c: &Component| !(1..=4).contains(&c.across.min(c.down));
                    if !(1..=4).contains(&components.len())
                        || components
                            .iter()
                            .any(|c| is_odd(c) || c.across.max(c.down) > 4)
                    {
                        return None;
                    }
                    frame = Some(Self {
                        kind: segment.kind,
                        precision,
                        width: u16::from_be_bytes([w1, w2]),
                        height: u16::from_be_bytes([h1, h2]),
                        components,
                        is_rgb: false,
                        is_as_named: true,
                        scan_components: 0,
                        is_split: false,
                        has_restarts: false,
                        first_scan: 0,
                    });
                }
                0xe0 => is_jfif |= data.starts_with(b"JFIF\0"),
                0xee if data.starts_with(b"Adobe") => adobe = data.get(11).copied().or(adobe),
                0xda => {
                    let mut frame = frame?;
                    frame.scan_components = usize::from(*data.first()?);
                    frame.first_scan = segment.start;
                    if frame.components.len() == 3 {
                        let named = frame.components.iter().map(|c| c.id).eq(*b"RGB");
                        let said = adobe.map(|transform| transform == 0);
                        // As libjpeg finds it: JFIF knows brightness and two colours only, then
                        // counts what Adobe's mark says of how they were transformed.
                        frame.is_rgb = !is_jfif && said.unwrap_or(named);
                        let agrees = |it| it == frame.is_rgb;
                        frame.is_as_named = agrees(named) && said.is_none_or(agrees);
                    }
                    if frame.scan_components == 1 && frame.components.len() > 1 {
                        // In coded data this marker means itself only.
                        let pairs = bytes[segment.start..].windows(2);
                        let more = pairs.filter(|pair| *pair == b"\xff\xda").count();
                        frame.is_split = more + 1 == frame.components.len();
                        frame.has_restarts = bytes.windows(2).any(|pair| pair == b"\xff\xdd");
                    }
                    return Some(frame);
                }
                0xd9 => return None,
                _ => {}
            }
            at = segment.end;
        }
    }

    /// Coded in scans that refine one another.
    pub(super) fn is_progressive(&self) -> bool {
        matches!(self.kind, 0xc2 | 0xc6 | 0xca | 0xce)
    }

    /// The largest number of blocks across and down.
    pub(super) fn most(&self) -> (u32, u32) {
        let across = self.components.iter().map(|c| c.across).max();
        let down = self.components.iter().map(|c| c.down).max();
        (across.unwrap_or(1).into(), down.unwrap_or(1).into())
    }

    /// Samples of all components, for so many pixels of the picture.
    pub(super) fn samples(&self, pixels: u64) -> u64 {
        let (across, down) = self.most();
        let blocks = self.components.iter();
        let blocks = blocks.map(|c| u64::from(c.across) * u64::from(c.down));
        pixels.saturating_mul(blocks.sum()) / u64::from(across * down).max(1)
    }

    /// Whether the first decoder reads it right: brightness is as fine as the picture, what
    /// comes in a scan of its own has no rows that others lack, and no restarts, and the components
    /// are what their names say.
    pub(super) fn is_usual(&self) -> bool {
        let (across, down) = self.most();
        let Some(first) = self.components.first() else {
            return false;
        };
        let is_whole = (u32::from(first.across), u32::from(first.down)) == (across, down);
        let all_at_once = self.scan_components == self.components.len();
        let is_flat = down == 1 && (self.is_split || across == 1) && !self.has_restarts;
        self.is_as_named && is_whole && (self.is_progressive() || all_at_once || is_flat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_behind_what_decoders_pass_over() {
        let mut jpeg = vec![
            0xff, 0xd8, 0xff, 0xff, 0xe0, 0, 4, 1, 2, 7, 0xff, 0xc2, 0, 17,
        ];
        jpeg.extend([8, 0, 9, 0, 10, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
        jpeg.extend([0xff, 0xda, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 0, 0]);
        let frame = Frame::read(&jpeg).unwrap();
        assert_eq!((frame.width, frame.height, frame.kind), (10, 9, 0xc2));
        assert_eq!((frame.most(), frame.samples(100)), ((2, 2), 150));
        assert!(frame.is_progressive() && frame.is_usual());
        for end in 0..jpeg.len() {
            assert_eq!(Frame::read(&jpeg[..end]), None, "{end}");
        }
    }

    #[test]
    fn three_components_are_what_libjpeg_takes_them_for() {
        let jfif: &[u8] = b"\xff\xe0\0\x09JFIF\0\x01\x01";
        let adobe =
            |transform| [b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0", [transform].as_slice()].concat();
        let frame = |marks: &[u8], ids: [u8; 3]| {
            let mut jpeg = [b"\xff\xd8".as_slice(), marks].concat();
            jpeg.extend([0xff, 0xc0, 0, 17, 8, 0, 9, 0, 10, 3]);
            ids.iter().for_each(|id| jpeg.extend([*id, 0x11, 0]));
            jpeg.extend([0xff, 0xda, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 0, 0]);
            let frame = Frame::read(&jpeg).unwrap();
            (frame.is_rgb, frame.is_usual())
        };
        let numbers = [1, 2, 3];
        assert_eq!(frame(b"", numbers), (false, true));
        assert_eq!(frame(b"", *b"RGB"), (true, true));
        assert_eq!(frame(jfif, *b"RGB"), (false, false));
        assert_eq!(frame(&adobe(0), numbers), (true, false));
        assert_eq!(frame(&adobe(1), numbers), (false, true));
        assert_eq!(frame(&adobe(1), *b"RGB"), (false, false));
        assert_eq!(frame(&[jfif, &adobe(0)].concat(), numbers), (false, false));
    }

    #[test]
    fn unusual_sampling_is_told() {
        let frame = |sampling: &[(u8, u8)], kind, scan_components| {
            let components = sampling.iter().map(|(across, down)| Component {
                id: 0,
                across: *across,
                down: *down,
            });
            let frame = Frame {
                kind,
                precision: 8,
                width: 9,
                height: 9,
                components: components.collect(),
                is_rgb: false,
                is_as_named: true,
                scan_components,
                is_split: scan_components == 1,
                has_restarts: false,
                first_scan: 0,
            };
            frame.is_usual()
        };
        assert!(frame(&[(2, 2), (1, 1), (1, 1)], 0xc0, 3));
        assert!(frame(&[(1, 1), (1, 1), (1, 1)], 0xc0, 1));
        assert!(frame(&[(2, 2), (1, 1), (1, 1)], 0xc2, 1));
        assert!(!frame(&[(2, 2), (1, 1), (1, 1)], 0xc0, 1));
        assert!(!frame(&[(1, 1), (2, 2), (2, 2)], 0xc0, 3));
        assert!(frame(&[(4, 1), (1, 1), (1, 1)], 0xc0, 1));
        assert!(!frame(&[(4, 1), (2, 1), (2, 1)], 0xc0, 2));
        assert!(frame(&[(2, 2), (2, 1), (1, 1)], 0xc0, 3));
        assert!(!frame(&[(2, 1), (1, 2), (1, 2)], 0xc0, 3));
    }
}
