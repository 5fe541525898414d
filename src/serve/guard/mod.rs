//! What a request over TCP must pass before anything else looks at it, and what every answer
//! carries back.

mod headers;
mod hosts;
mod origin;
mod secrets;

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::header::{AUTHORIZATION, COOKIE, HOST, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

pub(super) use headers::safe;
pub use hosts::Hosts;
pub use secrets::{Secrets, TokenError, token};

use super::problem::Problem;

/// Who may come in over TCP, and by which names they may call this server.
#[derive(Clone)]
pub(super) struct Guard(Arc<Inner>);

struct Inner {
    hosts: Hosts,
    secrets: Secrets,
}

/// Answered to whoever asks.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];
/// Where the login link leads; its secret is what is checked.
pub(super) const LOGIN: &str = "/login";

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// It is for another host: the name of a stranger leads here (DNS rebinding).
    Host,
    /// It comes from another site's page.
    Origin,
    /// It does not say who sends it.
    Who,
}

impl Guard {
    pub(super) fn new(hosts: Hosts, secrets: Secrets) -> Self {
        Self(Arc::new(Inner { hosts, secrets }))
    }

    pub(super) fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    /// The name of the cookie; cookies of one host do not tell ports apart.
    pub(super) fn cookie(&self) -> String {
        format!("simdex-{}", self.0.hosts.port())
    }

    /// Lets a request pass, or says why not.
    fn check(&self, request: &Request) -> Result<(), Wrong> {
        let headers = request.headers();
        let host = one(headers, HOST.as_str()).ok_or(Wrong::Host)?;
        let authority = request.uri().authority();
        if !self.0.hosts.has(host) || authority.is_some_and(|name| !self.0.hosts.has(name.as_str()))
        {
            return Err(Wrong::Host);
        }
        origin::check(headers, request.method(), host)?;
        let path = request.uri().path();
        if OPEN.contains(&path) || (path == LOGIN && request.method() == Method::GET) {
            return Ok(());
        }
        let by_token = bearer(headers).is_some_and(|token| self.0.secrets.is_token(token));
        let by_cookie = || self.has_session(headers);
        if by_token {
            return Ok(());
        }
        if !by_cookie() {
            return Err(Wrong::Who);
        }
        // A browser: only its own pages may make it change anything.
        match origin::is_own(headers, host) || !changes(request.method()) {
            true => Ok(()),
            false => Err(Wrong::Origin),
        }
    }

    fn has_session(&self, headers: &HeaderMap) -> bool {
        let name = self.cookie();
        let cookies = headers.get_all(COOKIE).into_iter();
        let cookies = cookies.filter_map(|cookies| cookies.to_str().ok());
        let mut pairs = cookies.flat_map(|cookies| cookies.split(';'));
        pairs.any(|pair| match pair.trim().split_once('=') {
            Some((of, session)) => of == name && self.0.secrets.is_session(session),
            None => false,
        })
    }
}

/// Whether a method may change anything.
fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// A header that must not be there twice.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = one(headers, AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Turns away what may not come in.
pub(super) async fn guard(Shared(guard): Shared<Guard>, request: Request, next: Next) -> Response {
    match guard.check(&request) {
        Ok(()) => next.run(request).await,
        Err(wrong) => turned_away(wrong),
    }
}

