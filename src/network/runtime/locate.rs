//! The places a library may lie in, in the order they are tried.

use std::env::consts::{ARCH, OS};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use tracing::{debug, warn};

use super::trusted::{Trusted, is_shipped, sha256_of};
use super::{Error, Library, Options, Origin, absolute};
use crate::private_folder::is_open_to_all;

/// The variable that `ort` itself would read.
const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

/// The variable with the directories the system's loader searches first.
const SEARCH_VARIABLE: &str = if cfg!(windows) {
    "PATH"
} else if cfg!(target_os = "macos") {
    "DYLD_LIBRARY_PATH"
} else {
    "LD_LIBRARY_PATH"
};

/// The oldest release with the interface that `ort`'s feature `api-17` asks for.
const OLDEST: [u32; 2] = [1, 17];

/// Everything the search depends on, read once so that tests can make it up.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// The value of `ORT_DYLIB_PATH`.
    pub(super) variable: Option<OsString>,
    /// The library named in config.toml.
    pub(super) config: Option<PathBuf>,
    /// Directories beside the executable.
    pub(super) beside: Vec<PathBuf>,
    /// The system's directories.
    pub(super) system: Vec<PathBuf>,
    /// simdex's cache directory.
    pub(super) cache: PathBuf,
    /// Whether a library beside the executable is taken as it is.
    pub(super) trust_beside: bool,
}

impl Places {
    /// The places for this process.
    pub(super) fn new(options: &Options) -> Self {
        let search = std::env::var_os(SEARCH_VARIABLE).unwrap_or_default();
        Self {
            variable: std::env::var_os(LIBRARY_VARIABLE),
            config: options.library.clone(),
            beside: beside_executable(),
            system: searched(&search).chain(usual_dirs()).collect(),
            cache: absolute(&options.cache_dir),
            trust_beside: options.trust_beside,
        }
    }

    /// Looks in all places.
    pub(super) fn find(&self) -> Result<Option<Library>, Error> {
        // `ort` takes an empty variable for an unset one, and so do shells' users.
        let variable = self.variable.as_ref().filter(|value| !value.is_empty());
        if let Some(path) = variable {
            // What lies in the working directory may have come with it.
            if !Path::new(path).is_absolute() {
                let (setting, path) = (LIBRARY_VARIABLE, path.into());
                return Err(Error::Relative { setting, path });
            }
            return named(LIBRARY_VARIABLE, Path::new(path), Origin::Environment).map(Some);
        }
        if let Some(path) = &self.config {
            return named("`runtime` in config.toml", path, Origin::Config).map(Some);
        }
        if let Some(library) = self.find_beside()? {
            return Ok(Some(library));
        }
        match first(&self.system, Origin::System) {
            Some(library) => Ok(Some(library)),
            None => self.find_cached(),
        }
    }

    /// Looks beside the executable: a program that was unpacked among other downloads must not
    /// run what lies there, unless the user has said so.
    fn find_beside(&self) -> Result<Option<Library>, Error> {
        let found = self.beside.iter().filter_map(|dir| {
            let dirs = std::slice::from_ref(dir);
            first(dirs, Origin::BesideExecutable)
        });
        for library in found {
            let sha256 = match sha256_of(&library.path) {
                Ok(sha256) => sha256,
                // Unless it was asked for, there are other places.
                Err(error) if !self.trust_beside => {
                    warn!(%error, "a library beside the program is passed over");
                    continue;
                }
                Err(error) => return Err(error),
            };
            // What a package has brought is as simdex names it, so there is no list to be read.
            if is_shipped(&sha256) {
                return Ok(Some(library));
            }
            if self.trust_beside {
                Trusted::making_cache(&self.cache)?.add(&sha256)?;
                return Ok(Some(library));
            }
            let trusted = Trusted::in_cache(&self.cache)?;
            if trusted.is_some_and(|trusted| trusted.contains(&sha256)) {
                return Ok(Some(library));
            }
            warn!(
                path = %library.path.display(),
                "a library beside the program is passed over; if you put it there, take it once with --trust"
            );
        }
        Ok(None)
    }

    /// Looks in the cache only: for the newest library that is still what simdex fetched.
    pub(super) fn find_cached(&self) -> Result<Option<Library>, Error> {
        let Some(trusted) = Trusted::in_cache(&self.cache)? else {
            return Ok(None);
        };
        let cache = trusted.cache();
        let dirs = std::fs::read_dir(cache).map_err(Error::cache("read", cache))?;
        let mut all: Vec<(Version, PathBuf)> = dirs
            .filter_map(Result::ok)
            .filter_map(|dir| {
                let name = dir.file_name();
                let version = Version::parse(name.to_str()?.strip_prefix("onnxruntime-")?)?;
                Some((version, newest_in(&dir.path())?))
            })
            .collect();
        all.sort_unstable();
        while let Some((_, path)) = all.pop() {
            if trusted.contains(&sha256_of(&path)?) {
                let origin = Origin::Cache;
                return Ok(Some(Library { path, origin }));
            }
            warn!(path = %path.display(), "passed over: it is not the library that simdex fetched");
        }
        Ok(None)
    }
}

impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "at {LIBRARY_VARIABLE}, config.toml, beside the executable, on {SEARCH_VARIABLE}, in \
             the system's library directories and {}",
            self.cache.display()
        )
    }
}

fn named(setting: &'static str, path: &Path, origin: Origin) -> Result<Library, Error> {
    if !path.is_file() {
        let path = path.to_owned();
        return Err(Error::Missing { setting, path });
    }
    let path = absolute(path);
    Ok(Library { path, origin })
}

/// The directories of a search path. Those that are named from the working directory, which an
/// empty entry means too, may hold anything.
fn searched(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(path).filter(|dir| dir.is_absolute() && !belongs_to_windows(dir))
}

fn first(dirs: &[PathBuf], origin: Origin) -> Option<Library> {
    let closed = dirs.iter().filter(|dir| {
        let open = is_open_to_all(dir);
        if open {
            debug!(dir = %dir.display(), "passed over: everybody can write there");
        }
        !open
    });
    let path = closed.into_iter().find_map(|dir| newest_in(dir))?;
    let path = absolute(&path);
    Some(Library { path, origin })
}

fn beside_executable() -> Vec<PathBuf> {
    // Through links: a link in ~/.local/bin has nothing beside it.
    let executable = std::env::current_exe().and_then(std::fs::canonicalize);
    executable.map_or_else(|_| Vec::new(), |executable| beside(&executable))
}

/// The folders that a program's library may be in: its own; `lib/simdex` beside `bin`, into which wheels,
/// Debian's packages and npm's put it; `lib` beside `bin`.
fn beside(executable: &Path) -> Vec<PathBuf> {
    let dir = executable.parent();
    let lib = dir.and_then(Path::parent).map(|parent| parent.join("lib"));
    let own = lib.as_ref().map(|lib| lib.join("simdex"));
    let dirs = [dir.map(Path::to_owned), own, lib];
    dirs.into_iter().flatten().collect()
}

/// Windows has an `onnxruntime.dll` of its own. It is too old, and its name has no version that
/// would show that.
fn belongs_to_windows(dir: &Path) -> bool {
    OS == "windows"
        && std::env::var("SystemRoot").is_ok_and(|root| {
            dir.to_string_lossy()
                .to_lowercase()
                .starts_with(&root.to_lowercase())
        })
}

fn usual_dirs() -> Vec<PathBuf> {
    let dirs: &[&str] = match OS {
        "windows" => &[],
        "macos" => &["/opt/homebrew/lib", "/usr/local/lib", "/opt/local/lib"],
        _ => &["/usr/local/lib", "/usr/local/lib64"],
    };
    let mut dirs: Vec<PathBuf> = dirs.iter().map(PathBuf::from).collect();
    if OS == "linux" {
        // Debian's name for a directory of one architecture.
        dirs.push(format!("/usr/lib/{ARCH}-linux-gnu").into());
    }
    if cfg!(unix) && OS != "macos" {
        dirs.extend(["/usr/lib64", "/usr/lib", "/lib64", "/lib"].map(PathBuf::from));
    }
    dirs
}

/// The library of the highest version in a directory.
fn newest_in(dir: &Path) -> Option<PathBuf> {
    let newest = std::fs::read_dir(dir)
        .ok()?
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let version = library_version(entry.file_name().to_str()?, OS)?;
            Some((version, entry.path()))
        })
        .filter(|(version, path)| path.is_file() && new_enough(version, path))
        .max()?;
    Some(newest.1)
}

fn new_enough(version: &Version, path: &Path) -> bool {
    // `libonnxruntime.so` and `.so.1` are links to a file whose name tells more.
    let target = std::fs::canonicalize(path).ok();
    let version = target
        .as_deref()
        .and_then(|target| library_version(target.file_name()?.to_str()?, OS))
        .unwrap_or_else(|| version.clone());
    let enough = version.0.len() < OLDEST.len() || version.0.as_slice() >= OLDEST.as_slice();
    if !enough {
        debug!(path = %path.display(), "passed over: older than ONNX Runtime 1.17");
    }
    enough
}

/// A version as the numbers in a file's name, of which there may be none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(Vec<u32>);

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let numbers = text.split('.').map(|number| number.parse().ok());
        numbers.collect::<Option<_>>().map(Self)
    }
}

/// The version in a file's name, or `None` if the file is not the library.
fn library_version(name: &str, os: &str) -> Option<Version> {
    let version = match os {
        "windows" => {
            return name
                .eq_ignore_ascii_case("onnxruntime.dll")
                .then(|| Version(Vec::new()));
        }
        "macos" => name
            .strip_prefix("libonnxruntime")?
            .strip_suffix(".dylib")?,
        _ => name.strip_prefix("libonnxruntime.so")?,
    };
    match version.strip_prefix('.') {
        Some(version) => Version::parse(version),
        None => version.is_empty().then(|| Version(Vec::new())),
    }
}

#[cfg(test)]
mod tests;
