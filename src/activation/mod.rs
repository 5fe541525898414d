//! Activations as stored bytes, and the mean squared errors between them.
//!
//! One picture's layers form one *block*: per layer a 16-byte header (scale, sum of
//! squares) and the values, channels last, padded to 16 bytes. Channels last, so that the
//! channel vector of one position is contiguous, which position-wise distances need.

mod dot;
mod layout;
mod mse;
mod quantize;
mod spread;

pub use layout::{Encoding, LayerShape, Layout};
pub use mse::layer_mses;
pub use quantize::encode;
pub use spread::layer_spread;
