//! "Find images like these": among all, two by two, in groups, on a map.

mod asked;
mod compare;
mod crop;
mod duplicate_group;
mod duplicates;
mod moment;
#[cfg(feature = "cluster")]
#[cfg(test)]
mod on_server;
mod picture_map;
mod vectors;

pub use asked::{Asked, ScoreThreshold};
pub use crop::Crop;
pub use duplicate_group::{Duplicate, DuplicateGroup, Preference};
pub use moment::Moment;
pub use picture_map::PictureMap;
pub use vectors::{PictureVector, VectorKind};

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Collection, Error};
use crate::activation::Activations;
use crate::head::{Mode, Ranking};
use crate::ingest::read_file;
use crate::local_path::path_text;
use crate::network::Embedding;
use crate::picture::{Format, Limits, PictureId, decode, thumbnail};
use crate::search::{Query, QueryResult, SearchOptions, Searcher, View};
use crate::store::{NewPicture, Sequence, StoreError};

/// A picture given to a job.
#[derive(Debug, Clone)]
pub struct NamedPicture {
    /// Where it came from, for people: a path or a URL.
    pub name: String,
    /// The bytes of the file.
    pub bytes: Vec<u8>,
}

impl NamedPicture {
    /// Reads a file, by its path.
    ///
    /// # Errors
    /// If it cannot be read, or is larger than pictures may be.
    pub fn read(path: impl AsRef<Path>, limits: &Limits) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path_text(path);
        match read_file(path, limits) {
            Ok(bytes) => Ok(Self { name, bytes }),
            Err(source) => Err(Error::Picture { name, source }),
        }
    }
}

/// A picture that a search is asked for.
#[derive(Debug, Clone)]
pub enum Example {
    /// One that is given.
    Given(NamedPicture),
    /// One that is stored.
    Stored(PictureId),
}

impl From<NamedPicture> for Example {
    fn from(picture: NamedPicture) -> Self {
        Self::Given(picture)
    }
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// As it was given; the result carries it.
    pub name: String,
    /// Pictures that results should be like.
    pub wanted: Vec<Example>,
    /// Pictures that results should not be like.
    pub unwanted: Vec<Example>,
    /// The part of the picture wanted that is meant; there is one only then.
    pub part: Option<Crop>,
    /// How long reading or fetching them took.
    pub reading_took: Duration,
    /// When nobody waits for the answer any more: no further picture is decoded then.
    pub until: Option<Instant>,
}

impl Collection {
    /// Ranks the stored pictures by how similar they are to those asked for.
    ///
    /// # Errors
    /// If a picture cannot be used, the network cannot be run, or the store fails.
    pub fn search(
        &self,
        question: &Question,
        head: &Arc<Ranking>,
        options: &SearchOptions,
    ) -> Result<QueryResult, Error> {
        let started = Instant::now();
        let wanted = match (question.part, &question.wanted[..]) {
            (None, wanted) => self.views_of(wanted, options.mode, question.until)?,
            (Some(crop), [picture]) => {
                let part = self.part(picture, crop)?;
                self.views_of(&[part.into()], options.mode, question.until)?
            }
            (Some(_), _) => return Err(Error::PartOfSeveral),
        };
        let unwanted = self.views_of(&question.unwanted, options.mode, question.until)?;
        let query = Query {
            name: &question.name,
            wanted: &wanted,
            unwanted: &unwanted,
            features_took: question.reading_took + started.elapsed(),
        };
        let mut options = options.clone();
        options.filter.hidden = self.hidden().load();
        let searcher = match self.is_searched_by_store() {
            true => {
                head.check(self.store().layout())?;
                let view = View::nearby(self.store(), query.wanted, head, &options)?;
                Searcher::new(Arc::clone(self.store()), view, Arc::clone(head))
            }
            false => self.searcher(head, options.mode)?,
        };
        Ok(searcher.search(&query, &options)?)
    }

    /// What ranks by `head`, over what is stored now.
    fn searcher(&self, head: &Arc<Ranking>, mode: Mode) -> Result<Searcher, Error> {
        head.check(self.store().layout())?;
        let (store, view) = (Arc::clone(self.store()), self.view_for(head, mode)?);
        Ok(Searcher::new(store, view, Arc::clone(head)))
    }

    fn views_of(
        &self,
        examples: &[Example],
        mode: Mode,
        until: Option<Instant>,
    ) -> Result<Vec<Vec<NewPicture>>, Error> {
        let views = |example: &Example| match example {
            _ if until.is_some_and(|until| Instant::now() >= until) => Err(Error::Late),
            Example::Given(picture) => {
                let layout = self.store().layout();
                self.extraction()
                    .views(&picture.name, &picture.bytes, mode, layout)
            }
            Example::Stored(id) => Ok(vec![self.stored(*id)?]),
        };
        examples.iter().map(views).collect()
    }

    /// The embedding of a picture.
    ///
    /// # Errors
    /// If it cannot be used or is not there, or the network cannot be run.
    pub fn embedding(&self, picture: &Example) -> Result<Embedding, Error> {
        let views = self.views_of(std::slice::from_ref(picture), Mode::default(), None)?;
        // There is one view of each picture at least.
        Ok(views[0][0].embedding.clone())
    }

    /// A stored picture as one that is given, upright: its bytes are not kept, so no other view of it
    /// can be made.
    fn stored(&self, id: PictureId) -> Result<NewPicture, Error> {
        let store = self.store();
        let record = store.picture(id)?.ok_or(Error::NoPicture(id))?;
        let sequence = Sequence(record.sequence);
        let block = store.block(id)?.to_vec();
        let activations = Activations::new(store.layout(), &block);
        Ok(NewPicture {
            id,
            width: record.width,
            height: record.height,
            media_type: Format::of_media_type(&record.media_type)
                .map_or("application/octet-stream", Format::media_type),
            bytes: record.bytes,
            perceptual_hash: record.perceptual_hash,
            embedding: Embedding::normalized(&activations.embedding()),
            descriptor: store.descriptor(sequence)?,
            look: store.look(sequence)?,
            thumbnail: self.thumbnail(id)?,
            block,
        })
    }

    /// A small JPEG of a picture that is given, as stored pictures have one.
    ///
    /// # Errors
    /// If the bytes are no usable picture.
    pub fn preview(&self, picture: &NamedPicture) -> Result<Vec<u8>, Error> {
        let decoded = decode(&picture.bytes, self.extraction().limits());
        let decoded = decoded.map_err(|error| Error::Picture {
            name: picture.name.clone(),
            source: error.into(),
        })?;
        Ok(thumbnail(&decoded.rgb))
    }

    /// A stored picture's preview, a small JPEG; empty if there is none.
    ///
    /// # Errors
    /// If the store fails, or it is damaged.
    pub fn thumbnail(&self, id: PictureId) -> Result<Vec<u8>, StoreError> {
        Ok(self.store().thumbnail(id)?.unwrap_or_default())
    }
}
