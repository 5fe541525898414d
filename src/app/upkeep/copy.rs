//! Copying a store to where another is to be: between folders and servers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::app::cluster::options_of;
use crate::app::collection::store_options;
use crate::app::{Error, Extraction};
use crate::config::Config;
use crate::shutdown::Shutdown;
use crate::store::{
    ClusterOptions, Compared, Copied, Kind, PointsMade, Store, StorePlace, make_points,
};

/// Where a store is, as a command names it.
#[derive(Debug, Clone)]
pub enum StoreNamed {
    /// A folder.
    Folder(PathBuf),
    /// A configuration that says so.
    Configured(Box<Config>),
}

/// What is copied where, and how far.
#[derive(Debug, Clone)]
pub struct CopyJob {
    /// The original.
    pub from: StoreNamed,
    /// The copy.
    pub to: StoreNamed,
    /// Whether they are only compared.
    pub verify: bool,
}

/// What copying is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyStep {
    /// Whether it compares what was copied.
    pub compares: bool,
    /// The short name of the kind of records.
    pub kind: &'static str,
    /// How many of them were gone through.
    pub done: u64,
}

/// The JSON of `store copy`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CopyReport {
    /// Records of the original, by their kinds.
    pub records: BTreeMap<&'static str, u64>,
    /// Records that were written now; the copy had the others.
    pub written: u64,
    /// Records that only the copy had, which were taken out.
    pub taken: u64,
    /// Bytes of activations and bodies that were written now.
    pub bytes: u64,
    /// How many records are not the same in both.
    pub differing: u64,
    /// The first of them.
    pub differences: Vec<String>,
    /// Whether it was stopped before it came to the end.
    pub stopped: bool,
}

impl CopyReport {
    fn of(copied: Copied, compared: Compared) -> Self {
        Self {
            records: compared.records,
            written: copied.written,
            taken: copied.taken,
            bytes: copied.bytes,
            differing: compared.differing,
            differences: compared.differences,
            stopped: copied.stopped || compared.stopped,
        }
    }
}

/// A place that keeps what it is reached by.
enum Place {
    Folder(PathBuf),
    Cluster(Box<ClusterOptions>),
}

impl Place {
    fn of(named: &StoreNamed) -> Result<Self, Error> {
        Ok(match named {
            StoreNamed::Folder(dir) => Self::Folder(dir.clone()),
            StoreNamed::Configured(config) => match options_of(config)? {
                Some(cluster) => Self::Cluster(Box::new(cluster)),
                None => Self::Folder(config.data_dir()?),
            },
        })
    }

    fn to_store(&self) -> StorePlace<'_> {
        match self {
            Self::Folder(dir) => StorePlace::Folder(dir),
            Self::Cluster(cluster) => StorePlace::Cluster(cluster),
        }
    }

    /// Fails where there is no store: to open one makes it.
    fn check(&self) -> Result<(), Error> {
        match self {
            Self::Folder(dir) if !Store::exists(dir) => Err(Error::NoStore(dir.clone())),
            Self::Cluster(cluster) if !Store::exists_in_cluster(cluster)? => {
                Err(Error::NoStoreOnServer)
            }
            _ => Ok(()),
        }
    }
}

/// Copies a store, and compares the copy with it; or only compares them. Run again after it was stopped,
/// or killed, it goes on. `progress` is told what it is at.
///
/// # Errors
/// If there is no store, others work on it, something else is where the copy is to be, or one of the two
/// fails.
pub fn copy_store(
    config: &Config,
    extraction: &Extraction,
    job: &CopyJob,
    shutdown: &Shutdown,
    progress: &mut dyn FnMut(CopyStep),
) -> Result<CopyReport, Error> {
    let (from, to) = (Place::of(&job.from)?, Place::of(&job.to)?);
    from.check()?;
    let options = store_options(config, extraction);
    let mut tell = |compares: bool, kind: Kind, done: u64| {
        let kind = kind.name();
        progress(CopyStep {
            compares,
            kind,
            done,
        });
        !shutdown.requested()
    };
    if job.verify {
        to.check()?;
        let original = Store::open_original(from.to_store(), &options)?;
        let copy = Store::open_copy(to.to_store(), &options)?;
        let compared = original.compare_with(&copy, &mut |kind, done| tell(true, kind, done))?;
        return Ok(CopyReport::of(Copied::default(), compared));
    }
    let original = Store::open_original(from.to_store(), &options)?;
    let copy = original.begin_copy(to.to_store(), &options)?;
    let copied = original.copy_to(&copy, &mut |kind, done| tell(false, kind, done))?;
    if copied.stopped {
        return Ok(CopyReport::of(copied, Compared::default()));
    }
    let compared = original.compare_with(&copy, &mut |kind, done| tell(true, kind, done))?;
    let report = CopyReport::of(copied, compared);
    if report.differing > 0 || report.stopped {
        return Ok(report);
    }
    // To have the server search it shuts out whoever has it open.
    drop(copy);
    if let Place::Cluster(cluster) = &to {
        let mut tell = |done, _| {
            progress(CopyStep {
                compares: false,
                kind: "points",
                done,
            });
            !shutdown.requested()
        };
        match make_points(cluster, &options, &mut tell) {
            Ok(PointsMade::Whole { .. } | PointsMade::Unavailable(_)) => {}
            Ok(PointsMade::Stopped) => {
                return Ok(CopyReport {
                    stopped: true,
                    ..report
                });
            }
            // The copy ends all the same.
            Err(error) => tracing::warn!(
                %error,
                "the copy is whole; `simdex store migrate` has its server search it, which failed"
            ),
        }
    }
    Store::open_copy(to.to_store(), &options)?.end_copy()?;
    Ok(report)
}
