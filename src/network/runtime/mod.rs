//! Finds the ONNX Runtime shared library, or gets it through the user's own pip or npm.
//!
//! `ort` loads the library at run time, so simdex has to know where it is before the first
//! network is opened. [`find`] only looks; [`find_or_install`] also downloads a pinned package
//! into simdex's cache, checks its SHA-256 and unpacks the one file that matters.
//!
//! What is loaded runs as the user, so nothing is loaded that others could have put there: a
//! library in the cache must be what simdex fetched, by its SHA-256; one beside the program must
//! be on the same list of checksums, to which `trust_beside` adds it; folders that everybody can
//! write are passed over, and so are relative ones.

mod install;
mod locate;
mod package;
mod trusted;
mod unpack;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::debug;

use self::locate::Places;
use super::Device;
use crate::private_folder;

/// Where to look, and whether to download what is not there.
#[derive(Clone, Debug)]
pub struct Options {
    /// The library named by `runtime` under `[network]` in config.toml.
    pub library: Option<PathBuf>,
    /// Whether simdex may run pip or npm to get the library.
    pub install: bool,
    /// simdex's cache directory, which need not exist yet.
    pub cache_dir: PathBuf,
    /// Whether a library beside the executable is taken as it is, and remembered.
    pub trust_beside: bool,
    /// What networks are to run on.
    pub device: Device,
}

/// The shared library to hand to `ort::init_from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// An absolute path, unless the working directory is gone.
    pub path: PathBuf,
    /// How it was found.
    pub origin: Origin,
}

/// How a library was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// `ORT_DYLIB_PATH` names it.
    Environment,
    /// config.toml names it.
    Config,
    /// It lies beside the executable, or in `../lib/simdex` or `../lib` from there.
    BesideExecutable,
    /// It is on the library search path or in one of the system's directories.
    System,
    /// An earlier run put it into the cache.
    Cache,
    /// It was downloaded just now.
    Installed,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "named by ORT_DYLIB_PATH",
            Self::Config => "named in config.toml",
            Self::BesideExecutable => "beside the executable",
            Self::System => "from the system",
            Self::Cache => "from the cache",
            Self::Installed => "just downloaded",
        })
    }
}

/// What [`find_or_install`] is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Another process is downloading the library; its result will be used.
    Waiting,
    /// Checking whether this package manager is there.
    Looking {
        /// The command, such as `python3 -m pip`.
        manager: &'static str,
    },
    /// The package manager is downloading a package.
    Downloading {
        /// The command, such as `python3 -m pip`.
        manager: &'static str,
        /// The package's name.
        package: &'static str,
        /// The package's version.
        version: &'static str,
        /// The size of the download in bytes.
        bytes: u64,
    },
    /// The package's checksum is right and the library is being unpacked.
    Unpacking,
    /// The library is in place.
    Done(PathBuf),
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("waiting for another simdex to get ONNX Runtime"),
            Self::Looking { manager } => write!(f, "looking for {manager}"),
            Self::Downloading {
                manager,
                package,
                version,
                bytes,
            } => write!(
                f,
                "downloading {package} {version} with {manager} ({:.1} MB)",
                *bytes as f64 / 1e6
            ),
            Self::Unpacking => f.write_str("unpacking ONNX Runtime"),
            Self::Done(path) => write!(f, "ONNX Runtime is at {}", path.display()),
        }
    }
}

/// Why there is no library to load.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A library was named explicitly, and the name is wrong.
    #[error(
        "{setting} names {}, which is not a file; it has to be the path of the ONNX Runtime \
         shared library, or be left out",
        path.display()
    )]
    Missing {
        /// Where the name comes from.
        setting: &'static str,
        /// The name.
        path: PathBuf,
    },
    /// A library is named from the working directory, where anybody may have put it.
    #[error("{setting} names {}; give the whole path, from the root", path.display())]
    Relative {
        /// Where the name comes from.
        setting: &'static str,
        /// The name.
        path: PathBuf,
    },
    /// There is no library, and downloading one is not allowed.
    #[error(
        "ONNX Runtime was not found (looked {places}) and simdex may not download it; {}, or \
         set `install_runtime = true` there",
        package::ADVICE
    )]
    Forbidden {
        /// Where it was looked for.
        places: String,
    },
    /// There is no library, and no package is known for this platform.
    #[error(
        "ONNX Runtime was not found (looked {places}) and simdex knows no package with it for \
         {platform} (those for Linux need glibc 2.28); {}",
        package::ADVICE
    )]
    Unsupported {
        /// Where it was looked for.
        places: String,
        /// The operating system and processor.
        platform: String,
    },
    /// There is no library, and no package manager could get it.
    #[error(
        "ONNX Runtime was not found (looked {places}) and could not be downloaded:{}\n{}",
        bullets(attempts),
        package::ADVICE
    )]
    Install {
        /// Where it was looked for.
        places: String,
        /// What was tried, in order.
        attempts: Vec<Attempt>,
    },
    /// Others could put a library of theirs into the cache.
    #[error(
        "{0}; no library is loaded from there. Make it yours alone (chmod go-w), remove it, or \
         name the library in ORT_DYLIB_PATH"
    )]
    Exposed(#[from] private_folder::Exposed),
    /// The cache directory cannot be used.
    #[error("cannot {action} {}", path.display())]
    Cache {
        /// What was to be done.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    fn cache(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Cache {
            action,
            path,
            source,
        }
    }
}

