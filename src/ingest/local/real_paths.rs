//! Where files really lie: links give one file several paths.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Finds the paths of files without links in them; folders are looked up once.
#[derive(Debug, Default)]
pub(super) struct RealPaths {
    folders: HashMap<PathBuf, Option<PathBuf>>,
}

impl RealPaths {
    /// The path of a file without links, if it is another one.
    pub(super) fn elsewhere(&mut self, path: &Path) -> Option<PathBuf> {
        let is_link = std::fs::symlink_metadata(path).is_ok_and(|data| data.is_symlink());
        let real = match is_link {
            true => std::fs::canonicalize(path).ok()?,
            false => {
                let (folder, name) = (path.parent()?, path.file_name()?);
                if !self.folders.contains_key(folder) {
                    let real = std::fs::canonicalize(folder).ok();
                    let elsewhere = real.filter(|real| real != folder);
                    self.folders.insert(folder.to_owned(), elsewhere);
                }
                self.folders.get(folder)?.as_ref()?.join(name)
            }
        };
        (real != path).then_some(real)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn links_to_files_and_folders_are_seen_through() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        std::fs::create_dir(dir.join("a")).unwrap();
        std::fs::write(dir.join("a/f"), "x").unwrap();
        std::os::unix::fs::symlink("a", dir.join("b")).unwrap();
        std::os::unix::fs::symlink("a/f", dir.join("g")).unwrap();
        let mut paths = RealPaths::default();
        for name in ["b/f", "g"] {
            assert_eq!(paths.elsewhere(&dir.join(name)), Some(dir.join("a/f")));
        }
        for name in ["a/f", "a/none", "none/f"] {
            assert_eq!(paths.elsewhere(&dir.join(name)), None, "{name}");
        }
    }
}
