//! Pictures that somebody asks for and that are not stored, so that a page of results has a URL.

use std::sync::{Arc, Mutex, PoisonError};

use crate::app::NamedPicture;
use crate::picture::PictureId;

/// Pictures that were uploaded or fetched to be asked for; so many bytes of them, the latest.
#[derive(Default)]
pub(super) struct Held(Mutex<Vec<(PictureId, Arc<NamedPicture>)>>);

/// Bytes that they may take together.
const MOST_BYTES: usize = 256 << 20;

impl Held {
    /// Keeps a picture; under its bytes' hash it is found again.
    pub(super) fn keep(&self, picture: NamedPicture) -> PictureId {
        let id = PictureId::of(&picture.bytes);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(known, _)| *known != id);
        held.push((id, Arc::new(picture)));
        let bytes = |held: &Vec<(_, Arc<NamedPicture>)>| -> usize {
            held.iter().map(|(_, picture)| picture.bytes.len()).sum()
        };
        while held.len() > 1 && bytes(&held) > MOST_BYTES {
            held.remove(0);
        }
        id
    }

    /// A picture that is still kept.
    pub(super) fn find(&self, id: PictureId) -> Option<Arc<NamedPicture>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = held.iter().find(|(known, _)| *known == id);
        found.map(|(_, picture)| Arc::clone(picture))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_when_there_is_no_room() {
        let picture = |byte| NamedPicture {
            name: String::new(),
            bytes: vec![byte; MOST_BYTES / 2],
        };
        let held = Held::default();
        let ids = [1, 2, 2, 3].map(|byte| held.keep(picture(byte)));
        assert!(held.find(ids[0]).is_none());
        assert!(held.find(ids[1]).is_some() && held.find(ids[3]).is_some());
        assert_eq!(ids[1], ids[2]);
    }
}
