//! Activations as stored bytes, and what can be measured of them.
//!
//! One picture's layers form one *block*: per layer a 16-byte header (scale, sum of squares)
//! and the values, channels last, padded to 16 bytes. Channels last, so that the channel vector
//! of one position is contiguous, which position-wise distances need. Behind the layers come
//! what is derived from them once (`moments.rs`) and the embedding.
//!
//! [`Layout`] says where everything stands, [`Activations`] is a block with its layout, and a
//! codec (`codec.rs`) writes layers and says what can be measured of them. Nobody outside
//! this module asks which codec it is.

mod activations;
mod block;
mod codec;
mod compact;
mod conversion;
mod dot;
mod encoding;
#[cfg(test)]
mod estimates;
mod float;
mod half_floats;
mod header;
mod int8;
mod layout;
mod moments;
mod parts;
mod rows;
mod shape;
#[cfg(test)]
pub(crate) mod sketch;
mod transpose;
mod widened;

pub use activations::Activations;
pub use block::{encode, summarise};
pub use codec::{LayerDistance, Measurement, Quantity};
pub use conversion::converted;
pub use dot::{inner_product, inner_product_f32, inner_products_f32, squared_length};
pub use encoding::Encoding;
pub use layout::Layout;
pub use parts::{Parts, PartsCodec};
pub use shape::LayerShape;