/// One package manager's try at getting the library.
#[derive(Debug)]
pub struct Attempt {
    /// The command, such as `python3 -m pip`.
    pub manager: &'static str,
    /// Why it did not work.
    pub failure: Failure,
}

/// Why a package manager did not deliver the library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// There is no such program.
    #[error("not found")]
    Absent,
    /// The program could not be started or watched.
    #[error("cannot be run: {0}")]
    Run(io::Error),
    /// The program reported failure.
    #[error("failed ({status}){}", indented(stderr))]
    Exit {
        /// Its exit status.
        status: std::process::ExitStatus,
        /// What it wrote to standard error, without the middle if that is long.
        stderr: String,
    },
    /// The program was killed because it took too long.
    #[error("gave up after {} s{}", after.as_secs(), indented(stderr))]
    TimedOut {
        /// The time it had.
        after: Duration,
        /// What it wrote to standard error, without the middle if that is long.
        stderr: String,
    },
    /// The program succeeded without leaving a package.
    #[error("left no package behind")]
    NoPackage,
    /// The package is not the one simdex knows.
    #[error("refused {package}: its SHA-256 is {found}, not {expected}")]
    Checksum {
        /// The package's file name.
        package: String,
        /// The pinned checksum.
        expected: &'static str,
        /// The checksum of what was downloaded.
        found: String,
    },
    /// The package lacks the library.
    #[error("its package has no file {0}")]
    NoLibrary(&'static str),
    /// The library in the package is implausibly large.
    #[error("the library in its package is larger than {limit} bytes")]
    TooLarge {
        /// The largest size simdex unpacks.
        limit: u64,
    },
    /// The package could not be read, or the library not be written.
    #[error("its package cannot be unpacked: {0}")]
    Unpack(#[from] io::Error),
}

fn bullets(attempts: &[Attempt]) -> String {
    attempts
        .iter()
        .map(|attempt| format!("\n- {}: {}", attempt.manager, attempt.failure))
        .collect()
}

fn indented(stderr: &str) -> String {
    stderr.lines().map(|line| format!("\n    {line}")).collect()
}

/// Looks for the library without changing anything, but for the list of trusted checksums if
/// `trust_beside` is set.
///
/// The order is `ORT_DYLIB_PATH`, config.toml, beside the executable, the system's library path,
/// simdex's cache.
///
/// # Errors
///
/// [`Error::Missing`] when `ORT_DYLIB_PATH` or config.toml names something that is not a file:
/// taking another library in silence would hide the mistake. [`Error::Exposed`] when others could
/// have put what is in the cache.
pub fn find(options: &Options) -> Result<Option<Library>, Error> {
    find_in(&Places::new(options))
}

/// Looks for the library as [`find`] does and, if it may, downloads it when it is nowhere.
///
/// Processes that do this at the same time wait for one another, and download once.
///
/// # Errors
///
/// As [`find`], and when the library may not or cannot be downloaded. The text of the error says
/// what was tried and how to provide the library by hand.
pub fn find_or_install(options: &Options, progress: &dyn Fn(Progress)) -> Result<Library, Error> {
    let places = Places::new(options);
    if let Some(library) = find_in(&places)? {
        return Ok(library);
    }
    if !options.install {
        let places = places.to_string();
        return Err(Error::Forbidden { places });
    }
    let packages = package::for_this_platform();
    if packages.is_empty() {
        return Err(Error::Unsupported {
            places: places.to_string(),
            platform: package::this_platform(),
        });
    }
    install::install(&places, &packages, progress, &install::download)
}

fn find_in(places: &Places) -> Result<Option<Library>, Error> {
    let library = places.find()?;
    match &library {
        Some(Library { path, origin }) => debug!(path = %path.display(), %origin, "ONNX Runtime"),
        None => debug!("no ONNX Runtime in {places}"),
    }
    Ok(library)
}

/// Makes a path independent of later changes of the working directory.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
