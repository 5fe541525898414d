//! A store that a command works on: opened here, or asked of the process that has it open.

use std::time::{Duration, Instant};

use super::progress;
use super::session::Session;
use crate::app::{Collection, Error, TRAINED};
use crate::head::{HeadError, Ranking};
use crate::local_path::LocalPath;
use crate::plural::noun_of;
use crate::serve::Connection;
use crate::store::StoreError;

/// An open store, or somebody who has it open.
pub(super) enum Opened {
    Here(Collection),
    There(Box<Connection>),
}

/// How long an owner may take that is coming or going.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked for.
const EVERY: Duration = Duration::from_millis(20);

impl Session {
    /// Opens the store, as `open` does, unless somebody has it open who answers.
    pub(super) fn opened(
        &self,
        open: impl Fn(&Self) -> Result<Collection, Error>,
    ) -> anyhow::Result<Opened> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(connection) = self.owner()? {
                answered_by(&connection);
                self.note_owner();
                return Ok(Opened::There(Box::new(connection)));
            }
            match open(self) {
                Err(error) if self.may_wait(&error, until) => std::thread::sleep(EVERY),
                collection => return Ok(Opened::Here(collection?)),
            }
        }
    }

    /// Opens the store for this process alone, as `open` does. A short command that has it open is
    /// waited for.
    pub(super) fn alone(
        &self,
        open: impl Fn(&Self) -> Result<Collection, Error>,
    ) -> Result<Collection, Error> {
        let until = Instant::now() + PATIENCE;
        loop {
            match open(self) {
                Err(error) if self.may_wait(&error, until) => std::thread::sleep(EVERY),
                collection => return collection,
            }
        }
    }

    /// Whether a store is in use that may soon be free.
    fn may_wait(&self, error: &Error, until: Instant) -> bool {
        let is_locked = matches!(error, Error::Store(StoreError::Locked { .. }));
        is_locked && Instant::now() < until && !self.shutdown.requested()
    }

    /// Whoever has the store open and answers.
    pub(super) fn owner(&self) -> anyhow::Result<Option<Connection>> {
        let dir = self.config.data_dir()?;
        Ok(Connection::to(&dir, &self.shutdown)?)
    }

    /// A head as it is asked for elsewhere: its name, and the file of that name if it is one.
    pub(super) fn head_to_send(
        &self,
        name: Option<&str>,
    ) -> anyhow::Result<(String, Option<Vec<u8>>)> {
        let name = name.unwrap_or(&self.config.query.head).to_owned();
        if name == TRAINED || Ranking::NAMES.contains(&name.as_str()) {
            return Ok((name, None));
        }
        let path = LocalPath::named(name.as_ref());
        let path = path.as_path();
        if !path.is_file() {
            return Err(Error::Head(HeadError::Unknown(name)).into());
        }
        let text = std::fs::read(path).map_err(|source| HeadError::File {
            path: path.to_owned(),
            source,
        })?;
        Ok((name, Some(text)))
    }
}

/// Says who answers.
pub(super) fn answered_by(connection: &Connection) {
    let owner = connection.owner();
    let pictures = grouped(owner.pictures);
    progress::note(&format!(
        "answered by process {}, {pictures} {}",
        owner.process,
        noun_of(owner.pictures, "picture", "pictures")
    ));
}

/// 1,204.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_groups_of_three() {
        let of = [0, 7, 204, 1_204, 12_000, 1_000_000].map(grouped);
        assert_eq!(of, ["0", "7", "204", "1,204", "12,000", "1,000,000"]);
    }
}
