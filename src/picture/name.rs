//! Names of picture files.

use std::path::Path;

/// Endings of file names that are taken for pictures.
const ENDINGS: [&str; 10] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "gif", "webp", "bmp", "tif", "tiff",
];

/// Media types of the formats that are decoded, registered ones first.
const MEDIA_TYPES: [&str; 10] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/bmp",
    "image/tiff",
    "image/apng",
    "image/jpg",
    "image/pjpeg",
    "image/x-ms-bmp",
];

/// The `Accept` field of a request for a picture: the formats that are decoded, then any other
/// picture, then anything, for servers that would refuse to answer at all.
pub const ACCEPT_PICTURES: &str =
    "image/webp,image/png,image/jpeg,image/gif,image/bmp,image/tiff,image/*;q=0.2,*/*;q=0.1";

/// Whether a media type, without parameters, is that of a format that is decoded.
pub fn is_picture_media_type(essence: &str) -> bool {
    MEDIA_TYPES
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
}

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
