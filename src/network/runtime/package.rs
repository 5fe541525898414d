//! The packages that hold the library, pinned by version and checksum.

use std::env::consts::{ARCH, OS};

/// What to do when simdex cannot get the library by itself.
pub(super) const ADVICE: &str = "install it with `pip install onnxruntime` (1.19 or newer) and \
    name its library, onnxruntime/capi/libonnxruntime.* (onnxruntime.dll on Windows) in Python's \
    site-packages, in ORT_DYLIB_PATH or as `runtime` under [network] in your own config.toml";

/// The release on PyPI: its wheels for Linux need glibc 2.28 and are half the size of later ones.
const PIP: &str = "1.22.1";

/// The release of the same series on npm: later ones dropped macOS on x86_64.
const NPM: &str = "1.22.0";

/// The checksums of the libraries in PyPI's packages: Linux on x86_64 and aarch64, macOS, Windows. What
/// lies beside the program is taken if it is one of them, so packages of simdex bring one of them.
pub(super) const LIBRARIES: [&str; 4] = [
    "ad9665887025474170d3e71cd28021e7e811c5bf201bc365f953e34a2c4989cc",
    "7b28635814a0810407791b3e26aff9dccf1b4563210baf3b71133231a35c5f2e",
    "114a54d0c08cc94c68dba8a30dbc16627e543f978c345e016f67e46f8b727c51",
    "b7d046825412fe3d6c582145f527a197817b2ed717a3a3f21c6e81896f5fce48",
];

/// A file that a package manager can download.
#[derive(Clone, Copy, Debug)]
pub(super) struct Package {
    pub(super) source: Source,
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// The size of the download.
    pub(super) bytes: u64,
    /// The checksum of the download, in lower-case hexadecimal digits.
    pub(super) sha256: &'static str,
    /// The library's name inside the package.
    pub(super) member: &'static str,
}

/// Where a package comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A wheel from PyPI, for the platform that this tag names.
    Pip { platform: &'static str },
    /// A tarball from npm.
    Npm,
}

impl Source {
    /// The commands to try, best first.
    pub(super) fn managers(self) -> &'static [&'static str] {
        match self {
            Self::Pip { .. } if cfg!(windows) => &["py -m pip", "python -m pip", "pip"],
            Self::Pip { .. } => &["python3 -m pip", "python -m pip", "pip3", "pip"],
            // npm is a script there, which has to be named in full.
            Self::Npm if cfg!(windows) => &["npm.cmd"],
            Self::Npm => &["npm"],
        }
    }

    /// The extension of the file that the package manager leaves.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Pip { .. } => "whl",
            Self::Npm => "tgz",
        }
    }
}

/// The packages for this platform, best first.
pub(super) fn for_this_platform() -> Vec<Package> {
    if cfg!(target_env = "musl") {
        return Vec::new();
    }
    for_platform(OS, ARCH)
}

/// This platform, for people.
pub(super) fn this_platform() -> String {
    let libc = if cfg!(target_env = "musl") {
        " with musl"
    } else {
        ""
    };
    format!("{OS} on {ARCH}{libc}")
}

/// The library's file name.
pub(super) fn library_name(version: &str, os: &str) -> String {
    match os {
        "windows" => "onnxruntime.dll".to_owned(),
        "macos" => format!("libonnxruntime.{version}.dylib"),
        _ => format!("libonnxruntime.so.{version}"),
    }
}

fn for_platform(os: &str, arch: &str) -> Vec<Package> {
    pip(os, arch).into_iter().chain(npm(os, arch)).collect()
}

fn pip(os: &str, arch: &str) -> Option<Package> {
    let (platform, bytes, sha256, member) = match (os, arch) {
        ("linux", "x86_64") => (
            "manylinux_2_28_x86_64",
            16_460_799,
            "f6effa1299ac549a05c784d50292e3378dbbf010346ded67400193b09ddc2f04",
            "onnxruntime/capi/libonnxruntime.so.1.22.1",
        ),
        ("linux", "aarch64") => (
            "manylinux_2_28_aarch64",
            14_473_779,
            "7ae7526cf10f93454beb0f751e78e5cb7619e3b92f9fc3bd51aa6f3b7a8977e5",
            "onnxruntime/capi/libonnxruntime.so.1.22.1",
        ),
        // One wheel with code for both processors.
        ("macos", "aarch64" | "x86_64") => (
            "macosx_13_0_universal2",
            34_324_148,
            "f4581bccb786da68725d8eac7c63a8f31a89116b8761ff8b4989dc58b61d49a0",
            "onnxruntime/capi/libonnxruntime.1.22.1.dylib",
        ),
        ("windows", "x86_64") => (
            "win_amd64",
            12_689_881,
            "f28a42bb322b4ca6d255531bb334a2b3e21f172e37c1741bd5e66bc4b7b61f03",
            "onnxruntime/capi/onnxruntime.dll",
        ),
        _ => return None,
    };
    Some(Package {
        source: Source::Pip { platform },
        name: "onnxruntime",
        version: PIP,
        bytes,
        sha256,
        member,
    })
}

fn npm(os: &str, arch: &str) -> Option<Package> {
    let member = match (os, arch) {
        ("linux", "x86_64") => "package/bin/napi-v6/linux/x64/libonnxruntime.so.1",
        ("linux", "aarch64") => "package/bin/napi-v6/linux/arm64/libonnxruntime.so.1",
        ("macos", "x86_64") => "package/bin/napi-v6/darwin/x64/libonnxruntime.1.22.0.dylib",
        ("macos", "aarch64") => "package/bin/napi-v6/darwin/arm64/libonnxruntime.1.22.0.dylib",
        ("windows", "x86_64") => "package/bin/napi-v6/win32/x64/onnxruntime.dll",
        ("windows", "aarch64") => "package/bin/napi-v6/win32/arm64/onnxruntime.dll",
        _ => return None,
    };
    // One tarball with the libraries for all platforms, hence its size.
    Some(Package {
        source: Source::Npm,
        name: "onnxruntime-node",
        version: NPM,
        bytes: 93_267_589,
        sha256: "8007ce525b5b185b77d2b4103d3ec147ecef6d861eb14726d0bdda5e2947dbd7",
        member,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_comes_first_where_there_is_a_wheel() {
        for os in ["linux", "macos", "windows"] {
            for arch in ["x86_64", "aarch64"] {
                let packages = for_platform(os, arch);
                let wheel = (os, arch) != ("windows", "aarch64");
                assert_eq!(packages.len(), if wheel { 2 } else { 1 }, "{os} {arch}");
                assert_eq!(packages[0].source == Source::Npm, !wheel, "{os} {arch}");
                for package in packages {
                    assert_eq!(package.sha256.len(), 64);
                    assert!(!package.sha256.contains(|c: char| c.is_ascii_uppercase()));
                }
            }
        }
        assert!(for_platform("linux", "riscv64").is_empty());
        assert!(for_platform("freebsd", "x86_64").is_empty());
    }
}
