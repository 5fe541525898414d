//! The places a library may lie in, in the order they are tried.

use std::env::consts::{ARCH, OS};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use tracing::debug;

use super::{Error, Library, Options, Origin, absolute};

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
}

impl Places {
    /// The places for this process.
    pub(super) fn new(options: &Options) -> Self {
        let search = std::env::var_os(SEARCH_VARIABLE).unwrap_or_default();
        Self {
            variable: std::env::var_os(LIBRARY_VARIABLE),
            config: options.library.clone(),
            beside: beside_executable(),
            system: std::env::split_paths(&search)
                // An empty entry means the working directory, which anyone may have filled.
                .filter(|dir| !dir.as_os_str().is_empty() && !belongs_to_windows(dir))
                .chain(usual_dirs())
                .collect(),
            cache: absolute(&options.cache_dir),
        }
    }

    /// Looks in all places.
    pub(super) fn find(&self) -> Result<Option<Library>, Error> {
        // `ort` takes an empty variable for an unset one, and so do shells' users.
        let variable = self.variable.as_ref().filter(|value| !value.is_empty());
        if let Some(path) = variable {
            return named(LIBRARY_VARIABLE, Path::new(path), Origin::Environment).map(Some);
        }
        if let Some(path) = &self.config {
            return named("`runtime` in config.toml", path, Origin::Config).map(Some);
        }
        let found = first(&self.beside, Origin::BesideExecutable)
            .or_else(|| first(&self.system, Origin::System))
            .or_else(|| self.find_cached());
        Ok(found)
    }

    /// Looks in the cache only.
    pub(super) fn find_cached(&self) -> Option<Library> {
        let dirs = std::fs::read_dir(&self.cache).ok()?;
        let newest = dirs
            .filter_map(Result::ok)
            .filter_map(|dir| {
                let name = dir.file_name();
                let version = Version::parse(name.to_str()?.strip_prefix("onnxruntime-")?)?;
                Some((version, newest_in(&dir.path())?))
            })
            .max()?;
        Some(Library {
            path: newest.1,
            origin: Origin::Cache,
        })
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

fn first(dirs: &[PathBuf], origin: Origin) -> Option<Library> {
    let path = dirs.iter().find_map(|dir| newest_in(dir))?;
    let path = absolute(&path);
    Some(Library { path, origin })
}

fn beside_executable() -> Vec<PathBuf> {
    // Through links: a link in ~/.local/bin has nothing beside it.
    let executable = std::env::current_exe().and_then(std::fs::canonicalize);
    let Ok(executable) = executable else {
        return Vec::new();
    };
    let dir = executable.parent();
    let lib = dir.and_then(Path::parent).map(|parent| parent.join("lib"));
    dir.map(Path::to_owned).into_iter().chain(lib).collect()
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
mod tests {
    use super::*;
    use std::fs;

    /// A library's file name on the platform the tests run on.
    fn file_name(version: &str) -> String {
        super::super::package::library_name(version, OS)
    }

    fn place(dir: &Path, version: &str) -> PathBuf {
        fs::create_dir_all(dir).unwrap();
        let path = dir.join(file_name(version));
        fs::write(&path, "").unwrap();
        path
    }

    #[test]
    fn reads_versions_from_names() {
        let version = |name, os| library_version(name, os).map(|version| version.0);
        assert_eq!(version("libonnxruntime.so", "linux"), Some(vec![]));
        assert_eq!(version("libonnxruntime.so.1", "linux"), Some(vec![1]));
        assert_eq!(
            version("libonnxruntime.so.1.22.1", "linux"),
            Some(vec![1, 22, 1])
        );
        assert_eq!(version("libonnxruntime.dylib", "macos"), Some(vec![]));
        assert_eq!(
            version("libonnxruntime.1.22.1.dylib", "macos"),
            Some(vec![1, 22, 1])
        );
        assert_eq!(version("OnnxRuntime.dll", "windows"), Some(vec![]));
        for (name, os) in [
            ("libonnxruntime_providers_shared.so", "linux"),
            ("libonnxruntime.so.bak", "linux"),
            ("libonnxruntime.so1", "linux"),
            ("libonnxruntime.so.", "linux"),
            ("libonnxruntime.1.22.1.dylib", "linux"),
            ("libonnxruntime.so.1", "macos"),
            ("onnxruntime_providers_shared.dll", "windows"),
        ] {
            assert_eq!(version(name, os), None, "{name} on {os}");
        }
    }

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn takes_the_highest_version() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["", ".1", ".1.9.0", ".1.30.0", ".1.22.1"] {
            fs::write(dir.path().join(format!("libonnxruntime.so{name}")), "").unwrap();
        }
        fs::create_dir(dir.path().join("libonnxruntime.so.1.99.0")).unwrap();
        let newest = newest_in(dir.path()).unwrap();
        assert_eq!(newest, dir.path().join("libonnxruntime.so.1.30.0"));
    }

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn passes_over_old_releases_and_links_to_them() {
        let dir = tempfile::tempdir().unwrap();
        let old = place(dir.path(), "1.16.3");
        std::os::unix::fs::symlink(&old, dir.path().join("libonnxruntime.so")).unwrap();
        std::os::unix::fs::symlink("gone", dir.path().join("libonnxruntime.so.1.30.0")).unwrap();
        assert_eq!(newest_in(dir.path()), None);
    }

    #[test]
    fn tries_the_places_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let mut places = Places {
            variable: Some(place(&at("variable"), "1.22.1").into()),
            config: Some(place(&at("config"), "1.22.1")),
            beside: vec![at("nowhere"), at("beside")],
            system: vec![at("system")],
            cache: at("cache"),
        };
        let beside = place(&at("beside"), "1.22.1");
        let system = place(&at("system"), "1.22.1");
        place(&at("cache/onnxruntime-1.9.0"), "1.22.1");
        let cached = place(&at("cache/onnxruntime-1.22.1"), "1.22.1");
        place(&at("cache/onnxruntime.download"), "1.30.0");

        let origin = |places: &Places| places.find().unwrap().map(|library| library.origin);
        assert_eq!(origin(&places), Some(Origin::Environment));
        places.variable = Some(OsString::new());
        assert_eq!(origin(&places), Some(Origin::Config));
        places.config = None;
        assert_eq!(origin(&places), Some(Origin::BesideExecutable));
        fs::remove_file(beside).unwrap();
        assert_eq!(origin(&places), Some(Origin::System));
        fs::remove_file(system).unwrap();
        assert_eq!(origin(&places), Some(Origin::Cache));
        assert_eq!(places.find().unwrap().unwrap().path, cached);
        places.cache = at("nowhere");
        assert_eq!(origin(&places), None);
    }

    #[test]
    fn a_wrong_name_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("gone.so");
        let beside = dir.path().join("beside");
        place(&beside, "1.22.1");
        let mut places = Places {
            config: Some(gone.clone()),
            beside: vec![beside],
            ..Places::default()
        };
        let text = places.find().unwrap_err().to_string();
        assert!(text.starts_with("`runtime` in config.toml names"), "{text}");

        // A directory is no library either.
        places.variable = Some(dir.path().into());
        let text = places.find().unwrap_err().to_string();
        assert!(text.starts_with("ORT_DYLIB_PATH names"), "{text}");
        assert!(text.contains(dir.path().to_str().unwrap()), "{text}");
    }
}
