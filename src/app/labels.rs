//! What the user says of pictures: kept, listed, taken back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Collection, Error};
use crate::head::Mode;
use crate::picture::PictureId;
use crate::store::{Label, LabelId, StoreError, Verdict, now_ms};

/// What the user says of a picture or two, which are named by their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Said {
    /// Two pictures are alike.
    Same {
        /// The one that was asked for.
        a: String,
        /// The other.
        b: String,
        /// In which sense: `same-subject`, `look-alike` or `copy`.
        #[serde(default)]
        #[schema(value_type = String)]
        mode: Mode,
    },
    /// Two pictures are not alike.
    Different {
        /// The one that was asked for.
        a: String,
        /// The other.
        b: String,
        /// In which sense: `same-subject`, `look-alike` or `copy`.
        #[serde(default)]
        #[schema(value_type = String)]
        mode: Mode,
    },
    /// Two pictures are no near-copies of each other: they are not grouped any more.
    NotDuplicate {
        /// One.
        a: String,
        /// The other.
        b: String,
    },
    /// A picture is of a class.
    Class {
        /// The picture.
        picture: String,
        /// The class, in the user's words.
        class: String,
    },
}

/// A label that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptLabel {
    /// By which it is taken back. What is said again of the same has the same id.
    pub id: String,
    /// What was said.
    pub label: Said,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What it took the place of, where it has just been said: to be said again to undo it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Said>,
}

/// Some of the labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabelPage {
    /// In the order of their ids.
    pub labels: Vec<KeptLabel>,
    /// Behind which the next ones are, if there are more.
    pub next: Option<String>,
}

/// The longest name of a class, in bytes.
const LONGEST_CLASS: usize = 200;

impl Said {
    fn verdict(&self) -> Result<Verdict, Error> {
        let id = |text: &String| text.parse::<PictureId>().map_err(Error::Id);
        let two = |a: &String, b: &String| match [id(a)?, id(b)?] {
            [a, b] if a == b => Err(Error::OnePicture),
            pictures => Ok(pictures),
        };
        let alike = |a, b, mode: &Mode, is_alike| {
            Ok(Verdict::Alike {
                pictures: two(a, b)?,
                mode: mode.name().to_owned(),
                is_alike,
            })
        };
        match self {
            Self::Same { a, b, mode } => alike(a, b, mode, true),
            Self::Different { a, b, mode } => alike(a, b, mode, false),
            Self::NotDuplicate { a, b } => Ok(Verdict::NotDuplicates {
                pictures: two(a, b)?,
            }),
            Self::Class { picture, class } => {
                let class = class.trim();
                if class.is_empty() || class.len() > LONGEST_CLASS {
                    return Err(Error::ClassName(LONGEST_CLASS));
                }
                Ok(Verdict::Class {
                    picture: id(picture)?,
                    class: class.to_owned(),
                })
            }
        }
    }

    /// `None` if only a later version knows what is said.
    fn of(verdict: &Verdict) -> Option<Self> {
        let pair = |[a, b]: &[PictureId; 2]| (a.to_string(), b.to_string());
        Some(match verdict {
            Verdict::Alike {
                pictures,
                mode,
                is_alike,
            } => {
                let (a, b) = pair(pictures);
                let mode = mode_named(mode)?;
                match is_alike {
                    true => Self::Same { a, b, mode },
                    false => Self::Different { a, b, mode },
                }
            }
            Verdict::NotDuplicates { pictures } => {
                let (a, b) = pair(pictures);
                Self::NotDuplicate { a, b }
            }
            Verdict::Class { picture, class } => Self::Class {
                picture: picture.to_string(),
                class: class.clone(),
            },
        })
    }
}

/// The mode of a name.
pub(super) fn mode_named(name: &str) -> Option<Mode> {
    Mode::ALL.into_iter().find(|mode| mode.name() == name)
}

impl KeptLabel {
    fn of(label: &Label) -> Option<Self> {
        Some(Self {
            id: label.id().to_string(),
            label: Said::of(&label.verdict)?,
            at_ms: label.at_ms,
            replaced: None,
        })
    }
}

impl Collection {
    /// Keeps what is said of stored pictures, all or nothing.
    ///
    /// # Errors
    /// If a picture is not stored, something cannot be said, or the store fails.
    pub fn say(&self, said: &[Said]) -> Result<Vec<KeptLabel>, Error> {
        let store = self.store();
        let mut labels = Vec::with_capacity(said.len());
        for said in said {
            let verdict = said.verdict()?;
            for picture in verdict.pictures() {
                if !store.contains(*picture)? {
                    return Err(Error::NoPicture(*picture));
                }
            }
            let at_ms = now_ms();
            labels.push(Label { verdict, at_ms });
        }
        let replaced = store.keep_labels(&labels)?;
        let kept = labels.iter().zip(replaced).filter_map(|(label, before)| {
            let replaced = before.and_then(|before| Said::of(&before.verdict));
            let replaced =
                replaced.filter(|before| Some(before) != Said::of(&label.verdict).as_ref());
            Some(KeptLabel {
                replaced,
                ..KeptLabel::of(label)?
            })
        });
        Ok(kept.collect())
    }

    /// Takes a label back. Gives what it was, if it was there.
    ///
    /// # Errors
    /// If the store fails.
    pub fn take_back_label(&self, id: LabelId) -> Result<Option<KeptLabel>, Error> {
        let label = self.store().take_back_label(id)?;
        Ok(label.as_ref().and_then(KeptLabel::of))
    }

    /// Lists at most so many labels of stored pictures, those behind `after`; all of them of one
    /// picture, where one is named.
    ///
    /// # Errors
    /// If the store fails.
    pub fn labels(
        &self,
        of: Option<PictureId>,
        after: Option<LabelId>,
        most: usize,
    ) -> Result<LabelPage, Error> {
        let store = self.store();
        let mut page = LabelPage {
            labels: Vec::new(),
            next: None,
        };
        let listed: Box<dyn Iterator<Item = Result<Label, StoreError>>> = match of {
            Some(picture) => {
                let labels = store.labels_of(picture)?.into_iter();
                Box::new(labels.filter(move |label| Some(label.id()) > after).map(Ok))
            }
            None => store.labels(after),
        };
        for label in listed {
            let label = label?;
            if !self.is_of_stored(&label)? {
                continue;
            }
            let Some(kept) = KeptLabel::of(&label) else {
                continue;
            };
            if page.labels.len() == most {
                page.next = page.labels.last().map(|last| last.id.clone());
                break;
            }
            page.labels.push(kept);
        }
        Ok(page)
    }

    /// Whether all pictures of a label are there: labels wait for those that have left.
    pub(super) fn is_of_stored(&self, label: &Label) -> Result<bool, StoreError> {
        for picture in label.verdict.pictures() {
            if !self.store().contains(*picture)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
