//! Candidates in, a ranked list out: the second stage, for pictures from a store and for
//! those of an evaluation alike.

mod calibrated;
mod candidates;
mod likeness;
mod looks;
mod pair;
mod parts;
mod ranker;
mod scored;

pub use candidates::{Candidates, Known};
pub(super) use likeness::Likeness;
pub use pair::{score_pair, score_views};
pub(super) use parts::upright;
pub use ranker::Ranker;
pub use scored::Scored;
