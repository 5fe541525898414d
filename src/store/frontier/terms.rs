//! What a page says of the use of the pictures that it shows.

use serde::{Deserialize, Serialize};

use crate::canonical_url::UrlId;

/// What a page says of the use of the pictures that it shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageTerms {
    /// The licence of what it shows, a URL or words; empty if it names none.
    pub license: String,
    /// The licences that it names of single pictures, by the pictures' URLs.
    pub pictures: Vec<(UrlId, String)>,
    /// The ways in which it opts out of the use of its pictures, by their short names. The user's
    /// settings may have set them aside.
    pub opt_outs: Vec<String>,
}

impl PageTerms {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.license.is_empty() && self.pictures.is_empty() && self.opt_outs.is_empty()
    }

    /// The licence of the picture that is at these URLs: its own, or else the page's; empty if there is
    /// none.
    pub fn license_of(&self, picture: &[UrlId]) -> &str {
        let own = self.pictures.iter().find(|(of, _)| picture.contains(of));
        own.map_or(&self.license, |(_, license)| license)
    }
}
