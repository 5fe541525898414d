//! How many values a layer of the network has, and how they are arranged.

/// The shape of one layer's activations, from the network's manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerShape {
    /// The layer's name, as results print it.
    pub name: String,
    /// Channels.
    pub channels: usize,
    /// Positions: height times width.
    pub positions: usize,
    /// Positions in a row.
    pub width: usize,
}

impl LayerShape {
    /// Values in the layer.
    pub fn values(&self) -> usize {
        self.channels * self.positions
    }
}
