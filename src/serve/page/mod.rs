//! The pages: the same jobs as the API's, as HTML that is whole without scripts.

mod api;
mod ask;
mod assets;
mod crawl;
mod layout;
mod login;
mod look;
mod problem;
mod question;
mod why;

use axum::Router;
use axum::routing::{get, post};

use super::state::State;

pub(super) use login::login;
pub(super) use problem::readable;

pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/", get(ask::page))
        .route("/ask", post(ask::take))
        .route("/crawl", get(crawl::page).post(crawl::begin))
        .route("/crawl/stop", post(crawl::stop))
        .route("/api", get(api::page))
        .route("/look", get(look::page))
        .route("/why", get(why::page))
        .route("/examples/{id}", get(why::example))
        .route("/style.css", get(assets::style))
        .route("/page.js", get(assets::script))
}
