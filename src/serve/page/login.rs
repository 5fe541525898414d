//! The login link: its secret is used once, and changed for a cookie.

use axum::extract::{Query, State as Shared};
use axum::http::StatusCode;
use axum::http::header::{LOCATION, REFERRER_POLICY, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::serve::guard::Guard;
use crate::serve::problem::Problem;

#[derive(Deserialize)]
pub(in crate::serve) struct Login {
    #[serde(default)]
    secret: String,
}

pub(in crate::serve) async fn login(
    Shared(guard): Shared<Guard>,
    Query(login): Query<Login>,
) -> Result<Response, Problem> {
    let Some(session) = guard.secrets().log_in(&login.secret) else {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "this link was used before, or is of another run: `simdex serve` prints a new one each time \
             that it starts, and its token is good for any number of requests",
        ));
    };
    let cookie = format!(
        "{}={session}; Path=/; HttpOnly; SameSite=Strict",
        guard.cookie()
    );
    let head = [
        (LOCATION, "/".to_owned()),
        (SET_COOKIE, cookie),
        (REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    Ok((StatusCode::SEE_OTHER, head).into_response())
}
