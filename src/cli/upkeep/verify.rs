//! `verify`: reading everything back.

use clap::Args;

use crate::app::Findings;
use crate::cli::progress::{self, Progress};
use crate::cli::session::Session;
use crate::cli::{Format, Outcome, output};
use crate::plural::{counted, counted_as};
use crate::report::{Line, TextLines};

#[derive(Debug, Args)]
pub(in crate::cli) struct VerifyArgs {
    /// Take damaged pictures out, so that the next crawl or `add` stores them anew, and rebuild
    /// the index where it is wrong
    #[arg(long)]
    repair: bool,
    /// How to print the findings
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(in crate::cli) fn verify(session: &Session, args: VerifyArgs) -> anyhow::Result<Outcome> {
    let collection = match args.repair {
        true => session.alone(Session::existing_collection)?,
        false => session.alone(Session::collection_to_read)?,
    };
    let mut bar = None;
    let findings = collection.verify(args.repair, &session.shutdown, &mut |done, total| {
        let bar = bar.get_or_insert_with(|| Progress::new("verifying", total));
        bar.set(done, || format!("{} verified", counted(done, "picture")));
    })?;
    drop(bar);
    let Some(findings) = findings else {
        return Ok(Outcome::Interrupted);
    };
    if args.format == Format::Json {
        output::json(&findings)?;
    } else {
        let mut text = TextLines::default();
        for damage in findings.damaged.iter().chain(&findings.unreadable) {
            text.push_line(
                Line::hanging(2)
                    .plain(format!("{}: ", damage.id))
                    .warning(&damage.problem),
            );
        }
        text.extend(findings.log.iter().map(String::as_str));
        text.push(format!(
            "{} verified, {} damaged, {} not readable now",
            counted(findings.pictures, "picture"),
            findings.damaged.len(),
            findings.unreadable.len()
        ));
        output::text(&text)?;
    }
    if let Some(mended) = &findings.mended {
        progress::note(&format!(
            "{} taken out, {} queued again: `simdex crawl` or `simdex add` stores \
             them anew{}",
            counted(mended.taken_out, "picture"),
            counted(mended.queued, "URL"),
            if mended.index {
                "; the index is rebuilt when it is needed"
            } else {
                ""
            }
        ));
        let rest = Findings {
            damaged: Vec::new(),
            ..findings
        };
        anyhow::ensure!(
            rest.is_clean(),
            "not everything is mended: {}",
            found(&rest)
        );
        return Ok(Outcome::Done);
    }
    anyhow::ensure!(findings.is_clean(), "{}", found(&findings));
    Ok(Outcome::Done)
}

/// What was found, each with what mends it.
fn found(findings: &Findings) -> String {
    let kinds = [
        (
            findings.damaged.len(),
            "picture is damaged or not found: `simdex verify --repair` takes it out, then \
             `simdex add` or `simdex crawl` stores it anew",
            "pictures are damaged or not found: `simdex verify --repair` takes them out, then \
             `simdex add` or `simdex crawl` stores them anew",
        ),
        (
            findings.log.len(),
            "place of the log is damaged and of no known picture: `simdex repair` copies the rest",
            "places of the log are damaged and of no known picture: `simdex repair` copies the rest",
        ),
        (
            findings.unreadable.len(),
            "picture cannot be read now, which says nothing about it: see to the disk, and \
             verify again",
            "pictures cannot be read now, which says nothing about them: see to the disk, and \
             verify again",
        ),
    ];
    let kinds = kinds.into_iter().filter(|(count, ..)| *count > 0);
    let kinds: Vec<String> = kinds
        .map(|(count, one, many)| counted_as(count, one, many))
        .collect();
    kinds.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Damage;

    #[test]
    fn each_kind_of_damage_is_told_with_what_mends_it() {
        let damage = || Damage {
            id: "a".to_owned(),
            problem: "p".to_owned(),
        };
        let mut findings = Findings {
            unreadable: vec![damage()],
            ..Findings::default()
        };
        assert!(!found(&findings).contains("repair"));
        findings.log.push("b".to_owned());
        let text = found(&findings);
        assert!(
            text.contains("`simdex repair`") && !text.contains("--repair"),
            "{text}"
        );
        findings.damaged.push(damage());
        assert!(found(&findings).contains("1 picture is damaged"));
    }
}
