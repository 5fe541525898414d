//! What PostgreSQL says, as errors of the store, and which of it passes by itself.

use crate::store::StoreError;

/// What the database's failures are followed by, for people.
const HINT: &str =
    "; see to the database, then run the same command again: it goes on where it stopped";

/// The same where no connection could be had.
const UNREACHABLE: &str = "; the server that `[store] url` names does not answer, or has no connection left: \
                           see to it, then run the same command again";

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let hint = match error {
            sqlx::Error::PoolTimedOut => UNREACHABLE,
            _ => HINT,
        };
        Self::Engine {
            source: Box::new(error),
            hint,
        }
    }
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::cluster) enum Then {
    /// The same again, at once: another transaction was in the way.
    Again,
    /// The same again after a while: the server does not answer, or is starting.
    Wait,
    /// It stays a failure.
    GiveUp,
}

/// What to do after a failure of the store.
pub(in crate::store::cluster) fn then(error: &StoreError) -> Then {
    match error {
        StoreError::Engine { source, .. } => source
            .downcast_ref::<sqlx::Error>()
            .map_or(Then::GiveUp, of_sql),
        _ => Then::GiveUp,
    }
}

fn of_sql(error: &sqlx::Error) -> Then {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => Then::Wait,
        sqlx::Error::Protocol(_) => Then::Wait,
        sqlx::Error::Database(error) => error.code().map_or(Then::GiveUp, |code| of_code(&code)),
        _ => Then::GiveUp,
    }
}

/// What follows from a SQLSTATE.
fn of_code(code: &str) -> Then {
    match code {
        // serialization_failure, deadlock_detected; unique_violation, where two have found the same at once.
        "40001" | "40P01" | "23505" => Then::Again,
        // query_canceled and idle_in_transaction_session_timeout: something held it up.
        "57014" | "25P03" => Then::Wait,
        // Ends of connections, too many of them, and a server that is stopping or starting.
        "53300" | "57P01" | "57P02" | "57P03" | "25006" => Then::Wait,
        _ if code.starts_with("08") => Then::Wait,
        _ => Then::GiveUp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_stays() {
        let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert_eq!(then(&sqlx::Error::Io(lost).into()), Then::Wait);
        assert_eq!(then(&sqlx::Error::RowNotFound.into()), Then::GiveUp);
        assert_eq!(then(&StoreError::NoFolder), Then::GiveUp);
        assert_eq!(of_code("40001"), Then::Again);
        assert_eq!(of_code("23505"), Then::Again, "two rows of one key");
        assert_eq!(of_code("57014"), Then::Wait, "it took too long");
        assert_eq!(of_code("08006"), Then::Wait);
        assert_eq!(of_code("42P01"), Then::GiveUp, "no such table");
    }
}
