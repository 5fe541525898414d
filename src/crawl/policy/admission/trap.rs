//! URLs that look as if they led into ever more URLs.

use crate::canonical_url::CanonicalUrl;
use crate::store::Role;

/// What makes a URL look like a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Trap {
    /// It is too long.
    #[error("the URL is too long")]
    Length,
    /// Its path has too many segments.
    #[error("the path has too many segments")]
    Segments,
    /// The same segments follow each other too often.
    #[error("the path repeats itself")]
    Repeats,
    /// Its query has too many parameters.
    #[error("the query has too many parameters")]
    Parameters,
}

#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub(super) length: usize,
    pub(super) segments: usize,
    pub(super) parameters: usize,
    pub(super) repeats: usize,
}

impl Limits {
    /// Only pages lead on, so all but the length is for them: picture services take many
    /// parameters, and stores of files have paths such as `/0/0/0/`.
    ///
    /// Endless calendars and the like only show in the number of a host's URLs; the limits on
    /// those stop them.
    pub(super) fn check(&self, url: &CanonicalUrl, role: Role) -> Result<(), Trap> {
        if url.as_str().len() > self.length {
            return Err(Trap::Length);
        }
        if role != Role::Page {
            return Ok(());
        }
        let url = url.as_url();
        let segments: Vec<&str> = url.path_segments().into_iter().flatten().collect();
        if segments.len() > self.segments {
            return Err(Trap::Segments);
        }
        if url
            .query()
            .is_some_and(|query| query.split('&').count() > self.parameters)
        {
            return Err(Trap::Parameters);
        }
        if self.repeats > 0 && repeats(&segments, self.repeats + 1) {
            return Err(Trap::Repeats);
        }
        Ok(())
    }
}

impl Trap {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Length,
        Self::Segments,
        Self::Repeats,
        Self::Parameters,
    ];

    /// A short, stable name for summaries and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Length => "trap_length",
            Self::Segments => "trap_segments",
            Self::Repeats => "trap_repeats",
            Self::Parameters => "trap_parameters",
        }
    }
}

/// Whether some sequence of segments stands `times` times in a row: a relative link that
/// lacks its first slash makes `/a/b/a/b/a/b/` out of `a/b/`.
fn repeats(segments: &[&str], times: usize) -> bool {
    let longest = segments.len() / times;
    (1..=longest).any(|period| {
        let mut run = 0;
        // Equal to what stands a period before, for all but the first time in a row.
        segments
            .iter()
            .zip(&segments[period..])
            .any(|(before, here)| {
                run = if before == here { run + 1 } else { 0 };
                run == period * (times - 1)
            })
    })
}
