//! The items of a HEIF file (ISO 23008-12): which is the picture, what is said of it, of which others
//! it is made, and where its bytes are.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::boxes::{Fields, Kind};

/// Items, their pieces, and references between them that are read; no picture has as many.
const MOST: usize = 10_000;

/// Properties that may be unknown to nobody who shows the picture, and are heeded or change no pixel.
const KNOWN: [Kind; 15] = [
    *b"ispe", *b"pixi", *b"av1C", *b"colr", *b"irot", *b"imir", *b"clap", *b"auxC", *b"pasp",
    *b"a1op", *b"a1lx", *b"clli", *b"mdcv", *b"cclv", *b"amve",
];

/// A file's items.
pub(super) struct Container<'a> {
    bytes: &'a [u8],
    /// Data of items that stands among their descriptions.
    inner: &'a [u8],
    pub(super) primary: u32,
    items: BTreeMap<u32, Item<'a>>,
}

#[derive(Default)]
struct Item<'a> {
    kind: Kind,
    place: Place,
    extents: Vec<(u64, u64)>,
    properties: Vec<Property<'a>>,
    /// To other items, by their kind.
    references: Vec<(Kind, u32)>,
}

#[derive(Default)]
enum Place {
    #[default]
    File,
    Inner,
    Other,
}

#[derive(Clone, Copy)]
struct Property<'a> {
    kind: Kind,
    fields: Fields<'a>,
    is_essential: bool,
}

