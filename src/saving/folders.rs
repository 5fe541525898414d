//! A file a picture, in folders by the first digits of its id.

use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::SaveError;
use super::sync::sync;

/// Where files are written before they count.
const UNFINISHED: &str = ".unfinished";

/// A picture's file, whole but under another name.
pub(super) struct Written {
    temporary: TempPath,
    path: PathBuf,
}

/// Removes what a killed run has left, and makes room for this one.
pub(super) fn begin(dir: &Path) -> Result<(), SaveError> {
    let unfinished = dir.join(UNFINISHED);
    let removed = match std::fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    };
    let made = removed.and_then(|()| std::fs::create_dir_all(&unfinished));
    made.map_err(SaveError::io(&unfinished))
}

/// Removes the folder of what is unfinished, if nothing is.
pub(super) fn end(dir: &Path) {
    // Only tidiness is lost if it cannot be.
    let _ = std::fs::remove_dir(dir.join(UNFINISHED));
}

/// The name of a picture's file, from the dataset's folder on.
pub(super) fn name(id: &str, ending: &str) -> String {
    format!("{}/{}/{id}.{ending}", &id[..2], &id[2..4])
}

/// Writes a picture's bytes into a file that does not count yet.
pub(super) fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<Written, SaveError> {
    use std::io::Write;
    let (unfinished, path) = (dir.join(UNFINISHED), dir.join(name));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let written = builder.tempfile_in(&unfinished).and_then(|mut file| {
        file.write_all(bytes)?;
        Ok(file.into_temp_path())
    });
    let temporary = written.map_err(SaveError::io(&path))?;
    Ok(Written { temporary, path })
}

/// Makes files durable, then gives them their names.
pub(super) fn settle(dir: &Path, written: Vec<Written>) -> Result<(), SaveError> {
    let temporary: Vec<&Path> = written.iter().map(|file| &*file.temporary).collect();
    sync(dir, &temporary)?;
    let mut paths = Vec::with_capacity(written.len());
    for Written { temporary, path } in written {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(SaveError::io(folder))?;
        }
        let renamed = temporary.persist(&path);
        renamed.map_err(|error| SaveError::io(&path)(error.error))?;
        paths.push(path);
    }
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    sync(dir, &paths)
}
