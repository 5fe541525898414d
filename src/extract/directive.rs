//! What a page asks of machines that read it.

use super::folded_text::FoldedText;

/// A `<meta name content>` addressed to robots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaDirective {
    /// The name in lower case: `robots`, a robot's own name (`simdex`, `googlebot-image`), or
    /// one of the TDM Reservation Protocol (`tdm-reservation`, `tdm-policy`).
    pub name: String,
    /// The value, white space folded, at most 300 characters.
    pub content: String,
}

/// Longest name that is looked at, in bytes.
const NAME: usize = 64;

impl MetaDirective {
    /// None if the name is not one that robots heed, `agent` among them.
    pub(super) fn new(name: &str, content: &str, agent: &str) -> Option<Self> {
        let name = name.trim();
        if name.len() > NAME {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let is_robot =
            name == "robots" || name == agent || name.split('-').any(|part| part.ends_with("bot"));
        let is_other = name.starts_with("tdm-") || name == "unavailable_after";
        (is_robot || is_other).then(|| Self {
            name,
            content: FoldedText::of(content),
        })
    }
}
