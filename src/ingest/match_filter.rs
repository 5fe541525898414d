//! Scores pictures as they come in, and can keep out those that do not match.

use std::fmt;

use crate::canonical_url::UrlId;
use crate::store::NewPicture;

/// Gives each new picture a score as soon as its features are there, and lets only matches
/// into the store if that is wanted.
pub struct MatchFilter {
    /// How much a picture is like the ones asked for, from 0 to 1.
    pub score: Box<dyn Fn(&NewPicture) -> f32 + Send + Sync>,
    /// The score from which on it is a match.
    pub min_score: f32,
    /// Whether pictures that do not match are kept out of the store.
    pub keep_matches: bool,
    /// Told of every picture fetched from the web and whether it is a match.
    pub matches: async_channel::Sender<(UrlId, bool)>,
}

impl fmt::Debug for MatchFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MatchFilter")
            .field("min_score", &self.min_score)
            .field("keep_matches", &self.keep_matches)
            .finish_non_exhaustive()
    }
}
