//! What the manifest says of a picture.

use serde::{Deserialize, Serialize};

use crate::table::{Cell, Column};

/// What the manifest says of a picture: a line of JSON, a row of a table. What is not known is null.
/// docs/datasets.md describes the columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// BLAKE3 of the bytes, in hexadecimal digits: the picture's id.
    pub id: String,
    /// SHA-256 of the bytes, in hexadecimal digits.
    pub sha256: String,
    /// 64 bits that near-copies have in common, in hexadecimal digits; of pictures with features.
    pub perceptual_hash: Option<String>,
    /// The tar that it is in, if it is in one.
    pub shard: Option<String>,
    /// The file, from the dataset's folder or in its tar.
    pub file: String,
    /// The media type, by the bytes.
    pub media_type: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Width in pixels, upright; of pictures that were decoded.
    pub width: Option<u32>,
    /// Height in pixels, upright.
    pub height: Option<u32>,
    /// Where it came from.
    pub url: Option<String>,
    /// The local file that it came from.
    pub path: Option<String>,
    /// A page that shows it.
    pub page: Option<String>,
    /// The page's title.
    pub page_title: Option<String>,
    /// The alternative text there.
    pub alt: Option<String>,
    /// Its own title there.
    pub title: Option<String>,
    /// The caption of the figure that it stands in there.
    pub caption: Option<String>,
    /// The licence, a URL or words.
    pub license: Option<String>,
    /// Who says so: `picture`, its own metadata, or `page`.
    pub license_from: Option<String>,
    /// The notice of copyright in its metadata.
    pub copyright: Option<String>,
    /// Who made it, by its metadata.
    pub creator: Option<String>,
    /// The opt-outs that were seen; those that the settings respect keep a picture out.
    #[serde(default)]
    pub opt_outs: Vec<String>,
    /// When it was fetched, or first stored: RFC 3339 in UTC.
    pub fetched_at: Option<String>,
}

/// The columns of the manifest as a table.
pub const COLUMNS: [Column; 22] = [
    Column::text("id"),
    Column::text("sha256"),
    Column::text("perceptual_hash"),
    Column::text("shard"),
    Column::text("file"),
    Column::text("media_type"),
    Column::whole("bytes"),
    Column::whole("width"),
    Column::whole("height"),
    Column::text("url"),
    Column::text("path"),
    Column::text("page"),
    Column::text("page_title"),
    Column::text("alt"),
    Column::text("title"),
    Column::text("caption"),
    Column::text("license"),
    Column::text("license_from"),
    Column::text("copyright"),
    Column::text("creator"),
    Column::text("opt_outs"),
    Column::text("fetched_at"),
];

impl Row {
    /// What is said of it, best first: caption, title, alternative text; empty if nothing is.
    pub fn words(&self) -> &str {
        let texts = [&self.caption, &self.title, &self.alt];
        let said = texts.into_iter().flatten().next();
        said.map_or("", String::as_str)
    }

    /// The cells of a table's row, in the order of [`COLUMNS`]. Several opt-outs are one text.
    pub fn cells(&self) -> [Cell<'_>; COLUMNS.len()] {
        let side = |side: Option<u32>| Cell::some_whole(side.map(u64::from));
        [
            Cell::text(&*self.id),
            Cell::text(&*self.sha256),
            text(&self.perceptual_hash),
            text(&self.shard),
            Cell::text(&*self.file),
            Cell::text(&*self.media_type),
            Cell::Whole(self.bytes),
            side(self.width),
            side(self.height),
            text(&self.url),
            text(&self.path),
            text(&self.page),
            text(&self.page_title),
            text(&self.alt),
            text(&self.title),
            text(&self.caption),
            text(&self.license),
            text(&self.license_from),
            text(&self.copyright),
            text(&self.creator),
            Cell::text(self.opt_outs.join(" ")),
            text(&self.fetched_at),
        ]
    }
}

fn text(text: &Option<String>) -> Cell<'_> {
    Cell::some_text(text.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_tables_have_the_same_columns() {
        let line = serde_json::to_string(&Row::default()).unwrap();
        let mut at = 0;
        for column in COLUMNS {
            let key = format!("\"{}\":", column.name);
            let found = line[at..].find(&key);
            at += found.unwrap_or_else(|| panic!("{key} is missing, or elsewhere"));
        }
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value.as_object().unwrap().len(), COLUMNS.len());
        assert_eq!(serde_json::from_str::<Row>(&line).unwrap(), Row::default());
    }
}
