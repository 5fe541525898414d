//! Where libraries are looked for, and which are passed over.

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

/// Has the cache's list say that a library was fetched.
fn fetched(cache: &Path, path: &Path) {
    let sum = sha256_of(path).unwrap();
    Trusted::making_cache(cache).unwrap().add(&sum).unwrap();
}

#[test]
fn tries_the_places_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    let at = |name: &str| real.join(name);
    let mut places = Places {
        variable: Some(place(&at("variable"), "1.22.1").into()),
        config: Some(place(&at("config"), "1.22.1")),
        beside: vec![at("nowhere"), at("beside")],
        system: vec![at("system")],
        cache: at("cache"),
        trust_beside: true,
    };
    let beside = place(&at("beside"), "1.22.1");
    let system = place(&at("system"), "1.22.1");
    place(&at("cache/onnxruntime-1.9.0"), "1.22.1");
    let cached = place(&at("cache/onnxruntime-1.22.1"), "1.22.1");
    place(&at("cache/onnxruntime.download"), "1.30.0");
    fetched(&at("cache"), &cached);

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
fn a_cached_library_must_be_what_was_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().canonicalize().unwrap().join("cache");
    let places = Places {
        cache: cache.clone(),
        ..Places::default()
    };
    let old = place(&cache.join("onnxruntime-1.20.0"), "1.20.0");
    let new = place(&cache.join("onnxruntime-1.22.1"), "1.22.1");
    fs::write(&old, "old").unwrap();
    fs::write(&new, "new").unwrap();
    assert_eq!(places.find().unwrap(), None, "nobody fetched them");
    fetched(&cache, &old);
    fetched(&cache, &new);
    let found = || places.find().unwrap().map(|library| library.path);
    assert_eq!(found(), Some(new.clone()));
    fs::write(&new, "planted").unwrap();
    assert_eq!(found(), Some(old));
}

#[test]
#[cfg(unix)]
fn a_cache_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    let library = place(&cache.join("onnxruntime-1.22.1"), "1.22.1");
    fetched(&cache, &library);
    let places = Places {
        cache: cache.clone(),
        ..Places::default()
    };
    for (mode, refused) in [(0o777, true), (0o1777, true), (0o775, true), (0o755, false)] {
        fs::set_permissions(&cache, fs::Permissions::from_mode(mode)).unwrap();
        let found = places.find();
        let exposed = matches!(found, Err(Error::Exposed(_)));
        assert_eq!(exposed, refused, "{mode:o}: {found:?}");
    }
}

#[test]
fn a_library_beside_the_program_is_taken_on_the_users_word() {
    let dir = tempfile::tempdir().unwrap();
    let beside = dir.path().join("beside");
    let library = place(&beside, "1.22.1");
    let mut places = Places {
        beside: vec![beside],
        cache: dir.path().join("cache"),
        ..Places::default()
    };
    assert_eq!(places.find().unwrap(), None);
    assert!(!places.cache.exists());
    places.trust_beside = true;
    let found = || places.find().unwrap().map(|library| library.origin);
    assert_eq!(found(), Some(Origin::BesideExecutable));
    // That is remembered, for this very file.
    places.trust_beside = false;
    let found = || places.find().unwrap().map(|library| library.origin);
    assert_eq!(found(), Some(Origin::BesideExecutable));
    fs::write(&library, "another").unwrap();
    assert_eq!(found(), None);
}

#[test]
fn what_is_installed_has_its_library_in_a_folder_of_its_own() {
    let prefix = Path::new("prefix");
    let dirs = super::beside(&prefix.join("bin").join("simdex"));
    let expected = ["bin", "lib/simdex", "lib"].map(|dir| prefix.join(dir));
    assert_eq!(dirs, expected);
}

#[test]
fn a_library_that_nobody_knows_hides_none_that_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    let (unknown, known) = (real.join("bin"), real.join("lib/simdex"));
    fs::write(place(&unknown, "1.30.0"), "unknown").unwrap();
    let library = place(&known, "1.22.1");
    fs::write(&library, "known").unwrap();
    let places = Places {
        beside: vec![unknown, known],
        cache: real.join("cache"),
        ..Places::default()
    };
    assert_eq!(places.find().unwrap(), None);
    fetched(&places.cache, &library);
    let found = places.find().unwrap().map(|found| found.path);
    assert_eq!(found, Some(library));
}

#[test]
#[cfg(unix)]
fn folders_of_everybody_and_relative_ones_are_passed_over() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = format!(":.:lib:../lib:{}:", dir.path().display());
    let dirs: Vec<PathBuf> = searched(path.as_ref()).collect();
    assert_eq!(dirs, [dir.path()]);
    let system = dir.path().join("system");
    place(&system, "1.22.1");
    let places = Places {
        system: vec![system.clone()],
        ..Places::default()
    };
    assert!(places.find().unwrap().is_some());
    for mode in [0o777, 0o1777] {
        fs::set_permissions(&system, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(places.find().unwrap(), None);
    }
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

#[test]
fn what_is_named_from_the_working_directory_is_refused() {
    let places = Places {
        variable: Some("libonnxruntime.so".into()),
        ..Places::default()
    };
    assert!(matches!(places.find(), Err(Error::Relative { .. })));
}
