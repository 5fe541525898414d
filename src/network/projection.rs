//! From pooled layers to a descriptor.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::descriptor::unit;
use super::pooling::{Pool, pooled};
use super::{Descriptor, Manifest, NetworkId};
use crate::activation::{Activations, inner_product_f32};

/// How a picture's pooled layers become its descriptor. Each part is centred, scaled to unit
/// length and weighted; then all of them together are multiplied with a matrix (a PCA, whitened
/// within classes).
#[derive(Debug, Clone)]
pub struct Projection {
    file: ProjectionFile,
    id: String,
    /// The matrix's rows, widened.
    rows: Vec<Vec<f32>>,
}

/// Layers pooled in one way, and what is made of that before the matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What is read.
    pub pool: Pool,
    /// Length of the part in what the matrix is multiplied with.
    pub weight: f32,
    /// Mean of each number over the training pictures.
    pub mean: Vec<f32>,
    /// What each number is divided by; empty for 1.
    pub spread: Vec<f32>,
}

impl Part {
    /// Centres, scales and weighs what was pooled.
    pub fn prepare(&self, values: &mut [f32]) {
        for (value, mean) in values.iter_mut().zip(&self.mean) {
            *value -= mean;
        }
        for (value, spread) in values.iter_mut().zip(&self.spread) {
            *value /= spread;
        }
        unit(values);
        values.iter_mut().for_each(|value| *value *= self.weight);
    }
}

/// A projection on disk, written with postcard.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ProjectionFile {
    version: u32,
    network: NetworkId,
    parts: Vec<Part>,
    /// Worth of one step of each row's bytes.
    scales: Vec<f32>,
    /// Rows x columns, a signed byte each.
    matrix: Vec<u8>,
}

/// A projection of version 1: of the last layer only, in two halves.
#[derive(Deserialize)]
struct FirstProjectionFile {
    _version: u32,
    network: NetworkId,
    mean: Vec<f32>,
    scales: Vec<f32>,
    matrix: Vec<u8>,
}

const VERSION: u32 = 2;

impl Projection {
    /// From the parts and the rows of the matrix.
    pub fn new(network: NetworkId, parts: Vec<Part>, rows: &[Vec<f32>]) -> Self {
        let mut scales = Vec::with_capacity(rows.len());
        let mut matrix = Vec::new();
        for row in rows {
            let largest = row.iter().fold(f32::MIN_POSITIVE, |m, v| m.max(v.abs()));
            scales.push(largest / 127.0);
            matrix.extend(
                row.iter()
                    .map(|v| (v / largest * 127.0).round() as i8 as u8),
            );
        }
        let file = ProjectionFile {
            version: VERSION,
            network,
            parts,
            scales,
            matrix,
        };
        let bytes = encoded(&file);
        Self::of(file, &bytes)
    }

    fn of(file: ProjectionFile, bytes: &[u8]) -> Self {
        let columns = file.columns().max(1);
        let rows = file
            .matrix
            .chunks_exact(columns)
            .zip(&file.scales)
            .map(|(row, scale)| row.iter().map(|&b| f32::from(b as i8) * scale).collect())
            .collect();
        let digest = Sha256::digest(bytes);
        let id = digest[..8].iter().map(|byte| format!("{byte:02x}"));
        Self {
            id: id.collect(),
            rows,
            file,
        }
    }

    /// Reads what [`Self::to_bytes`] wrote, now or in an earlier version; the message says what is
    /// wrong with it.
    pub(super) fn parse(bytes: &[u8], network: &NetworkId) -> Result<Self, String> {
        let wrong = |error: postcard::Error| error.to_string();
        let (version, _) = postcard::take_from_bytes::<u32>(bytes).map_err(wrong)?;
        let file = match version {
            1 => postcard::from_bytes::<FirstProjectionFile>(bytes)
                .map_err(wrong)?
                .into(),
            _ => postcard::from_bytes::<ProjectionFile>(bytes).map_err(wrong)?,
        };
        if file.version != VERSION || file.network != *network {
            return Err("it is of another network or version".to_owned());
        }
        let spreads = file.parts.iter();
        let mut spreads = spreads.map(|part| (part.spread.len(), part.mean.len()));
        let fits = spreads.all(|(spread, mean)| spread == 0 || spread == mean);
        if !fits || file.columns() == 0 || file.matrix.len() != file.columns() * file.scales.len() {
            return Err("its lengths do not fit together".to_owned());
        }
        Ok(Self::of(file, bytes))
    }

