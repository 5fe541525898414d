//! The head that a request names or brings.

use std::path::Path;
use std::sync::Arc;

use super::form::Upload;
use crate::app::{Collection, Error, TRAINED};
use crate::head::{HeadError, Ranking};

/// The head of a request: a file that came with it, or a name; without either the owner's default.
/// Blocks for milliseconds.
pub(super) fn head(
    collection: &Collection,
    name: Option<&str>,
    file: Option<Upload>,
) -> Result<Arc<Ranking>, Error> {
    if let Some(file) = file {
        let path = Path::new(&file.name);
        let text = std::str::from_utf8(&file.bytes).map_err(|_| HeadError::Format {
            path: path.to_owned(),
            message: "it is no text".to_owned(),
        })?;
        let network = collection.extraction().network();
        return Ok(Arc::new(Ranking::parse(text, path, network)?));
    }
    // Any other name would be a path, which nobody opens for a request.
    match name {
        Some(name) if name != TRAINED && !Ranking::NAMES.contains(&name) => {
            Err(HeadError::Unknown(name.to_owned()).into())
        }
        name => collection.heads().named(name),
    }
}
