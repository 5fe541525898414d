//! The groups of near-copies.

use std::sync::Arc;

use crate::app::{Collection, Error};
use crate::head::{Mode, Ranking};
use crate::search::{Filter, QueryResult, SearchError, SearchOptions};

impl Collection {
    /// Gives every group of near-copies, of those seen on `host` where one is named, as the
    /// answer to its original. Returns the ids of pictures that cannot be read.
    ///
    /// # Errors
    /// If the store fails, or `each` does.
    pub fn duplicates<E: From<Error> + From<SearchError>>(
        &self,
        host: Option<String>,
        head: &Arc<Ranking>,
        each: impl FnMut(QueryResult) -> Result<(), E>,
    ) -> Result<Vec<String>, E> {
        let options = SearchOptions {
            filter: Filter {
                host,
                hidden: self.hidden().load(),
                ..Filter::default()
            },
            mode: Mode::Copy,
            all_copies: true,
            ..SearchOptions::new(usize::MAX, usize::MAX)
        };
        self.searcher(head, options.mode)?
            .duplicates(&options, each)
    }
}
