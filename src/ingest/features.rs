//! From a picture's bytes to its features: decoding and the network.

use std::fs::{File, FileType};
use std::io::Read;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;

use super::worker_count;
use crate::activation::{Activations, Layout, encode};
use crate::network::{Engine, ExtractError, Extractor, Network};
use crate::picture::{
    Format, Limits, NetworkInput, PictureError, PictureId, View, decode, thumbnail,
};
use crate::shutdown::Shutdown;
use crate::store::NewPicture;

/// A picture's features cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// The file cannot be read.
    #[error("{0}")]
    Read(#[from] std::io::Error),
    /// The bytes are no usable picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The network failed.
    #[error(transparent)]
    Network(#[from] ExtractError),
    /// It is not like the pictures asked for.
    #[error("it is not like the pictures asked for (score {0:.2})")]
    NoMatch(f32),
    /// Its URL gave another picture, which is kept.
    #[error(
        "another picture than before, and more of its host's pictures would go than one run removes; the old one is kept"
    )]
    RemovalsStopped,
    /// It is no file that could be read to its end.
    #[error("{0}")]
    NotAFile(&'static str),
    /// The user has removed it.
    #[error("it was removed; `simdex add` takes it again when the file is named itself")]
    Removed,
    /// Something panicked over this picture; the panic was caught.
    #[error("simdex failed on this picture; please report it")]
    Panicked,
}

impl FeatureError {
    /// A short, stable name for summaries and JSON.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Read(_) | Self::NotAFile(_) => "unreadable",
            Self::Picture(error) => error.reason(),
            Self::Network(_) | Self::Panicked => "network",
            Self::NoMatch(_) => "no_match",
            Self::RemovalsStopped => "removals_stopped",
            Self::Removed => "removed",
        }
    }

    /// Whether it is a decoder's verdict on the bytes, which no other try changes. A limit is
    /// the user's, and a panic is simdex's own failure.
    pub fn is_verdict(&self) -> bool {
        match self {
            Self::Picture(error) => !error.is_limit() && *error != PictureError::DecoderPanicked,
            Self::Read(_)
            | Self::NotAFile(_)
            | Self::Removed
            | Self::Network(_)
            | Self::NoMatch(_)
            | Self::RemovalsStopped
            | Self::Panicked => false,
        }
    }
}

/// Decodes bytes and runs the network: everything that is stored of a picture.
///
/// # Errors
/// If the bytes are no usable picture or the network fails.
pub fn extract(
    bytes: &[u8],
    limits: &Limits,
    extractor: &mut Extractor,
    layout: &Layout,
) -> Result<NewPicture, FeatureError> {
    let decoded = decode(bytes, limits)?;
    let seen = Seen::of(&decoded.rgb, thumbnail(&decoded.rgb), extractor);
    let format = decoded.format;
    // The network needs no more than the tile, and others wait for the memory.
    drop(decoded);
    seen.features(bytes, format, extractor, layout)
}

/// Like [`extract`], but for several views of a picture; only the upright one has a thumbnail.
///
/// # Errors
/// If the bytes are no usable picture or the network fails.
pub fn extract_views(
    bytes: &[u8],
    limits: &Limits,
    extractor: &mut Extractor,
    layout: &Layout,
    views: &[View],
) -> Result<Vec<NewPicture>, FeatureError> {
    let decoded = decode(bytes, limits)?;
    let seen = views.iter().map(|view| match view {
        View::Upright => Seen::of(&decoded.rgb, thumbnail(&decoded.rgb), extractor),
        turned => Seen::of(&turned.of(&decoded.rgb), Vec::new(), extractor),
    });
    let seen: Vec<Seen> = seen.collect();
    let format = decoded.format;
    drop(decoded);
    seen.into_iter()
        .map(|seen| seen.features(bytes, format, extractor, layout))
        .collect()
}

/// What is needed of a picture's pixels.
struct Seen {
    width: u32,
    height: u32,
    tile: NetworkInput,
    thumbnail: Vec<u8>,
}

impl Seen {
    fn of(rgb: &image::RgbImage, thumbnail: Vec<u8>, extractor: &Extractor) -> Self {
        Self {
            width: rgb.width(),
            height: rgb.height(),
            tile: extractor.tile(rgb),
            thumbnail,
        }
    }

