//! Lists that go on: where the next part of one begins.

use std::ops::Range;

use axum::http::HeaderValue;
use axum::http::header::{HeaderName, LINK};

use super::BASE;
use crate::serve::problem::Problem;

/// A part of a list that has no ids to go by.
pub(super) struct Place {
    from: usize,
    limit: usize,
}

impl Place {
    /// The part behind a cursor, which is the `next` of the answer before.
    pub(super) fn of(cursor: Option<&str>, limit: usize) -> Result<Self, Problem> {
        let from = match cursor {
            None => 0,
            Some(cursor) => cursor
                .parse()
                .map_err(|_| Problem::bad("`cursor` takes the `next` of the answer before"))?,
        };
        Ok(Self { from, limit })
    }

    /// The places that it has.
    pub(super) fn listed(&self) -> Range<usize> {
        self.from..self.from.saturating_add(self.limit)
    }

    /// Where a list of so many goes on; nowhere at its end. One that lists nothing leads nowhere.
    pub(super) fn next(&self, count: u64) -> Option<String> {
        let end = self.listed().end;
        let goes_on = end > self.from && (end as u64) < count;
        goes_on.then(|| end.to_string())
    }

    /// The header that leads there.
    pub(super) fn link(
        &self,
        next: Option<&str>,
        path: &str,
        pairs: &[(&str, Option<&str>)],
    ) -> Option<[(HeaderName, HeaderValue); 1]> {
        let limit = self.limit.to_string();
        let own = [("limit", Some(limit.as_str()))];
        next.map(|next| link_to(next, path, &[pairs, &own[..]].concat()))
    }
}

/// The header `Link` of a list that goes on: where its next part is (RFC 8288).
pub(super) fn link_to(
    next: &str,
    path: &str,
    pairs: &[(&str, Option<&str>)],
) -> [(HeaderName, HeaderValue); 1] {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.iter().chain(&[("cursor", Some(next))]) {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let link = format!("<{BASE}{path}?{}>; rel=\"next\"", query.finish());
    let link = HeaderValue::try_from(link).expect("what is percent-encoded is ASCII");
    [(LINK, link)]
}
