//! A site of the user's own photos.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;

use image::{ImageReader, ImageResult};
use walkdir::{DirEntry, WalkDir};

use super::retouch::{self, Retouch};
use super::site::{Content, Error, Resource, Site, escape, html, picture_type};

/// Pictures on one page.
const PER_PAGE: usize = 100;

/// What one folder's pages show: names without the folder's own path.
#[derive(Debug, Default)]
struct Folder {
    pictures: Vec<String>,
    folders: BTreeSet<String>,
}

/// A site of the pictures in a folder and the folders below, with a page for each folder.
/// Links to other places are not followed and hidden files are left out.
///
/// # Errors
///
/// The folder could not be read, or no picture in it could be decoded.
pub fn site(root: &Path) -> Result<Site, Error> {
    let mut resources = BTreeMap::new();
    // By their paths on the site, which end with a slash.
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    let visible = |entry: &DirEntry| {
        entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    for entry in WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(visible)
    {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == 0 => {
                return Err(Error::Folder {
                    path: root.to_owned(),
                    source: error.into(),
                });
            }
            // One unreadable folder is no reason to show none of the others.
            Err(error) => {
                tracing::warn!(%error, "left out of the site");
                continue;
            }
        };
        let Some(content_type) = picture_type(entry.path()) else {
            continue;
        };
        if !entry.file_type().is_file() {
            continue;
        }
        let folder = folder_path(root, &entry);
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}{name}");
        list(&mut folders, &folder).pictures.push(name);
        let resource = Resource {
            content_type,
            content: Content::File(entry.into_path()),
        };
        resources.insert(path, resource);
    }

    let query = query(&resources).ok_or_else(|| Error::NoPhoto(root.to_owned()))?;
    let mut pages = BTreeMap::new();
    for (path, folder) in &folders {
        add_pages(&mut pages, path, folder);
    }
    resources.extend(
        pages
            .into_iter()
            .map(|(path, page)| (path, Resource::page(&page))),
    );
    let robots = Resource::bytes("text/plain", b"User-agent: *\nAllow: /\n".as_slice());
    resources.insert("/robots.txt".to_owned(), robots);
    Ok(Site::new(resources, query))
}

/// The path on the site of the folder that a file lies in.
fn folder_path(root: &Path, file: &DirEntry) -> String {
    let inside = file
        .path()
        .parent()
        .and_then(|folder| folder.strip_prefix(root).ok());
    let mut path = "/".to_owned();
    for part in inside.unwrap_or(Path::new("")) {
        path += &part.to_string_lossy();
        path.push('/');
    }
    path
}

/// The entry of a folder; a new one is also listed in the folder above it.
fn list<'a>(folders: &'a mut BTreeMap<String, Folder>, path: &str) -> &'a mut Folder {
    if !folders.contains_key(path)
        && let Some(above) = path.strip_suffix('/').and_then(|path| path.rfind('/'))
    {
        let (above, name) = path.split_at(above + 1);
        list(folders, above).folders.insert(name.to_owned());
    }
    folders.entry(path.to_owned()).or_default()
}

/// Writes a folder's pages: the first under the folder's path, others as `page-2.html` there.
fn add_pages(pages: &mut BTreeMap<String, String>, path: &str, folder: &Folder) {
    let title = html(if path == "/" { "Photos" } else { path });
    let count = folder.pictures.len().div_ceil(PER_PAGE).max(1);
    for number in 1..=count {
        let mut body = String::new();
        if number == 1 {
            for name in &folder.folders {
                body += &format!("<p><a href=\"{}\">{}</a></p>\n", escape(name), html(name));
            }
        }
        let pictures = folder
            .pictures
            .iter()
            .skip((number - 1) * PER_PAGE)
            .take(PER_PAGE);
        for name in pictures {
            let stem = Path::new(name)
                .file_stem()
                .unwrap_or(OsStr::new(""))
                .to_string_lossy();
            // From the root, since a name with a colon would be read as a scheme.
            let source = escape(&format!("{path}{name}"));
            body += &format!(
                "<img src=\"{source}\" alt=\"{}\" width=\"240\">\n",
                html(&stem)
            );
        }
        if number < count {
            body += &format!("<p><a href=\"page-{}.html\">More</a></p>\n", number + 1);
        }
        let page = format!(
            "<!doctype html>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
             <h1>{title}</h1>\n{body}"
        );
        let name = if number == 1 {
            String::new()
        } else {
            format!("page-{number}.html")
        };
        pages.insert(format!("{path}{name}"), page);
    }
}

/// A cropped copy of the first photo that can be decoded.
fn query(resources: &BTreeMap<String, Resource>) -> Option<Vec<u8>> {
    resources.values().find_map(|resource| {
        let Content::File(file) = &resource.content else {
            return None;
        };
        match cropped(file) {
            Ok(jpeg) => Some(jpeg),
            Err(error) => {
                tracing::debug!(file = %file.display(), %error, "cannot make a query of it");
                None
            }
        }
    })
}

fn cropped(file: &Path) -> ImageResult<Vec<u8>> {
    let picture = ImageReader::open(file)?
        .with_guessed_format()?
        .decode()?
        .into_rgb8();
    retouch::jpeg(&Retouch::Crop.apply(&picture), Some(Retouch::Crop))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::drawing::{Motif, draw};
    use super::*;

    #[test]
    fn shows_every_photo_once() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("2024/at the sea");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir(folder.path().join(".cache")).unwrap();
        let photo = retouch::jpeg(&draw(Motif::Lake, 0, 64, 48), None).unwrap();
        for number in 0..=PER_PAGE {
            fs::write(deep.join(format!("{number}.JPG")), &photo).unwrap();
        }
        let larger = retouch::jpeg(&draw(Motif::Lake, 0, 80, 60), None).unwrap();
        for name in ["a \"b\".jpg", "notes.txt", ".cache/thumb.jpg"] {
            fs::write(folder.path().join(name), &larger).unwrap();
        }
        fs::write(folder.path().join("a broken.png"), b"no picture").unwrap();

        let site = site(folder.path()).unwrap();
        assert_eq!(site.picture_paths().count(), PER_PAGE + 3);
        let pages = [
            "/",
            "/2024/",
            "/2024/at the sea/",
            "/2024/at the sea/page-2.html",
        ];
        for page in pages {
            let page = site.resource(page).unwrap();
            assert!(page.content_type.starts_with("text/html"));
        }
        assert!(site.resource("/2024/at the sea/page-3.html").is_none());
        // Of the first photo, which is one of the small ones.
        let query = image::load_from_memory(site.query_picture()).unwrap();
        assert_eq!(query.width(), 48);
    }

    #[test]
    fn needs_a_photo() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(site(folder.path()), Err(Error::NoPhoto(_))));
        let nowhere = folder.path().join("nowhere");
        assert!(matches!(super::site(&nowhere), Err(Error::Folder { .. })));
    }
}
