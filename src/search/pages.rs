//! Pages in copy mode. Two of one form look alike to a network, whatever is written on them: what
//! stands on them is compared before one is called a copy of the other.

use super::rank::{Scored, sort};
use super::rescore::Loaded;
use crate::head::{Alignment, Region};
use crate::picture::Ink;
use crate::store::{Store, StoreError};

/// Best candidates that are looked at: those whose parts are compared.
const LOOKED_AT: usize = 64;
/// What is left of a score where other things stand on the page.
const OTHER_TEXT: f32 = 0.1;
/// The least part of two pictures that lie on each other as a whole, in shares of a side. Of a part
/// of a page the lines cannot be compared with those of all of it.
const WHOLE: f32 = 0.75;

/// Lowers the scores of pages on which something else stands than on the query, whose thumbnail
/// this is; scores are of copies, best first.
///
/// # Errors
/// If the store fails.
pub(super) fn tell_apart(
    store: &Store,
    query: &[u8],
    candidates: &[Loaded],
    scored: &mut [Scored],
) -> Result<(), StoreError> {
    let Some(query) = Ink::of_thumbnail(query).filter(Ink::is_page) else {
        return Ok(());
    };
    for entry in scored.iter_mut().take(LOOKED_AT) {
        if entry.view != 0 || !entry.alignment.is_none_or(is_whole) {
            continue;
        }
        let thumbnail = store.thumbnail(candidates[entry.candidate].id)?;
        let page = thumbnail.and_then(|thumbnail| Ink::of_thumbnail(&thumbnail));
        let page = page.filter(Ink::is_page);
        if page.is_some_and(|page| query.agrees(&page) == Some(false)) {
            entry.score *= OTHER_TEXT;
        }
    }
    sort(scored);
    Ok(())
}

fn is_whole(alignment: Alignment) -> bool {
    let is_most = |region: Region| region.width >= WHOLE && region.height >= WHOLE;
    is_most(alignment.query) && is_most(alignment.candidate)
}
