//! SVG, drawn without anything from outside: no files, no addresses, no scripts, no fonts.

mod cost;
mod growth;

use std::io::Read;
use std::thread;

use image::metadata::Orientation;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, Options, Tree, roxmltree};

use super::header::Opened;
use super::raster::{Raster, divide};
use crate::picture::{Format, PictureError};

/// A drawing has no pixels of its own; its longer side gets as many as it says, within these.
const SIDES: std::ops::RangeInclusive<f32> = 512.0..=1024.0;
/// Largest text, unpacked.
const TEXT: u64 = 8 << 20;
/// Most nodes of it.
const NODES: u32 = 200_000;
/// The text as a tree, and as what is drawn.
const TREES: u64 = 192 << 20;
/// A drawing may be nested as deep as its reader lets it, and each level takes some of this. It is
/// only addresses until it is used.
const STACK: usize = 256 << 20;

pub(super) fn open(bytes: &[u8]) -> Result<Opened<'_>, PictureError> {
    // Its size needs the whole text, so both are done at once, in a thread with room for it.
    let size = apart(|| tree(bytes).map(|tree| size(&tree)))?;
    let (width, height) = size;
    let pixels = u64::from(width) * u64::from(height);
    Ok(Opened {
        format: Format::Svg,
        width,
        height,
        orientation: Orientation::NoTransforms,
        // Groups are drawn apart before they are put onto what is below; few are in one another.
        decoding: pixels.saturating_mul(4 * 16).saturating_add(TREES),
        read: Box::new(move || apart(|| drawn(bytes, width, height))),
    })
}

/// Does it in a thread of its own; a panic in it is the decoder's.
fn apart<T: Send>(
    work: impl FnOnce() -> Result<T, PictureError> + Send,
) -> Result<T, PictureError> {
    let silent = || {
        super::IN_DECODER.set(true);
        work()
    };
    thread::scope(|scope| {
        let worker = thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, silent);
        let worker = worker.map_err(|error| PictureError::Broken(error.to_string()))?;
        worker.join().unwrap_or(Err(PictureError::DecoderPanicked))
    })
}

fn tree(bytes: &[u8]) -> Result<Tree, PictureError> {
    let broken = |said: &dyn std::fmt::Display| PictureError::Broken(said.to_string());
    let mut text = Vec::new();
    let read = match bytes.starts_with(&[0x1f, 0x8b]) {
        true => flate2::read::GzDecoder::new(bytes)
            .take(TEXT + 1)
            .read_to_end(&mut text),
        false => bytes.take(TEXT + 1).read_to_end(&mut text),
    };
    read.map_err(|error| broken(&error))?;
    if text.len() as u64 > TEXT {
        return Err(too_much());
    }
    let text = String::from_utf8(text).map_err(|error| broken(&error))?;
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        nodes_limit: NODES,
        ..roxmltree::ParsingOptions::default()
    };
    let xml = roxmltree::Document::parse_with_options(&text, options);
    let xml = xml.map_err(|error| broken(&error))?;
    if !growth::is_bounded(&xml) {
        return Err(too_much());
    }
    // Fonts are those of whoever looks, and there are none here; what is drawn here has no
    // pictures in it.
    for node in xml.descendants() {
        let link = node
            .attributes()
            .find(|attribute| attribute.name() == "href");
        let kind = match node.tag_name().name() {
            "text" => "with text that needs fonts",
            "image" if link.is_some_and(|link| link.value().starts_with("data:")) => {
                "with pictures in it"
            }
            _ => continue,
        };
        return Err(PictureError::Unread {
            format: Format::Svg,
            kind: Some(kind.to_owned()),
        });
    }
    let options = Options {
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    let tree = Tree::from_xmltree(&xml, &options).map_err(|error| broken(&error))?;
    Ok(tree)
}

fn too_much() -> PictureError {
    PictureError::Broken("the SVG is larger than any drawing".to_owned())
}

fn size(tree: &Tree) -> (u32, u32) {
    let scale = scale(tree);
    let side = |side: f32| ((side * scale).round() as u32).max(1);
    (side(tree.size().width()), side(tree.size().height()))
}

fn scale(tree: &Tree) -> f32 {
    let longer = tree.size().width().max(tree.size().height());
    longer.clamp(*SIDES.start(), *SIDES.end()) / longer
}

fn drawn(bytes: &[u8], width: u32, height: u32) -> Result<Raster, PictureError> {
    let tree = tree(bytes)?;
    let scale = scale(&tree);
    if !cost::is_bounded(&tree, scale) {
        return Err(too_much());
    }
    let mut pixels = Pixmap::new(width, height).ok_or_else(too_much)?;
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixels.as_mut(),
    );
    let mut pixels = pixels.take();
    // It is multiplied by what is seen.
    pixels.chunks_exact_mut(4).for_each(divide);
    if pixels.chunks_exact(4).all(|pixel| pixel[3] == 0) {
        return Err(PictureError::Unread {
            format: Format::Svg,
            kind: Some("with nothing that can be drawn without files or fonts".to_owned()),
        });
    }
    Raster::rgba(width, height, pixels, None)
}
