//! Names of picture files.

use std::path::Path;
use std::sync::LazyLock;

use super::Format;

/// The `Accept` field of a request for a picture: the formats that are decoded, those that are
/// cheap to decode first, then any other picture, then anything, for servers that would refuse to
/// answer at all.
pub static ACCEPT_PICTURES: LazyLock<String> = LazyLock::new(|| {
    let costly = [Format::Avif, Format::Jxl, Format::Heic].into_iter();
    let costly = costly.filter(|format| format.is_read());
    let costly: String = costly
        .map(|format| format!("{};q=0.5,", format.media_type()))
        .collect();
    format!(
        "image/webp,image/png,image/jpeg,image/gif,image/bmp,image/tiff,{costly}image/*;q=0.2,*/*;q=0.1"
    )
});

/// Whether a file name's ending, without the dot, is that of pictures that pages show and that can
/// be decoded. SVGs and icons are left out: they are a page's furniture.
pub fn is_picture_ending(ending: &str) -> bool {
    Format::of_ending(ending).is_some_and(is_shown)
}

/// The same of a media type, without parameters.
pub fn is_picture_type(media_type: &str) -> bool {
    Format::of_media_type(media_type).is_some_and(is_shown)
}

fn is_shown(format: Format) -> bool {
    format.is_read() && !matches!(format, Format::Svg | Format::Ico)
}

/// Whether a path ends like a picture that can be decoded.
pub fn looks_like_picture(path: &Path) -> bool {
    path.extension()
        .and_then(|ending| ending.to_str())
        .and_then(Format::of_ending)
        .is_some_and(Format::is_read)
}

/// The ending, in small letters, of a path that promises a picture that cannot be decoded: what a
/// walk over files passes by and should tell.
pub fn unread_ending(path: &Path) -> Option<String> {
    let ending = path.extension()?.to_str()?;
    let format = Format::of_ending(ending)?;
    (!format.is_read()).then(|| ending.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_have_and_simdex_does_not_read_is_told() {
        let endings = "eps ai icns xcf kra djvu wmf emf pict sgi rgb ras sun dds ktx fits dcm jng mng flif \
             jxr wdp hdp j2k jpx jpf jpc cin dpx xbm xpm pfm cut lbm iff indd sketch fig blp vtf psd psb \
             exr hdr pcx dng nef arw cr2 cr3";
        for ending in endings.split_ascii_whitespace() {
            let path = format!("a/b.{}", ending.to_ascii_uppercase());
            assert_eq!(unread_ending(Path::new(&path)).as_deref(), Some(ending));
        }
        // Those of cameras with two lenses are JPEGs.
        for ending in ["mpo", "insp", "jps"] {
            assert!(looks_like_picture(Path::new(&format!("b.{ending}"))));
        }
        for ending in ["txt", "db", "ini", "pdf", "ps", "mp4", "xmp", "aae"] {
            assert_eq!(unread_ending(Path::new(&format!("b.{ending}"))), None);
        }
    }

    #[test]
    fn endings_of_pictures_are_told_apart() {
        assert!(looks_like_picture(Path::new("a/b.JPG")));
        assert!(!looks_like_picture(Path::new("a/b.psd")));
        assert_eq!(unread_ending(Path::new("a/b.PSD")).as_deref(), Some("psd"));
        assert_eq!(unread_ending(Path::new("a/b.jpg")), None);
        assert_eq!(unread_ending(Path::new("a/psd")), None);
        assert!(is_picture_type("IMAGE/JPG") && is_picture_type("image/webp"));
        assert_eq!(is_picture_type("image/avif"), cfg!(feature = "avif"));
        assert_eq!(
            looks_like_picture(Path::new("a.svg")),
            cfg!(feature = "svg")
        );
        assert!(!is_picture_ending("svg"));
        assert!(!is_picture_type("image/jp2") && !is_picture_type("image/x-unheard-of"));
    }
}
