//! Activations as stored bytes, and the mean squared errors between them.
//!
//! One picture's layers form one *block*: per layer a 16-byte header (scale, sum of
//! squares) and the values, channels last, padded to 16 bytes. Channels last, so that the
//! channel vector of one position is contiguous, which position-wise distances need.
//! Behind the layers stands what is derived from them once (`summary.rs`).

mod dot;
mod layout;
mod mse;
mod quantize;
mod rows;
mod summary;
mod widened;

pub use dot::inner_product_f32;
pub use layout::{Encoding, LayerShape, Layout};
pub use mse::{LayerDistance, layer_distance, layer_mses, layer_normalised};
pub use quantize::encode;
pub use summary::{channel_statistics, embedding, layer_spread, layer_values, summarise};
