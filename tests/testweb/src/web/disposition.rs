//! What becomes of pages and pictures when a web changes.

use super::feature::Site;
use super::opt_out::OptOut;
use super::resource::{Content, Resource};
use crate::reply::Reply;

/// What the epochs do to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disposition {
    Stays,
    /// It is another at every epoch.
    Changes,
    /// It is gone from epoch 1 on, with this status.
    Gone(u16),
    /// It is opted out from epoch 1 on.
    OptedOut,
}

/// A picture that the epochs act on.
pub(super) fn changing(site: &Site<'_>, path: &str) -> Option<Resource> {
    let picture = |version| Resource {
        changed: version,
        ..Resource::new(Content::Picture(site.picture_file(path, version)))
    };
    Some(match disposition(site, path) {
        _ if site.epoch == 0 => picture(0),
        Disposition::Stays => picture(0),
        Disposition::Changes => picture(site.epoch),
        Disposition::Gone(status) => Resource::other(Reply::new(status)),
        Disposition::OptedOut => Resource {
            changed: 1,
            ..picture(0)
        }
        .header("X-Robots-Tag", "noindex")
        .opted_out(OptOut::Noindex),
    })
}

/// What happens to a page or a path of a host from epoch 1 on.
pub(super) fn disposition(site: &Site<'_>, what: &str) -> Disposition {
    if site.epoch == 0 {
        return Disposition::Stays;
    }
    match site.hash(&format!("disposition of {what}")) % 100 {
        0..20 => Disposition::Changes,
        20..25 => Disposition::Gone(404),
        25..30 => Disposition::Gone(410),
        30..35 => Disposition::OptedOut,
        _ => Disposition::Stays,
    }
}
