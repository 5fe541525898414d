//! The file of a frozen graph: numbers in little-endian order, one section behind the other, so that it
//! is searched where it lies.
//!
//! ```text
//! head       64 bytes: magic, version, dimensions, points, length and CRC-32 of the rest, CRC-32 of these
//! counts     u32s: layers, strays
//! sequences  a u64 a point, ascending
//! norms      an f32 a point: one over the length of its bytes
//! strays     a u32 each: points that no search reaches
//! layers     from the lowest up, of each
//!              counts   u32s: points, links
//!              points   a u32 each, ascending; not of the lowest, which has all
//!              starts   a u32 a point, and one more: where its links begin
//!              links    a u32 each
//! vectors    a signed byte a number of each point, at a multiple of 64
//! ```

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;

use memmap2::Mmap;

use crate::index::graph::{Contents, LAYERS};
use crate::store::Sequence;

const MAGIC: &[u8; 8] = b"sdxgraph";
const VERSION: u32 = 1;
const HEAD: usize = 64;
/// Bytes of the head that are used, without their checksum.
const USED: usize = 36;

/// A graph as its file has it.
pub(super) struct GraphFile {
    bytes: Bytes,
    dimensions: usize,
    points: usize,
    sequences: Range<usize>,
    norms: Range<usize>,
    strays: Range<usize>,
    layers: Vec<Layer>,
    vectors: Range<usize>,
}

/// Where the parts of a layer are.
struct Layer {
    points: Range<usize>,
    starts: Range<usize>,
    links: Range<usize>,
}

/// In memory where there is no file.
enum Bytes {
    File(Mmap),
    Memory(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::File(map) => map,
            Self::Memory(bytes) => bytes,
        }
    }
}

/// The bytes of a graph's file.
///
/// # Errors
/// If it has more points or links than 32 bits count.
pub(super) fn written(contents: &Contents) -> io::Result<Vec<u8>> {
    let count = |n: usize| u32::try_from(n).map_err(io::Error::other);
    let dimensions = contents.vectors.first().map_or(0, |v| v.bytes().len());
    let mut bytes = vec![0; HEAD];
    let put = |bytes: &mut Vec<u8>, number: u32| bytes.extend_from_slice(&number.to_le_bytes());
    put(&mut bytes, count(contents.layers.len())?);
    put(&mut bytes, count(contents.strays.len())?);
    for sequence in &contents.sequences {
        bytes.extend_from_slice(&sequence.0.to_le_bytes());
    }
    for vector in &contents.vectors {
        put(&mut bytes, vector.inverse_norm().to_bits());
    }
    contents
        .strays
        .iter()
        .for_each(|stray| put(&mut bytes, *stray));
    for (number, layer) in contents.layers.iter().enumerate() {
        let links = layer.iter().map(|(_, links)| links.len());
        put(&mut bytes, count(layer.len())?);
        put(&mut bytes, count(links.sum())?);
        if number > 0 {
            layer.iter().for_each(|(point, _)| put(&mut bytes, *point));
        }
        let mut start = 0;
        for (_, links) in layer {
            put(&mut bytes, start);
            start += links.len() as u32;
        }
        put(&mut bytes, start);
        let links = layer.iter().flat_map(|(_, links)| links);
        links.for_each(|link| put(&mut bytes, *link));
    }
    bytes.resize(bytes.len().next_multiple_of(HEAD), 0);
    for vector in &contents.vectors {
        bytes.extend_from_slice(vector.bytes());
    }
    let rest = bytes.len() - HEAD;
    let checksum = crc32fast::hash(&bytes[HEAD..]);
    let head = [
        &MAGIC[..],
        &VERSION.to_le_bytes(),
        &count(dimensions)?.to_le_bytes(),
        &(contents.sequences.len() as u64).to_le_bytes(),
        &(rest as u64).to_le_bytes(),
        &checksum.to_le_bytes(),
    ]
    .concat();
    bytes[..USED].copy_from_slice(&head);
    bytes[USED..USED + 4].copy_from_slice(&crc32fast::hash(&head).to_le_bytes());
    Ok(bytes)
}

