//! `classify`: the class of pictures by the labels of the store.

use std::time::Instant;

use axum::extract::{Request, State as Shared};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::form::Form;
use super::search::{examples, name_uploads};
use crate::app::{Classification, Error, Example, NamedPicture, PictureClassifier};
use crate::classify::ClassifyOptions;
use crate::serve::problem::{Problem, Refused};
use crate::serve::state::State;

/// What is to be classified: pictures that are named, and those that a form brings as the files
/// `image`.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct ClassifyRequest {
    /// Stored pictures, by their ids, and URLs of pictures.
    positive: Vec<String>,
    /// Labelled pictures that give evidence on each picture; 8.
    neighbours: Option<usize>,
    /// What the answer calls the files, in their order, where that is not their file name.
    names: Vec<String>,
}

/// The same as a form.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it only describes the form")]
pub(super) struct ClassifyForm {
    /// A picture; may be there several times.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    image: String,
}

/// The classes of pictures.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClassifyAnswer<'a> {
    /// What `classify --format json` prints, those that were named first.
    answers: Vec<Classification<'a>>,
}

/// Says of which class pictures are, by the classes that stored pictures were labelled with
#[utoipa::path(
    post,
    path = "/classify",
    tag = "labels",
    request_body(content((ClassifyRequest = "application/json"), (ClassifyForm = "multipart/form-data"))),
    responses(
        (status = 200, description = "The classes", body = ClassifyAnswer),
        Refused
    )
)]
pub(super) async fn classify(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Response, Problem> {
    let mut form = Form::read(&state, request).await?;
    let asked: ClassifyRequest = form.request()?;
    let defaults = ClassifyOptions::default();
    let options = ClassifyOptions {
        neighbours: asked
            .neighbours
            .unwrap_or(defaults.neighbours)
            .clamp(1, MOST_NEIGHBOURS),
    };
    name_uploads(&mut form.uploads, &asked.names);
    let mut pictures = examples(&state, &asked.positive).await?;
    let mut names = asked.positive;
    for upload in std::mem::take(&mut form.uploads) {
        if upload.field != "image" {
            return Err(Problem::bad(format!("there is no file `{}`", upload.field)));
        }
        names.push(upload.name.clone());
        pictures.push(Example::Given(NamedPicture {
            name: upload.name,
            bytes: upload.bytes,
        }));
    }
    if pictures.is_empty() {
        return Err(Problem::bad(
            "there is nothing to classify: send a picture as the file `image`, or name ids or URLs as \
             `positive`",
        ));
    }
    let collection = state.collection.clone();
    let answer = state.searched(move |until| {
        let _form = form;
        let classifier = PictureClassifier::of_labels(&collection, &options)?;
        let mut answers = Vec::with_capacity(pictures.len());
        for (picture, name) in pictures.iter().zip(&names) {
            if Instant::now() >= until {
                return Err(Error::Late.into());
            }
            let embedding = collection.embedding(picture)?;
            answers.push(classifier.classify_embedding(name, &embedding));
        }
        serde_json::to_vec(&ClassifyAnswer { answers })
            .map_err(|error| Problem::bad(error.to_string()))
    });
    let json = answer.await??;
    Ok(([(CONTENT_TYPE, "application/json")], json).into_response())
}

/// More give no more evidence.
const MOST_NEIGHBOURS: usize = 1000;
