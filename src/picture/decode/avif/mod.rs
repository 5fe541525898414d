//! AVIF: stills coded with AV1, in one piece or in tiles.

mod av1;
mod boxes;
mod container;
mod yuv;

use image::metadata::Orientation;
use rusty_av1d::Picture;

use self::av1::Stream;
use self::boxes::Fields;
use self::container::Container;
use self::yuv::{Canvas, CodePoints};
use super::header::Opened;
use super::raster::{Raster, divide};
use crate::picture::{Format, PictureError};

/// Tiles of one picture that are read; 1,024 of 512 x 512 pixels are over any limit.
const MOST_TILES: usize = 1024;

pub(super) fn open(bytes: &[u8]) -> Result<Opened<'_>, PictureError> {
    let container = Container::read(bytes).ok_or_else(|| broken("the AVIF names no picture"))?;
    let primary = container.primary;
    let colours = Mosaic::of(&container, primary)?;
    let transparency = colours.transparency(&container, primary)?;
    let (width, height) = (colours.width, colours.height);
    let clean = container
        .property(primary, b"clap")
        .and_then(|clap| clean(clap, width, height));
    let (across, down) = clean.unwrap_or(((0, width), (0, height)));
    let colour = Colour::of(
        &container,
        primary,
        colours.tiles.first().map(|tile| tile.id),
    );
    let alpha = transparency.as_ref();
    let is_premultiplied = alpha.is_some_and(|(_, id)| {
        container
            .references(primary, b"prem")
            .any(|to| Some(to) == *id)
    });
    let channels = 3 + u64::from(alpha.is_some());
    let working = colours
        .working()
        .max(alpha.map_or(0, |(mosaic, _)| mosaic.working()));
    Ok(Opened {
        format: Format::Avif,
        width: across.1,
        height: down.1,
        // What EXIF says is for those who do not read this.
        orientation: orientation(&container, primary),
        decoding: (u64::from(width) * u64::from(height))
            .saturating_mul(channels)
            .saturating_add(working),
        read: Box::new(move || {
            let mut canvas = Canvas::new(width as usize, height as usize, channels as usize);
            let mut profile = colour.profile;
            colours.each(|frame, at| {
                let points = colour.points.unwrap_or_else(|| CodePoints::of(frame));
                profile = profile.take().or_else(|| points.profile());
                canvas.paint(frame, &points, at)
            })?;
            if let Some((transparency, _)) = transparency {
                transparency.each(|frame, at| {
                    canvas.paint_transparency(frame, at);
                    Ok(())
                })?;
            }
            if is_premultiplied {
                canvas.bytes.chunks_exact_mut(4).for_each(divide);
            }
            if clean.is_some() {
                let side = |(start, length): (u32, u32)| (start as usize, length as usize);
                canvas.crop(side(across), side(down));
            }
            match channels {
                3 => Raster::rgb(across.1, down.1, canvas.bytes, profile),
                _ => Raster::rgba(across.1, down.1, canvas.bytes, profile),
            }
        }),
    })
}

fn broken(said: &str) -> PictureError {
    PictureError::Broken(said.to_owned())
}

fn unread(kind: String) -> PictureError {
    PictureError::Unread {
        format: Format::Avif,
        kind: Some(kind),
    }
}

/// What an item shows: tiles of one size, row by row; mostly one.
struct Mosaic {
    width: u32,
    height: u32,
    columns: usize,
    tile_width: u32,
    tile_height: u32,
    tiles: Vec<Tile>,
}

struct Tile {
    id: u32,
    stream: Stream,
    operating_point: u8,
}

impl Mosaic {
    fn of(container: &Container<'_>, id: u32) -> Result<Self, PictureError> {
        let (columns, size, ids) = match &container.kind(id) {
            b"av01" => (1, None, vec![id]),
            b"grid" => {
                check(container, id)?;
                let data = container.data(id).unwrap_or_default();
                let grid = grid(Fields(&data)).ok_or_else(|| broken("its grid makes no sense"))?;
                let (rows, columns, size) = grid;
                let ids: Vec<u32> = container.references(id, b"dimg").collect();
                if ids.len() != rows * columns {
                    return Err(broken("its grid lacks tiles, or has too many"));
                }
                (columns, Some(size), ids)
            }
            kind => {
                let kind = String::from_utf8_lossy(kind).into_owned();
                return Err(unread(format!("of a kind that is rare ({kind})")));
            }
        };
        Self::of_tiles(container, columns, size, &ids)
    }

