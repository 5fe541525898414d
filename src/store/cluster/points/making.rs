//! Tables of points are made, and filled from what is stored already.

use sqlx::FromRow;
use sqlx::postgres::PgRow;

use crate::activation::Activations;
use crate::network::{Descriptor, Embedding, LookDescriptor};
use crate::picture::PictureId;
use crate::store::cluster::points::keeping::{Insertion, Point};
use crate::store::cluster::points::sample;
use crate::store::cluster::server::connection::Reading;
use crate::store::cluster::server::database::Database;
use crate::store::cluster::server::session::Session;
use crate::store::cluster::{ClusterOptions, identity, number};
use crate::store::{LEASE_TIME, Store, StoreError, StoreOptions};

/// What [`make_points`] came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PointsMade {
    /// The server finds what is near: every picture has a point.
    Whole {
        /// Pictures that have got theirs now.
        added: u64,
    },
    /// It was not to go on. What is made stays.
    Stopped,
    /// The server cannot, for this reason. Each machine has an index of its own.
    Unavailable(String),
}

/// Pictures that get their points at once.
const CHUNK: i64 = 1_000;
/// The first version of pgvector whose searches go on where a filter refuses much.
const OLDEST: (u32, u32) = (0, 8);

/// What is made; a `{}` stands for the numbers in a descriptor. Looks are scanned, and need no index.
const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS points ( \
       picture bytea PRIMARY KEY, descriptor halfvec({}) NOT NULL, look halfvec)",
    "CREATE TABLE IF NOT EXISTS samples (picture bytea PRIMARY KEY, embedding halfvec NOT NULL)",
];
/// Made when the points are there: to insert them one by one takes longer.
const INDEX: &str = "CREATE INDEX IF NOT EXISTS points_descriptor ON points \
     USING hnsw (descriptor halfvec_ip_ops)";

/// Makes a cluster's server find what is near, where it can: where pgvector is there, or can be had. The
/// database must be of this version. Workers that have it open and know nothing of points write no more
/// from then on. `progress` is told of pictures so far and in all, and says whether to go on. May be run
/// again at any time; pictures without points get theirs.
///
/// # Errors
/// If the database or the bucket fails, or the store is of another network.
pub fn make_points(
    cluster: &ClusterOptions,
    options: &StoreOptions<'_>,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<PointsMade, StoreError> {
    let database = Database::connect(cluster)?;
    if let Some(reason) = refusal(&database)? {
        return Ok(PointsMade::Unavailable(reason));
    }
    // Points are as long as this network's descriptors.
    identity::found_or_made(&database, options)?;
    let filling = Filling {
        database: &database,
    };
    filling.begin(options.network.descriptor_dimensions())?;
    filling.drop_dangling()?;
    let Some(added) = filling.points(progress)? else {
        return Ok(PointsMade::Stopped);
    };
    let open = || Store::connected((cluster, None), options, LEASE_TIME, Box::new(()));
    if !filling.samples(open, progress)? {
        return Ok(PointsMade::Stopped);
    }
    for statement in [INDEX, "ANALYZE points, samples"] {
        database.persist(|| Session::run_long(&database, statement))?;
    }
    database.execute(|| sqlx::query("UPDATE numbers SET value = 1 WHERE name = 'points'"))?;
    Ok(PointsMade::Whole { added })
}

/// Why the server cannot have points; `None` if it can. The extension is made where that is allowed.
fn refusal(database: &Database) -> Result<Option<String>, StoreError> {
    let missing = |name: &str| {
        format!("{name}; a superuser of the database makes it with `CREATE EXTENSION vector`")
    };
    if version(database)?.is_none() {
        let make = || sqlx::query("CREATE EXTENSION IF NOT EXISTS vector");
        if let Err(error) = database.execute(make) {
            return match of_the_server(&error) {
                Some(text) => Ok(Some(missing(&format!("no pgvector ({text})")))),
                None => Err(error),
            };
        }
    }
    let Some(version) = version(database)? else {
        return Ok(Some(missing("no pgvector")));
    };
    if !is_new_enough(&version) {
        let (major, minor) = OLDEST;
        return Ok(Some(format!(
            "its pgvector is version {version}, and {major}.{minor} is needed: update it, and \
             `ALTER EXTENSION vector UPDATE`"
        )));
    }
    let seen = || sqlx::query_as("SELECT to_regtype('halfvec') IS NOT NULL");
    Ok(match database.row(seen)? {
        Some((true,)) => None,
        _ => Some("pgvector is in a schema that `search_path` does not name".to_owned()),
    })
}

/// The version of pgvector that the database has.
fn version(database: &Database) -> Result<Option<String>, StoreError> {
    let select = || sqlx::query_as("SELECT extversion FROM pg_extension WHERE extname = 'vector'");
    let row: Option<(String,)> = database.row(select)?;
    Ok(row.map(|(version,)| version))
}

fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= OLDEST
}

/// What the server itself has said, if it has answered.
fn of_the_server(error: &StoreError) -> Option<String> {
    let StoreError::Engine { source, .. } = error else {
        return None;
    };
    let error = source.downcast_ref::<sqlx::Error>()?.as_database_error()?;
    Some(error.message().to_owned())
}

/// Fills the tables.
struct Filling<'a> {
    database: &'a Database,
}

