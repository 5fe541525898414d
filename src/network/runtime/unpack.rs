//! Takes the library, and nothing else, out of a downloaded package.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use zip::ZipArchive;
use zip::result::ZipError;

use super::package::{Package, Source};
use super::trusted::sha256;
use super::{Failure, Progress};

/// The largest library unpacked; today's have up to 56 MB.
const LARGEST_LIBRARY: u64 = 256 << 20;

/// Checks the package in a directory and writes its library to a file.
pub(super) fn unpack(
    package: &Package,
    dir: &Path,
    to: &Path,
    progress: &dyn Fn(Progress),
) -> Result<(), Failure> {
    let path = package_in(dir, package.source.extension())?;
    let mut file = File::open(&path)?;
    let found = sha256(&mut file)?;
    if found != package.sha256 {
        let name = path.file_name().unwrap_or_default();
        return Err(Failure::Checksum {
            package: name.to_string_lossy().into_owned(),
            expected: package.sha256,
            found,
        });
    }
    file.rewind()?;
    progress(Progress::Unpacking);
    match package.source {
        Source::Pip { .. } => unpack_wheel(file, package.member, to, LARGEST_LIBRARY),
        Source::Npm => unpack_tarball(file, package.member, to, LARGEST_LIBRARY),
    }
}

fn package_in(dir: &Path, extension: &str) -> Result<PathBuf, Failure> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            return Ok(path);
        }
    }
    Err(Failure::NoPackage)
}

fn unpack_wheel(
    wheel: impl Read + Seek,
    member: &'static str,
    to: &Path,
    limit: u64,
) -> Result<(), Failure> {
    let mut archive = ZipArchive::new(wheel).map_err(io::Error::from)?;
    match archive.by_name(member) {
        Ok(file) if file.is_file() => write(file, to, limit),
        Ok(_) | Err(ZipError::FileNotFound) => Err(Failure::NoLibrary(member)),
        Err(error) => Err(Failure::Unpack(error.into())),
    }
}

fn unpack_tarball(
    tarball: impl Read,
    member: &'static str,
    to: &Path,
    limit: u64,
) -> Result<(), Failure> {
    let mut archive = tar::Archive::new(GzDecoder::new(tarball));
    for entry in archive.entries()? {
        let entry = entry?;
        if entry.header().entry_type().is_file() && entry.path()? == Path::new(member) {
            return write(entry, to, limit);
        }
    }
    Err(Failure::NoLibrary(member))
}

/// Writes one file of an archive, under a name that simdex chooses, never the archive's.
fn write(from: impl Read, to: &Path, limit: u64) -> Result<(), Failure> {
    let mut file = File::create(to)?;
    // The sizes in an archive's headers are only claims.
    if io::copy(&mut from.take(limit + 1), &mut file)? > limit {
        return Err(Failure::TooLarge { limit });
    }
    // Without this, a power cut after the rename could leave an empty library.
    file.sync_all()?;
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use sha2::{Digest, Sha256};
    use std::io::{Cursor, Write};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    const MEMBER: &str = "onnxruntime/capi/libonnxruntime.so.1.22.1";

    fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn tgz(files: &[(&str, &[u8], tar::EntryType)]) -> Vec<u8> {
        let gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let mut tar = tar::Builder::new(gzip);
        for (name, content, kind) in files {
            let mut header = tar::Header::new_gnu();
            // Not `set_path`, which refuses the very names that are to be tried.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            header.set_size(content.len() as u64);
            header.set_cksum();
            tar.append(&header, *content).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    /// A wheel with a library of the given content, and its description.
    pub(in super::super) fn wheel(content: &[u8]) -> (Package, Vec<u8>) {
        let bytes = zip(&[("onnxruntime/__init__.py", b""), (MEMBER, content)]);
        let digest = Sha256::digest(&bytes);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let package = Package {
            source: Source::Pip { platform: "any" },
            name: "onnxruntime",
            version: "1.22.1",
            bytes: bytes.len() as u64,
            sha256: digest.leak(),
            member: MEMBER,
        };
        (package, bytes)
    }

    #[test]
    fn refuses_a_package_with_another_checksum() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("library");
        let (package, mut bytes) = wheel(b"library");
        let file = dir.path().join("onnxruntime-1.22.1.whl");

        let unpack = || unpack(&package, dir.path(), &to, &|_| {});
        assert!(matches!(unpack(), Err(Failure::NoPackage)));
        fs::write(&file, &bytes).unwrap();
        unpack().unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"library");

        fs::remove_file(&to).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&file, &bytes).unwrap();
        let text = unpack().unwrap_err().to_string();
        assert!(text.starts_with("refused onnxruntime-1.22.1.whl"), "{text}");
        assert!(text.contains(package.sha256), "{text}");
        assert!(!to.exists());
    }

    #[test]
    fn takes_only_the_library_from_a_wheel() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("inner/library");
        fs::create_dir(dir.path().join("inner")).unwrap();
        let outside = format!("../{MEMBER}");
        let bytes = zip(&[
            ("../../evil", b"evil"),
            (&outside, b"evil"),
            (MEMBER, b"library"),
            ("/evil", b"evil"),
        ]);
        unpack_wheel(Cursor::new(&bytes), MEMBER, &to, 7).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"library");
        assert_eq!(fs::read_dir(to.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

        let error = unpack_wheel(Cursor::new(&bytes), MEMBER, &to, 6).unwrap_err();
        assert!(matches!(error, Failure::TooLarge { limit: 6 }), "{error}");
        let error = unpack_wheel(Cursor::new(&bytes), "other", &to, 7).unwrap_err();
        assert!(matches!(error, Failure::NoLibrary("other")), "{error}");
        let error = unpack_wheel(Cursor::new(b"no zip"), MEMBER, &to, 7).unwrap_err();
        assert!(matches!(error, Failure::Unpack(_)), "{error}");
    }

    #[test]
    fn takes_only_the_library_from_a_tarball() {
        use tar::EntryType;
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("inner/library");
        fs::create_dir(dir.path().join("inner")).unwrap();
        let outside = format!("../{MEMBER}");
        let bytes = tgz(&[
            ("../../evil", b"evil", EntryType::Regular),
            (&outside, b"evil", EntryType::Regular),
            (MEMBER, b"", EntryType::Symlink),
            (MEMBER, b"library", EntryType::Regular),
        ]);
        unpack_tarball(bytes.as_slice(), MEMBER, &to, 7).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"library");
        assert_eq!(fs::read_dir(to.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

        let error = unpack_tarball(bytes.as_slice(), MEMBER, &to, 6).unwrap_err();
        assert!(matches!(error, Failure::TooLarge { limit: 6 }), "{error}");
        let error = unpack_tarball(bytes.as_slice(), "other", &to, 7).unwrap_err();
        assert!(matches!(error, Failure::NoLibrary("other")), "{error}");
        let error = unpack_tarball(&b"no gzip"[..], MEMBER, &to, 7).unwrap_err();
        assert!(matches!(error, Failure::Unpack(_)), "{error}");
    }
}
