//! Which file counts, and how far it is believed.
//!
//! `--config FILE` counts alone, with all keys. Without it there is the user's own file, with all
//! keys, and over it a `config.toml` in the current folder, which may have come with the folder
//! from elsewhere: it may set harmless keys only (see `harmless`).

use std::path::{Path, PathBuf};

use super::harmless::with_harmless;
use super::{Config, ConfigError};

/// The name of the file, in the current folder and in the user's.
const NAME: &str = "config.toml";

impl Config {
    /// Reads `explicit` alone; without it the user's own file and, over it, the harmless keys of
    /// a `config.toml` in the current folder. Where there is no file there are the defaults.
    ///
    /// # Errors
    /// If a file cannot be read or is not valid, or the one in the current folder sets what it
    /// must not.
    pub fn load(explicit: Option<&Path>) -> Result<Self, ConfigError> {
        match explicit {
            Some(path) => Self::read(path)?.checked(),
            None => Self::found(Path::new(NAME), own_file().as_deref()),
        }
    }

    fn found(here: &Path, own: Option<&Path>) -> Result<Self, ConfigError> {
        let is_there = |path: &&Path| path.is_file();
        let here = Some(here)
            .filter(is_there)
            .filter(|here| own.is_none_or(|own| !is_same(here, own)));
        let mut config = match own.filter(is_there) {
            Some(path) => Self::read(path)?.at_home(path).checked()?,
            None => Self::default(),
        };
        if let Some(path) = here {
            let mut files = vec![path.to_owned()];
            files.append(&mut config.files);
            config = with_harmless(Self::read(path)?.checked()?, config).map_err(|keys| {
                ConfigError::NotFromHere {
                    path: path.to_owned(),
                    keys,
                    own: own.map_or_else(
                        || "your own configuration file (there is no home folder)".to_owned(),
                        |own| own.display().to_string(),
                    ),
                }
            })?;
            config.files = files;
        }
        config.checked()
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        tracing::info!(path = %path.display(), "configuration");
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let config = toml::from_str(&text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            message: place_and_message(&text, &error),
        })?;
        Ok(Self {
            files: vec![path.to_owned()],
            ..config
        })
    }

    fn checked(self) -> Result<Self, ConfigError> {
        self.check()?;
        Ok(self)
    }

    /// What the user's own file names is meant from that file's folder: read from
    /// the current one, a folder from elsewhere would decide what it is.
    fn at_home(mut self, path: &Path) -> Self {
        let home = path.parent().unwrap_or(path);
        for file in [
            &mut self.data_dir,
            &mut self.network.runtime,
            &mut self.network.manifest,
            &mut self.network.projection,
        ] {
            *file = file.take().map(|file| home.join(file));
        }
        self
    }

    /// Where the store lives.
    ///
    /// # Errors
    /// If neither the configuration nor the system names a folder.
    pub fn data_dir(&self) -> Result<PathBuf, ConfigError> {
        match &self.data_dir {
            Some(dir) => Ok(dir.clone()),
            None => Ok(folders().ok_or(ConfigError::NoHome)?.data_dir().to_owned()),
        }
    }

    /// How to find the network's runtime.
    pub fn runtime(&self) -> crate::network::runtime::Options {
        // Anybody may have made a folder of that name: it is used only if it is the user's alone.
        let cache_dir = folders().map_or_else(
            || std::env::temp_dir().join("simdex-cache"),
            |folders| folders.cache_dir().to_owned(),
        );
        crate::network::runtime::Options {
            library: self.network.runtime.clone(),
            install: self.network.install_runtime,
            cache_dir,
            trust_beside: self.network.trust_library,
            device: self.network.device,
        }
    }
}

/// The line and what is wrong with it, without the line itself, which may hold a secret.
fn place_and_message(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| before.matches('\n').count() + 1);
    match line {
        Some(line) => format!("line {line}: {}", error.message()),
        None => error.message().to_owned(),
    }
}

fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// The user's own file, which need not be there.
fn own_file() -> Option<PathBuf> {
    folders().map(|folders| folders.config_dir().join(NAME))
}

/// The user's folders. A home that is named from the current folder is none.
fn folders() -> Option<directories::ProjectDirs> {
    let folders = directories::ProjectDirs::from("", "", "simdex");
    folders.filter(|folders| folders.config_dir().is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of a folder and of a user; an empty text stands for no file.
    fn found(here: &str, own: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let paths = ["here.toml", "own.toml"].map(|name| dir.path().join(name));
        for (path, text) in paths.iter().zip([here, own]) {
            if !text.is_empty() {
                std::fs::write(path, text).unwrap();
            }
        }
        let found = Config::found(&paths[0], Some(&paths[1]));
        found.map_err(|error| error.to_string())
    }

    #[test]
    fn the_folders_file_lies_over_the_users() {
        let own = "[crawl]\ndelay_ms = 3000\nproxy = \"http://p:1\"\n[query]\nk = 5\n";
        let config = found("[query]\nk = 7\n[crawl]\nmax_pages = 9\n", own).unwrap();
        assert_eq!((config.query.k, config.crawl.max_pages), (7, Some(9)));
        assert_eq!(config.crawl.delay_ms, 3_000);
        assert!(config.crawl.proxy.is_some());
        assert_eq!(config.files.len(), 2);
        assert!(config.files[0].ends_with("here.toml"));
        // The commented file of the repository changes nothing.
        let commented = found(include_str!("../../config.toml"), own).unwrap();
        let alone = found("", own).unwrap();
        let files = alone.files.clone();
        assert_eq!(Config { files, ..commented }, alone);
        assert_eq!(found("", "").unwrap(), Config::default());
    }

    #[test]
    fn what_a_folder_may_not_set_is_named_with_the_way_out() {
        let text = "[network]\nruntime = \"x.so\"\n[crawl]\ndelay_ms = 0\n";
        let error = found(text, "").unwrap_err();
        for part in [
            "here.toml",
            "[network] runtime and [crawl] delay_ms",
            "--config",
            "own.toml",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        let config = found("", text).unwrap();
        assert_eq!(config.crawl.delay_ms, 0);
        // From the file's folder, not from the current one.
        assert!(config.network.runtime.unwrap().is_absolute());
    }

    #[test]
    fn the_users_file_is_the_users_in_its_own_folder_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, "[crawl]\ndelay_ms = 0\n").unwrap();
        let config = Config::found(&path, Some(&path)).unwrap();
        assert_eq!((config.crawl.delay_ms, config.files.len()), (0, 1));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_and_not_shown() {
        for text in [
            "[crawl]\nproxy = \"http://me:hunter2@\"\n",
            "[crawl.headers]\nCookie = hunter2\n",
            "[crawl.headers]\nCookie = \"hunter2\n",
            "[crawl]\nsecrets = \"hunter2\"\n",
        ] {
            let error = found("", text).unwrap_err();
            assert!(error.contains("line 2"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
