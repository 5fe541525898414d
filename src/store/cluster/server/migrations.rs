//! The steps by which a database becomes a store of this version.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::store::StoreError;
use crate::store::cluster::ClusterOptions;
use crate::store::cluster::server::database::Database;

/// Names and texts, in order. What is listed here is never changed, only added to.
const STEPS: [(&str, &str); 3] = [
    (
        "initial",
        include_str!("../../../../migrations/postgres/0001_initial.sql"),
    ),
    (
        "owners",
        include_str!("../../../../migrations/postgres/0002_owners.sql"),
    ),
    (
        "marks",
        include_str!("../../../../migrations/postgres/0003_marks.sql"),
    ),
];

/// How long a step may take.
const LONGEST_STEP: Duration = Duration::from_secs(7 * 24 * 3600);

fn migrator() -> Migrator {
    let steps = STEPS.iter().zip(1..);
    let steps = steps.map(|((name, sql), version)| {
        let (name, sql) = (Cow::Borrowed(*name), Cow::Borrowed(*sql));
        Migration::new(version, name, MigrationType::Simple, sql, false)
    });
    Migrator {
        migrations: Cow::Owned(steps.collect()),
        ..Migrator::DEFAULT
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        let hint = match &error {
            MigrateError::Execute(_) | MigrateError::ExecuteMigration(..) => {
                "; it takes the owner of the tables, or one who may make them \
                 (docs/cluster.md, Security)"
            }
            _ => "; if a newer simdex has made this store, use that one",
        };
        Self::Engine {
            source: Box::new(error),
            hint,
        }
    }
}

/// Brings the database up to this version; makes a store where there is none. Several processes
/// may do so at once. Returns the version that it has then.
///
/// # Errors
/// If the database cannot be reached or changed, or is of a newer version.
pub fn migrate(options: &ClusterOptions) -> Result<u64, StoreError> {
    // A step may make an index of what is there.
    let patient = ClusterOptions {
        statement_timeout: LONGEST_STEP,
        ..options.clone()
    };
    let database = Database::connect(&patient)?;
    database.wait(migrator().run(database.pool()))?;
    Ok(STEPS.len() as u64)
}

/// Fails where the database is of another version.
pub(in crate::store::cluster) fn check(database: &Database) -> Result<(), StoreError> {
    let read = || sqlx::query_as("SELECT max(version) FROM _sqlx_migrations WHERE success");
    let newest: Option<(Option<i64>,)> = match database.row(read) {
        Err(error) if is_of_no_table(&error) => None,
        read => read?,
    };
    let newest = newest.and_then(|(newest,)| newest).unwrap_or(0);
    let known = STEPS.len() as i64;
    match newest {
        _ if newest == known => Ok(()),
        _ if newest > known => Err(StoreError::Engine {
            source: format!("it has version {newest}, this simdex knows {known}").into(),
            hint: "; use the newer simdex that made it",
        }),
        _ => Err(StoreError::Engine {
            source: format!("it has version {newest}, this simdex needs {known}").into(),
            hint: "; `simdex store migrate` brings it up",
        }),
    }
}

fn is_of_no_table(error: &StoreError) -> bool {
    let StoreError::Engine { source, .. } = error else {
        return false;
    };
    let error = source.downcast_ref::<sqlx::Error>();
    let error = error.and_then(sqlx::Error::as_database_error);
    error.is_some_and(|error| error.code().as_deref() == Some("42P01"))
}
