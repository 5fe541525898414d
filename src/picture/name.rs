//! Names of picture files.

use std::path::Path;

/// Endings of file names that are taken for pictures.
const ENDINGS: [&str; 10] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "gif", "webp", "bmp", "tif", "tiff",
];

/// Whether a file name's ending, without the dot, is a picture's.
pub fn is_picture_ending(ending: &str) -> bool {
    ENDINGS
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known))
}

/// Whether a path ends like a picture.
pub fn looks_like_picture(path: &Path) -> bool {
    path.extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(is_picture_ending)
}
