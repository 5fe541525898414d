//! One record of a store, of whichever kind.

use std::collections::BTreeSet;
use std::fmt;

use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::local_path::LocalPath;
use crate::picture::PictureId;
use crate::store::order::Order;
use crate::store::{
    Embed, FileRecord, FileSystemMark, HostRecord, Label, Location, LocationId, PageRecord,
    PageTerms, PictureHint, PictureRecord, RuleFileRecord, UrlRecord, VisitRecord,
};

/// A kind of record. They are copied in this order: what says something of others comes behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Hosts.
    Host,
    /// Files of rules.
    RuleFile,
    /// URLs, with their visits and pages.
    Url,
    /// How pages show pictures.
    Embed,
    /// Places in queues.
    Queued,
    /// URLs that wait for their time.
    Retry,
    /// Pictures with features.
    Picture,
    /// Pictures without.
    Waiting,
    /// Local files that were read.
    File,
    /// Where pictures were found.
    Place,
    /// What is not to be taken from local files.
    RemovedFile,
    /// What users said.
    Label,
    /// What there is one of.
    Notes,
}

impl Kind {
    /// All, in the order in which they are copied.
    pub const ALL: [Self; 13] = [
        Self::Host,
        Self::RuleFile,
        Self::Url,
        Self::Embed,
        Self::Queued,
        Self::Retry,
        Self::Picture,
        Self::Waiting,
        Self::File,
        Self::Place,
        Self::RemovedFile,
        Self::Label,
        Self::Notes,
    ];

    /// Its short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "hosts",
            Self::RuleFile => "rule_files",
            Self::Url => "urls",
            Self::Embed => "embeds",
            Self::Queued => "queued",
            Self::Retry => "retries",
            Self::Picture => "pictures",
            Self::Waiting => "waiting",
            Self::File => "files",
            Self::Place => "places",
            Self::RemovedFile => "removed_files",
            Self::Label => "labels",
            Self::Notes => "notes",
        }
    }
}

/// What is known of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownHost {
    /// `None` if nothing but that it was removed.
    pub record: Option<HostRecord>,
    /// Whether it was removed.
    pub is_removed: bool,
}

/// All that is known of a URL.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KnownUrl {
    /// What became of it; `None` if only its page is known.
    pub record: Option<UrlRecord>,
    /// What pages say of it, if it is more than that they show a picture.
    pub hint: Option<PictureHint>,
    /// Its last visit.
    pub visit: Option<VisitRecord>,
    /// When it was first found to be gone, in seconds since 1970.
    pub absent_s: Option<u64>,
    /// Why something of the document was not taken.
    pub declined: BTreeSet<String>,
    /// The page that it is.
    pub page: Option<PageRecord>,
    /// What that page says of the use of its pictures.
    pub terms: PageTerms,
}

impl KnownUrl {
    /// Its host. What is left of a URL that was forgotten with its host has none: it counts as never
    /// seen, and is not listed.
    pub fn host(&self) -> Option<HostId> {
        let of_page = || CanonicalUrl::parse(&self.page.as_ref()?.url).ok();
        let of_record = self.record.as_ref().map(|record| record.host);
        of_record.or_else(|| of_page().map(|url| url.host_id()))
    }
}

/// All that is known of a picture but its activations.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownPicture {
    /// Hash of its bytes.
    pub id: PictureId,
    /// Its record.
    pub record: PictureRecord,
    /// What it is found by, f32 little-endian.
    pub descriptor: Vec<u8>,
    /// How it looks, if that is told.
    pub look: Option<Vec<u8>>,
    /// A small JPEG.
    pub thumbnail: Option<Vec<u8>>,
    /// Bytes of its activations.
    pub length: u64,
    /// Their CRC-32.
    pub checksum: u32,
}

/// What a store has one of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// Runs of the crawler so far.
    pub runs: u64,
    /// The number after the last picture's.
    pub next_sequence: u64,
    /// The settings of the last run.
    pub settings: Option<Vec<u8>>,
    /// On which file systems folders were.
    pub file_systems: Vec<FileSystemMark>,
}

