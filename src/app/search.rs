//! "Find images like these."

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Collection, Error};
use crate::head::{Mode, Ranking};
use crate::ingest::read_file;
use crate::local_path::path_text;
use crate::picture::Limits;
use crate::search::{Query, QueryResult, SearchOptions, Searcher};
use crate::store::NewPicture;

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

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// As it was given; the result carries it.
    pub name: String,
    /// Pictures that results should be like.
    pub wanted: Vec<NamedPicture>,
    /// Pictures that results should not be like.
    pub unwanted: Vec<NamedPicture>,
    /// How long reading or fetching them took.
    pub reading_took: Duration,
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
        let wanted = self.views_of(&question.wanted, options.mode)?;
        let unwanted = self.views_of(&question.unwanted, options.mode)?;
        let query = Query {
            name: &question.name,
            wanted: &wanted,
            unwanted: &unwanted,
            features_took: question.reading_took + started.elapsed(),
        };
        Ok(self.searcher(head, options.mode)?.search(&query, options)?)
    }

    /// What ranks by `head`, over what is stored now.
    pub(super) fn searcher(&self, head: &Arc<Ranking>, mode: Mode) -> Result<Searcher, Error> {
        let (store, view) = (Arc::clone(self.store()), self.view_for(head, mode)?);
        Ok(Searcher::new(store, view, Arc::clone(head)))
    }

    fn views_of(
        &self,
        pictures: &[NamedPicture],
        mode: Mode,
    ) -> Result<Vec<Vec<NewPicture>>, Error> {
        let views = |picture: &NamedPicture| {
            let layout = self.store().layout();
            self.extraction()
                .views(&picture.name, &picture.bytes, mode, layout)
        };
        pictures.iter().map(views).collect()
    }
}
