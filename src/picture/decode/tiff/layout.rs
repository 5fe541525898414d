//! How the pixels of a TIFF lie in its file, and what they mean.

use super::directory::Directory;
use super::unread;
use crate::picture::PictureError;

/// What the numbers of a pixel mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    Palette,
    Cmyk,
    YCbCr,
    Lab,
}

/// How bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    /// Rows of runs, each on whole bytes.
    FaxRows,
    Fax3,
    Fax4,
    Lzw,
    Jpeg,
    Deflate,
    PackBits,
}

/// What was done to numbers so that they pack better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    Difference,
    Float,
}

/// What a fourth number of RGB, or a second of grey, says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpha {
    None,
    /// Colours are as they are.
    Apart,
    /// Colours were made darker by it.
    Multiplied,
}

/// A strip or a tile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk {
    /// Where its bytes are.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Which of the numbers of a pixel it has, if it has one only.
    pub(super) plane: usize,
    /// Where its pixels are, and how many it has across and down.
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) bits: usize,
    /// Numbers of a pixel, and how many of them are its colour.
    pub(super) samples: usize,
    pub(super) colours: usize,
    pub(super) meaning: Meaning,
    pub(super) packing: Packing,
    pub(super) predictor: Predictor,
    pub(super) alpha: Alpha,
    pub(super) is_planar: bool,
    pub(super) is_bit_reversed: bool,
    pub(super) is_fax_2d: bool,
    /// Pixels across and down that share a colour.
    pub(super) shared: (usize, usize),
    pub(super) chunks: Vec<Chunk>,
}

/// Pieces of a picture; each takes some memory before any is read.
const MOST_CHUNKS: usize = 1 << 20;

impl Layout {
    pub(super) fn read(tags: &Directory<'_>, length: usize) -> Result<Self, PictureError> {
        let first = |tag| tags.number_at(tag);
        let side = |tag| {
            let side = first(tag).and_then(|side| u32::try_from(side).ok());
            side.filter(|side| *side > 0)
                .map(|side| side as usize)
                .ok_or_else(|| broken("it has no size"))
        };
        let (width, height) = (side(256)?, side(257)?);
        let samples = first(277).unwrap_or(1);
        let samples = usize::try_from(samples)
            .ok()
            .filter(|count| (1..=16).contains(count));
        let samples = samples.ok_or_else(|| unread("with so many channels"))?;
        let bits = tags.numbers(258).unwrap_or_else(|| vec![1]);
        let format = tags.numbers(339).unwrap_or_else(|| vec![1]);
        let is_float = match format.first() {
            Some(3) => true,
            Some(2) => return Err(unread("with signed numbers")),
            Some(5 | 6) => return Err(unread("with complex numbers")),
            _ => false,
        };
        // Channels that are not used may be of any kind.
        if bits.iter().any(|one| *one != bits[0]) {
            return Err(unread("with channels of unlike sizes"));
        }
        let bits = bits.first().copied().unwrap_or(1) as usize;
        if !(matches!(bits, 1..=16) && !is_float || bits == 32 && is_float) {
            let numbers = if is_float {
                "-bit floating-point numbers"
            } else {
                " bits a channel"
            };
            return Err(unread(&format!("with {bits}{numbers}")));
        }
        let packing = packing(first(259).unwrap_or(1))?;
        let meaning = match first(262) {
            Some(0) => Meaning::WhiteIsZero,
            Some(2) => Meaning::Rgb,
            Some(3) if bits <= 8 => Meaning::Palette,
            Some(5) => Meaning::Cmyk,
            Some(6) => Meaning::YCbCr,
            Some(8) if bits == 8 => Meaning::Lab,
            Some(1 | 4) => Meaning::BlackIsZero,
            // Some faxes do not say.
            None if samples >= 3 => Meaning::Rgb,
            None if packing.is_fax() => Meaning::WhiteIsZero,
            None => Meaning::BlackIsZero,
            Some(other) => return Err(unread(&format!("with colours of kind {other}"))),
        };
        let colours = match meaning {
            Meaning::WhiteIsZero | Meaning::BlackIsZero | Meaning::Palette => 1,
            Meaning::Rgb | Meaning::YCbCr | Meaning::Lab => 3,
            Meaning::Cmyk => 4,
        };
        if samples < colours {
            return Err(broken("it has too few channels"));
        }
        if is_float && meaning != Meaning::Rgb {
            return Err(unread("with floating-point numbers"));
        }
        let extra = tags.numbers(338).unwrap_or_default();
        let alpha = match extra.first() {
            _ if samples == colours || matches!(meaning, Meaning::Cmyk | Meaning::Palette) => {
                Alpha::None
            }
            Some(1) => Alpha::Multiplied,
            Some(2) => Alpha::Apart,
            // Older than the tag.
            None if meaning == Meaning::Rgb => Alpha::Apart,
            _ => Alpha::None,
        };
        let predictor = match first(317) {
            Some(2) if packing.has_predictor() => Predictor::Difference,
            Some(3) if packing.has_predictor() && is_float => Predictor::Float,
            _ => Predictor::None,
        };
        if predictor == Predictor::Difference && !matches!(bits, 8 | 16 | 32) {
            return Err(unread("with differences of few bits"));
        }
        let shared = match (meaning, packing, tags.numbers(530).as_deref()) {
            (Meaning::YCbCr, Packing::Jpeg, _) => (1, 1),
            (Meaning::YCbCr, _, Some([across, down])) => (*across as usize, *down as usize),
            (Meaning::YCbCr, _, _) => (2, 2),
            _ => (1, 1),
        };
        let is_planar = first(284) == Some(2) && samples > 1;
        let is_odd = |part: usize| !matches!(part, 1 | 2 | 4);
        if is_odd(shared.0) || is_odd(shared.1) || (shared != (1, 1) && (is_planar || bits != 8)) {
            return Err(unread("with colours that are spread in an unusual way"));
        }
        let mut layout = Self {
            width,
            height,
            bits,
            samples,
            colours,
            meaning,
            packing,
            predictor,
            alpha,
            is_planar,
            is_bit_reversed: first(266) == Some(2),
            is_fax_2d: first(292).is_some_and(|options| options & 1 == 1),
            shared,
            chunks: Vec::new(),
        };
        layout.chunks = layout.chunks(tags, length)?;
        Ok(layout)
    }

