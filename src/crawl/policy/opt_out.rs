//! The ways in which sites opt out of the use of what they show.

use crate::config::Respect;

/// A way to opt out. If several hold, the first in this order is the reason given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OptOut {
    /// `noindex` or `none`.
    NoIndex,
    /// `noimageindex`.
    NoImageIndex,
    /// `noai`.
    NoAi,
    /// `noimageai`.
    NoImageAi,
    /// `nofollow` or `none`.
    NoFollow,
    /// `unavailable_after` with a date that has passed.
    UnavailableAfter,
    /// The TDM Reservation Protocol reserves the rights.
    Tdm,
    /// The site's tdmrep.json cannot be read, so it may reserve the rights. It is not said that it
    /// does: nothing is taken, and nothing that is stored leaves.
    TdmUnreadable,
    /// A usage preference disallows search, training or all automated processing.
    ContentUsage,
}

impl OptOut {
    /// All that are said.
    pub const ALL: [Self; 8] = [
        Self::NoIndex,
        Self::NoImageIndex,
        Self::NoAi,
        Self::NoImageAi,
        Self::NoFollow,
        Self::UnavailableAfter,
        Self::Tdm,
        Self::ContentUsage,
    ];

    /// A short, stable name for summaries and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoIndex => "noindex",
            Self::NoImageIndex => "noimageindex",
            Self::NoAi => "noai",
            Self::NoImageAi => "noimageai",
            Self::NoFollow => "nofollow",
            Self::UnavailableAfter => "unavailable_after",
            Self::Tdm | Self::TdmUnreadable => "tdm",
            Self::ContentUsage => "content_usage",
        }
    }

    /// Whether somebody says so, and what is stored leaves.
    pub fn is_said(self) -> bool {
        self != Self::TdmUnreadable
    }

    /// Whether the user's configuration respects it.
    pub fn is_heeded(self, respect: &Respect) -> bool {
        match self {
            Self::NoIndex => respect.noindex,
            Self::NoImageIndex => respect.noimageindex,
            Self::NoAi | Self::NoImageAi => respect.noai,
            Self::NoFollow => respect.nofollow,
            Self::UnavailableAfter => respect.unavailable_after,
            Self::Tdm | Self::TdmUnreadable => respect.tdm,
            Self::ContentUsage => respect.content_usage,
        }
    }
}
