//! The servers of a store on servers, and links to them that can be cut. Two Python packages bring
//! PostgreSQL and an S3 server; where they are not there, that is said, and tests pass over what needs them.

mod bucket;
mod link;
mod postgres;

use std::process::Command;

pub use bucket::Bucket;
pub use link::Link;
pub use postgres::Postgres;

/// Names the interpreter that has the packages, if it is not the usual one.
const PYTHON: &str = "SIMDEX_TEST_PYTHON";

/// The interpreter that may have the packages.
fn python() -> Command {
    Command::new(std::env::var_os(PYTHON).unwrap_or_else(|| "python3".into()))
}

/// Says that something is not there.
fn say_skipped(server: &str, package: &str) {
    eprintln!("skipped: no {server}; `pip install {package}`, and name its Python in {PYTHON}");
}