impl GraphFile {
    /// Maps a file of which nothing is believed.
    ///
    /// # Errors
    /// The first thing in it that is not as it must be.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: graphs are written once, under a name of their own, and never changed; only this
        // user can write the folder.
        let map = unsafe { Mmap::map(&file)? };
        Self::read(Bytes::File(map))
    }

    /// The same of bytes in memory.
    ///
    /// # Errors
    /// The first thing in them that is not as it must be.
    pub(super) fn of_bytes(bytes: Vec<u8>) -> io::Result<Self> {
        Self::read(Bytes::Memory(bytes))
    }

    /// Holds it against its checksum, and makes sure that every place in it leads somewhere.
    fn read(bytes: Bytes) -> io::Result<Self> {
        ensure(bytes.len() >= HEAD, "it is cut short")?;
        let u32_at = |at: usize| u32_of(&bytes[at..]);
        ensure(&bytes[..8] == MAGIC, "it is no graph")?;
        let of_head = crc32fast::hash(&bytes[..USED]);
        ensure(u32_at(USED) == of_head, "its head is damaged")?;
        ensure(u32_at(8) == VERSION, "it is of another version")?;
        let dimensions = u32_at(12) as usize;
        let (points, rest) = (u64_of(&bytes[16..]), u64_of(&bytes[24..]));
        ensure((bytes.len() - HEAD) as u64 == rest, "it has another length")?;
        ensure(
            crc32fast::hash(&bytes[HEAD..]) == u32_at(32),
            "it is damaged",
        )?;
        let points = usize::try_from(points).unwrap_or(usize::MAX);
        let mut parts = Parts {
            bytes: &bytes,
            at: HEAD,
        };
        let (layer_count, stray_count) = (parts.number()?, parts.number()?);
        ensure(
            (1..=LAYERS).contains(&layer_count),
            "it has too many layers",
        )?;
        let sequences = parts.next(points, 8)?;
        let norms = parts.next(points, 4)?;
        let strays = parts.next(stray_count, 4)?;
        let mut layers = Vec::with_capacity(layer_count);
        for layer in 0..layer_count {
            let (count, links) = (parts.number()?, parts.number()?);
            ensure(layer > 0 || count == points, "it lacks points")?;
            layers.push(Layer {
                points: parts.next(if layer > 0 { count } else { 0 }, 4)?,
                starts: parts.next(count + 1, 4)?,
                links: parts.next(links, 4)?,
            });
        }
        parts.at = parts.at.next_multiple_of(HEAD);
        let vectors = parts.next(points, dimensions)?;
        ensure(
            vectors.end == bytes.len() && points > 0,
            "it has another length",
        )?;
        let graph = Self {
            bytes,
            dimensions,
            points,
            sequences,
            norms,
            strays,
            layers,
            vectors,
        };
        graph.check()?;
        Ok(graph)
    }

    /// Whether what it names is there.
    fn check(&self) -> io::Result<()> {
        let are_points = |part: &Range<usize>| {
            let mut points = u32s(&self.bytes[part.clone()]);
            points.all(|point| (point as usize) < self.points)
        };
        let are_sorted = self.sequences().is_sorted_by(|a, b| a < b);
        ensure(are_sorted, "its pictures are in no order")?;
        ensure(are_points(&self.strays), "a stray is no point")?;
        for layer in &self.layers {
            ensure(are_points(&layer.links), "a link leads nowhere")?;
            ensure(are_points(&layer.points), "a layer has what is no point")?;
            let are_sorted = u32s(&self.bytes[layer.points.clone()]).is_sorted();
            ensure(are_sorted, "a layer is in no order")?;
            let starts = || u32s(&self.bytes[layer.starts.clone()]);
            let end = starts().next_back().map(|end| end as usize * 4);
            let fits = starts().is_sorted() && end == Some(layer.links.len());
            ensure(fits, "links begin nowhere")?;
        }
        Ok(())
    }

    /// The file.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Points.
    pub(super) fn len(&self) -> usize {
        self.points
    }

    /// Numbers of a vector.
    pub(super) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The pictures, in the order of storing.
    pub(super) fn sequences(&self) -> impl DoubleEndedIterator<Item = Sequence> + '_ {
        let (numbers, _) = self.bytes[self.sequences.clone()].as_chunks();
        let numbers = numbers.iter();
        numbers.map(|bytes| Sequence(u64::from_le_bytes(*bytes)))
    }

    /// Which picture a point is.
    pub(super) fn sequence(&self, point: u32) -> Sequence {
        Sequence(u64_of(
            &self.bytes[self.sequences.start + point as usize * 8..],
        ))
    }

    /// Which point a picture is.
    pub(super) fn point(&self, sequence: Sequence) -> Option<u32> {
        let (numbers, _) = self.bytes[self.sequences.clone()].as_chunks();
        let number = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        let found = numbers.binary_search_by_key(&sequence.0, number);
        found.ok().map(|point| point as u32)
    }

    /// A point's vector, as signed bytes, and one over its length.
    pub(super) fn vector(&self, point: u32) -> (&[u8], f32) {
        let norm = u32_of(self.norm(point));
        (self.vector_bytes(point), f32::from_bits(norm))
    }

    fn vector_bytes(&self, point: u32) -> &[u8] {
        let at = self.vectors.start + point as usize * self.dimensions;
        &self.bytes[at..at + self.dimensions]
    }

    fn norm(&self, point: u32) -> &[u8] {
        let at = self.norms.start + point as usize * 4;
        &self.bytes[at..at + 4]
    }

    /// Has the processor fetch what [`Self::vector`] reads soon.
    pub(super) fn prefetch(&self, point: u32) {
        prefetch(self.norm(point));
        prefetch(self.vector_bytes(point));
    }

    /// Points that no search reaches.
    pub(super) fn strays(&self) -> impl Iterator<Item = u32> + '_ {
        u32s(&self.bytes[self.strays.clone()])
    }

    /// The uppermost layer.
    pub(super) fn top(&self) -> usize {
        self.layers.len() - 1
    }

    /// Where searches begin: a point of the uppermost layer.
    pub(super) fn entry(&self) -> u32 {
        let points = &self.layers[self.top()].points;
        u32s(&self.bytes[points.clone()]).next().unwrap_or(0)
    }

    /// The points that a point is linked to on a layer.
    pub(super) fn links(&self, layer: usize, point: u32) -> impl Iterator<Item = u32> + '_ {
        u32s(&self.bytes[self.links_range(layer, point)])
    }

    /// Has the processor fetch what [`Self::links`] reads soon, of the lowest layer.
    pub(super) fn prefetch_links(&self, point: u32) {
        prefetch(&self.bytes[self.links_range(0, point)]);
    }

    fn links_range(&self, layer: usize, point: u32) -> Range<usize> {
        let parts = &self.layers[layer];
        let place = match layer {
            0 => Some(point as usize),
            _ => {
                let (points, _) = self.bytes[parts.points.clone()].as_chunks();
                let number = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
                points.binary_search_by_key(&point, number).ok()
            }
        };
        place.map_or(0..0, |place| {
            let at = parts.starts.start + place * 4;
            let [start, end] = [at, at + 4].map(|at| u32_of(&self.bytes[at..]) as usize);
            parts.links.start + start * 4..parts.links.start + end * 4
        })
    }
}

