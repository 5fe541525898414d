//! The demo's pictures: sixteen motifs, each drawn in as many variations as asked for.

use std::fmt;

use image::RgbImage;

use super::canvas::Canvas;
use super::random::SplitMix64;
use super::{nature, scenery, things, wilds};

/// What a drawn picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Motif {
    /// The sun going down behind hills.
    Sunset,
    /// A sailing boat at sea.
    Sailboat,
    /// A house in its garden.
    House,
    /// A city's skyline at night.
    Skyline,
    /// One big flower.
    Flower,
    /// Fir trees in a wood.
    Forest,
    /// Fish under water.
    Fish,
    /// Hot-air balloons among clouds.
    Balloon,
    /// A lake below snowy mountains.
    Lake,
    /// A cup on a table.
    Cup,
    /// A car on a road.
    Car,
    /// A tiled wall.
    Tiles,
    /// A butterfly with open wings.
    Butterfly,
    /// A snowman in falling snow.
    Snowman,
    /// Cacti in a desert.
    Cactus,
    /// Mushrooms on a forest floor.
    Mushroom,
}

/// Paints one motif.
type Painter = fn(&mut Canvas, &mut SplitMix64);

impl Motif {
    /// Every motif.
    pub const ALL: [Self; 16] = [
        Self::Sunset,
        Self::Sailboat,
        Self::House,
        Self::Skyline,
        Self::Flower,
        Self::Forest,
        Self::Fish,
        Self::Balloon,
        Self::Lake,
        Self::Cup,
        Self::Car,
        Self::Tiles,
        Self::Butterfly,
        Self::Snowman,
        Self::Cactus,
        Self::Mushroom,
    ];

    /// The motif's name as the site's files and pages spell it: one word in lower case.
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// What a page says about a picture of it.
    pub fn caption(self) -> &'static str {
        self.entry().1
    }

    fn entry(self) -> (&'static str, &'static str, Painter) {
        match self {
            Self::Sunset => ("sunset", "The sun going down behind hills", scenery::sunset),
            Self::Sailboat => ("sailboat", "A sailing boat at sea", scenery::sailboat),
            Self::House => ("house", "A house in its garden", things::house),
            Self::Skyline => ("skyline", "A city's skyline at night", scenery::skyline),
            Self::Flower => ("flower", "A flower in bloom", nature::flower),
            Self::Forest => ("forest", "Fir trees in a wood", wilds::forest),
            Self::Fish => ("fish", "Fish under water", nature::fish),
            Self::Balloon => ("balloon", "Hot-air balloons among clouds", scenery::balloon),
            Self::Lake => ("lake", "A lake below snowy mountains", wilds::lake),
            Self::Cup => ("cup", "A cup on a table", things::cup),
            Self::Car => ("car", "A car on a road", things::car),
            Self::Tiles => ("tiles", "A tiled wall", things::tiles),
            Self::Butterfly => (
                "butterfly",
                "A butterfly with open wings",
                nature::butterfly,
            ),
            Self::Snowman => ("snowman", "A snowman in falling snow", scenery::snowman),
            Self::Cactus => ("cactus", "Cacti in a desert", wilds::cactus),
            Self::Mushroom => ("mushroom", "Mushrooms on a forest floor", wilds::mushroom),
        }
    }
}

impl fmt::Display for Motif {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Draws a motif; the same arguments always give the same picture.
///
/// `variation` decides place, size, colours, background and counts; `width` and `height` decide
/// only how large and which part: a variation drawn twice as large shows the same scene. Sides
/// outside 1 to 4096 pixels are taken as the nearest of those.
pub fn draw(motif: Motif, variation: u64, width: u32, height: u32) -> RgbImage {
    // Spread, so that neighbouring motifs and variations share no stream.
    let seed = SplitMix64::new(motif as u64 ^ variation.rotate_left(32)).bits();
    let mut random = SplitMix64::new(seed);
    let mut canvas = Canvas::new(width, height);
    let (_, _, paint) = motif.entry();
    paint(&mut canvas, &mut random);
    canvas.finish(&mut random)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn draws_the_same_picture_again() {
        for motif in Motif::ALL {
            assert_eq!(draw(motif, 3, 60, 45), draw(motif, 3, 60, 45), "{motif}");
            assert_ne!(draw(motif, 3, 60, 45), draw(motif, 4, 60, 45), "{motif}");
        }
    }

    #[test]
    fn every_motif_is_its_own() {
        let pictures: HashSet<_> = Motif::ALL
            .iter()
            .map(|&motif| draw(motif, 0, 40, 30).into_raw())
            .collect();
        let names: HashSet<_> = Motif::ALL.iter().map(|motif| motif.name()).collect();
        assert_eq!(pictures.len(), Motif::ALL.len());
        assert_eq!(names.len(), Motif::ALL.len());
    }

    #[test]
    fn takes_any_size() {
        assert_eq!(draw(Motif::Tiles, 0, 0, 0).dimensions(), (1, 1));
        assert_eq!(draw(Motif::Tiles, 0, 31, 90).dimensions(), (31, 90));
    }

    #[test]
    fn covers_the_picture() {
        // Where nothing was painted the canvas is black but for the grain.
        for motif in Motif::ALL {
            let picture = draw(motif, 1, 80, 60);
            let bare = picture
                .pixels()
                .filter(|pixel| pixel.0.iter().all(|&value| value < 8));
            assert!(bare.count() < 80, "{motif}");
        }
    }
}
