//! The labels' trait: what the user has said of pictures.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Listing, StoreError};
use crate::picture::PictureId;

/// Names a label by what it is about, so that what is said again takes the place of what was said
/// before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LabelId(pub(super) [u8; 16]);

/// What the user has said of one picture or two. Where there are two, the first is the one that was
/// asked for; which is which is of no matter for what is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Whether two pictures are alike in the sense of a mode of search, which is named.
    Alike {
        /// The pictures.
        pictures: [PictureId; 2],
        /// The mode's name.
        mode: String,
        /// What was said.
        is_alike: bool,
    },
    /// Two pictures are no near-copies of each other, whatever they look like.
    NotDuplicates {
        /// The pictures.
        pictures: [PictureId; 2],
    },
    /// A picture is of a class.
    Class {
        /// The picture.
        picture: PictureId,
        /// The class, in the user's words.
        class: String,
    },
}

/// A verdict, and when it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// What was said.
    pub verdict: Verdict,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

impl Verdict {
    /// The pictures that it is about.
    pub fn pictures(&self) -> &[PictureId] {
        match self {
            Self::Alike { pictures, .. } | Self::NotDuplicates { pictures } => pictures,
            Self::Class { picture, .. } => std::slice::from_ref(picture),
        }
    }

    /// What it is about: the pictures in whichever order, and of which kind it is.
    pub fn id(&self) -> LabelId {
        let (kind, mode) = match self {
            Self::Alike { mode, .. } => (0, mode.as_str()),
            Self::NotDuplicates { .. } => (1, ""),
            Self::Class { .. } => (2, ""),
        };
        let mut pictures = self.pictures().to_vec();
        pictures.sort_unstable();
        let mut hasher = blake3::Hasher::new_derive_key("simdex label");
        hasher.update(&[kind]);
        for picture in &pictures {
            hasher.update(picture.as_bytes());
        }
        hasher.update(mode.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        LabelId(id)
    }
}

impl Label {
    /// Names it.
    pub fn id(&self) -> LabelId {
        self.verdict.id()
    }

    /// The pictures that it tells apart, if it does.
    pub(super) fn sets_apart(&self) -> bool {
        matches!(self.verdict, Verdict::NotDuplicates { .. })
    }
}

impl fmt::Display for LabelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The text is not 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a label's id is 32 hexadecimal digits")]
pub struct ParseLabelIdError;

impl FromStr for LabelId {
    type Err = ParseLabelIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_hex.then(|| u128::from_str_radix(text, 16).ok());
        let number = number.flatten().ok_or(ParseLabelIdError)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// What the user has said of pictures. It goes when somebody removes a picture; of one that leaves
/// by itself, as with its site, it waits for the picture to come back.
pub trait Labels: Send + Sync {
    /// Keeps labels, and returns once they would survive a power failure. Gives what each takes the
    /// place of.
    ///
    /// # Errors
    /// If the disk is full or fails; none of them counts then.
    fn keep_labels(&self, labels: &[Label]) -> Result<Vec<Option<Label>>, StoreError>;

    /// Takes a label back. Gives what it was, if it was there.
    ///
    /// # Errors
    /// If the disk is full or fails, or the record is unreadable.
    fn take_back_label(&self, id: LabelId) -> Result<Option<Label>, StoreError>;

    /// One label.
    ///
    /// # Errors
    /// If the store fails or the record is unreadable.
    fn label(&self, id: LabelId) -> Result<Option<Label>, StoreError>;

    /// The labels behind `after`, or all, in the order of their ids.
    fn labels(&self, after: Option<LabelId>) -> Listing<'_, Label>;

    /// The labels of a picture, in the order of their ids.
    ///
    /// # Errors
    /// If the store fails or a record is unreadable.
    fn labels_of(&self, picture: PictureId) -> Result<Vec<Label>, StoreError>;

    /// How often it has changed since the store was opened which pairs are no near-copies. It tells
    /// an index what has changed.
    fn changes_of_duplicates(&self) -> u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_that_of_what_is_judged_and_reads_back() {
        let [a, b] = [b"a", b"b"].map(|bytes| PictureId::of(bytes));
        let alike = |pictures, mode: &str, is_alike| Verdict::Alike {
            pictures,
            mode: mode.to_owned(),
            is_alike,
        };
        let id = alike([a, b], "copy", true).id();
        assert_eq!(alike([b, a], "copy", false).id(), id);
        let others = [
            alike([a, b], "look-alike", true).id(),
            alike([a, a], "copy", true).id(),
            Verdict::NotDuplicates { pictures: [a, b] }.id(),
        ];
        assert!(!others.contains(&id));
        let class = |class: &str| Verdict::Class {
            picture: a,
            class: class.to_owned(),
        };
        assert_eq!(class("cat").id(), class("dog").id());
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "abc", "+0000000000000000000000000000001"] {
            assert_eq!(text.parse::<LabelId>(), Err(ParseLabelIdError));
        }
    }
}
