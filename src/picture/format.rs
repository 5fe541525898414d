//! Formats of pictures: those that are decoded, and those that are only known by name.

/// A format of pictures that simdex knows by its bytes. Not all of them can be read:
/// [`is_read`](Self::is_read).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF.
    Gif,
    /// WebP.
    WebP,
    /// Bitmaps of Windows and OS/2.
    Bmp,
    /// TIFF and BigTIFF.
    Tiff,
    /// Icons and cursors of Windows.
    Ico,
    /// PBM, PGM, PPM and PAM.
    Pnm,
    /// QOI.
    Qoi,
    /// Targa.
    Tga,
    /// AVIF.
    Avif,
    /// HEIF with HEVC.
    Heic,
    /// JPEG XL.
    Jxl,
    /// SVG.
    Svg,
    /// JPEG 2000.
    Jpeg2000,
    /// JPEG XR.
    JpegXr,
    /// Photoshop.
    Psd,
    /// GIMP.
    Xcf,
    /// OpenEXR.
    Exr,
    /// Radiance HDR.
    Hdr,
    /// DirectDraw surfaces.
    Dds,
    /// Farbfeld.
    Farbfeld,
    /// PCX.
    Pcx,
    /// What cameras write before anything is developed.
    CameraRaw,
    /// PostScript and EPS.
    PostScript,
    /// PDF.
    Pdf,
    /// DjVu.
    Djvu,
    /// Windows metafiles.
    Metafile,
    /// MP4, QuickTime and WebM.
    Video,
    /// Pictures that are known by the endings of their names alone.
    Other,
}

struct Known {
    format: Format,
    name: &'static str,
    media_type: &'static str,
    /// Endings of file names, the usual one first.
    endings: &'static [&'static str],
}

const fn known(
    format: Format,
    name: &'static str,
    media_type: &'static str,
    endings: &'static [&'static str],
) -> Known {
    Known {
        format,
        name,
        media_type,
        endings,
    }
}

const KNOWN: [Known; 30] = [
    known(
        Format::Jpeg,
        "JPEG",
        "image/jpeg",
        &[
            "jpg", "jpeg", "jpe", "jfif", "jif", "jfi", "pjpeg", "pjp", "jps", "mpo", "insp",
        ],
    ),
    known(Format::Png, "PNG", "image/png", &["png", "apng"]),
    known(Format::Gif, "GIF", "image/gif", &["gif"]),
    known(Format::WebP, "WebP", "image/webp", &["webp"]),
    known(Format::Bmp, "BMP", "image/bmp", &["bmp", "dib"]),
    known(
        Format::Tiff,
        "TIFF",
        "image/tiff",
        &["tif", "tiff", "btf", "tf8"],
    ),
    known(Format::Ico, "ICO", "image/x-icon", &["ico", "cur"]),
    known(
        Format::Pnm,
        "PNM",
        "image/x-portable-anymap",
        &["pnm", "pbm", "pgm", "ppm", "pam"],
    ),
    known(Format::Qoi, "QOI", "image/qoi", &["qoi"]),
    known(
        Format::Tga,
        "TGA",
        "image/x-tga",
        &["tga", "targa", "icb", "vda", "vst"],
    ),
    known(Format::Avif, "AVIF", "image/avif", &["avif", "avifs"]),
    known(
        Format::Heic,
        "HEIC",
        "image/heic",
        &["heic", "heif", "heics", "heifs", "hif"],
    ),
    known(Format::Jxl, "JPEG XL", "image/jxl", &["jxl"]),
    known(Format::Svg, "SVG", "image/svg+xml", &["svg", "svgz"]),
    known(
        Format::Jpeg2000,
        "JPEG 2000",
        "image/jp2",
        &[
            "jp2", "j2k", "jpx", "jpf", "j2c", "jpc", "jpm", "jph", "jhc",
        ],
    ),
    known(
        Format::JpegXr,
        "JPEG XR",
        "image/jxr",
        &["jxr", "wdp", "hdp"],
    ),
    known(
        Format::Psd,
        "Photoshop",
        "image/vnd.adobe.photoshop",
        &["psd", "psb", "pdd"],
    ),
    known(Format::Xcf, "GIMP", "image/x-xcf", &["xcf"]),
    known(Format::Exr, "OpenEXR", "image/x-exr", &["exr"]),
    known(
        Format::Hdr,
        "Radiance HDR",
        "image/vnd.radiance",
        &["hdr", "rgbe", "xyze"],
    ),
    known(Format::Dds, "DDS", "image/vnd-ms.dds", &["dds"]),
    known(Format::Farbfeld, "Farbfeld", "image/x-farbfeld", &["ff"]),
    known(Format::Pcx, "PCX", "image/x-pcx", &["pcx", "pcc"]),
    known(
        Format::CameraRaw,
        "camera raw",
        "image/x-raw",
        &[
            "dng", "cr2", "cr3", "crw", "nef", "nrw", "arw", "srf", "sr2", "raf", "rw2", "orf",
            "pef", "x3f", "srw", "3fr", "iiq", "kdc", "dcr", "erf", "mrw", "raw", "rwl", "mef",
            "mos", "ptx", "r3d", "gpr", "fff", "bay", "k25", "drf",
        ],
    ),
    known(
        Format::PostScript,
        "PostScript",
        "application/postscript",
        &["eps", "epsf", "epsi", "ai"],
    ),
    known(Format::Pdf, "PDF", "application/pdf", &["pdf"]),
    known(Format::Djvu, "DjVu", "image/vnd.djvu", &["djvu", "djv"]),
    known(
        Format::Metafile,
        "Windows metafile",
        "image/wmf",
        &["wmf", "emf", "wmz", "emz"],
    ),
    known(
        Format::Video,
        "video",
        "video/mp4",
        &["mp4", "m4v", "mov", "webm", "avi", "mkv"],
    ),
    known(
        Format::Other,
        "another format of pictures",
        "image/x-other",
        &[
            "icns",
            "ani",
            "pict",
            "pct",
            "pic",
            "sgi",
            "rgb",
            "rgba",
            "bw",
            "ras",
            "sun",
            "ktx",
            "ktx2",
            "fits",
            "fts",
            "dcm",
            "dicom",
            "jng",
            "mng",
            "flif",
            "bpg",
            "jls",
            "jbig",
            "jbg",
            "jb2",
            "cin",
            "dpx",
            "xbm",
            "xpm",
            "xwd",
            "wbmp",
            "pfm",
            "cut",
            "lbm",
            "ilbm",
            "iff",
            "blp",
            "vtf",
            "pcd",
            "cgm",
            "kra",
            "ora",
            "pdn",
            "psp",
            "pspimage",
            "procreate",
            "clip",
            "afphoto",
            "afdesign",
            "cdr",
            "indd",
            "sketch",
            "fig",
        ],
    ),
];

