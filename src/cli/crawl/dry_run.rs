//! `crawl --dry-run`: what would be fetched, and what not and why.

use crate::app::{DryRun, has_store};
use crate::canonical_url::CanonicalUrl;
use crate::cli::session::Session;
use crate::cli::{Format, Outcome, output};
use crate::crawl::Verdict;
use crate::report::{Line, TextLines};

pub(super) fn run(
    session: &Session,
    seeds: &[CanonicalUrl],
    format: Format,
) -> anyhow::Result<Outcome> {
    let store = match has_store(&session.config)? {
        true => Some(session.alone(Session::collection)?),
        false => None,
    };
    let store = store.as_ref().map(|collection| collection.store().as_ref());
    let config = &session.config;
    let all = DryRun { seeds, config }.run(store, &session.shutdown, &mut |verdict| {
        print(&verdict, format)
    })?;
    Ok(match all {
        true => Outcome::Done,
        false => Outcome::Interrupted,
    })
}

fn print(verdict: &Verdict, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return output::json(verdict);
    }
    let word = if verdict.fetched { "fetch" } else { "leave" };
    let mut text = TextLines::default();
    text.push_line(
        Line::hanging(7)
            .plain(format!("{word}  "))
            .place(&verdict.url)
            .plain(format!("  {}", verdict.message)),
    );
    output::text(&text)
}
