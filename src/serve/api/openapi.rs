//! The description of the API, made of its own code.

use axum::Json;
use utoipa::openapi::OpenApi as Description;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{
    classify, compare, crawls, duplicates, export, failures, labels, pictures, removals, search,
    status, trainings, vectors,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "simdex", description = "Finds the pictures that look alike."),
    servers((url = "/api/v1")),
    paths(
        classify::classify,
        compare::compare,
        crawls::begin,
        crawls::events,
        crawls::pause,
        crawls::progress,
        crawls::resume,
        crawls::stop,
        duplicates::duplicates,
        export::export,
        failures::failures,
        labels::labels,
        labels::say,
        labels::take_back,
        pictures::picture,
        pictures::thumbnail,
        pictures::upload,
        removals::remove,
        removals::undo,
        removals::waiting,
        search::search,
        status::owner,
        status::politeness,
        status::status,
        trainings::begin,
        trainings::head,
        trainings::progress,
        trainings::stop,
        vectors::vectors,
    ),
    security(("token" = [])),
    modifiers(&Token)
)]
struct Api;

/// Who may ask: whoever has the token.
struct Token;

impl Modify for Token {
    fn modify(&self, description: &mut Description) {
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", bearer);
    }
}

/// OpenAPI 3.1.
pub(in crate::serve) fn description() -> Description {
    Api::openapi()
}

pub(super) async fn openapi() -> Json<Description> {
    Json(description())
}
