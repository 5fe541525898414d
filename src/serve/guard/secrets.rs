//! The token of scripts, login links that are used once, and the sessions of browsers.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use blake3::Hash;

/// What lets in. Secrets that were made here are kept as hashes, which compare in constant time.
pub struct Secrets {
    token: Hash,
    given: Mutex<Given>,
}

#[derive(Default)]
struct Given {
    /// Of links that were not used yet.
    logins: Vec<Hash>,
    sessions: Vec<Hash>,
}

/// Login links and sessions at a time; the oldest go first.
const MOST: usize = 64;

impl Secrets {
    /// Lets in whoever has the token.
    pub fn new(token: String) -> Self {
        Self {
            token: blake3::hash(token.as_bytes()),
            given: Mutex::default(),
        }
    }

    /// A secret for a link, which can be changed for a session once.
    pub fn login(&self) -> String {
        let secret = random();
        add(&mut self.lock().logins, &secret);
        secret
    }

    /// The secret of a session for that of a link; `None` if it is none, or was used.
    pub fn log_in(&self, login: &str) -> Option<String> {
        let mut given = self.lock();
        let login = blake3::hash(login.as_bytes());
        let place = given.logins.iter().position(|known| *known == login)?;
        given.logins.remove(place);
        let secret = random();
        add(&mut given.sessions, &secret);
        Some(secret)
    }

    pub(super) fn is_token(&self, token: &str) -> bool {
        blake3::hash(token.as_bytes()) == self.token
    }

    pub(super) fn is_session(&self, session: &str) -> bool {
        let session = blake3::hash(session.as_bytes());
        self.lock().sessions.contains(&session)
    }

    fn lock(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(hashes: &mut Vec<Hash>, secret: &str) {
    if hashes.len() == MOST {
        hashes.remove(0);
    }
    hashes.push(blake3::hash(secret.as_bytes()));
}

/// 256 bits in hexadecimal.
fn random() -> String {
    let bytes: [u8; 32] = rand::random();
    Hash::from_bytes(bytes).to_hex().to_string()
}

/// There is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The variable holds none.
    #[error("SIMDEX_TOKEN must have {FEWEST} characters or more, without spaces")]
    Weak,
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Characters of a token.
const FEWEST: usize = 16;

/// The token of `SIMDEX_TOKEN`, `variable`, or that of a file, which is made where there is none and
/// which the user alone can read (mode 600).
///
/// # Errors
/// If the variable has too short a one, or the file cannot be read or written.
pub fn token(variable: Option<&str>, path: &Path) -> Result<String, TokenError> {
    let is_strong =
        |token: &str| token.len() >= FEWEST && token.bytes().all(|b| b.is_ascii_graphic());
    if let Some(token) = variable {
        return match is_strong(token) {
            true => Ok(token.to_owned()),
            false => Err(TokenError::Weak),
        };
    }
    let wrong = |source| TokenError::File {
        path: path.to_owned(),
        source,
    };
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(wrong)?;
    // One that was copied may be readable by others.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .map_err(wrong)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(wrong)?;
    if is_strong(text.trim()) {
        return Ok(text.trim().to_owned());
    }
    let token = random();
    file.set_len(0).map_err(wrong)?;
    io::Seek::rewind(&mut file).map_err(wrong)?;
    writeln!(file, "{token}").map_err(wrong)?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_lets_in_once() {
        let secrets = Secrets::new("token".to_owned());
        let login = secrets.login();
        assert!(!secrets.is_session(&login) && !secrets.is_token(&login));
        let session = secrets.log_in(&login).unwrap();
        assert!(secrets.is_session(&session) && !secrets.is_token(&session));
        assert_eq!(secrets.log_in(&login), None);
        assert_eq!(secrets.log_in(&session), None);
        assert_eq!(secrets.log_in(""), None);
    }

    #[test]
    fn links_and_sessions_do_not_pile_up() {
        let secrets = Secrets::new("token".to_owned());
        let first = secrets.login();
        for _ in 0..MOST {
            secrets.login();
        }
        assert_eq!(secrets.log_in(&first), None);
        assert_eq!(secrets.lock().logins.len(), MOST);
    }

    #[test]
    fn the_token_is_kept_for_the_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let made = token(None, &path).unwrap();
        assert!(made.len() == 64 && token(None, &path).unwrap() == made);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        let given = "given-by-the-user";
        assert_eq!(token(Some(given), &path).unwrap(), given);
        for weak in ["", "short", "with a space in it"] {
            assert!(matches!(token(Some(weak), &path), Err(TokenError::Weak)));
        }
        assert_eq!(token(None, &path).unwrap(), made);
    }
}
