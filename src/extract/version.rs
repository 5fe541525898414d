//! One of the versions in which a page names a picture.

use std::borrow::Cow;

use super::PicturePlacement;

/// One of the versions in which a page names a picture, not yet resolved.
#[derive(Debug, Clone)]
pub(super) struct Version<'a> {
    pub(super) reference: Cow<'a, str>,
    pub(super) placement: PicturePlacement,
}

impl<'a> Version<'a> {
    /// One that the page shows.
    pub(super) fn shown(reference: impl Into<Cow<'a, str>>) -> Self {
        Self {
            reference: reference.into(),
            placement: PicturePlacement::Shown,
        }
    }
}