impl<'a> Container<'a> {
    /// Reads it; `None` if the file has no picture, or its descriptions make no sense.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut meta = Fields(bytes).find(b"meta")?;
        meta.version()?;
        let mut primary = meta.find(b"pitm")?;
        let (version, _) = primary.version()?;
        let mut container = Self {
            bytes,
            inner: meta.find(b"idat").map_or(&[], |fields| fields.0),
            primary: id(&mut primary, version > 0)?,
            items: BTreeMap::new(),
        };
        container.read_kinds(meta.find(b"iinf")?)?;
        container.read_places(meta.find(b"iloc")?)?;
        container.read_properties(meta.find(b"iprp")?)?;
        if let Some(references) = meta.find(b"iref") {
            container.read_references(references)?;
        }
        Some(container)
    }

    fn read_kinds(&mut self, mut fields: Fields<'a>) -> Option<()> {
        let (version, _) = fields.version()?;
        fields.number(if version == 0 { 2 } else { 4 })?;
        for (_, mut entry) in fields
            .boxes()
            .filter(|(kind, _)| kind == b"infe")
            .take(MOST)
        {
            let (version, _) = entry.version()?;
            // Earlier versions have no kind, and no picture is of them.
            if version >= 2 {
                let id = id(&mut entry, version > 2)?;
                entry.u16()?;
                self.items.entry(id).or_default().kind = entry.kind()?;
            }
        }
        Some(())
    }

    fn read_places(&mut self, mut fields: Fields<'a>) -> Option<()> {
        let (version, _) = fields.version()?;
        let sizes = usize::from(fields.u16()?);
        let [offset, length, base, index] = [12, 8, 4, 0].map(|shift| sizes >> shift & 15);
        if [offset, length, base, index].iter().any(|size| *size > 8) {
            return None;
        }
        let count = id(&mut fields, version > 1)?;
        let mut left = MOST;
        for _ in 0..(count as usize).min(MOST) {
            let id = id(&mut fields, version > 1)?;
            let place = match version {
                0 => 0,
                _ => fields.u16()? & 15,
            };
            // One of 0 is this file.
            let data = fields.u16()?;
            let start = fields.number(base)?;
            let mut extents = Vec::new();
            for _ in 0..fields.u16()? {
                // They may take no byte.
                left = left.checked_sub(1)?;
                if version > 0 {
                    fields.number(index)?;
                }
                let offset = fields.number(offset)?.checked_add(start)?;
                extents.push((offset, fields.number(length)?));
            }
            let item = self.items.entry(id).or_default();
            item.extents = extents;
            item.place = match (place, data) {
                (0, 0) => Place::File,
                (1, _) => Place::Inner,
                _ => Place::Other,
            };
        }
        Some(())
    }

    fn read_properties(&mut self, fields: Fields<'a>) -> Option<()> {
        let all: Vec<_> = fields.find(b"ipco")?.boxes().take(MOST).collect();
        for (_, mut fields) in fields.boxes().filter(|(kind, _)| kind == b"ipma") {
            let (version, flags) = fields.version()?;
            for _ in 0..(fields.u32()? as usize).min(MOST) {
                let id = id(&mut fields, version > 0)?;
                let mut properties = Vec::new();
                for _ in 0..fields.u8()? {
                    let (number, essential) = match flags & 1 {
                        0 => (fields.u8()?.into(), 0x80),
                        _ => (fields.u16()?, 0x8000),
                    };
                    // Counted from one; zero is none.
                    let at = usize::from(number & !essential).checked_sub(1);
                    if let Some((kind, fields)) = at.and_then(|at| all.get(at)) {
                        properties.push(Property {
                            kind: *kind,
                            fields: *fields,
                            is_essential: number & essential > 0,
                        });
                    }
                }
                self.items
                    .entry(id)
                    .or_default()
                    .properties
                    .extend(properties);
            }
        }
        Some(())
    }

    fn read_references(&mut self, mut fields: Fields<'a>) -> Option<()> {
        let (version, _) = fields.version()?;
        let mut left = MOST;
        for (kind, mut fields) in fields.boxes() {
            let from = id(&mut fields, version > 0)?;
            for _ in 0..fields.u16()? {
                let to = id(&mut fields, version > 0)?;
                left = left.checked_sub(1)?;
                self.items
                    .entry(from)
                    .or_default()
                    .references
                    .push((kind, to));
            }
        }
        Some(())
    }

    /// What an item is.
    pub(super) fn kind(&self, id: u32) -> Kind {
        self.items.get(&id).map_or([0; 4], |item| item.kind)
    }

    /// The first property of a kind of an item.
    pub(super) fn property(&self, id: u32, kind: &Kind) -> Option<Fields<'a>> {
        self.properties(id, kind).next()
    }

    /// The properties of a kind of an item.
    pub(super) fn properties(&self, id: u32, kind: &Kind) -> impl Iterator<Item = Fields<'a>> {
        let all = self
            .items
            .get(&id)
            .into_iter()
            .flat_map(|item| &item.properties);
        all.filter(move |property| property.kind == *kind)
            .map(|property| property.fields)
    }

    /// A property without whose meaning an item must not be shown, and which is not known here.
    pub(super) fn unknown(&self, id: u32) -> Option<Kind> {
        let mut properties = self.items.get(&id)?.properties.iter();
        let unknown = |it: &&Property<'_>| it.is_essential && !KNOWN.contains(&it.kind);
        properties.find(unknown).map(|property| property.kind)
    }

    /// The items to which one refers.
    pub(super) fn references(&self, from: u32, kind: &Kind) -> impl Iterator<Item = u32> {
        let all = self
            .items
            .get(&from)
            .into_iter()
            .flat_map(|item| &item.references);
        all.filter(move |(it, _)| it == kind).map(|(_, to)| *to)
    }

    /// The item that says how much is seen of another.
    pub(super) fn transparency_of(&self, id: u32) -> Option<u32> {
        const NAMES: [&[u8]; 2] = [
            b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
            b"urn:mpeg:hevc:2015:auxid:1\0",
        ];
        let mut items = self.items.keys().copied();
        items.find(|from| {
            let name = self.property(*from, b"auxC").and_then(|it| it.0.get(4..));
            let is_alpha = name.is_some_and(|name| NAMES.iter().any(|it| name.starts_with(it)));
            is_alpha && self.references(*from, b"auxl").any(|to| to == id)
        })
    }

    /// An item's bytes; `None` if they are not all there, or are made of other items.
    pub(super) fn data(&self, id: u32) -> Option<Cow<'a, [u8]>> {
        let item = self.items.get(&id)?;
        let source = match item.place {
            Place::File => self.bytes,
            Place::Inner => self.inner,
            Place::Other => return None,
        };
        let part = |(offset, length): &(u64, u64)| {
            let rest = source.get(usize::try_from(*offset).ok()?..)?;
            match length {
                0 => Some(rest),
                length => rest.get(..usize::try_from(*length).ok()?),
            }
        };
        if let [extent] = &item.extents[..] {
            return part(extent).map(Cow::Borrowed);
        }
        let mut data = Vec::new();
        for extent in &item.extents {
            data.extend_from_slice(part(extent)?);
            // Extents that lie over one another are no file's.
            if data.len() > source.len() {
                return None;
            }
        }
        Some(Cow::Owned(data))
    }
}

/// An item's number, or a count of items.
fn id(fields: &mut Fields<'_>, is_long: bool) -> Option<u32> {
    if is_long {
        fields.u32()
    } else {
        fields.u16().map(u32::from)
    }
}
