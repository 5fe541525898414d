//! The API, to be browsed.

use maud::{Markup, html};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, Parameter, PathItem};

use super::layout;
use crate::serve::api::{BASE, openapi::description};

pub(super) async fn page() -> Markup {
    let description = description();
    let main = html! {
        h1 { "The API" }
        p { "Described by " a href={ (BASE) "/openapi.json" } { "OpenAPI 3.1" } "; docs/serve.md has more." }
        @for (path, item) in &description.paths.paths {
            @for (method, operation) in operations(item) {
                section {
                    h2 { code { (method) " " (BASE) (path) } }
                    @if let Some(summary) = &operation.summary { p { (summary) "." } }
                    @let parameters = parameters(operation);
                    @if !parameters.is_empty() {
                        dl {
                            @for parameter in parameters {
                                dt { code { (parameter.name) } }
                                dd { (parameter.description.as_deref().unwrap_or_default()) }
                            }
                        }
                    }
                }
            }
        }
    };
    layout::page("/api", "API", &main)
}

fn operations(item: &PathItem) -> Vec<(&'static str, &Operation)> {
    let all = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("DELETE", &item.delete),
    ];
    let there = all
        .into_iter()
        .filter_map(|(method, operation)| operation.as_ref().map(|operation| (method, operation)));
    there.collect()
}

fn parameters(operation: &Operation) -> Vec<&Parameter> {
    let all = operation.parameters.iter().flatten();
    let named = all.filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    });
    named.collect()
}
