//! The site of drawn pictures.
//!
//! Its pages show pictures in each of the ways that a crawler has to know: by `src`, `srcset`,
//! `data-src`, `source`, `og:image` and links, with paths of every kind.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::num::NonZero;
use std::path::Path;
use std::{panic, thread};

use image::ImageFormat;

use super::drawing::{Motif, draw};
use super::retouch::{self, Retouch};
use super::site::{Error, Resource, Site, picture_type};

mod pages;

use pages::{page, pages};

/// Drawings of each motif on its own page.
const VARIATIONS: u64 = 4;
/// The variation of the query, which the site must not have.
const QUERY: (Motif, u64) = (Motif::Sailboat, 1000);

/// The page with a `base`, and that base.
const ARCHIVE: (&str, &str) = ("/archive/", "/media/archive/");
const ABOUT: &str = "/about.html";
const TRAVEL: &str = "/travel/north/";
/// The same picture as the first of the lake's.
const TWIN: &str = "/travel/north/lake.jpg";
const MISSING: &str = "/pictures/lost.jpg";
const ICON: &str = "/favicon.png";
const STYLE: &str = "/style.css";
const DIARY: &str = "/private/diary.html";
const CLOSED: [(&str, Motif); 2] = [
    ("/private/sunset.jpg", Motif::Sunset),
    ("/private/car.jpg", Motif::Car),
];

const ROBOTS: &str = "User-agent: *\nDisallow: /private/\n";

const CSS: &str = "body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; \
max-width: 60rem; padding: 0 1rem; color: #223; background: #fbfaf7 }\n\
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem }\n\
figure { margin: 0 } img { width: 100%; border-radius: .5rem }\n\
nav a { margin-right: .8rem } a { color: #a03c50 }\n";

/// How a page shows a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// `img src` with a path from the root.
    Image,
    /// `img src` with a path from the page or from its `base`.
    Relative,
    /// `img data-src`, as scripts that load late read it.
    Lazy,
    /// The large file of an `img srcset`.
    Srcset,
    /// The `source` of a `picture`.
    Source,
    /// An `og:image` of the page's head, and nowhere else.
    OpenGraph,
    /// An `a href` around a thumbnail.
    Linked,
    /// The small file that goes with one that is [`Shown::Srcset`], [`Shown::Source`] or
    /// [`Shown::Linked`]: the `img src` there.
    Companion,
}

/// A picture of the site that a crawler may fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Picture {
    /// Where it is.
    path: String,
    /// The page that shows it.
    page: String,
    /// How that page shows it.
    shown: Shown,
    /// What it shows.
    motif: Motif,
    /// Which drawing of the motif it is; copies share it with their original.
    variation: u64,
    /// What was done to it, if it is a copy.
    edit: Option<Retouch>,
    /// The size of the drawing, before any edit.
    size: (u32, u32),
}

/// Draws the pictures and writes the pages, which takes a moment.
///
/// # Errors
///
/// If a picture cannot be encoded.
pub fn site() -> Result<Site, Error> {
    let pictures = plan();
    let mut resources = BTreeMap::new();
    for (picture, bytes) in pictures.iter().zip(encode_all(&pictures)?) {
        // Only paths with the extensions of pictures are planned.
        let content_type = picture_type(Path::new(&picture.path)).unwrap_or("image/jpeg");
        resources.insert(picture.path.clone(), Resource::bytes(content_type, bytes));
    }
    for (path, motif) in CLOSED {
        let bytes = encode(path, motif, 9, None, (640, 480))?;
        resources.insert(path.to_owned(), Resource::bytes("image/jpeg", bytes));
    }
    let icon = encode(ICON, Motif::Balloon, 1, None, (32, 32))?;
    resources.insert(ICON.to_owned(), Resource::bytes("image/png", icon));
    resources.insert(
        "/robots.txt".to_owned(),
        Resource::bytes("text/plain", ROBOTS.as_bytes()),
    );
    resources.insert(
        STYLE.to_owned(),
        Resource::bytes("text/css", CSS.as_bytes()),
    );
    let pages = pages(&pictures);
    resources.extend(
        pages
            .into_iter()
            .map(|(path, html)| (path, Resource::page(&html))),
    );
    let diary = page("Diary", "", "<p>Not for robots.</p>");
    resources.insert(DIARY.to_owned(), Resource::page(&diary));

    let (motif, variation) = QUERY;
    let query = encode("query.jpg", motif, variation, None, (640, 480))?;
    Ok(Site::new(resources, query))
}