    /// The file's contents.
    pub fn to_bytes(&self) -> Vec<u8> {
        encoded(&self.file)
    }

    /// Tells this projection from others: descriptors of two projections cannot be compared.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Numbers in a descriptor.
    pub fn dimensions(&self) -> usize {
        self.rows.len()
    }

    /// The descriptor of a picture, from its parts as they were pooled.
    pub fn apply(&self, parts: &[Vec<f32>]) -> Descriptor {
        let mut all = Vec::with_capacity(self.file.columns());
        for (part, values) in self.file.parts.iter().zip(parts) {
            let start = all.len();
            all.extend_from_slice(values);
            part.prepare(&mut all[start..]);
        }
        let project = |row: &Vec<f32>| inner_product_f32(row, &all);
        Descriptor::normalized(self.rows.iter().map(project).collect())
    }

    /// The descriptor of a picture from its activations; `None` where they do not tell enough.
    pub fn describe(
        &self,
        manifest: &Manifest,
        activations: Activations<'_>,
    ) -> Option<Descriptor> {
        let pools: Vec<Pool> = self.file.parts.iter().map(|part| part.pool).collect();
        let parts = pooled(&pools, manifest, activations)?;
        let mut pairs = parts.iter().zip(&self.file.parts);
        let fits = pairs.all(|(values, part)| values.len() == part.mean.len());
        fits.then(|| self.apply(&parts))
    }
}

impl ProjectionFile {
    fn columns(&self) -> usize {
        self.parts.iter().map(|part| part.mean.len()).sum()
    }
}

impl From<FirstProjectionFile> for ProjectionFile {
    fn from(first: FirstProjectionFile) -> Self {
        let half = first.mean.len() / 2;
        let part = |pool: Pool, mean: &[f32]| Part {
            pool,
            weight: 1.0,
            mean: mean.to_vec(),
            spread: Vec::new(),
        };
        Self {
            version: VERSION,
            network: first.network,
            parts: vec![
                part(Pool::Middle, &first.mean[..half]),
                part(Pool::Spread, &first.mean[half..]),
            ],
            scales: first.scales,
            matrix: first.matrix,
        }
    }
}

fn encoded(file: &ProjectionFile) -> Vec<u8> {
    postcard::to_stdvec(file).expect("plain numbers and a name always encode")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projection_survives_its_file() {
        let network = NetworkId::of(b"model");
        let rows = [vec![1.0, 0.0, 0.5, 0.0], vec![0.0, -2.0, 0.0, 0.25]];
        let part = |pool, weight| Part {
            pool,
            weight,
            mean: vec![0.1; 2],
            spread: vec![2.0, 0.5],
        };
        let parts = vec![part(Pool::RootMean, 1.0), part(Pool::Mean(3), 0.2)];
        let projection = Projection::new(network.clone(), parts, &rows);
        let read = Projection::parse(&projection.to_bytes(), &network).unwrap();
        assert_eq!(read.id(), projection.id());
        let pooled = [vec![1.0, 0.1], vec![0.1, 0.7]];
        assert_eq!(read.apply(&pooled), projection.apply(&pooled));
        assert!(Projection::parse(&projection.to_bytes(), &NetworkId::of(b"other")).is_err());
        assert!(Projection::parse(&projection.to_bytes()[..20], &network).is_err());
    }

    #[test]
    fn the_first_version_is_read_as_it_was() {
        #[derive(Serialize)]
        struct First {
            version: u32,
            network: NetworkId,
            mean: Vec<f32>,
            scales: Vec<f32>,
            matrix: Vec<u8>,
        }
        let network = NetworkId::of(b"model");
        let first = First {
            version: 1,
            network: network.clone(),
            mean: vec![0.0, 1.0, 0.5, 0.5],
            scales: vec![1.0 / 127.0],
            matrix: vec![127, 0, 0, 127],
        };
        let bytes = postcard::to_stdvec(&first).unwrap();
        let read = Projection::parse(&bytes, &network).unwrap();
        let digest = Sha256::digest(&bytes);
        assert_eq!(read.id()[..2], format!("{:02x}", digest[0]));
        // Each half less its mean and at unit length: (1, 0) and (0, 1), so 1 + 1.
        let descriptor = read.apply(&[vec![2.0, 1.0], vec![0.5, 0.9]]);
        assert_eq!(descriptor.values(), [1.0]);
    }
}
