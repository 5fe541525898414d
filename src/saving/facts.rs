//! What the store knows of a picture that is to be saved.

use std::collections::BTreeSet;

use super::Row;
use crate::canonical_url::{CanonicalUrl, UrlId};
use crate::picture::PerceptualHash;
use crate::store::{SourcePage, Store, StoreError};

impl Row {
    /// What the first of the pages says that show a picture.
    pub fn shown_on(pages: &[SourcePage]) -> Self {
        let Some(page) = pages.first() else {
            return Self::default();
        };
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            page: text(&page.url),
            page_title: text(&page.title),
            alt: text(&page.alt),
            title: text(&page.picture_title),
            caption: text(&page.caption),
            ..Self::default()
        }
    }

    /// Adds what all of the pages say of the use of the picture at these URLs: the first licence, and
    /// every opt-out.
    ///
    /// # Errors
    /// If the store fails.
    pub fn add_terms(
        &mut self,
        store: &Store,
        pages: &[SourcePage],
        urls: &[UrlId],
    ) -> Result<(), StoreError> {
        let mut opt_outs: BTreeSet<String> =
            std::mem::take(&mut self.opt_outs).into_iter().collect();
        for page in pages {
            let Ok(page) = CanonicalUrl::parse(&page.url) else {
                continue;
            };
            let terms = store.terms(page.id())?;
            if self.license.is_none() {
                let license = terms.license_of(urls);
                self.license = (!license.is_empty()).then(|| license.to_owned());
            }
            opt_outs.extend(terms.opt_outs);
        }
        self.opt_outs = opt_outs.into_iter().collect();
        Ok(())
    }

    /// Adds what is known of a picture that was decoded.
    pub fn add_seen(&mut self, (width, height): (u32, u32), hash: PerceptualHash) {
        (self.width, self.height) = (Some(width), Some(height));
        self.perceptual_hash = Some(format!("{:016x}", hash.0));
    }
}
