//! A part of a picture, as a question of its own.

use std::fmt;
use std::io::Cursor;
use std::str::FromStr;

use image::imageops::crop_imm;
use image::{ImageFormat, RgbImage};
use serde::{Deserialize, Serialize};

use super::{Example, NamedPicture};
use crate::app::{Collection, Error, Extraction};
use crate::ingest::FeatureError;
use crate::picture::decode;

/// A box in a picture, in shares of its width and height: where it begins, from the left and the top,
/// and how wide and high it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Crop {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

/// What rounding may add to the sum of two shares.
const ROUNDING: f32 = 1e-3;

impl Crop {
    /// Where it begins, from the left and the top, its width and its height, in shares of the picture.
    pub fn shares(self) -> [f32; 4] {
        [self.x, self.y, self.width, self.height]
    }

    fn of(self, picture: &RgbImage) -> RgbImage {
        let side = |share: f32, all: u32| (share * all as f32).round() as u32;
        let (width, height) = picture.dimensions();
        let x = side(self.x, width).min(width.saturating_sub(1));
        let y = side(self.y, height).min(height.saturating_sub(1));
        let wide = side(self.width, width).clamp(1, width - x);
        let high = side(self.height, height).clamp(1, height - y);
        crop_imm(picture, x, y, wide, high).to_image()
    }
}

impl FromStr for Crop {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<f32>, _> = text.split(',').map(|it| it.trim().parse()).collect();
        match numbers.as_deref() {
            Ok(&[x, y, width, height])
                if x >= 0.0
                    && y >= 0.0
                    && width > 0.0
                    && height > 0.0
                    && x + width <= 1.0 + ROUNDING
                    && y + height <= 1.0 + ROUNDING =>
            {
                Ok(Self {
                    x,
                    y,
                    width,
                    height,
                })
            }
            _ => Err(
                "it takes x,y,width,height in shares of the picture, such as 0.5,0,0.5,1 for its right half"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Display for Crop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            x,
            y,
            width,
            height,
        } = self;
        write!(f, "{x},{y},{width},{height}")
    }
}

impl TryFrom<String> for Crop {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Crop> for String {
    fn from(crop: Crop) -> Self {
        crop.to_string()
    }
}

impl Extraction {
    /// A part of a picture, as one of its own.
    ///
    /// # Errors
    /// If the bytes are no usable picture.
    pub fn part(&self, picture: &NamedPicture, crop: Crop) -> Result<NamedPicture, Error> {
        let failed = |source: FeatureError| Error::Picture {
            name: picture.name.clone(),
            source,
        };
        let decoded =
            decode(&picture.bytes, self.limits()).map_err(|error| failed(error.into()))?;
        let part = crop.of(&decoded.rgb);
        // Others wait for the memory.
        drop(decoded);
        let mut bytes = Cursor::new(Vec::new());
        let written = part.write_to(&mut bytes, ImageFormat::Png);
        written.map_err(|error| failed(std::io::Error::other(error).into()))?;
        Ok(NamedPicture {
            name: picture.name.clone(),
            bytes: bytes.into_inner(),
        })
    }
}

impl Collection {
    /// A part of a picture that is given or stored. Of one that is stored only the preview is kept, at
    /// most 320 pixels wide and high, so that small parts of it tell little.
    ///
    /// # Errors
    /// If it cannot be used or is not there.
    pub fn part(&self, picture: &Example, crop: Crop) -> Result<NamedPicture, Error> {
        match picture {
            Example::Given(picture) => self.extraction().part(picture, crop),
            Example::Stored(id) => {
                let bytes = self.thumbnail(*id)?;
                if bytes.is_empty() {
                    return Err(Error::NoPicture(*id));
                }
                let name = id.to_string();
                self.extraction().part(&NamedPicture { name, bytes }, crop)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_shares_of_a_picture() {
        let picture = RgbImage::from_fn(100, 50, |x, _| image::Rgb([x as u8, 0, 0]));
        let of = |text: &str| text.parse::<Crop>().map(|crop| crop.of(&picture));
        let right = of("0.5, 0, 0.5, 1").unwrap();
        assert_eq!(
            (right.dimensions(), right.get_pixel(0, 0)[0]),
            ((50, 50), 50)
        );
        assert_eq!(
            of("0.333,0.333,0.6671,0.6671").unwrap().dimensions(),
            (67, 33)
        );
        assert_eq!(of("0.999,0.999,0.001,0.001").unwrap().dimensions(), (1, 1));
        for wrong in [
            "",
            "1,2,3",
            "0,0,0,1",
            "0.6,0,0.5,1",
            "-1,0,1,1",
            "NaN,0,1,1",
            "0,0,1,1,1",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        let crop: Crop = "0.25,0,0.5,1".parse().unwrap();
        assert_eq!(crop.to_string().parse(), Ok(crop));
    }
}