    fn features(
        self,
        bytes: &[u8],
        format: Format,
        extractor: &mut Extractor,
        layout: &Layout,
    ) -> Result<NewPicture, FeatureError> {
        // Descriptors ask for more than a compact block keeps.
        let full = (!layout.keeps_values()).then(|| extractor.full_layout());
        let (block, whole, embedding) = extractor.run(&self.tile, |output| {
            let encoded = |layout: &Layout| {
                let mut block = Vec::with_capacity(layout.block_len());
                let embedding = output.embedding.values();
                encode(layout, &output.layers, embedding, &mut block);
                block
            };
            (
                encoded(layout),
                full.as_ref().map(encoded),
                output.embedding,
            )
        })?;
        let described = match full.as_ref().zip(whole.as_ref()) {
            Some((full, whole)) => Activations::new(full, whole),
            None => Activations::new(layout, &block),
        };
        let descriptor = extractor.describe(described);
        let look = extractor.describe_look(described);
        Ok(NewPicture {
            id: PictureId::of(bytes),
            width: self.width,
            height: self.height,
            media_type: format.media_type(),
            bytes: bytes.len() as u64,
            perceptual_hash: self.tile.perceptual_hash(),
            embedding,
            descriptor,
            look,
            thumbnail: self.thumbnail,
            block,
        })
    }
}

/// What something is that is no file.
pub(super) fn not_a_file(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "it is a FIFO, not a file";
        }
        if kind.is_socket() {
            return "it is a socket, not a file";
        }
        if kind.is_block_device() || kind.is_char_device() {
            return "it is a device, not a file";
        }
    }
    match kind.is_dir() {
        true => "it is a folder, not a file",
        false => "it is not a file",
    }
}

/// Opens a file, and nothing else. Opening a FIFO would wait for somebody to write into it.
fn open_file(path: &Path) -> Result<File, FeatureError> {
    let ensure_file = |kind: FileType| match kind.is_file() {
        true => Ok(()),
        false => Err(FeatureError::NotAFile(not_a_file(kind))),
    };
    ensure_file(std::fs::metadata(path)?.file_type())?;
    let mut options = File::options();
    options.read(true);
    // It may have become one since.
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NONBLOCK.bits();
        options.custom_flags(i32::from_ne_bytes(flags.to_ne_bytes()));
    }
    let file = options.open(path)?;
    ensure_file(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reads a file without reading more than the limits allow. What is no file (a FIFO, a socket, a
/// device, a folder) is refused.
///
/// # Errors
/// If it is none, cannot be read or is too large.
pub fn read_file(path: &Path, limits: &Limits) -> Result<Vec<u8>, FeatureError> {
    let file = open_file(path)?;
    let length = file.metadata()?.len();
    if length > limits.max_bytes {
        return Err(PictureError::TooLarge {
            bytes: length,
            limit: limits.max_bytes,
        }
        .into());
    }
    // It may grow meanwhile.
    let mut bytes = Vec::new();
    let most = limits.max_bytes.saturating_add(1);
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Does `work` for each number below `count`, with an extractor on each core; results are
/// in order. Stops early, with fewer results, when asked to.
///
/// # Errors
/// If the network cannot be opened.
pub fn extract_each<R: Send>(
    count: usize,
    engine: &Engine,
    network: &Network,
    shutdown: &Shutdown,
    progress: &(dyn Fn() + Sync),
    work: &(dyn Fn(usize, &mut Extractor) -> R + Sync),
) -> Result<Vec<R>, ExtractError> {
    let extractors = (0..worker_count())
        .map(|_| engine.extractor(network))
        .collect::<Result<Vec<_>, _>>()?;
    let next = std::sync::atomic::AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    std::thread::scope(|scope| {
        for mut extractor in extractors {
            let (next, done) = (&next, &done);
            scope.spawn(move || {
                while !shutdown.requested() {
                    let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if i >= count {
                        break;
                    }
                    let result = work(i, &mut extractor);
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((i, result));
                    progress();
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(i, _)| *i);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
