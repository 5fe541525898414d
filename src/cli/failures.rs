//! `failures`: which URLs failed or were refused, why, and what can be done.

use std::num::NonZeroUsize;

use clap::Args;

use super::input::reason;
use super::opened::Opened;
use super::session::Session;
use super::{Format, Outcome, output, progress};
use crate::app::{FailureFilter, Failures};
use crate::report::{Line, TextLines};
use crate::serve::api::FailuresRequest;

#[derive(Debug, Args)]
pub(super) struct FailuresArgs {
    /// Only URLs of this host
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Only URLs with this reason, by its name; may be given several times
    #[arg(long = "reason", value_name = "REASON", value_parser = reason)]
    reasons: Vec<String>,
    /// URLs listed of each reason
    #[arg(long, value_name = "N", default_value = "20", conflicts_with = "all")]
    limit: NonZeroUsize,
    /// List all of them
    #[arg(long)]
    all: bool,
    /// How to print them
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(session: &Session, args: FailuresArgs) -> anyhow::Result<Outcome> {
    let filter = FailureFilter {
        host: args.host,
        reasons: args.reasons,
    };
    let most = if args.all {
        usize::MAX
    } else {
        args.limit.get()
    };
    let is_choice = filter.host.is_some() || !filter.reasons.is_empty();
    let failures = match session.opened(Session::collection_to_read)? {
        Opened::Here(collection) => collection.failures(&filter, 0..most)?,
        Opened::There(connection) => {
            let reasons = (!filter.reasons.is_empty()).then(|| filter.reasons.join(","));
            let asked = FailuresRequest {
                host: filter.host,
                reasons,
                limit: Some(most),
                cursor: None,
            };
            connection.failures(&asked)?.failures
        }
    };
    match args.format {
        Format::Json => output::json(&serde_json::json!({ "failures": failures }))?,
        Format::Text => {
            output::text(&text(&failures, is_choice))?;
            if session.is_alone() && failures.iter().any(|of| !of.refused && !of.waits) {
                progress::hint(&format!(
                    "next: {} tries again what failed",
                    session.command("crawl --retry-failed")
                ));
            }
        }
    }
    Ok(Outcome::Done)
}

fn time_text(at_s: u64) -> Option<String> {
    let at = jiff::Timestamp::from_second(i64::try_from(at_s).ok()?).ok()?;
    Some(at.to_string())
}

/// `is_choice`: they are those of a host or of some reasons only.
fn text(failures: &[Failures], is_choice: bool) -> TextLines {
    let mut text = TextLines::default();
    if failures.is_empty() {
        text.push(match is_choice {
            true => {
                "no URL of this host or reason failed, was refused or waits; there may be others"
            }
            false => "nothing failed and nothing was refused",
        });
    }
    for of in failures {
        let kind = match of {
            Failures { waits: true, .. } => "to be tried again,",
            Failures { refused: true, .. } => "refused",
            _ => "failed",
        };
        let advice = of.advice.as_ref().map(|advice| format!(" - {advice}"));
        let advice = advice.unwrap_or_default();
        text.push_line(
            Line::hanging(2)
                .warning(format!("{kind} {}: {}", of.reason.name(), of.count))
                .plain(advice),
        );
        for url in &of.urls {
            let again = match (of.waits, url.again_at.and_then(time_text)) {
                (false, _) => String::new(),
                (true, Some(at)) => format!("  (not before {at})"),
                (true, None) => "  (with the next crawl)".to_owned(),
            };
            let mut line = Line::hanging(4).plain("  ").place(&url.url);
            if let Some(page) = &url.shown_on {
                line = line.faint("  (on ").faint_place(page).faint(")");
            }
            text.push_line(line.faint(again));
        }
        let more = of.count - of.urls.len() as u64;
        if more > 0 {
            text.push(format!("  and {more} more (--all lists them)"));
        }
    }
    text
}
