//! Results for people, as lines of text.

use super::score_text::score_text;
use super::{Line, TextLines};
use crate::head::Region;
use crate::plural::{counted, counted_as};
use crate::search::explanation::Explanation;
use crate::search::{Comparison, QueryResult, ResultEntry};

/// Where places stand in a ranked list, and below them what explains the result.
const PLACES: usize = 36;

/// A ranked list with what explains it; `numbers`: also with the numbers behind the words.
pub fn result_text(result: &QueryResult, numbers: bool) -> TextLines {
    let mut text = result_head(result);
    for entry in &result.results {
        text.append(entry_text(entry, numbers));
    }
    text
}

/// What stands above a ranked list.
pub fn result_head(result: &QueryResult) -> TextLines {
    let timing = &result.timing_ms;
    let mut text = TextLines::default();
    let results = counted(result.results.len(), "result");
    text.push_line(Line::hanging(2).place(&result.query).plain(format!(
        ": {results} in {:.1} ms (features {:.1}, candidates {:.1}, re-scoring {:.1})",
        timing.total, timing.features, timing.candidates, timing.rescore
    )));
    text.push_line(Line::hanging(PLACES).strong("rank  score  cosine  size       picture"));
    text
}

/// A result of a ranked list with what explains it; `numbers`: also with the numbers behind the words.
pub fn entry_text(entry: &ResultEntry, numbers: bool) -> TextLines {
    let mut text = TextLines::default();
    let mut below = |line: Line| text.push_line(line);
    let size = format!("{}x{}", entry.width, entry.height);
    below(
        Line::hanging(PLACES)
            .plain(format!("{:>4}  ", entry.rank))
            .strong(score_text(entry.score, 3))
            .plain(format!("  {:.3}   {size:<9}  ", entry.cosine))
            .place(entry.place()),
    );
    for place in entry.other_places() {
        below(Line::at(PLACES).plain("also ").place(place));
    }
    if let Some(explanation) = &entry.explanation {
        below(Line::at(PLACES).plain(&explanation.words));
        if let Some(nearness) = nearness(explanation).filter(|_| numbers) {
            below(Line::at(PLACES).plain(nearness));
        }
    }
    if numbers && entry.estimated {
        below(Line::at(PLACES).plain("estimated: all that is kept is a sketch"));
    }
    if let Some(alignment) = entry.alignment.as_ref().filter(|_| numbers) {
        below(Line::at(PLACES).plain(format!(
            "{} of the query on {} of it: {:.2}",
            part(&alignment.query),
            part(&alignment.candidate),
            alignment.agreement
        )));
    }
    if !entry.copies.is_empty() {
        let copies = counted_as(entry.copies.len(), "near-copy", "near-copies");
        below(Line::at(PLACES).plain(format!("and {copies}")));
    }
    if let Some(page) = entry.pages.first() {
        below(
            Line::at(PLACES)
                .faint("on ")
                .faint_place(&page.url)
                .faint(format!(" {}", page.title)),
        );
        if !page.words().is_empty() {
            below(Line::at(PLACES).faint(format!("as {}", page.words())));
        }
    }
    text
}

/// How near two pictures are in what groups of layers see, as numbers.
fn nearness(explanation: &Explanation) -> Option<String> {
    let groups = explanation.nearness?.groups().into_iter();
    let groups: Vec<String> = groups
        .map(|(name, near)| format!("{name} {}", score_text(near, 3)))
        .collect();
    Some(groups.join("  "))
}

/// Where places stand in a group of near-copies.
const COPIES: usize = 18;

/// A group of near-copies, one a line.
pub fn duplicates_text(group: &QueryResult) -> TextLines {
    let mut text = TextLines::default();
    for entry in &group.results {
        text.append(copy_text(entry));
    }
    text.push("");
    text
}

/// A picture of a group of near-copies.
pub fn copy_text(entry: &ResultEntry) -> TextLines {
    let mut text = TextLines::default();
    let size = format!("{}x{}", entry.width, entry.height);
    text.push_line(
        Line::hanging(COPIES)
            .strong(score_text(entry.cosine, 3))
            .plain(format!("  {size:<9}  "))
            .place(entry.place()),
    );
    for place in entry.other_places() {
        text.push_line(Line::at(COPIES).plain("also ").place(place));
    }
    text
}

/// Two pictures compared, layer by layer.
pub fn comparison_text(comparison: &Comparison) -> TextLines {
    let mut text = TextLines::default();
    let score = score_text(comparison.score, 4);
    text.push_line(Line::default().plain("score   ").strong(score));
    text.push(format!("cosine  {:.4}", comparison.cosine));
    text.push(&comparison.explanation.words);
    if let Some(rate) = comparison.base_rate {
        text.push(format!(
            "The score is of this pair alone: the probability that they are the same where {:.0}% of all pairs are.",
            rate * 100.0
        ));
    }
    if comparison.estimated {
        text.push("Distances are estimated: of one of the two all that is kept is a sketch.");
    }
    text.extend(nearness(&comparison.explanation));
    for (layer, mse) in &comparison.layers.0 {
        text.push(format!("  {layer:<18} {mse:.6}"));
    }
    if let Some(evidence) = &comparison.evidence {
        text.push_line(Line::default().strong("for (+) and against, in log-odds"));
        for (name, odds) in &evidence.0 {
            text.push(format!("  {name:<18} {odds:+.3}"));
        }
    }
    if let Some(parts) = &comparison.alignment {
        text.push(format!(
            "{} of the first agrees with {} of the second by {:.2}",
            part(&parts.query),
            part(&parts.candidate),
            parts.agreement
        ));
    }
    text
}

/// A part of a picture in words: `all`, or its size and place in percent.
fn part(region: &Region) -> String {
    if *region == Region::WHOLE {
        return "all".to_owned();
    }
    let percent = |share: f32| (share * 100.0).round();
    format!(
        "{}x{}% at {},{}%",
        percent(region.width),
        percent(region.height),
        percent(region.x),
        percent(region.y)
    )
}
