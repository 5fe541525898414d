//! How long a permit may be waited for.

/// How long a permit may be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::crawl) enum WaitPolicy {
    /// Not at all: the scheduler asks other hosts in the meantime.
    Never,
    /// Until the turn of the host and its address has come.
    ForTurn,
}
