//! What becomes of pages and pictures when a web changes.

use super::feature::Site;
use super::opt_out::OptOut;
use super::place::{Place, Thing};
use crate::demo::reply::Reply;

/// What the epochs do to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    /// It is another at every epoch.
    Changes,
    /// It is gone from epoch 1 on, with this status.
    Gone(u16),
    /// It is opted out from epoch 1 on.
    OptedOut,
}

/// A picture that the epochs act on.
pub(super) fn changing(site: &Site<'_>, path: &str) -> Option<Place> {
    let picture = |version| Place {
        changed: version,
        ..Place::new(Thing::Picture(site.picture_file(path, version)))
    };
    Some(match fate(site, path) {
        _ if site.epoch == 0 => picture(0),
        Fate::Stays => picture(0),
        Fate::Changes => picture(site.epoch),
        Fate::Gone(status) => Place::other(Reply::new(status)),
        Fate::OptedOut => Place {
            changed: 1,
            ..picture(0)
        }
        .header("X-Robots-Tag", "noindex")
        .opted_out(OptOut::Noindex),
    })
}

/// What happens to a page or a path of a host from epoch 1 on.
pub(super) fn fate(site: &Site<'_>, what: &str) -> Fate {
    if site.epoch == 0 {
        return Fate::Stays;
    }
    match site.hash(&format!("fate of {what}")) % 100 {
        0..20 => Fate::Changes,
        20..25 => Fate::Gone(404),
        25..30 => Fate::Gone(410),
        30..35 => Fate::OptedOut,
        _ => Fate::Stays,
    }
}
