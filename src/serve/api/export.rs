//! `export`: ranked lists of several queries, as a file.

use axum::extract::{Request, State as Shared};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::form::Form;
use super::head::head;
use super::search::{examples, name_uploads};
use crate::app::{Asked, Example, NamedPicture, Question};
use crate::report::{ListFormat, ListWriter};
use crate::serve::limits::MOST_PICTURES;
use crate::serve::problem::{Problem, Refused};
use crate::serve::state::State;

/// Which lists: one for each picture that is named, and for each that a form brings as a file
/// `image`.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct ExportRequest {
    /// How much, of what kind.
    #[serde(flatten)]
    asked: Asked,
    /// `fused`, `mse18`, `embedding` or `trained`; a head file comes as the file `head`, and this is
    /// what messages call it.
    head: Option<String>,
    /// Stored pictures, by their ids, and URLs of pictures.
    positive: Vec<String>,
    /// What the lists call the files, in their order, where that is not their file name.
    names: Vec<String>,
    /// `csv`, `json`, `jsonl`, `html`, `parquet`, `xlsx`, `trec` or `png`.
    format: ExportFormat,
}

/// The same as a form.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it only describes the form")]
pub(super) struct ExportForm {
    /// A picture that a list is wanted for; may be there several times.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    image: String,
    /// `csv`, `json`, `jsonl`, `html`, `parquet`, `xlsx`, `trec` or `png`.
    format: ExportFormat,
}

/// What is written.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ExportFormat {
    /// One row a result.
    Csv,
    /// One array of what a search answers.
    #[default]
    Json,
    /// One line a query.
    Jsonl,
    /// One self-contained page of pictures with scores.
    Html,
    /// The columns of CSV as Parquet, where the program was built with it.
    Parquet,
    /// The same as a workbook for Excel and its like, where the program was built with it.
    Xlsx,
    /// One line a result, as trec_eval reads it.
    Trec,
    /// A contact sheet.
    Png,
}

/// A workbook's media type, as IANA has it.
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

impl ExportFormat {
    /// What is written, its media type, and what it is saved as: a page is to be saved, not run with our
    /// origin.
    fn written(self) -> (ListFormat, &'static str, &'static str) {
        match self {
            Self::Csv => (ListFormat::Csv, "text/csv; charset=utf-8", "csv"),
            Self::Json => (ListFormat::Json, "application/json", "json"),
            Self::Jsonl => (ListFormat::Jsonl, "application/jsonl", "jsonl"),
            Self::Html => (ListFormat::Html, "text/html; charset=utf-8", "html"),
            Self::Parquet => (
                ListFormat::Parquet,
                "application/vnd.apache.parquet",
                "parquet",
            ),
            Self::Xlsx => (ListFormat::Xlsx, WORKBOOK, "xlsx"),
            Self::Trec => (ListFormat::Trec, "text/plain; charset=utf-8", "trec"),
            Self::Png => (ListFormat::Png, "image/png", "png"),
        }
    }
}

/// Writes ranked lists for several pictures: what `export` writes
#[utoipa::path(
    post,
    path = "/export",
    tag = "search",
    request_body(content((ExportRequest = "application/json"), (ExportForm = "multipart/form-data"))),
    responses(
        (status = 200, description = "The lists, in the format that was asked for", body = String, content_type = "text/csv"),
        Refused
    )
)]
pub(super) async fn export(
    Shared(state): Shared<State>,
    request: Request,
) -> Result<Response, Problem> {
    let mut form = Form::read(&state, request).await?;
    let asked: ExportRequest = form.request()?;
    let head_file = form.take_head();
    name_uploads(&mut form.uploads, &asked.names);
    let mut queries = examples(&state, &asked.positive).await?;
    let mut names = asked.positive;
    for upload in std::mem::take(&mut form.uploads) {
        if upload.field != "image" {
            return Err(Problem::bad(format!("there is no file `{}`", upload.field)));
        }
        names.push(upload.name.clone());
        queries.push(Example::Given(NamedPicture {
            name: upload.name,
            bytes: upload.bytes,
        }));
    }
    if queries.is_empty() || queries.len() > MOST_PICTURES {
        return Err(Problem::bad(format!(
            "1 to {MOST_PICTURES} pictures have a list each: send them as files `image`, or name ids or \
             URLs as `positive`"
        )));
    }
    let (name, shared) = (asked.head.clone(), state.collection.clone());
    let ranking = state
        .reads
        .run(move || head(&shared, name.as_deref(), head_file));
    let ranking = ranking.await??;
    let options = asked.asked.options(state.collection.config(), &ranking)?;
    let head_name = asked.head.as_deref();
    let head_name = head_name.unwrap_or_else(|| state.collection.heads().default_name());
    let failed = |error: crate::report::ListError| Problem::bad(error.to_string());
    let (format, media_type, ending) = asked.format.written();
    let mut lists = ListWriter::new(format, head_name).map_err(failed)?;
    for (query, name) in queries.into_iter().zip(names) {
        let mut question = Question {
            name,
            wanted: vec![query],
            ..Question::default()
        };
        let (collection, ranking) = (state.collection.clone(), ranking.clone());
        let options = options.clone();
        // Other searches may come between two of them.
        let result = state.searched(move |until| {
            question.until = Some(until);
            collection.search(&question, &ranking, &options)
        });
        let result = result.await??;
        // Previews are drawn and tables packed.
        let added = state.reads.run(move || lists.add(result).map(|()| lists));
        lists = added.await?.map_err(failed)?;
    }
    drop(form);
    let headers = [
        (CONTENT_TYPE, media_type.to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"simdex.{ending}\""),
        ),
    ];
    let finished = state.reads.run(move || lists.finish());
    Ok((headers, finished.await?.map_err(failed)?).into_response())
}
