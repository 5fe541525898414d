//! Saves the bytes of pictures on their way into the store.

use std::sync::Arc;

use super::job::Terms;
use crate::picture::{PerceptualHash, PictureId};
use crate::saving::{Row, Saver};
use crate::store::ledger::rfc3339;
use crate::store::{Source, SourcePage, Store, StoreError, now_ms};

/// Saves the bytes of pictures on their way into the store. They are durable before the store is told,
/// so that whatever it knows is saved, and what is not saved is fetched again.
#[derive(Clone, Default)]
pub(super) struct Saving(pub(super) Option<Arc<Saver>>);

/// Why a pipeline stops.
#[derive(Debug)]
pub(super) enum Stop {
    /// The store failed.
    Store(StoreError),
    /// A picture could not be saved; the saver knows why.
    Saving,
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A picture that is about to be stored.
pub(super) struct ToSave<'a> {
    pub(super) id: PictureId,
    pub(super) bytes: &'a [u8],
    pub(super) source: &'a Source,
    pub(super) terms: &'a Terms,
    /// Its sides and its hash, where it was decoded.
    pub(super) seen: Option<((u32, u32), PerceptualHash)>,
}

impl Saving {
    /// Whether anything is saved.
    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Saves a picture from the web, unless it is saved already.
    pub(super) fn save(&self, store: &Store, picture: &ToSave<'_>) -> Result<(), Stop> {
        let Some(saver) = &self.0 else { return Ok(()) };
        if saver.contains(picture.id) {
            return Ok(());
        }
        let Terms { license, opt_outs } = picture.terms.clone();
        let said = |row: Row| Row {
            license: (!license.is_empty()).then_some(license),
            opt_outs,
            fetched_at: Some(rfc3339(now_ms())),
            ..row
        };
        let mut row = match picture.source {
            Source::Url(lease) => {
                let pages = store.pages_showing(lease.id())?;
                let mut row = said(Row::shown_on(&pages));
                row.add_terms(store, &pages, &[lease.id()])?;
                row.url = Some(lease.record().url.clone());
                row
            }
            Source::Inline { page, embed } => {
                let page = SourcePage {
                    url: page.to_string(),
                    title: String::new(),
                    alt: embed.alt.clone(),
                    picture_title: embed.title.clone(),
                    caption: embed.caption.clone(),
                };
                said(Row::shown_on(&[page]))
            }
            // They were saved when they came, or are files already.
            Source::File { .. } | Source::Waiting(_) => return Ok(()),
        };
        if let Some((sides, hash)) = picture.seen {
            row.add_seen(sides, hash);
        }
        let saved = saver.save(picture.id, row, picture.bytes);
        saved.map_err(|_| Stop::Saving)
    }

    /// Makes durable what was saved.
    pub(super) fn settle(&self) -> Result<(), Stop> {
        match &self.0 {
            Some(saver) => saver.settle().map_err(|_| Stop::Saving),
            None => Ok(()),
        }
    }
}