/// Every picture that may be fetched, before it is drawn.
fn plan() -> Vec<Picture> {
    let mut plan = Vec::new();
    for (place, motif) in Motif::ALL.into_iter().enumerate() {
        for variation in 0..VARIATIONS {
            let third = [Shown::Srcset, Shown::Lazy, Shown::Source, Shown::Linked][place % 4];
            let (shown, size) = match variation {
                0 => (Shown::Image, (640, 480)),
                1 => (Shown::Relative, (560, 420)),
                2 => (third, (800, 600)),
                _ => (Shown::Image, (480, 480)),
            };
            let extension = match (shown, motif) {
                (Shown::Source, _) | (Shown::Relative, Motif::Fish) => "webp",
                (Shown::Relative, Motif::Cup | Motif::House) => "png",
                (_, Motif::Tiles) if variation == 3 => "gif",
                _ => "jpg",
            };
            let path = format!("/pictures/{motif}-{variation}.{extension}");
            let picture = planned(path, topic(motif), shown, motif, variation, size);
            if let Shown::Srcset | Shown::Source | Shown::Linked = shown {
                let size = (size.0 * 3 / 10, size.1 * 3 / 10);
                let (path, page) = (companion(&picture.path), topic(motif));
                plan.push(planned(
                    path,
                    page,
                    Shown::Companion,
                    motif,
                    variation,
                    size,
                ));
            }
            plan.push(picture);
        }
        for edit in [2 * place, 2 * place + 1].map(|edit| Retouch::ALL[edit % Retouch::ALL.len()]) {
            let path = format!("/workshop/files/{motif}-{edit}.jpg");
            let copy = planned(path, workshop(edit), Shown::Relative, motif, 0, (640, 480));
            plan.push(Picture {
                edit: Some(edit),
                ..copy
            });
        }
        if place % 3 == 0 {
            let (page, folder) = ARCHIVE;
            let path = format!("{folder}{motif}.jpg");
            plan.push(planned(
                path,
                page.to_owned(),
                Shown::Relative,
                motif,
                4,
                (600, 400),
            ));
        }
    }
    let others = [
        (TWIN, TRAVEL, Shown::Relative, Motif::Lake, 0),
        (
            "/travel/north/forest.jpg",
            TRAVEL,
            Shown::Relative,
            Motif::Forest,
            5,
        ),
        (
            "/travel/north/snowman.jpg",
            TRAVEL,
            Shown::Image,
            Motif::Snowman,
            5,
        ),
        (
            "/pictures/cover.jpg",
            ABOUT,
            Shown::OpenGraph,
            Motif::Balloon,
            5,
        ),
    ];
    plan.extend(others.map(|(path, page, shown, motif, variation)| {
        planned(
            path.to_owned(),
            page.to_owned(),
            shown,
            motif,
            variation,
            (640, 480),
        )
    }));
    plan
}

/// A drawing that is no copy.
fn planned(
    path: String,
    page: String,
    shown: Shown,
    motif: Motif,
    variation: u64,
    size: (u32, u32),
) -> Picture {
    Picture {
        path,
        page,
        shown,
        motif,
        variation,
        edit: None,
        size,
    }
}

fn topic(motif: Motif) -> String {
    format!("/topics/{motif}/")
}

fn workshop(edit: Retouch) -> String {
    format!("/workshop/{edit}.html")
}

/// The path of the small file that goes with a picture.
fn companion(path: &str) -> String {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    format!("{stem}-small.jpg")
}

/// Draws every picture, on all processors.
fn encode_all(pictures: &[Picture]) -> Result<Vec<Vec<u8>>, Error> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = pictures.len().div_ceil(threads).max(1);
    let parts: Result<Vec<Vec<Vec<u8>>>, Error> = thread::scope(|scope| {
        let draw = |part: &[Picture]| part.iter().map(encode_picture).collect();
        let drawing: Vec<_> = pictures
            .chunks(share)
            .map(|part| scope.spawn(move || draw(part)))
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Result<_, _>>| {
            thread
                .join()
                .unwrap_or_else(|panicked| panic::resume_unwind(panicked))
        };
        drawing.into_iter().map(join).collect()
    });
    Ok(parts?.into_iter().flatten().collect())
}

fn encode_picture(picture: &Picture) -> Result<Vec<u8>, Error> {
    let Picture {
        path,
        motif,
        variation,
        edit,
        size,
        ..
    } = picture;
    encode(path, *motif, *variation, *edit, *size)
}

/// Draws a picture and writes it in the format that its path asks for.
fn encode(
    path: &str,
    motif: Motif,
    variation: u64,
    edit: Option<Retouch>,
    (width, height): (u32, u32),
) -> Result<Vec<u8>, Error> {
    let mut picture = draw(motif, variation, width, height);
    if let Some(edit) = edit {
        picture = edit.apply(&picture);
    }
    let encoded = match ImageFormat::from_path(path) {
        Ok(ImageFormat::Jpeg) => retouch::jpeg(&picture, edit),
        Ok(format) => {
            let mut file = Cursor::new(Vec::new());
            picture
                .write_to(&mut file, format)
                .map(|()| file.into_inner())
        }
        Err(error) => Err(error),
    };
    encoded.map_err(|source| Error::Encode {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests;