/// A record of a store.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A host.
    Host(HostId, KnownHost),
    /// A file of rules.
    RuleFile(RuleFileRecord),
    /// A URL.
    Url(UrlId, Box<KnownUrl>),
    /// How a page shows a picture's URL.
    Embed {
        /// The picture's URL.
        picture: UrlId,
        /// The page.
        page: UrlId,
        /// How.
        embed: Embed,
    },
    /// A place in a host's queue.
    Queued {
        /// The host.
        host: HostId,
        /// The place.
        order: u64,
        /// Who waits there.
        url: UrlId,
    },
    /// A URL that waits for its time.
    Retry {
        /// The time, in milliseconds since 1970, or that of the next run.
        at_ms: u64,
        /// The URL.
        url: UrlId,
        /// Why it waits.
        reason: String,
    },
    /// A picture with features.
    Picture(Box<KnownPicture>),
    /// A picture that waits for them.
    Waiting(PictureId),
    /// A local file.
    File(LocationId, FileRecord),
    /// Where a picture was found.
    Place {
        /// The picture.
        picture: PictureId,
        /// The place's identity.
        id: LocationId,
        /// The place.
        location: Location,
    },
    /// A picture that is not to be taken from a file, or from any.
    RemovedFile {
        /// The picture.
        picture: PictureId,
        /// The file; `None`: any.
        file: Option<LocationId>,
        /// What was named.
        named: LocalPath,
    },
    /// What a user said.
    Label(Label),
    /// What there is one of.
    Notes(Notes),
}

impl Record {
    /// The key by which records of its kind are told apart and sorted.
    pub fn key(&self) -> Vec<u8> {
        match self {
            Self::Host(id, _) => id.0.to_vec(),
            Self::RuleFile(file) => UrlId::of(&file.url).0.to_vec(),
            Self::Url(id, _) => id.0.to_vec(),
            Self::Embed { picture, page, .. } => [picture.0, page.0].concat(),
            Self::Queued { host, order, .. } => [host.0, order.to_be_bytes()].concat(),
            Self::Retry { at_ms, url, .. } => [&at_ms.to_be_bytes()[..], &url.0].concat(),
            Self::Picture(picture) => picture.record.sequence.to_be_bytes().to_vec(),
            Self::Waiting(id) => id.as_bytes().to_vec(),
            Self::File(id, _) => id.0.to_vec(),
            Self::Place { picture, id, .. } => [&picture.as_bytes()[..], &id.0].concat(),
            Self::RemovedFile { picture, file, .. } => {
                let file = file.unwrap_or(LocationId([0; 16]));
                [&picture.as_bytes()[..], &file.0].concat()
            }
            Self::Label(label) => label.id().0.to_vec(),
            Self::Notes(_) => Vec::new(),
        }
    }

    /// Whether both say the same. PostgreSQL's texts have no NUL, so what is there instead counts as one.
    pub(in crate::store) fn says_the_same_as(&self, other: &Self) -> bool {
        self == other || self.without_nul() == other.without_nul()
    }

    fn without_nul(&self) -> Self {
        let text = |text: &mut String| *text = text.replace('\0', "\u{fffd}");
        let mut record = self.clone();
        match &mut record {
            Self::Url(_, url) => url.page.iter_mut().for_each(|page| text(&mut page.title)),
            Self::Embed { embed, .. } => {
                let Embed {
                    alt,
                    title,
                    caption,
                } = embed;
                [alt, title, caption].into_iter().for_each(text);
            }
            _ => {}
        }
        record
    }

    /// The place in a queue, and the URL there.
    pub(in crate::store) fn queued(host: HostId, order: Order, url: UrlId) -> Self {
        Self::Queued {
            host,
            order: order.0,
            url,
        }
    }
}

/// For people: what it is of.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |key: &[u8]| {
            key.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        match self {
            Self::Host(id, host) => match &host.record {
                Some(record) => write!(f, "host {}", record.name),
                None => write!(f, "host {}", hex(&id.0)),
            },
            Self::RuleFile(file) => write!(f, "rules {}", file.url),
            Self::Url(id, url) => match &url.record {
                Some(record) => write!(f, "URL {}", record.url),
                None => write!(f, "URL {}", hex(&id.0)),
            },
            Self::Embed { .. } => write!(f, "embed {}", hex(&self.key())),
            Self::Queued { .. } => write!(f, "place in a queue {}", hex(&self.key())),
            Self::Retry { .. } => write!(f, "retry {}", hex(&self.key())),
            Self::Picture(picture) => write!(f, "picture {}", picture.id),
            Self::Waiting(id) => write!(f, "waiting picture {id}"),
            Self::File(id, _) => write!(f, "file {}", hex(&id.0)),
            Self::Place { picture, .. } => write!(f, "a place of picture {picture}"),
            Self::RemovedFile { picture, .. } => write!(f, "a removed file of picture {picture}"),
            Self::Label(label) => write!(f, "label {}", label.id()),
            Self::Notes(_) => f.write_str("the store's own numbers and settings"),
        }
    }
}
