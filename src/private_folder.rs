//! Folders that are their owner's alone: made so, and looked at before what lies in them is run.

use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};

/// Others could change what lies at a path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Exposed {
    /// Its permissions let them.
    #[error("{} can be written by other users (mode {mode:03o})", path.display())]
    Writable {
        /// The file or folder, or a folder above.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is theirs.
    #[error("{} belongs to another user (number {owner})", path.display())]
    Foreign {
        /// The file or folder, or a folder above.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// It cannot be looked at.
    #[error("cannot look at {}: {source}", path.display())]
    Unreadable {
        /// The file or folder, or a folder above.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Makes a folder and what is missing above it, for the user alone (mode 700). One that is there
/// is left as it is.
///
/// # Errors
/// If it cannot be made.
pub fn create(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Makes sure that nobody but this user and root can put something else at a path, and gives the
/// path without links, which is to be used from then on. Where the system has no such
/// permissions, as on Windows, every path passes.
///
/// # Errors
/// The first thing by which others could.
pub fn check(path: &Path) -> Result<PathBuf, Exposed> {
    let unreadable = |path: &Path, source| Exposed::Unreadable {
        path: path.to_owned(),
        source,
    };
    let real = path
        .canonicalize()
        .map_err(|error| unreadable(path, error))?;
    for (depth, part) in real.ancestors().enumerate() {
        let data = std::fs::metadata(part).map_err(|error| unreadable(part, error))?;
        check_part(part, &data, depth == 0)?;
    }
    Ok(real)
}

/// Whether everybody may put files into a folder, or another folder in its place.
pub fn is_open_to_all(dir: &Path) -> bool {
    let Ok(real) = dir.canonicalize() else {
        // It is not there, or this user may not look at it.
        return false;
    };
    let mut parts = real.ancestors().enumerate();
    parts.any(|(depth, part)| {
        std::fs::metadata(part).is_ok_and(|data| may_be_written(&data, 0o002, depth > 0))
    })
}

#[cfg(unix)]
fn check_part(part: &Path, data: &std::fs::Metadata, is_itself: bool) -> Result<(), Exposed> {
    use std::os::unix::fs::MetadataExt;
    let path = || part.to_owned();
    let (owner, mode) = (data.uid(), data.mode() & 0o7777);
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(Exposed::Foreign {
            path: path(),
            owner,
        });
    }
    // Above it, a group is often the user's own.
    let others = if is_itself { 0o022 } else { 0o002 };
    if may_be_written(data, others, !is_itself) {
        return Err(Exposed::Writable { path: path(), mode });
    }
    Ok(())
}

/// Whether those of the permission bits may write. Of a folder like /tmp (sticky) they may not
/// take away or replace what is not theirs.
#[cfg(unix)]
fn may_be_written(data: &std::fs::Metadata, bits: u32, unless_sticky: bool) -> bool {
    use std::os::unix::fs::MetadataExt;
    let mode = data.mode();
    mode & bits != 0 && !(unless_sticky && mode & 0o1000 != 0)
}

#[cfg(not(unix))]
fn check_part(_: &Path, _: &std::fs::Metadata, _: bool) -> Result<(), Exposed> {
    Ok(())
}

#[cfg(not(unix))]
fn may_be_written(_: &std::fs::Metadata, _: u32, _: bool) -> bool {
    false
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, chown};

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_folder_is_private_and_an_old_one_stays() {
        let dir = tempfile::tempdir().unwrap();
        let new = dir.path().join("a/b");
        create(&new).unwrap();
        assert_eq!((mode(&new), mode(new.parent().unwrap())), (0o700, 0o700));
        chmod(&new, 0o755);
        create(&new).unwrap();
        assert_eq!(mode(&new), 0o755);
    }

    #[test]
    fn what_others_can_write_is_refused_at_every_step() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("above/folder");
        create(&folder).unwrap();
        let file = folder.join("file");
        std::fs::write(&file, "").unwrap();
        chmod(&file, 0o644);
        let real = file.canonicalize().unwrap();
        assert_eq!(check(&file).unwrap(), real);
        for (path, open, refused) in [
            (&file, 0o666, true),
            (&file, 0o664, true),
            (&file, 0o644, false),
            (&folder, 0o777, true),
            (&folder, 0o1777, false),
            (&dir.path().join("above"), 0o777, true),
            (&dir.path().join("above"), 0o775, false),
        ] {
            let before = mode(path);
            chmod(path, open);
            let found = check(&file);
            assert_eq!(found.is_err(), refused, "{}: {found:?}", path.display());
            if refused {
                assert!(matches!(found, Err(Exposed::Writable { .. })));
            }
            chmod(path, before);
        }
        chmod(&folder, 0o1777);
        assert!(check(&folder).is_err() && is_open_to_all(&folder));
        chmod(&folder, 0o775);
        assert!(check(&folder).is_err() && !is_open_to_all(&folder));
        chmod(&folder, 0o755);
        assert!(check(&folder).is_ok() && !is_open_to_all(&folder));
        let gone = check(&dir.path().join("gone"));
        assert!(matches!(gone, Err(Exposed::Unreadable { .. })));
    }

    #[test]
    fn what_belongs_to_another_is_refused_also_behind_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let theirs = dir.path().join("theirs");
        create(&theirs).unwrap();
        // Only root can give files away.
        if chown(&theirs, Some(12_345), None).is_err() {
            return;
        }
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&theirs, &link).unwrap();
        for path in [&theirs, &link] {
            let found = check(path);
            assert!(
                matches!(found, Err(Exposed::Foreign { owner: 12_345, .. })),
                "{found:?}"
            );
        }
    }
}
