//! How the files of a dataset are laid out, and the file that says so.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::SaveError;
use crate::atomic_file::AtomicFile;

/// How the files of a dataset are laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// A file a picture, `ab/cd/abcd….jpg`.
    #[default]
    Folders,
    /// WebDataset: tars, `00000.tar`, with a picture, its facts as JSON and its words as text.
    WebDataset,
}

/// Says what a folder is.
const MARKER: &str = "dataset.json";
/// The version of what is described here.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Marker {
    format: u32,
    layout: Layout,
}

impl Layout {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Folders => "folders",
            Self::WebDataset => "webdataset",
        }
    }

    /// How the dataset in a folder is laid out; `None` if there is none.
    pub(super) fn of(dir: &Path) -> Result<Option<Self>, SaveError> {
        let path = dir.join(MARKER);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(SaveError::io(&path)(error)),
        };
        match serde_json::from_slice::<Marker>(&text) {
            Ok(marker) if marker.format > FORMAT => Err(SaveError::Newer {
                dir: dir.to_owned(),
            }),
            Ok(marker) => Ok(Some(marker.layout)),
            Err(_) => Err(SaveError::NotEmpty {
                dir: dir.to_owned(),
            }),
        }
    }

    /// Says in a folder that it is a dataset of this layout.
    pub(super) fn mark(self, dir: &Path) -> Result<(), SaveError> {
        let marker = Marker {
            format: FORMAT,
            layout: self,
        };
        let path = dir.join(MARKER);
        let text =
            serde_json::to_vec(&marker).map_err(|error| SaveError::io(&path)(error.into()))?;
        AtomicFile::new(&path)
            .shared()
            .write(&text)
            .map_err(SaveError::io(&path))
    }
}
