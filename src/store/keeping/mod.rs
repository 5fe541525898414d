//! How much a store keeps of a picture: all of each, a sketch of each, or all of the newest and a sketch
//! of the rest; and how it changes from one to the other.

mod layouts;
mod newest;
mod target;

pub(super) use layouts::Layouts;
pub(super) use newest::Newest;
pub(super) use target::Conversion;