fn turned_away(wrong: Wrong) -> Response {
    let problem = match wrong {
        Wrong::Host => Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "host",
            "this server does not go by that name; `simdex serve --allow-host NAME:PORT` lets it",
        ),
        Wrong::Origin => Problem::new(
            StatusCode::FORBIDDEN,
            "origin",
            "another site's page may not ask for this",
        ),
        Wrong::Who => Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "open the link that `simdex serve` has printed, or send `Authorization: Bearer` with \
             the token; `simdex serve` has named the file that it is in",
        ),
    };
    let mut response = problem.into_response();
    if wrong == Wrong::Who {
        let bearer = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn guarded() -> (Guard, String) {
        let hosts = Hosts::of("127.0.0.1:7878".parse().unwrap(), &[]);
        let secrets = Secrets::new("a token of some length".to_owned());
        let session = secrets.log_in(&secrets.login()).unwrap();
        (Guard::new(hosts, secrets), session)
    }

    fn ask(guard: &Guard, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<(), Wrong> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        guard.check(&request.body(Body::empty()).unwrap())
    }

    const HOME: (&str, &str) = ("host", "127.0.0.1:7878");
    const TOKEN: (&str, &str) = ("authorization", "Bearer a token of some length");

    #[test]
    fn only_the_health_checks_are_open() {
        let (guard, session) = guarded();
        for path in ["/healthz", "/readyz"] {
            assert_eq!(ask(&guard, "GET", path, &[HOME]), Ok(()));
        }
        for path in [
            "/",
            "/metrics",
            "/api/v1/owner",
            "/healthz/",
            "/nothing",
            "/style.css",
        ] {
            assert_eq!(ask(&guard, "GET", path, &[HOME]), Err(Wrong::Who), "{path}");
        }
        assert_eq!(ask(&guard, "GET", "/", &[HOME, TOKEN]), Ok(()));
        let cookie = format!("other=1; {}={session}", guard.cookie());
        assert_eq!(
            ask(&guard, "GET", "/", &[HOME, ("cookie", &cookie)]),
            Ok(())
        );
        for wrong in [
            "Bearer another",
            "Basic a token of some length",
            "Bearer",
            "Bearer ",
        ] {
            let wrong = ("authorization", wrong);
            assert_eq!(ask(&guard, "GET", "/", &[HOME, wrong]), Err(Wrong::Who));
        }
        let wrong = format!("simdex-1={session}");
        assert_eq!(
            ask(&guard, "GET", "/", &[HOME, ("cookie", &wrong)]),
            Err(Wrong::Who)
        );
    }

    #[test]
    fn other_names_are_refused_even_where_nothing_is_asked_for() {
        let (guard, _) = guarded();
        for host in [
            "evil.example",
            "127.0.0.1",
            "127.0.0.1:80",
            "evil.example:7878",
            "",
        ] {
            for path in ["/", "/healthz"] {
                let found = ask(&guard, "GET", path, &[("host", host), TOKEN]);
                assert_eq!(found, Err(Wrong::Host), "{host}");
            }
        }
        assert_eq!(ask(&guard, "GET", "/", &[TOKEN]), Err(Wrong::Host));
        let twice = [HOME, ("host", "evil.example"), TOKEN];
        assert_eq!(ask(&guard, "GET", "/", &twice), Err(Wrong::Host));
        let absolute = "http://evil.example/";
        assert_eq!(
            ask(&guard, "GET", absolute, &[HOME, TOKEN]),
            Err(Wrong::Host)
        );
    }

    #[test]
    fn other_sites_pages_may_not_ask_and_browsers_must_say_whose_page_it_is() {
        let (guard, session) = guarded();
        let cookie = format!("{}={session}", guard.cookie());
        let cookie = ("cookie", cookie.as_str());
        let own = ("origin", "http://127.0.0.1:7878");
        let same = ("sec-fetch-site", "same-origin");
        for origin in [
            "https://evil.example",
            "null",
            "http://127.0.0.1",
            "https://127.0.0.1:7878",
        ] {
            for who in [cookie, TOKEN] {
                for method in ["GET", "POST"] {
                    let found = ask(&guard, method, "/", &[HOME, who, ("origin", origin)]);
                    assert_eq!(found, Err(Wrong::Origin), "{method} {origin}");
                }
            }
        }
        let post = |headers: &[(&str, &str)]| ask(&guard, "POST", "/", headers);
        assert_eq!(post(&[HOME, cookie, own, same]), Ok(()));
        for missing in [
            &[HOME, cookie][..],
            &[HOME, cookie, own],
            &[HOME, cookie, same],
        ] {
            assert_eq!(post(missing), Err(Wrong::Origin), "{missing:?}");
        }
        // Scripts that are no browsers send neither.
        assert_eq!(post(&[HOME, TOKEN]), Ok(()));
        for site in ["cross-site", "same-site", "none"] {
            let site = ("sec-fetch-site", site);
            assert_eq!(post(&[HOME, cookie, own, site]), Err(Wrong::Origin));
            assert_eq!(post(&[HOME, TOKEN, site]), Err(Wrong::Origin));
        }
        assert_eq!(post(&[HOME, own, same]), Err(Wrong::Who));
    }
}
