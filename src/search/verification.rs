//! Candidates in copy mode, verified on pixels: what the network takes for a copy may be another
//! page of the same form, or another meme of the same template.

use image::RgbImage;
use rayon::prelude::*;

use super::rank::{Scored, sort};
use crate::head::{Mode, Ranking, logit, sigmoid};
use crate::picture::{Plane, Registration, View};
use crate::store::NewPicture;

/// Candidates that score more are looked at.
const LIKELY: f32 = 0.5;
/// What is left of a score where something else is shown: it falls below even odds, and those
/// that it happens to keep their order.
const LEFT: f32 = 0.5;

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

/// Whether candidates that are ranked in this way are verified.
pub fn is_verified(ranking: &Ranking, mode: Mode) -> bool {
    matches!(ranking, Ranking::Fused(_)) && mode == Mode::Copy
}

/// Lowers the scores of candidates whose previews surely show something else than the query's, and
/// sorts them. `preview` gives a candidate's, by its number; where there is none, or where the
/// two cannot be laid on each other, a score stays as it is.
///
/// # Errors
/// If `preview` fails.
pub fn verify<E>(
    query: &Preview,
    scored: &mut [Scored],
    mut preview: impl FnMut(usize) -> Result<Option<Preview>, E>,
) -> Result<(), E> {
    let mut likely = Vec::new();
    for entry in scored.iter_mut().filter(|entry| entry.score > LIKELY) {
        if let Some(preview) = preview(entry.candidate)? {
            likely.push((entry, preview));
        }
    }
    let Some(upright) = picture(&query.jpeg).filter(|_| !likely.is_empty()) else {
        return Ok(());
    };
    let views = View::ALL.map(|view| plane(view.of(&upright), query.size));
    likely.par_iter_mut().for_each(|(entry, preview)| {
        let own = views.get(entry.view).and_then(Option::as_ref);
        let other = picture(&preview.jpeg).and_then(|other| plane(other, preview.size));
        let both = own.zip(other);
        if both.is_some_and(|(a, b)| Registration::of(a, &b).differs()) {
            let odds = logit(entry.score);
            entry.pixels = logit(entry.score * LEFT) - odds;
            entry.score = sigmoid(odds + entry.pixels);
        }
    });
    drop(likely);
    sort(scored);
    Ok(())
}

fn picture(jpeg: &[u8]) -> Option<RgbImage> {
    let picture = image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg);
    Some(picture.ok()?.into_rgb8())
}

fn plane(picture: RgbImage, size: (u32, u32)) -> Option<Plane> {
    let plane = Plane::of(&image::DynamicImage::ImageRgb8(picture).into_luma8());
    plane.map(|plane| plane.preview_of(size))
}
