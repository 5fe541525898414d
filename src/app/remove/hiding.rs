//! Hiding the pictures that a removal would take, until it is carried out or undone.

use super::Removal;
use crate::app::{Collection, Error};
use crate::canonical_url::CanonicalUrl;
use crate::store::{Provenance, Sequence};

/// Hides pictures until it is dropped.
pub struct Hiding {
    collection: Collection,
    number: u64,
    /// How many they are.
    pub pictures: usize,
}

impl Drop for Hiding {
    fn drop(&mut self) {
        self.collection
            .hidden()
            .change(|by| by.remove(&self.number));
    }
}

impl Collection {
    /// Hides the pictures that a removal would take: those named, and those that are seen on the host
    /// alone.
    ///
    /// # Errors
    /// If local files are named or a host is taken back, which cannot wait, a picture is not there, or
    /// the store fails.
    pub fn hide(&self, what: &Removal) -> Result<Hiding, Error> {
        let waits = what.files.is_empty() && what.gone_below.is_none() && what.take_back.is_none();
        if !waits {
            return Err(Error::CannotWait);
        }
        let store = self.store();
        let mut hidden = Vec::new();
        for &id in &what.pictures {
            let record = store.picture(id)?.ok_or(Error::NoPicture(id))?;
            hidden.push(Sequence(record.sequence));
        }
        if let Some(host) = &what.host {
            for picture in store.pictures() {
                let (sequence, id) = picture?;
                if is_only_on(host, &store.provenance(id)?) {
                    hidden.push(sequence);
                }
            }
        }
        let pictures = hidden.len();
        let number = self.hidden().change(|by| {
            let number = by.last_key_value().map_or(0, |(last, _)| last + 1);
            by.insert(number, hidden);
            number
        });
        Ok(Hiding {
            collection: self.clone(),
            number,
            pictures,
        })
    }
}

fn is_only_on(host: &str, places: &Provenance) -> bool {
    let on_host = |url: &String| CanonicalUrl::parse(url).is_ok_and(|url| url.host() == host);
    !places.urls.is_empty() && places.paths.is_empty() && places.urls.iter().all(on_host)
}
