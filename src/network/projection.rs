//! From the pooled last layer to a descriptor.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::descriptor::{pooled, unit};
use super::{Descriptor, Manifest, NetworkId};
use crate::activation::{Activations, inner_product_f32};

/// How a picture's pooled last layer becomes its descriptor. From each half of what `pooled`
/// gives, the mean over the training pictures is subtracted, and it is scaled to unit length;
/// then both are multiplied with a matrix (a PCA, whitened within classes).
#[derive(Debug, Clone)]
pub struct Projection {
    file: ProjectionFile,
    id: String,
    /// The matrix's rows, widened.
    rows: Vec<Vec<f32>>,
}

/// A projection on disk, written with postcard.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ProjectionFile {
    version: u32,
    network: NetworkId,
    /// Mean of each pooled number over the training pictures.
    mean: Vec<f32>,
    /// Worth of one step of each row's bytes.
    scales: Vec<f32>,
    /// Rows x columns, a signed byte each.
    matrix: Vec<u8>,
}

const VERSION: u32 = 1;

impl Projection {
    /// From the mean of what `pooled` gives and the rows of the matrix.
    pub fn new(network: NetworkId, mean: Vec<f32>, rows: &[Vec<f32>]) -> Self {
        let mut scales = Vec::with_capacity(rows.len());
        let mut matrix = Vec::with_capacity(rows.len() * mean.len());
        for row in rows {
            let largest = row.iter().fold(f32::MIN_POSITIVE, |m, v| m.max(v.abs()));
            scales.push(largest / 127.0);
            matrix.extend(
                row.iter()
                    .map(|v| (v / largest * 127.0).round() as i8 as u8),
            );
        }
        Self::of(ProjectionFile {
            version: VERSION,
            network,
            mean,
            scales,
            matrix,
        })
    }

    fn of(file: ProjectionFile) -> Self {
        let columns = file.mean.len().max(1);
        let rows = file
            .matrix
            .chunks_exact(columns)
            .zip(&file.scales)
            .map(|(row, scale)| row.iter().map(|&b| f32::from(b as i8) * scale).collect())
            .collect();
        let bytes = encoded(&file);
        let digest = Sha256::digest(&bytes);
        let id = digest[..8].iter().map(|byte| format!("{byte:02x}"));
        Self {
            id: id.collect(),
            rows,
            file,
        }
    }

    /// Reads what [`Self::to_bytes`] wrote; the message says what is wrong with it.
    pub(super) fn parse(bytes: &[u8], network: &NetworkId) -> Result<Self, String> {
        let file: ProjectionFile =
            postcard::from_bytes(bytes).map_err(|error| error.to_string())?;
        if file.version != VERSION || file.network != *network {
            return Err("it is of another network or version".to_owned());
        }
        if file.mean.is_empty() || file.matrix.len() != file.mean.len() * file.scales.len() {
            return Err("its lengths do not fit together".to_owned());
        }
        Ok(Self::of(file))
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

    /// The descriptor of a picture, from what `pooled` gives of it.
    pub fn apply(&self, mut pooled: Vec<f32>) -> Descriptor {
        subtract_mean(&mut pooled, &self.file.mean);
        let project = |row: &Vec<f32>| inner_product_f32(row, &pooled);
        Descriptor::normalized(self.rows.iter().map(project).collect())
    }
}

fn encoded(file: &ProjectionFile) -> Vec<u8> {
    postcard::to_stdvec(file).expect("plain numbers and a name always encode")
}

/// Takes `mean` off what `pooled` gave and scales each half to unit length.
pub fn subtract_mean(pooled: &mut [f32], mean: &[f32]) {
    for (value, mean) in pooled.iter_mut().zip(mean) {
        *value -= mean;
    }
    let half = pooled.len() / 2;
    unit(&mut pooled[..half]);
    unit(&mut pooled[half..]);
}

/// The descriptor of a picture, from its activations: projected where there is a projection for
/// the network, else its embedding.
pub(super) fn describe(
    projection: Option<&Projection>,
    manifest: &Manifest,
    activations: Activations<'_>,
) -> Descriptor {
    let projected = projection.zip(pooled(manifest, activations));
    match projected {
        Some((projection, pooled)) => projection.apply(pooled),
        None => Descriptor::normalized(activations.embedding()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projection_survives_its_file() {
        let network = NetworkId::of(b"model");
        let rows = [vec![1.0, 0.0, 0.5, 0.0], vec![0.0, -2.0, 0.0, 0.25]];
        let projection = Projection::new(network.clone(), vec![0.1; 4], &rows);
        let read = Projection::parse(&projection.to_bytes(), &network).unwrap();
        assert_eq!(read.id(), projection.id());
        let pooled = vec![1.0, 0.1, 0.1, 0.7];
        assert_eq!(read.apply(pooled.clone()), projection.apply(pooled));
        assert!(Projection::parse(&projection.to_bytes(), &NetworkId::of(b"other")).is_err());
        assert!(Projection::parse(&projection.to_bytes()[..20], &network).is_err());
    }
}
