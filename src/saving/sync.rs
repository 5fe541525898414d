//! Making files survive a power failure.

use std::path::Path;

use super::SaveError;

/// Makes what was written in a folder and below it durable: the contents of `files`, and the names in
/// their folders.
pub(super) fn sync(dir: &Path, files: &[&Path]) -> Result<(), SaveError> {
    if files.is_empty() {
        return Ok(());
    }
    // One call for all of them: a batch may be hundreds of files in as many folders.
    #[cfg(target_os = "linux")]
    {
        let folder = std::fs::File::open(dir).map_err(SaveError::io(dir))?;
        rustix::fs::syncfs(&folder).map_err(|error| SaveError::io(dir)(error.into()))
    }
    #[cfg(not(target_os = "linux"))]
    {
        use crate::atomic_file::{folder_of, sync_folder};
        let mut folders = std::collections::BTreeSet::from([dir]);
        for path in files {
            let file = std::fs::OpenOptions::new().write(true).open(path);
            let synced = file.and_then(|file| file.sync_all());
            synced.map_err(SaveError::io(path))?;
            folders.extend(
                folder_of(path)
                    .ancestors()
                    .take_while(|it| it.starts_with(dir)),
            );
        }
        for folder in folders {
            sync_folder(folder).map_err(SaveError::io(folder))?;
        }
        Ok(())
    }
}
