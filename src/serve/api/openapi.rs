//! The description of the API, made of its own code.

use axum::Json;
use utoipa::openapi::OpenApi as Description;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{compare, crawls, duplicates, failures, pictures, removals, search, status};

#[derive(OpenApi)]
#[openapi(
    info(title = "simdex", description = "Finds the pictures that look alike."),
    servers((url = "/api/v1")),
    paths(
        compare::compare,
        crawls::begin,
        crawls::events,
        crawls::progress,
        crawls::stop,
        duplicates::duplicates,
        failures::failures,
        pictures::picture,
        pictures::thumbnail,
        removals::remove,
        search::search,
        status::owner,
        status::politeness,
        status::status,
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
