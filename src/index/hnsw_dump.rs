//! hnsw_rs's two files, read from start to end before hnsw_rs is given them: on what is wrong it
//! ends the process or panics, and it allocates whatever a length in them says.

use std::any::type_name;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use hnsw_rs::api::AnnT;
use hnsw_rs::prelude::{DistL2, Hnsw};

use super::graph::LAYERS;

/// What the files must be.
pub(super) struct Expected {
    /// Points, numbered from 0.
    pub(super) points: usize,
    /// Numbers of each, which make a vector of unit length.
    pub(super) dimensions: usize,
    /// Links per point ("M").
    pub(super) links: usize,
    /// Candidates when inserting.
    pub(super) ef_construction: usize,
}

/// Heads of the parts, as hnsw_rs 0.3 writes them.
const DESCRIPTION: u32 = 0x002a_6779;
const LAYER: u32 = 0x000a_676f;
const POINT: u32 = 0x000a_678f;
const DATA: u32 = 0xa67f_0000;
/// The kind of dump that names points by their places.
const FULL: u8 = 1;
/// Where the scale of levels stands: behind the head, the kind, and the number of links.
const SCALE_AT: u64 = 6;
/// The square of the longest vector; one of unit length may be a little longer by rounding.
const LONGEST: f32 = 1.01;

/// Writes the two files of a graph; returns their name without its ends.
///
/// # Errors
/// A file cannot be written.
pub(super) fn write(
    hnsw: &Hnsw<'static, f32, DistL2>,
    dir: &Path,
    name: &str,
) -> io::Result<String> {
    let dumped = hnsw.file_dump(dir, name);
    let name = dumped.map_err(|error| io::Error::other(error.to_string()))?;
    // hnsw_rs writes the scale of levels and reads it as a factor of it, so that the graph would
    // get flatter with each reload.
    let file = dir.join(format!("{name}.hnsw.graph"));
    let mut file = OpenOptions::new().write(true).open(file)?;
    file.seek(SeekFrom::Start(SCALE_AT))?;
    file.write_all(&1.0_f64.to_ne_bytes())?;
    Ok(name)
}

/// Reads both files; gives their CRC-32.
///
/// # Errors
/// The first thing in them that is not as it must be.
pub(super) fn check(graph: &Path, data: &Path, expected: &Expected) -> io::Result<[u32; 2]> {
    let mut dump = Dump {
        graph: Input::open(graph)?,
        data: Input::open(data)?,
        expected,
        origins: Vec::with_capacity(LAYERS),
        seen: vec![false; expected.points],
        values: Vec::with_capacity(expected.dimensions),
        named: [0; LAYERS],
    };
    dump.header()?;
    for layer in 0..LAYERS {
        dump.layer(layer)?;
    }
    dump.links_lead_somewhere()?;
    dump.entry_point()?;
    Ok([dump.graph.end()?, dump.data.end()?])
}

/// Whether a vector is a descriptor: of unit length, or zeros. What is no number is in none.
pub(super) fn is_unit(values: &[f32]) -> bool {
    values.iter().map(|value| value * value).sum::<f32>() <= LONGEST
}

struct Dump<'a> {
    graph: Input,
    data: Input,
    expected: &'a Expected,
    /// The points' numbers, by layer and place.
    origins: Vec<Vec<usize>>,
    seen: Vec<bool>,
    /// The vector that was read last.
    values: Vec<f32>,
    /// By layer, one more than the greatest place that a link leads to.
    named: [usize; LAYERS],
}

