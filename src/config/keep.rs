//! How much is kept of a picture.

use serde::{Deserialize, Serialize};

/// How much is kept of a picture beside its preview and its descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// All layers, place by place
    #[default]
    Full,
    /// Sketches and statistics: a hundredth, and distances are estimates
    Compact,
}

impl Keep {
    /// The name used in `config.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Compact => "compact",
        }
    }
}
