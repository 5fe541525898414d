//! Candidates that are taken for copies, verified on pixels: what the network takes for a copy may be
//! another page of the same form, or another meme of the same template.

use image::RgbImage;
use rayon::prelude::*;

use super::rank::Scored;
use crate::head::{Mode, Ranking, logit};
use crate::picture::{Plane, Registration, View};
use crate::store::NewPicture;

/// Candidates of copy mode that score more are looked at.
const LIKELY: f32 = 0.5;
/// What is left of a score where something else is shown: it falls below even odds, and those
/// that it happens to keep their order.
const LEFT: f32 = 0.5;
/// The most that two pictures score of which nobody can say whether they show the same.
const UNSURE: f32 = 0.5;
/// Only near-copies score more in `same-subject`.
const NEAR_COPY: f32 = 0.99;

/// A picture's preview.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Its JPEG.
    pub jpeg: Vec<u8>,
    /// The width and height of the picture.
    pub size: (u32, u32),
}

impl From<&NewPicture> for Preview {
    fn from(picture: &NewPicture) -> Self {
        Self {
            jpeg: picture.thumbnail.clone(),
            size: (picture.width, picture.height),
        }
    }
}

/// What a high score says of a candidate and the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// One was made from the other, of `copy`.
    Copy,
    /// They are near-copies, of `same-subject`.
    NearCopy,
}

impl Claim {
    /// What candidates that are ranked in this way are said to be; `None` if nothing that is
    /// verified.
    pub fn of(ranking: &Ranking, mode: Mode) -> Option<Self> {
        match (ranking, mode) {
            (Ranking::Fused(_), Mode::Copy) => Some(Self::Copy),
            (Ranking::Fused(head), Mode::SameSubject) => {
                head.calibration(mode).map(|_| Self::NearCopy)
            }
            _ => None,
        }
    }

    /// Scores over this say so.
    fn above(self) -> f32 {
        match self {
            Self::Copy => LIKELY,
            Self::NearCopy => NEAR_COPY,
        }
    }

    /// What is left of a score by what the previews show.
    fn verified(self, query: &Shown, other: &Shown, score: f32) -> f32 {
        match self {
            Self::Copy => query.score_of_copy(other, score),
            Self::NearCopy if query.is_other(other) => NEAR_COPY,
            Self::NearCopy => score,
        }
    }
}

/// Lowers the scores of candidates whose previews do not bear the claim out, and sorts them: who
/// scores high was seen to show what the query does. `preview` gives a candidate's; where there is
/// none a score stays as it is.
///
/// # Errors
/// If `preview` fails.
pub fn verify<E>(
    claim: Claim,
    query: &Preview,
    scored: &mut [Scored],
    mut preview: impl FnMut(&Scored) -> Result<Option<Preview>, E>,
) -> Result<(), E> {
    let mut verified = Vec::new();
    for entry in scored
        .iter_mut()
        .filter(|entry| entry.score > claim.above())
    {
        if let Some(preview) = preview(entry)? {
            verified.push((entry, preview));
        }
    }
    let Some(upright) = picture(&query.jpeg).filter(|_| !verified.is_empty()) else {
        return Ok(());
    };
    let is_asked = |view: usize| verified.iter().any(|(entry, _)| entry.view == view);
    let views = View::ALL
        .iter()
        .enumerate()
        .map(|(i, view)| is_asked(i).then(|| Shown::of(view.of(&upright), query.size))?);
    let views: Vec<Option<Shown>> = views.collect();
    verified.par_iter_mut().for_each(|(entry, preview)| {
        let own = views.get(entry.view).and_then(Option::as_ref);
        let other = picture(&preview.jpeg).and_then(|other| Shown::of(other, preview.size));
        let Some((own, other)) = own.zip(other.as_ref()) else {
            return;
        };
        let score = claim.verified(own, other, entry.score);
        if score < entry.score {
            entry.pixels = logit(score) - logit(entry.score);
            entry.score = score;
        }
    });
    drop(verified);
    // Stable: what scores the same keeps its order.
    scored.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(())
}

/// What a preview shows.
struct Shown {
    plane: Plane,
    /// Stores of earlier versions have square previews of all pictures.
    has_its_shape: bool,
}

/// Shapes of a picture and its preview are within this of each other.
const SAME_SHAPE: f32 = 0.03;

impl Shown {
    fn of(preview: RgbImage, size: (u32, u32)) -> Option<Self> {
        let luma = image::DynamicImage::ImageRgb8(preview).into_luma8();
        let shape = |width: u32, height: u32| width.max(1) as f32 / height.max(1) as f32;
        // It may have been turned.
        let longer = |shape: f32| shape.max(1.0 / shape);
        let shapes = longer(shape(size.0, size.1)) / longer(shape(luma.width(), luma.height()));
        Some(Self {
            has_its_shape: (shapes - 1.0).abs() <= SAME_SHAPE,
            plane: Plane::of(&luma)?.preview_of(size),
        })
    }

    /// What is left of the score of two pictures, of which one is to be made from the other.
    fn score_of_copy(&self, other: &Self, score: f32) -> f32 {
        let laid = Registration::of(&self.plane, &other.plane);
        if laid.shows_the_same() {
            score
        } else if laid.differs() {
            score * LEFT
        } else if self.has_its_shape && other.has_its_shape {
            score.min(UNSURE)
        } else {
            score
        }
    }

    /// Whether two near-copies show something else after all.
    fn is_other(&self, other: &Self) -> bool {
        let can_be_seen = self.has_its_shape && other.has_its_shape;
        let laid = Registration::of(&self.plane, &other.plane);
        !laid.shows_the_same() && (can_be_seen || laid.differs())
    }
}

fn picture(jpeg: &[u8]) -> Option<RgbImage> {
    let picture = image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg);
    Some(picture.ok()?.into_rgb8())
}
