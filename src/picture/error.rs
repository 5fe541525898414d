//! Why bytes are no picture.

use super::Format;

/// Why bytes are not a picture that simdex can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// There are no bytes at all.
    #[error("the file is empty")]
    Empty,
    /// More bytes than `[picture] max_file_bytes`.
    #[error("the file has {bytes} bytes, over the limit of {limit} ([picture] max_file_bytes)")]
    TooLarge {
        /// The file's size.
        bytes: u64,
        /// The limit in force.
        limit: u64,
    },
    /// A web page where a picture was promised.
    #[error("this is an HTML page, not a picture")]
    Html,
    /// Bytes of no format that simdex knows.
    #[error("not a picture in a format simdex knows")]
    Unknown,
    /// A format that simdex knows and does not read, or a kind of one that it reads.
    #[error("{}", unread(*format, kind.as_deref()))]
    Unread {
        /// The format.
        format: Format,
        /// What is unusual about the file, where simdex reads others of its format.
        kind: Option<String>,
    },
    /// More pixels than `[picture] max_pixels`.
    #[error("{width}x{height} pixels are over the limit of {limit} ([picture] max_pixels)")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit in force, in pixels.
        limit: u64,
    },
    /// A side shorter than `[picture] min_side`.
    #[error("{width}x{height} pixels are under the smallest side of {limit} ([picture] min_side)")]
    TooSmall {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit in force, in pixels.
        limit: u32,
    },
    /// Decoding takes more memory than `[picture] decode_budget_mb`.
    #[error(
        "decoding it takes {} MiB, over the limit of {} MiB ([picture] decode_budget_mb)",
        bytes.div_ceil(1 << 20),
        limit >> 20
    )]
    TooMuchMemory {
        /// What it takes at most, in bytes.
        bytes: u64,
        /// The limit in force, in bytes.
        limit: u64,
    },
    /// The decoder refused the bytes.
    #[error("the picture is broken: {0}")]
    Broken(String),
    /// A JPEG whose data ends before its rows, or the scans that make them finer, do.
    #[error(
        "the picture is broken: the file ends before the picture does ([picture] truncated = \"keep\" takes what is there)"
    )]
    Truncated,
    /// The decoder panicked; the panic was caught.
    #[error("the picture is broken (its decoder gave up)")]
    DecoderPanicked,
}

impl PictureError {
    /// A short, stable name for summaries and JSON.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too_large",
            Self::Html => "html_not_picture",
            Self::Unknown => "unknown_format",
            Self::Unread { .. } => "unread_format",
            Self::TooManyPixels { .. } => "too_many_pixels",
            Self::TooSmall { .. } => "too_small",
            Self::TooMuchMemory { .. } => "too_much_memory",
            Self::Broken(_) | Self::Truncated | Self::DecoderPanicked => "broken_picture",
        }
    }

    /// Whether a limit of the user's own refused it, rather than the bytes being bad.
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::TooLarge { .. }
                | Self::TooManyPixels { .. }
                | Self::TooSmall { .. }
                | Self::TooMuchMemory { .. }
        )
    }
}

fn unread(format: Format, kind: Option<&str>) -> String {
    let name = format.name();
    if let (Some(feature), false) = (format.feature(), format.is_read()) {
        return format!(
            "this is {name}, which this build of simdex does not read: its packages do, and builds with \
             `--features {feature}`"
        );
    }
    match kind {
        Some(kind) => format!("this is {name}, but {kind}, which simdex does not read"),
        None => {
            let read: Vec<&str> = Format::all_read().map(Format::name).collect();
            let read = read.join(", ");
            format!("this is {name}, which simdex does not read (it reads {read})")
        }
    }
}
