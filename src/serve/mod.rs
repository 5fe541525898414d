//! The doors of an open store: a unix socket for other processes of this user, TCP for browsers
//! and scripts, and behind both one API over one [`Collection`](crate::app::Collection).
//!
//! Whoever has a store open starts a [`Server`]; it ends when that is dropped, after the requests
//! in hand. A [`Connection`] is the other side: it finds out who has a store open, and asks.

pub mod api;
mod connection;
mod crawls;
mod drain;
mod gate;
mod guard;
mod held;
mod jobs;
mod limits;
mod lines;
mod maps;
mod metrics;
mod page;
mod problem;
mod removals;
mod router;
mod server;
mod socket;
mod state;
mod trainings;

pub use connection::{AskError, Connection};
pub use crawls::{CrawlFigures, CrawlProgress};
pub use guard::{Hosts, Secrets, TokenError, token};
pub use jobs::{JobState, Progress};
pub use limits::SEARCH_DEADLINE;
pub use problem::ProblemJson;
pub use removals::WaitingRemoval;
pub use server::{Listen, ServeError, Server};
pub use state::{Owner, SERVE};
pub use trainings::{TrainingFigures, TrainingProgress};
