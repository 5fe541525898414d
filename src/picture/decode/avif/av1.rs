//! AV1's bitstream, as far as it says what decoding it takes, and its decoder.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusty_av1d::{Decoder, Picture, Rav1dError, Settings};

use super::boxes::Fields;
use crate::picture::PictureError;

/// Frames of one picture that are read: its layers, and what they are predicted from.
const MOST_FRAMES: u64 = 16;
/// Frames that the decoder keeps to predict others from.
const KEPT_FRAMES: u64 = 8;

/// A picture's bitstream, and what decoding it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stream {
    /// Its units, without those that tell of other things. The decoder writes to the terminal of
    /// those that it does not know.
    data: Vec<u8>,
    /// Bytes for each pixel that decoding takes at most.
    pub(super) cost: u64,
}

impl Stream {
    /// Reads headers only; `None` if they make no sense, or there are too many frames.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (mut frames, mut samples) = (0, 0);
        let mut data = Vec::with_capacity(bytes.len());
        let mut rest = Fields(bytes);
        while !rest.0.is_empty() {
            let start = rest.0;
            let header = rest.u8()?;
            if header & 4 > 0 {
                rest.u8()?;
            }
            let length = match header & 2 {
                0 => rest.0.len(),
                _ => leb128(&mut rest)?,
            };
            let unit = rest.take(length)?;
            match header >> 3 & 15 {
                // The profile says how fine colours may be. All may have more than 8 bits.
                1 => samples = samples.max(if unit.first()? >> 5 == 0 { 3 } else { 6 }),
                3 | 6 => frames += 1,
                // The beginning of a picture, tiles, a header once more.
                2 | 4 | 7 => {}
                _ => continue,
            }
            data.extend_from_slice(&start[..start.len() - rest.0.len()]);
        }
        let has_picture = samples > 0 && (1..=MOST_FRAMES).contains(&frames);
        // The frame itself, one with grain, and one byte for what is noted of blocks.
        let kept = 2 + (frames - frames.min(1)).min(KEPT_FRAMES);
        let cost = samples * kept + 1;
        has_picture.then_some(Self { data, cost })
    }

    /// The picture; of several layers, the finest. No frame may have more than so many pixels.
    pub(super) fn decode(
        &self,
        operating_point: u8,
        most_pixels: u32,
    ) -> Result<Picture, PictureError> {
        let mut settings = Settings::new();
        // On this thread: other threads' panics could not be caught.
        settings.set_n_threads(1);
        settings.set_max_frame_delay(1);
        settings.set_all_layers(false);
        settings.set_operating_point(operating_point.min(31));
        settings.set_frame_size_limit(most_pixels);
        let mut decoder = Decoder::with_settings(&settings).map_err(said)?;
        // A panic ends here, and not while the decoder is dropped.
        let read = AssertUnwindSafe(|| last_picture(&mut decoder, &self.data));
        catch_unwind(read).unwrap_or(Err(PictureError::DecoderPanicked))
    }
}

/// A number in groups of seven bits, the lowest first.
fn leb128(fields: &mut Fields<'_>) -> Option<usize> {
    let mut number = 0;
    for group in 0..8 {
        let byte = fields.u8()?;
        number |= u64::from(byte & 0x7f) << (7 * group);
        if byte & 0x80 == 0 {
            return usize::try_from(number).ok();
        }
    }
    None
}

fn last_picture(decoder: &mut Decoder, data: &[u8]) -> Result<Picture, PictureError> {
    match decoder.send_data(data.into(), None, None, None) {
        Ok(()) | Err(Rav1dError::TryAgain) => {}
        Err(error) => return Err(said(error)),
    }
    let mut last = Err(Rav1dError::TryAgain);
    for _ in 0..MOST_FRAMES {
        match decoder.get_picture() {
            Ok(picture) => last = Ok(picture),
            // What a layer lacks, the one before it has.
            Err(error) if last.is_err() => return Err(said(error)),
            Err(_) => break,
        }
    }
    last.map_err(said)
}

fn said(error: Rav1dError) -> PictureError {
    PictureError::Broken(match error {
        Rav1dError::TryAgain => "its AV1 data ends early".to_owned(),
        Rav1dError::OutOfRange => "a frame is larger than the picture".to_owned(),
        other => format!("its AV1 data cannot be decoded ({other:?})"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A unit of a kind, with its length.
    fn unit(kind: u8, data: &[u8]) -> Vec<u8> {
        [&[kind << 3 | 2, data.len() as u8], data].concat()
    }

    #[test]
    fn what_a_bitstream_takes_is_told_by_its_headers() {
        let still = [unit(2, &[]), unit(1, &[0x18]), unit(6, &[1, 2, 3])].concat();
        let cost = |bytes: &[u8]| Stream::read(bytes).map(|stream| stream.cost);
        assert_eq!(cost(&still), Some(7));
        let of_high_profile = [unit(1, &[0x38]), unit(3, &[1]), unit(4, &[1])].concat();
        assert_eq!(cost(&of_high_profile), Some(13));
        let layers = [still.clone(), unit(6, &[1]), unit(6, &[1])].concat();
        assert_eq!(cost(&layers), Some(13));
        let endless = [still.clone(), unit(6, &[1]).repeat(40)].concat();
        for bytes in [
            &endless[..],
            &still[..2],
            &still[..still.len() - 1],
            &[0xff; 40],
            &[],
        ] {
            assert_eq!(cost(bytes), None);
        }
        // What the decoder does not need is not shown to it.
        let told = [
            unit(5, &[7]),
            still.clone(),
            unit(15, &[0; 9]),
            unit(9, &[1]),
        ]
        .concat();
        assert_eq!(Stream::read(&told).unwrap().data, still);
    }
}
