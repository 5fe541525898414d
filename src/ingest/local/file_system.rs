//! Which file system a folder is on, and which file a path leads to.

use std::fs::Metadata;
use std::io;
use std::path::Path;

/// What tells the file system of a folder from others, also after it was mounted again where the
/// system can say so.
#[cfg(unix)]
pub(super) fn file_system(folder: &Path) -> io::Result<String> {
    use std::os::unix::fs::MetadataExt;
    let device = std::fs::metadata(folder)?.dev();
    let id = rustix::fs::statvfs(folder)?.f_fsid;
    Ok(match id {
        0 => format!("device {device:x}"),
        id => format!("{id:x}"),
    })
}

/// The system does not say: all are one.
#[cfg(not(unix))]
pub(super) fn file_system(folder: &Path) -> io::Result<String> {
    std::fs::metadata(folder).map(|_| "any".to_owned())
}

/// The device that a file or folder is on.
#[cfg(unix)]
pub(super) fn device(of: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::dev(of)
}

#[cfg(not(unix))]
pub(super) fn device(_: &Metadata) -> u64 {
    0
}

/// What tells a file or folder from all others, by whatever path it is reached; `None` if the
/// system does not say.
#[cfg(unix)]
pub(super) fn identity(of: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((of.dev(), of.ino()))
}

#[cfg(not(unix))]
pub(super) fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// When a file was last changed, in nanoseconds since 1970: its bytes, or what it is called. So
/// files that were swapped count as changed, and one that was written over and got its old time
/// back.
pub(super) fn changed_ns(data: &Metadata) -> u64 {
    let modified = data.modified().ok();
    let modified = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let modified = modified.map_or(0, |since| since.as_nanos());
    u64::try_from(modified)
        .unwrap_or(u64::MAX)
        .max(renamed_ns(data))
}

#[cfg(unix)]
fn renamed_ns(data: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let seconds = u64::try_from(data.ctime()).unwrap_or(0);
    let nanoseconds = u64::try_from(data.ctime_nsec()).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
}

#[cfg(not(unix))]
fn renamed_ns(_: &Metadata) -> u64 {
    0
}
