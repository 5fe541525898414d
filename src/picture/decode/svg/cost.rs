//! How long an SVG takes to draw.

use resvg::usvg::{Group, Node, Paint, Path, Rect, Tree};

/// Pixels that are written for one drawing, all layers and patterns together: some seconds.
const MOST: f32 = 5e8;
/// What a step of a filter takes of a layer, in times that writing it takes.
const FILTER: f32 = 15.0;
/// Layers that are in one another.
const MOST_LAYERS: u32 = 12;
/// Pixels of a pattern's tile.
const TILE: f32 = 4e6;
/// What a path takes however small it is.
const PATH: f32 = 200.0;

/// Whether drawing ends soon.
pub(super) fn is_bounded(tree: &Tree, scale: f32) -> bool {
    let canvas = tree.size().width() * tree.size().height() * scale * scale;
    let mut cost = Cost {
        left: MOST,
        scale: scale * scale,
        canvas,
        layers: 0,
    };
    cost.pay_group(tree.root()).is_some()
}

struct Cost {
    left: f32,
    scale: f32,
    canvas: f32,
    /// Those that the present one is in.
    layers: u32,
}

impl Cost {
    fn pay(&mut self, pixels: f32) -> Option<()> {
        self.left -= pixels;
        // Not a number is too much, too.
        (self.left >= 0.0).then_some(())
    }

    fn area(&self, bounds: Rect) -> f32 {
        let area = bounds.width() * bounds.height() * self.scale;
        area.min(self.canvas) + PATH
    }

    fn pay_group(&mut self, group: &Group) -> Option<()> {
        let is_layer = u32::from(group.should_isolate());
        self.layers += is_layer;
        if self.layers > MOST_LAYERS {
            return None;
        }
        // Layers are as large as the canvas at worst.
        self.pay(2.0 * self.canvas * is_layer as f32)?;
        for filter in group.filters() {
            let steps = filter.primitives().len().max(1) as f32;
            self.pay(self.canvas * FILTER * steps)?;
        }
        let mut clip = group.clip_path();
        while let Some(path) = clip {
            self.pay(2.0 * self.canvas)?;
            self.pay_group(path.root())?;
            clip = path.clip_path();
        }
        let mut mask = group.mask();
        while let Some(path) = mask {
            self.pay(2.0 * self.canvas)?;
            self.pay_group(path.root())?;
            mask = path.mask();
        }
        for node in group.children() {
            match node {
                Node::Group(group) => self.pay_group(group)?,
                Node::Path(path) => self.pay_path(path)?,
                Node::Image(_) | Node::Text(_) => self.pay(PATH)?,
            }
        }
        self.layers -= is_layer;
        Some(())
    }

    fn pay_path(&mut self, path: &Path) -> Option<()> {
        let points = path.data().len() as f32;
        let area = self.area(path.abs_stroke_bounding_box());
        // Each edge is walked down the rows that it crosses.
        self.pay(area + 20.0 * points)?;
        for paint in [
            path.fill().map(|fill| fill.paint()),
            path.stroke().map(|stroke| stroke.paint()),
        ] {
            if let Some(Paint::Pattern(pattern)) = paint {
                let (tile, (across, down)) = (pattern.rect(), path.abs_transform().get_scale());
                let tile = tile.width() * across.abs() * tile.height() * down.abs();
                // Not a number is too much, too.
                (tile * self.scale <= TILE).then_some(())?;
                self.pay(self.canvas)?;
                self.layers += 1;
                self.pay_group(pattern.root())?;
                self.layers -= 1;
            }
        }
        if let Some(dashes) = path.stroke().and_then(|stroke| stroke.dasharray()) {
            let length = dashes.iter().sum::<f32>().max(1e-6);
            let bounds = path.abs_bounding_box();
            self.pay((bounds.width() + bounds.height()) * points / length * 200.0)?;
        }
        Some(())
    }
}
