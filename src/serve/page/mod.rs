//! The pages: the same jobs as the API's, as HTML that is whole without scripts.

mod api;
mod ask;
mod crawl;
mod duplicates;
mod files;
mod hosts;
mod labels;
mod layout;
mod login;
mod look;
mod map;
mod plan;
mod problem;
mod question;
mod removals;
mod verdicts;
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
        .route("/crawl/{act}", post(crawl::act))
        .route("/crawl/hosts", get(hosts::page))
        .route("/api", get(api::page))
        .route("/look", get(look::page))
        .route("/why", get(why::page))
        .route("/duplicates", get(duplicates::page))
        .route("/duplicates/plan.csv", get(duplicates::csv))
        .route("/duplicates/plan.sh", get(duplicates::script))
        .route("/duplicates/apart", post(verdicts::set_apart))
        .route("/verdicts", post(verdicts::say))
        .route("/labels", get(labels::page))
        .route("/labels/take-back", post(labels::take_back))
        .route("/labels/train", post(labels::train))
        .route("/removals", get(removals::page).post(removals::remove))
        .route("/removals/undo", post(removals::undo))
        .route("/map", get(map::page))
        .route("/map/points", get(map::points))
        .route("/map/label", post(map::label))
        .route("/map/list.csv", post(map::list))
        .route("/examples/{id}", get(why::example))
        .route("/files/{name}", get(files::file))
}