/// Other media types by which formats go.
const ALIASES: [(&str, Format); 19] = [
    ("image/jpg", Format::Jpeg),
    ("image/pjpeg", Format::Jpeg),
    ("image/x-png", Format::Png),
    ("image/apng", Format::Png),
    ("image/x-ms-bmp", Format::Bmp),
    ("image/x-bmp", Format::Bmp),
    ("image/x-tiff", Format::Tiff),
    ("image/vnd.microsoft.icon", Format::Ico),
    ("image/ico", Format::Ico),
    ("image/x-portable-bitmap", Format::Pnm),
    ("image/x-portable-graymap", Format::Pnm),
    ("image/x-portable-pixmap", Format::Pnm),
    ("image/x-targa", Format::Tga),
    ("image/tga", Format::Tga),
    ("image/heif", Format::Heic),
    ("image/heic-sequence", Format::Heic),
    ("image/jpx", Format::Jpeg2000),
    ("image/vnd.ms-photo", Format::JpegXr),
    ("image/emf", Format::Metafile),
];

/// The features of this build that decode formats.
const BUILT: &[&str] = &[
    #[cfg(feature = "avif")]
    "avif",
    #[cfg(feature = "heic")]
    "heic",
    #[cfg(feature = "jxl")]
    "jxl",
    #[cfg(feature = "svg")]
    "svg",
];

impl Format {
    /// The format that a file name's ending, without the dot, promises. Documents and films are
    /// no promise of a picture, and neither is `ps`.
    pub fn of_ending(ending: &str) -> Option<Self> {
        let known = KNOWN.iter().find(|known| {
            let mut endings = known.endings.iter();
            endings.any(|one| ending.eq_ignore_ascii_case(one))
        })?;
        let is_picture = !matches!(known.format, Self::Pdf | Self::Video);
        is_picture.then_some(known.format)
    }

    /// The format that a media type, without parameters, promises.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let is = |known: &str| media_type.eq_ignore_ascii_case(known);
        if let Some((_, format)) = ALIASES.iter().find(|(alias, _)| is(alias)) {
            return Some(*format);
        }
        let known = KNOWN.iter().find(|known| is(known.media_type))?;
        Some(known.format)
    }

    /// Whether this build decodes pictures in this format.
    pub fn is_read(self) -> bool {
        match self.feature() {
            Some(feature) => BUILT.contains(&feature),
            None => matches!(
                self,
                Self::Jpeg
                    | Self::Png
                    | Self::Gif
                    | Self::WebP
                    | Self::Bmp
                    | Self::Tiff
                    | Self::Ico
                    | Self::Pnm
                    | Self::Qoi
                    | Self::Tga
            ),
        }
    }

    /// The feature of a build that decodes pictures in this format, where it takes one.
    pub fn feature(self) -> Option<&'static str> {
        match self {
            Self::Avif => Some("avif"),
            Self::Heic => Some("heic"),
            Self::Jxl => Some("jxl"),
            Self::Svg => Some("svg"),
            _ => None,
        }
    }

    /// All formats that this build decodes.
    pub fn all_read() -> impl Iterator<Item = Self> {
        KNOWN
            .iter()
            .map(|known| known.format)
            .filter(|format| format.is_read())
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        self.known().name
    }

    /// How names of its files usually end, without the dot.
    pub fn ending(self) -> &'static str {
        self.known().endings[0]
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        self.known().media_type
    }

    fn known(self) -> &'static Known {
        // The test below looks each one up.
        KNOWN
            .iter()
            .find(|known| known.format == self)
            .unwrap_or(&KNOWN[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_its_own_name_type_and_endings() {
        for (i, known) in KNOWN.iter().enumerate() {
            assert_eq!(known.format as usize, i);
            assert_eq!(known.format.name(), known.name);
            for other in &KNOWN[..i] {
                assert_ne!(known.name, other.name);
                assert_ne!(known.media_type, other.media_type);
                for ending in known.endings {
                    assert!(!other.endings.contains(ending), "{ending}");
                }
            }
        }
        let last = Format::Other as usize;
        assert_eq!(last + 1, KNOWN.len());
    }

    #[test]
    fn endings_promise_pictures() {
        assert_eq!(Format::of_ending("HEIC"), Some(Format::Heic));
        assert_eq!(Format::of_ending("nef"), Some(Format::CameraRaw));
        for ending in ["pdf", "ps", "mp4", "txt", ""] {
            assert_eq!(Format::of_ending(ending), None, "{ending}");
        }
        assert!(Format::all_read().all(Format::is_read));
        assert!(Format::all_read().any(|format| format == Format::Tga));
        assert!(!Format::Psd.is_read());
    }
}
