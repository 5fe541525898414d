//! `simdex store`: the server of a cluster's store.

use clap::{Args, Subcommand};

use super::session::Session;
use super::{Outcome, progress};
use crate::app;

#[derive(Debug, Args)]
pub(super) struct StoreArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Bring the database up to this version, or make one ready; may be run again at any time
    Migrate,
}

pub(super) fn run(session: &Session, args: &StoreArgs) -> anyhow::Result<Outcome> {
    match args.action {
        Action::Migrate => {
            let version = app::migrate(&session.config)?;
            progress::note(&format!("the database has version {version}"));
            Ok(Outcome::Done)
        }
    }
}
