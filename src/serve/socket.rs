//! Where a store's socket is, and how it is bound and found.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::private_folder;

/// The socket in a store's folder.
const NAME: &str = "socket";
/// Before the path of a socket that is elsewhere, in the file `lock`.
const ELSEWHERE: &str = "socket ";
/// Bytes of a path that `sun_path` takes everywhere, with the zero at its end: Linux has 108.
const LONGEST: usize = 103;

/// The socket of a store that somebody may have open; `None` if nobody has left one.
pub(super) fn find(dir: &Path) -> Option<PathBuf> {
    let lock = std::fs::read_to_string(dir.join("lock")).unwrap_or_default();
    let elsewhere = lock
        .lines()
        .skip(1)
        .find_map(|line| line.strip_prefix(ELSEWHERE));
    let path = elsewhere.map_or_else(|| dir.join(NAME), PathBuf::from);
    path.symlink_metadata().is_ok().then_some(path)
}

/// Binds the socket of a store whose lock this process holds. What an owner has left that was
/// killed is removed.
///
/// # Errors
/// If it cannot be bound.
#[cfg(unix)]
pub(super) fn bind(
    dir: &Path,
    store: &str,
) -> io::Result<(std::os::unix::net::UnixListener, PathBuf)> {
    use std::os::unix::fs::PermissionsExt;

    let in_store = dir.join(NAME);
    // Others may name the store in full, where this process was given a part of its path.
    let in_full = std::path::absolute(&in_store)?;
    let is_short = in_full.as_os_str().len() <= LONGEST;
    let path = match is_short {
        true => in_store,
        false => runtime_folder()?.join(format!("{store}.{NAME}")),
    };
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = std::os::unix::net::UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    if !is_short {
        let mut lock = File::options().append(true).open(dir.join("lock"))?;
        writeln!(lock, "{ELSEWHERE}{}", path.display())?;
    }
    Ok((listener, path))
}

/// This user's own folder for what lives as long as a process does.
#[cfg(unix)]
fn runtime_folder() -> io::Result<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let folder = match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(folder) if Path::new(&folder).is_absolute() => Path::new(&folder).join("simdex"),
        _ => std::env::temp_dir().join(format!("simdex-{user}")),
    };
    private_folder::create(&folder)?;
    private_folder::check(&folder).map_err(io::Error::other)
}

/// Sockets of processes of this user alone, whatever the modes of folders and files.
#[cfg(unix)]
pub(super) struct OwnProcesses(pub(super) tokio::net::UnixListener);

#[cfg(unix)]
impl axum::serve::Listener for OwnProcesses {
    type Io = tokio::net::UnixStream;
    type Addr = ();

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, _) = axum::serve::Listener::accept(&mut self.0).await;
            let user = rustix::process::geteuid().as_raw();
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == user || peer.uid() == 0 => return (stream, ()),
                _ => tracing::warn!("another user has knocked at the store's socket"),
            }
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_a_killed_owner_has_left_is_replaced_and_only_the_user_may_come_in() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(find(dir.path()), None);
        let (listener, path) = bind(dir.path(), "id").unwrap();
        drop(listener);
        assert_eq!(find(dir.path()), Some(path.clone()));
        assert!(UnixStream::connect(&path).is_err());
        let (_listener, again) = bind(dir.path(), "id").unwrap();
        assert_eq!(again, path);
        assert!(UnixStream::connect(&path).is_ok());
        let mode = path.symlink_metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_path_that_is_too_long_moves_and_is_named_in_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let long = dir.path().join("x".repeat(120));
        std::fs::create_dir(&long).unwrap();
        std::fs::write(long.join("lock"), "4711\n").unwrap();
        let store = format!("test{}", std::process::id());
        let (_listener, path) = bind(&long, &store).unwrap();
        assert!(!path.starts_with(&long), "{}", path.display());
        assert_eq!(find(&long), Some(path.clone()));
        assert!(UnixStream::connect(&path).is_ok());
        let folder = path.parent().unwrap().metadata().unwrap().permissions();
        assert_eq!(folder.mode() & 0o777, 0o700);
        std::fs::remove_file(path).unwrap();
    }
}