impl Filling<'_> {
    /// Makes the tables. From then on whoever stores a picture stores its point.
    fn begin(&self, dimensions: usize) -> Result<(), StoreError> {
        for statement in TABLES {
            let statement = statement.replace("{}", &dimensions.to_string());
            self.database
                .persist(|| self.database.connection()?.execute(sqlx::query(&statement)))?;
        }
        self.write(|session| {
            let insert = "INSERT INTO numbers VALUES ('points', 0) ON CONFLICT (name) DO NOTHING";
            if session.execute(sqlx::query(insert))? > 0 {
                session.shut_out_workers()?;
            }
            Ok(())
        })
    }

    /// Removes what is of pictures that are not there: commits that came to no end have left it.
    fn drop_dangling(&self) -> Result<(), StoreError> {
        for table in ["points", "samples"] {
            let gone =
                format!("NOT EXISTS (SELECT 1 FROM pictures p WHERE p.picture = {table}.picture)");
            let select = format!("SELECT picture FROM {table} WHERE {gone}");
            let dangling: Vec<(Vec<u8>,)> = self.read(|| sqlx::query_as(&select))?;
            let delete = format!("DELETE FROM {table} WHERE picture = ANY($1) AND {gone}");
            for some in dangling.chunks(CHUNK as usize) {
                let some: Vec<Vec<u8>> = some.iter().map(|(picture,)| picture.clone()).collect();
                self.database.persist(|| {
                    // Nobody is between the point of a picture and the picture.
                    let mut turn = Session::turn(self.database)?;
                    turn.execute(sqlx::query(&delete).bind(some.clone()))?;
                    turn.commit()
                })?;
            }
        }
        Ok(())
    }

    /// Gives pictures without a point theirs, and says how many; `None` if it was stopped.
    fn points(
        &self,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Option<u64>, StoreError> {
        type Row = ([u8; 32], i64, Vec<u8>, Option<Vec<u8>>);
        let count = || {
            sqlx::query_as(
                "SELECT count(*) FROM pictures p WHERE NOT EXISTS ( \
                   SELECT 1 FROM points n WHERE n.picture = p.picture)",
            )
        };
        let missing: Vec<(i64,)> = self.read(count)?;
        let missing = missing.first().map_or(0, |(count,)| count.cast_unsigned());
        let (mut last, mut added) = (-1, 0);
        while added < missing {
            let select = || {
                sqlx::query_as(
                    "SELECT picture, sequence, descriptor, look FROM pictures p \
                     WHERE sequence > $1 AND NOT EXISTS ( \
                       SELECT 1 FROM points n WHERE n.picture = p.picture) \
                     ORDER BY sequence LIMIT $2",
                )
                .bind(last)
                .bind(CHUNK)
            };
            let rows: Vec<Row> = self.read(select)?;
            let Some((_, newest, ..)) = rows.last() else {
                break;
            };
            last = *newest;
            added += rows.len() as u64;
            let insertion = {
                let points = rows.iter().filter_map(|(picture, _, descriptor, look)| {
                    let dimensions = descriptor.len() / size_of::<f32>();
                    let descriptor = Descriptor::from_bytes(descriptor, dimensions)?;
                    let look = look.as_deref();
                    let look = look.and_then(|it| LookDescriptor::from_bytes(it, it.len()));
                    Point::of(PictureId::from_bytes(*picture), &descriptor, look.as_ref())
                });
                Insertion::of(points)
            };
            self.database.execute(|| insertion.statement())?;
            if !progress(added, missing.max(added)) {
                return Ok(None);
            }
        }
        Ok(Some(added))
    }

    /// Reads the embeddings of the pictures that are in the sample. Says whether it has done so to the
    /// end. Of a new database nothing is read, and `open` is not called: who stores first says what
    /// store it is.
    fn samples(
        &self,
        open: impl Fn() -> Result<Store, StoreError>,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<bool, StoreError> {
        let end = sample::end(number(self.database, "next_sequence")?);
        let select = || {
            sqlx::query_as(
                "SELECT picture FROM points n WHERE picture < $1 AND NOT EXISTS ( \
                   SELECT 1 FROM samples s WHERE s.picture = n.picture) ORDER BY picture",
            )
            .bind(end.clone())
        };
        let missing: Vec<([u8; 32],)> = self.read(select)?;
        if missing.is_empty() {
            return Ok(true);
        }
        let store = open()?;
        for (done, (picture,)) in missing.iter().enumerate() {
            let picture = PictureId::from_bytes(*picture);
            match store.block(picture) {
                Ok(block) => {
                    let embedding = Activations::new(store.layout(), &block).embedding();
                    let embedding = Embedding::normalized(&embedding);
                    self.write(|session| sample::put(session, picture, embedding.values()))?;
                }
                // The mean is one of the others then.
                Err(error) => tracing::warn!(%picture, %error, "a stored picture cannot be read"),
            }
            if !progress(done as u64 + 1, missing.len() as u64) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Rows that it may take long to find.
    fn read<'q, T>(&self, make: impl Fn() -> Reading<'q, T>) -> Result<Vec<T>, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        self.database
            .persist(|| Session::snapshot(self.database)?.rows(make()))
    }

    fn write(
        &self,
        work: impl Fn(&mut Session<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.database.persist(|| {
            let mut session = Session::begin(self.database)?;
            work(&mut session)?;
            session.commit()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (version, is_enough) in [
            ("0.7.4", false),
            ("0.8.0", true),
            ("0.10.1", true),
            ("1.0", true),
            ("none", false),
        ] {
            assert_eq!(is_new_enough(version), is_enough, "{version}");
        }
    }
}