/// Has the processor fetch bytes that are read soon.
#[cfg(target_arch = "x86_64")]
fn prefetch(bytes: &[u8]) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    for line in bytes.chunks(64) {
        // SAFETY: fetching ahead changes nothing, and the address is one of the slice's.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn prefetch(_: &[u8]) {}

/// The first number of some bytes; of too few of them, 0.
fn u32_of(bytes: &[u8]) -> u32 {
    let bytes = bytes.first_chunk();
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_of(bytes: &[u8]) -> u64 {
    let bytes = bytes.first_chunk();
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn u32s(bytes: &[u8]) -> impl DoubleEndedIterator<Item = u32> + '_ {
    let (numbers, _) = bytes.as_chunks();
    numbers.iter().map(|bytes| u32::from_le_bytes(*bytes))
}

/// Parts of a file, one behind the other.
struct Parts<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Parts<'_> {
    fn next(&mut self, count: usize, width: usize) -> io::Result<Range<usize>> {
        let length = count.checked_mul(width);
        let end = length.and_then(|length| self.at.checked_add(length));
        let end = end.filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| invalid("a part of it is longer than the file"))?;
        Ok(std::mem::replace(&mut self.at, end)..end)
    }

    fn number(&mut self) -> io::Result<usize> {
        let part = self.next(1, 4)?;
        Ok(u32_of(&self.bytes[part]) as usize)
    }
}

fn ensure(is_so: bool, else_it_is: &str) -> io::Result<()> {
    match is_so {
        true => Ok(()),
        false => Err(invalid(else_it_is)),
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}
