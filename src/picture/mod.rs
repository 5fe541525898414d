//! Pictures as bytes, as pixels and as the network's input.
//!
//! The bytes may come from anyone, so everything here is bounded: the pixel count is read from
//! the header before anything is decoded, the decoder's allocations are capped and its panics
//! are caught.

mod decode;
mod id;
mod name;
mod network_input;
mod perceptual_hash;
mod view;

pub use decode::{Decoded, Limits, PictureError, check_header, decode, silence_decoder_panics};
pub use id::{ParsePictureIdError, PictureId};
pub use name::{is_picture_ending, looks_like_picture};
pub use network_input::NetworkInput;
pub use perceptual_hash::PerceptualHash;
pub use view::View;
