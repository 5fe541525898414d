//! Pictures as bytes, as pixels and as the network's input.
//!
//! The bytes may come from anyone, so everything here is bounded: the pixel count is read from
//! the header before anything is decoded, the decoder's allocations are capped, all pictures
//! that are decoded at the same time share one budget of memory, and decoders' panics are caught.

mod budget;
mod decode;
mod error;
mod format;
mod id;
mod limits;
mod name;
mod network_input;
mod perceptual_hash;
mod registration;
mod resize;
mod sniff;
mod thumbnail;
mod view;

pub use decode::{Decoded, check_header, decode, silence_decoder_panics};
pub use error::PictureError;
pub use format::Format;
pub use id::{ParsePictureIdError, PictureId};
pub use limits::{Limits, Truncated};
pub use name::{
    ACCEPT_PICTURES, is_picture_ending, is_picture_type, looks_like_picture, unread_ending,
};
pub use network_input::NetworkInput;
pub use perceptual_hash::PerceptualHash;
pub use registration::{Plane, Registration};
pub use thumbnail::thumbnail;
pub use view::View;
