//! Pictures on their way into the store.

use std::path::PathBuf;

use super::entry::{Entry, Section, SectionKind};
use super::{Embed, Lease, UrlOutcome};
use crate::canonical_url::{CanonicalUrl, UrlId};
use crate::network::{Descriptor, Embedding, LookDescriptor};
use crate::picture::{PerceptualHash, PictureId};

/// Why what is postponed waits, by its short name: the network gave no features.
pub(in crate::store) const NETWORK: &str = "network";

/// A picture with its features, ready to be stored.
#[derive(Debug)]
pub struct NewPicture {
    /// Hash of its bytes.
    pub id: PictureId,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// MIME type of the file.
    pub media_type: &'static str,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// For near copies.
    pub perceptual_hash: PerceptualHash,
    /// The pooled embedding.
    pub embedding: Embedding,
    /// What the index compares.
    pub descriptor: Descriptor,
    /// How it looks, if the network can tell.
    pub look: Option<LookDescriptor>,
    /// A small JPEG for result lists, in the picture's own shape.
    pub thumbnail: Vec<u8>,
    /// The activations' block, in the store's layout.
    pub block: Vec<u8>,
}

impl NewPicture {
    /// Its activations alone.
    pub(super) fn entry(&self) -> Entry<'_> {
        Entry {
            picture: self.id,
            sections: vec![Section::of_bytes(SectionKind::Block, &self.block)],
        }
    }
}

/// Where bytes came from.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most come from URLs, and none is kept for long"
)]
pub enum Source {
    /// A local file.
    File {
        /// Its absolute path.
        path: PathBuf,
        /// Its size in bytes.
        bytes: u64,
        /// When it was last changed, in nanoseconds since 1970.
        modified_ns: u64,
    },
    /// A URL of the frontier.
    Url(Lease),
    /// A page that holds the bytes itself, in a `data:` URL.
    Inline {
        /// The page.
        page: CanonicalUrl,
        /// How it shows them.
        embed: Embed,
    },
    /// The store itself, which has kept them since they were fetched.
    Waiting(PictureId),
}

impl Source {
    /// The picture that this URL gave before, if it gives another one now, and the URL.
    fn replaced_by(&self, now: PictureId) -> Option<(PictureId, UrlId)> {
        let Self::Url(lease) = self else {
            return None;
        };
        let before = PictureId::from_bytes(lease.visit.as_ref()?.content);
        (before != now).then_some((before, lease.id))
    }

    /// Whether what came from here may be stored. It may not if its lease ran out and was given
    /// to another, who brings it too. If it may, the lease is renewed.
    pub(super) fn is_held(&mut self) -> bool {
        match self {
            Self::Url(lease) => lease.place.renew(),
            Self::File { .. } | Self::Inline { .. } | Self::Waiting(_) => true,
        }
    }
}

/// What came of bytes.
#[derive(Debug)]
pub enum PictureOutcome {
    /// A picture to be stored, unless its bytes are there already.
    Picture(Source, Box<NewPicture>),
    /// Bytes that are in the store.
    Known(Source, PictureId),
    /// Bytes that are no usable picture; only the outcome of the URL is kept. Bytes that the
    /// store has kept are dropped, so this is for a decoder's verdict on the very bytes that
    /// were fetched.
    Unusable(Source, UrlOutcome),
    /// Nothing came of the bytes yet, through no fault of theirs: they cannot be read now, or
    /// the network fails. What waits goes on waiting, a URL is left to the next run, and
    /// nothing that is stored changes.
    Postponed(Source),
}

impl PictureOutcome {
    /// Whether this may be stored ([`Source::is_held`]).
    pub(super) fn is_held(&mut self) -> bool {
        let (Self::Picture(origin, _)
        | Self::Known(origin, _)
        | Self::Unusable(origin, _)
        | Self::Postponed(origin)) = self;
        origin.is_held()
    }

    /// The picture that its URL gave before, if it gives another one now, and the URL.
    pub(super) fn replaced(&self) -> Option<(PictureId, UrlId)> {
        match self {
            Self::Picture(origin, picture) => origin.replaced_by(picture.id),
            Self::Known(origin, id) => origin.replaced_by(*id),
            _ => None,
        }
    }

    /// The picture, if the store had kept its bytes until now and need not any longer.
    pub(super) fn had_waited(&self) -> Option<PictureId> {
        match self {
            Self::Picture(Source::Waiting(id), _)
            | Self::Known(Source::Waiting(id), _)
            | Self::Unusable(Source::Waiting(id), _) => Some(*id),
            _ => None,
        }
    }
}

/// A fetched picture whose header was read.
#[derive(Debug)]
pub struct Body {
    /// Where it came from.
    pub origin: Source,
    /// Hash of its bytes.
    pub id: PictureId,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Body {
    /// The picture that its URL gave before, if it gives another one now, and the URL.
    pub(super) fn replaced(&self) -> Option<(PictureId, UrlId)> {
        self.origin.replaced_by(self.id)
    }
}
