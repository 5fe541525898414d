//! All pictures in two dimensions: where they look alike, they lie together.
//!
//! It begins as the plane in which descriptors differ most ([`Plane`]). From there, each picture is drawn
//! to its nearest neighbours and pushed away by others, a few of them at a time ([`Layout`]): what UMAP
//! does (McInnes, Healy and Melville, 2018), with the simplest of its curves, 1 / (1 + d^2).

mod layout;
mod plane;

pub use layout::{Layout, NEIGHBOURS};
pub use plane::Plane;