    fn of_tiles(
        container: &Container<'_>,
        columns: usize,
        size: Option<(u32, u32)>,
        ids: &[u32],
    ) -> Result<Self, PictureError> {
        if ids.len() > MOST_TILES {
            return Err(unread(format!("of over {MOST_TILES} tiles")));
        }
        let tiles = ids.iter().map(|id| Tile::of(container, *id));
        let tiles = tiles.collect::<Result<Vec<_>, _>>()?;
        let mut sizes = ids.iter().map(|id| extent(container, *id));
        let tile = sizes.next().flatten();
        let (tile_width, tile_height) = tile.ok_or_else(|| broken("it does not say its size"))?;
        let (width, height) = size.unwrap_or((tile_width, tile_height));
        let rows = tiles.len() / columns.max(1);
        let is_covered = |side: u32, tile: u32, count: usize| {
            u64::from(tile).saturating_mul(count as u64) >= u64::from(side)
        };
        if sizes.any(|other| other != tile)
            || !is_covered(width, tile_width, columns)
            || !is_covered(height, tile_height, rows)
        {
            return Err(broken("its tiles do not cover it"));
        }
        Ok(Self {
            width,
            height,
            columns,
            tile_width,
            tile_height,
            tiles,
        })
    }

    /// How much of it is seen, if it says so, in one piece or tile by tile; and the item that says it.
    fn transparency(
        &self,
        container: &Container<'_>,
        id: u32,
    ) -> Result<Option<(Self, Option<u32>)>, PictureError> {
        let (mosaic, item) = match container.transparency_of(id) {
            Some(item) => (Self::of(container, item)?, Some(item)),
            None => {
                let ids = self
                    .tiles
                    .iter()
                    .map(|tile| container.transparency_of(tile.id));
                let Some(ids) = ids.collect::<Option<Vec<_>>>() else {
                    return Ok(None);
                };
                let size = Some((self.width, self.height));
                (Self::of_tiles(container, self.columns, size, &ids)?, None)
            }
        };
        if (mosaic.width, mosaic.height) != (self.width, self.height) {
            return Err(unread("with transparency of another size".to_owned()));
        }
        Ok(Some((mosaic, item)))
    }

    /// Bytes that decoding a tile takes at most.
    fn working(&self) -> u64 {
        let pixels = u64::from(self.tile_width) * u64::from(self.tile_height);
        let bytes = self.tiles.iter().map(|tile| tile.stream.cost).max();
        pixels.saturating_mul(bytes.unwrap_or(0))
    }

    /// Decodes each tile, and tells where it lies.
    fn each(
        &self,
        mut paint: impl FnMut(&Picture, (usize, usize)) -> Result<(), PictureError>,
    ) -> Result<(), PictureError> {
        let most = self.tile_width.saturating_mul(self.tile_height);
        for (number, tile) in self.tiles.iter().enumerate() {
            let frame = tile.stream.decode(tile.operating_point, most)?;
            if frame.width() < self.tile_width || frame.height() < self.tile_height {
                return Err(broken("its AV1 data is smaller than the picture"));
            }
            let left = number % self.columns * self.tile_width as usize;
            let top = number / self.columns * self.tile_height as usize;
            paint(&frame, (left, top))?;
        }
        Ok(())
    }
}

impl Tile {
    fn of(container: &Container<'_>, id: u32) -> Result<Self, PictureError> {
        check(container, id)?;
        if container.kind(id) != *b"av01" {
            return Err(unread("of tiles that are rare".to_owned()));
        }
        let data = container
            .data(id)
            .ok_or_else(|| broken("the file ends early"))?;
        let stream = Stream::read(&data).ok_or_else(|| broken("its AV1 data makes no sense"))?;
        let point = container.property(id, b"a1op").and_then(|mut it| it.u8());
        Ok(Self {
            id,
            stream,
            operating_point: point.unwrap_or(0),
        })
    }
}

/// Refuses an item that must not be shown without what is not known here.
fn check(container: &Container<'_>, id: u32) -> Result<(), PictureError> {
    match container.unknown(id) {
        Some(kind) => {
            let kind = String::from_utf8_lossy(&kind).into_owned();
            Err(unread(format!("with a property that is rare ({kind})")))
        }
        None => Ok(()),
    }
}