    /// Numbers of a pixel that are kept: its colour, and what is seen of it.
    pub(super) fn kept(&self) -> usize {
        self.colours + usize::from(self.alpha != Alpha::None)
    }

    /// Numbers of a pixel in one chunk.
    pub(super) fn samples_of_chunk(&self) -> usize {
        if self.is_planar { 1 } else { self.samples }
    }

    /// Bytes of a chunk's row, and of the whole chunk, unpacked.
    pub(super) fn bytes_of(&self, chunk: &Chunk) -> (usize, usize) {
        if self.shared != (1, 1) {
            let (across, down) = self.shared;
            let row = chunk.width.div_ceil(across) * (across * down + 2);
            return (row, row.saturating_mul(chunk.height.div_ceil(down)));
        }
        let bits = chunk
            .width
            .saturating_mul(self.samples_of_chunk() * self.bits);
        let row = bits.div_ceil(8);
        (row, row.saturating_mul(chunk.height))
    }

    fn chunks(&self, tags: &Directory<'_>, length: usize) -> Result<Vec<Chunk>, PictureError> {
        let is_tiled = tags.has(324);
        let side = |tag| {
            tags.number_at(tag)
                .and_then(|side| usize::try_from(side).ok())
        };
        let (across, down) = match is_tiled {
            true => (side(322).unwrap_or(0), side(323).unwrap_or(0)),
            false => (
                self.width,
                side(278).unwrap_or(self.height).min(self.height),
            ),
        };
        if across == 0 || down == 0 || across.max(down) > u32::MAX as usize {
            return Err(broken("its strips or tiles have no size"));
        }
        let (offsets, counts) = if is_tiled { (324, 325) } else { (273, 279) };
        let offsets = tags
            .numbers(offsets)
            .ok_or_else(|| broken("it has no pixels"))?;
        let counts = tags.numbers(counts).unwrap_or_default();
        let columns = self.width.div_ceil(across);
        let of_plane = columns.saturating_mul(self.height.div_ceil(down));
        let planes = if self.is_planar { self.samples } else { 1 };
        if offsets.len() < of_plane.saturating_mul(planes) {
            return Err(broken("some of its strips or tiles are missing"));
        }
        if of_plane * planes > MOST_CHUNKS {
            return Err(broken("it is in more pieces than any picture"));
        }
        let chunks = offsets
            .iter()
            .take(of_plane * planes)
            .enumerate()
            .map(|(i, start)| {
                let (plane, place) = (i / of_plane, i % of_plane);
                let (x, y) = (place % columns * across, place / columns * down);
                let start = usize::try_from(*start).unwrap_or(usize::MAX).min(length);
                let mut chunk = Chunk {
                    start,
                    end: length,
                    plane,
                    x,
                    y,
                    width: across,
                    height: if is_tiled {
                        down
                    } else {
                        down.min(self.height - y)
                    },
                };
                // Some writers left the count out, or zero.
                let count = counts.get(i).filter(|count| **count > 0);
                let count = count.and_then(|count| usize::try_from(*count).ok());
                let count = match (count, self.packing) {
                    (Some(count), _) => count,
                    (None, Packing::Plain) => self.bytes_of(&chunk).1,
                    (None, _) if of_plane * planes == 1 => length,
                    (None, _) => 0,
                };
                chunk.end = start.saturating_add(count).min(length);
                chunk
            });
        let chunks: Vec<Chunk> = chunks.collect();
        // Chunks that overlap would be read again and again.
        let total: usize = chunks.iter().map(|chunk| chunk.end - chunk.start).sum();
        if total / 4 > length {
            return Err(broken("its strips or tiles overlap"));
        }
        Ok(chunks)
    }
}

impl Packing {
    fn is_fax(self) -> bool {
        matches!(self, Self::FaxRows | Self::Fax3 | Self::Fax4)
    }

    fn has_predictor(self) -> bool {
        matches!(self, Self::Lzw | Self::Deflate | Self::PackBits)
    }
}

fn packing(number: u64) -> Result<Packing, PictureError> {
    Ok(match number {
        1 => Packing::Plain,
        2 => Packing::FaxRows,
        3 => Packing::Fax3,
        4 => Packing::Fax4,
        5 => Packing::Lzw,
        7 => Packing::Jpeg,
        8 | 32_946 => Packing::Deflate,
        32_773 => Packing::PackBits,
        6 => return Err(unread("JPEG-compressed in the way of TIFF 6.0")),
        33_003 | 33_005 | 34_712 => return Err(unread("JPEG-2000-compressed")),
        34_676 | 34_677 => return Err(unread("LogLuv-compressed")),
        34_925 => return Err(unread("LZMA-compressed")),
        50_000 => return Err(unread("Zstandard-compressed")),
        50_001 => return Err(unread("WebP-compressed")),
        50_002 | 52_546 => return Err(unread("JPEG-XL-compressed")),
        other => return Err(unread(&format!("compressed in way {other}"))),
    })
}

fn broken(said: &str) -> PictureError {
    PictureError::Broken(format!("of the TIFF: {said}"))
}
