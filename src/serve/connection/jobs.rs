//! Long jobs of the process that has the store open: begun, followed, stopped.

use axum::body::Body;
use axum::http::Method;

use super::{AskError, Connection, answer_bytes, json, request};
use crate::serve::api::CrawlRequest;
use crate::serve::crawls::CrawlProgress;
use crate::serve::trainings::TrainingProgress;

impl Connection {
    /// Begins a crawl.
    ///
    /// # Errors
    /// If another runs, a seed is none, or there is no answer.
    pub fn begin_crawl(&self, asked: &CrawlRequest) -> Result<CrawlProgress, AskError> {
        self.ask(json("/crawls", asked))
    }

    /// How far a crawl is; answered also after the user has asked to stop.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn crawl(&self, id: u64) -> Result<CrawlProgress, AskError> {
        let request = request(Method::GET, &format!("/crawls/{id}"), Body::empty());
        self.ask_to_the_end(request)
    }

    /// Stops a crawl; it is over a little later.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn stop_crawl(&self, id: u64) -> Result<CrawlProgress, AskError> {
        let request = request(Method::DELETE, &format!("/crawls/{id}"), Body::empty());
        self.ask_to_the_end(request)
    }

    /// Begins a training from the labels of the store.
    ///
    /// # Errors
    /// If another runs, or there is no answer.
    pub fn begin_training(&self) -> Result<TrainingProgress, AskError> {
        self.ask(request(Method::POST, "/trainings", Body::empty()))
    }

    /// How far a training is.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn training(&self, id: u64) -> Result<TrainingProgress, AskError> {
        self.ask(request(
            Method::GET,
            &format!("/trainings/{id}"),
            Body::empty(),
        ))
    }

    /// The head file of a training that is done.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn training_head(&self, id: u64) -> Result<Vec<u8>, AskError> {
        let path = format!("/trainings/{id}/head");
        let request = request(Method::GET, &path, Body::empty());
        let bytes = self.wait(answer_bytes(&self.socket, request))?;
        let bytes = bytes.map_err(|error| self.lost(&error))?;
        bytes.map_err(AskError::Refused)
    }

    /// Stops a training; answered also after the user has asked to stop.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn stop_training(&self, id: u64) -> Result<TrainingProgress, AskError> {
        let path = format!("/trainings/{id}");
        self.ask_to_the_end(request(Method::DELETE, &path, Body::empty()))
    }
}