impl Dump<'_> {
    fn header(&mut self) -> io::Result<()> {
        let graph = &mut self.graph;
        let expected = self.expected;
        graph.expect(&DESCRIPTION.to_ne_bytes(), "no head of hnsw_rs 0.3")?;
        graph.expect(&[FULL], "another kind of dump")?;
        let links = u8::try_from(expected.links).unwrap_or(u8::MAX);
        graph.expect(&[links], "another number of links")?;
        let scale = f64::from_ne_bytes(graph.take()?);
        ensure(scale > 0.0 && scale <= 2.0, "no scale of levels")?;
        graph.expect(&[LAYERS as u8], "another number of layers")?;
        let ef = expected.ef_construction;
        graph.expect(&ef.to_ne_bytes(), "another ef_construction")?;
        graph.expect(&expected.points.to_ne_bytes(), "another number of points")?;
        let dimensions = expected.dimensions.to_ne_bytes();
        graph.expect(&dimensions, "other dimensions")?;
        for name in [type_name::<DistL2>(), type_name::<f32>()] {
            graph.expect(&name.len().to_ne_bytes(), "another distance or type")?;
            graph.expect(name.as_bytes(), "another distance or type")?;
        }
        graph.expect(&[LAYERS as u8], "another number of layers")?;
        self.data.expect(&DATA.to_ne_bytes(), "no head of data")?;
        self.data.expect(&dimensions, "data of other dimensions")
    }

    fn layer(&mut self, layer: usize) -> io::Result<()> {
        self.graph.expect(&LAYER.to_ne_bytes(), "no layer")?;
        let count = usize::from_ne_bytes(self.graph.take()?);
        let before: usize = self.origins.iter().map(Vec::len).sum();
        let left = self.expected.points - before;
        ensure(count <= left, "more points than there are")?;
        self.origins.push(Vec::new());
        for place in 0..count {
            let origin = self.point(layer, place)?;
            self.origins[layer].push(origin);
        }
        Ok(())
    }

    /// A point's number, links and vector.
    fn point(&mut self, layer: usize, place: usize) -> io::Result<usize> {
        let graph = &mut self.graph;
        graph.expect(&POINT.to_ne_bytes(), "no point")?;
        let origin = usize::from_ne_bytes(graph.take()?);
        let seen = self.seen.get_mut(origin);
        let is_new = seen.is_some_and(|seen| !std::mem::replace(seen, true));
        ensure(is_new, "a point twice, or one that is none")?;
        ensure(graph.place()? == Some((layer, place)), "a point elsewhere")?;
        for _ in 0..LAYERS {
            let links = usize::from_ne_bytes(graph.take()?);
            ensure(links <= self.expected.points, "more links than points")?;
            for _ in 0..links {
                let to = usize::from_ne_bytes(graph.take()?);
                ensure(to < self.expected.points, "a link to no point")?;
                let (layer, place) = graph.place()?.ok_or_else(|| invalid("a link nowhere"))?;
                let named = self.named.get_mut(layer);
                let named = named.ok_or_else(|| invalid("a link to no layer"))?;
                *named = (*named).max(place + 1);
                let distance = f32::from_ne_bytes(graph.take()?);
                ensure((0.0..=4.0).contains(&distance), "a link of no length")?;
            }
        }
        self.vector(origin)?;
        Ok(origin)
    }

    fn vector(&mut self, origin: usize) -> io::Result<()> {
        let data = &mut self.data;
        data.expect(&DATA.to_ne_bytes(), "no vector")?;
        data.expect(&(origin as u64).to_ne_bytes(), "another's vector")?;
        let bytes = (self.expected.dimensions * size_of::<f32>()) as u64;
        data.expect(&bytes.to_ne_bytes(), "a vector of other dimensions")?;
        self.values.clear();
        for _ in 0..self.expected.dimensions {
            self.values.push(f32::from_ne_bytes(data.take()?));
        }
        ensure(is_unit(&self.values), "a vector that is not of unit length")
    }

    fn links_lead_somewhere(&self) -> io::Result<()> {
        let mut layers = self.origins.iter().zip(self.named);
        let there = layers.all(|(points, named)| named <= points.len());
        let all = self.seen.iter().all(|seen| *seen);
        ensure(there && all, "links to points that are missing")
    }

    fn entry_point(&mut self) -> io::Result<()> {
        let origin = usize::from_ne_bytes(self.graph.take()?);
        let highest = self.origins.iter().rposition(|points| !points.is_empty());
        let place = self.graph.place()?;
        let found = place.filter(|(layer, _)| Some(*layer) == highest);
        let found = found.and_then(|(layer, place)| self.origins[layer].get(place));
        ensure(found == Some(&origin), "no point to begin with")
    }
}

/// A file that is read in order, with the CRC-32 of what was read.
struct Input(BufReader<Summed>);

struct Summed {
    file: File,
    sum: crc32fast::Hasher,
}

impl Input {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let sum = crc32fast::Hasher::new();
        Ok(Self(BufReader::with_capacity(
            1 << 18,
            Summed { file, sum },
        )))
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn expect(&mut self, bytes: &[u8], else_it_is: &str) -> io::Result<()> {
        for byte in bytes {
            ensure(self.take::<1>()? == [*byte], else_it_is)?;
        }
        Ok(())
    }

    /// A layer and a place in it; `None` if it is before the first.
    fn place(&mut self) -> io::Result<Option<(usize, usize)>> {
        let [layer] = self.take()?;
        let place = usize::try_from(i32::from_ne_bytes(self.take()?));
        Ok(place.ok().map(|place| (layer.into(), place)))
    }

    /// Makes sure that nothing follows.
    fn end(mut self) -> io::Result<u32> {
        ensure(self.0.read(&mut [0])? == 0, "more than was dumped")?;
        Ok(self.0.into_inner().sum.finalize())
    }
}

impl Read for Summed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.sum.update(&buffer[..read]);
        Ok(read)
    }
}

fn ensure(is_so: bool, else_it_is: &str) -> io::Result<()> {
    match is_so {
        true => Ok(()),
        false => Err(invalid(else_it_is)),
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("not a graph of this store: {message}"),
    )
}

#[cfg(test)]
mod tests;
