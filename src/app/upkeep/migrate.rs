//! Bringing the database of a cluster's store up to this version.

use crate::app::cluster::options;
use crate::app::collection::store_options;
use crate::app::{Error, Extraction};
use crate::config::Config;
use crate::store::{self, PointsMade};

/// What [`migrate`] came to.
#[derive(Debug)]
pub struct Migrated {
    /// The version that the database has.
    pub version: u64,
    /// Whether it finds what is near.
    pub points: PointsMade,
}

/// Brings the database of the cluster's store up to this version, or makes it ready for one, and has
/// it find what is near, if it can. `progress` is told of pictures that have got what that needs, and
/// of all that have to, and says whether to go on.
///
/// # Errors
/// If the configuration names no server, or it cannot be reached or changed.
pub fn migrate(
    config: &Config,
    extraction: &Extraction,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Migrated, Error> {
    let cluster = options(config)?.ok_or(Error::NoServer)?;
    let version = store::migrate(&cluster)?;
    let points = store::make_points(&cluster, &store_options(config, extraction), progress)?;
    Ok(Migrated { version, points })
}