/// The size that an item says it has.
fn extent(container: &Container<'_>, id: u32) -> Option<(u32, u32)> {
    let mut fields = container.property(id, b"ispe")?;
    fields.version()?;
    Some((fields.u32()?, fields.u32()?))
}

/// Rows and columns of a grid, and the size of what they show.
fn grid(mut fields: Fields<'_>) -> Option<(usize, usize, (u32, u32))> {
    fields.u8()?;
    let is_long = fields.u8()? & 1 == 1;
    let (rows, columns) = (usize::from(fields.u8()?) + 1, usize::from(fields.u8()?) + 1);
    let mut side = || fields.number(if is_long { 4 } else { 2 });
    let (width, height) = (side()? as u32, side()? as u32);
    Some((rows, columns, (width, height)))
}

/// What is said of an item's colours.
struct Colour {
    points: Option<CodePoints>,
    profile: Option<Vec<u8>>,
}

impl Colour {
    /// That of an item, else of its first tile.
    fn of(container: &Container<'_>, id: u32, tile: Option<u32>) -> Self {
        let mut colour = Self {
            points: None,
            profile: None,
        };
        for id in [Some(id), tile].into_iter().flatten() {
            for mut fields in container.properties(id, b"colr") {
                match fields.kind().as_ref() {
                    Some(b"nclx") => colour.points = colour.points.or(CodePoints::read(fields)),
                    Some(b"prof" | b"rICC") => {
                        colour.profile.get_or_insert_with(|| fields.0.to_vec());
                    }
                    _ => {}
                }
            }
        }
        colour
    }
}

/// How the picture is turned: first against the clock by quarters, then mirrored.
fn orientation(container: &Container<'_>, id: u32) -> Orientation {
    let number = |kind| {
        container
            .property(id, kind)
            .and_then(|mut fields| fields.u8())
    };
    let quarters = number(b"irot").unwrap_or(0) & 3;
    // Upside down, or left to right.
    let mirrored = number(b"imir").map(|mode| mode & 1);
    match (quarters, mirrored) {
        (0, None) => Orientation::NoTransforms,
        (1, None) => Orientation::Rotate270,
        (2, None) => Orientation::Rotate180,
        (_, None) => Orientation::Rotate90,
        (0, Some(0)) | (2, Some(1)) => Orientation::FlipVertical,
        (0, Some(_)) | (2, Some(_)) => Orientation::FlipHorizontal,
        (1, Some(0)) | (3, Some(1)) => Orientation::Rotate90FlipH,
        (_, Some(_)) => Orientation::Rotate270FlipH,
    }
}

/// The part of the picture that is to be shown, across and down: where it starts, and its length.
/// None if it is no whole number of pixels, or not in the picture.
fn clean(mut clap: Fields<'_>, width: u32, height: u32) -> Option<((u32, u32), (u32, u32))> {
    let mut next = || clap.u32().map(i64::from);
    let [width_n, width_d, height_n, height_d] = [next()?, next()?, next()?, next()?];
    let mut offset = || Some((clap.u32()?.cast_signed().into(), clap.u32()?.into()));
    let (x, y) = (offset()?, offset()?);
    Some((
        shown(width, (width_n, width_d), x)?,
        shown(height, (height_n, height_d), y)?,
    ))
}

/// Where a part begins whose middle is off the middle of a side.
fn shown(side: u32, length: (i64, i64), offset: (i64, i64)) -> Option<(u32, u32)> {
    let whole = |(number, of): (i64, i64)| (number.checked_rem(of) == Some(0)).then(|| number / of);
    let length = whole(length)?;
    let twice = i64::from(side) - length + whole((2 * offset.0, offset.1))?;
    let start = whole((twice, 2))?;
    let is_inside = length > 0 && start >= 0 && start + length <= i64::from(side);
    // Both are within the side.
    is_inside.then_some((start as u32, length as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_shown_if_it_is_one() {
        assert_eq!(shown(100, (60, 1), (0, 1)), Some((20, 60)));
        assert_eq!(shown(100, (120, 2), (-20, 1)), Some((0, 60)));
        assert_eq!(shown(99, (60, 1), (1, 2)), Some((20, 60)));
        for (length, offset) in [
            ((60, 1), (21, 1)),
            ((61, 1), (0, 1)),
            ((60, 7), (0, 1)),
            ((60, 0), (0, 1)),
            ((0, 1), (0, 1)),
            ((60, 1), (0, 0)),
        ] {
            assert_eq!(shown(100, length, offset), None, "{length:?} {offset:?}");
        }
    }
}
