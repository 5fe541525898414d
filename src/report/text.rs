//! Results for people, as lines of text.

use super::TextLines;
use super::score_text::score_text;
use crate::head::Region;
use crate::search::explanation::Explanation;
use crate::search::{Comparison, QueryResult, ResultEntry};

/// A ranked list with what explains it; `numbers`: also with the numbers behind the words.
pub fn result_text(result: &QueryResult, numbers: bool) -> TextLines {
    let timing = &result.timing_ms;
    let mut text = TextLines::default();
    text.push(format!(
        "{}: {} results in {:.1} ms (features {:.1}, candidates {:.1}, re-scoring {:.1})",
        result.query,
        result.results.len(),
        timing.total,
        timing.features,
        timing.candidates,
        timing.rescore
    ));
    text.push("rank  score  cosine  size       picture");
    for entry in &result.results {
        let size = format!("{}x{}", entry.width, entry.height);
        text.push(format!(
            "{:>4}  {}  {:.3}   {size:<9}  {}",
            entry.rank,
            score_text(entry.score, 3),
            entry.cosine,
            entry.place()
        ));
        text.extend(also(entry));
        if let Some(explanation) = &entry.explanation {
            text.push(format!("{:>36}{}", "", explanation.words));
            if numbers {
                text.extend(nearness(explanation).map(|line| format!("{:>36}{line}", "")));
            }
        }
        if let Some(alignment) = entry.alignment.as_ref().filter(|_| numbers) {
            text.push(format!(
                "{:>36}{} of the query on {} of it: {:.2}",
                "",
                part(&alignment.query),
                part(&alignment.candidate),
                alignment.agreement
            ));
        }
        if !entry.copies.is_empty() {
            let many = if entry.copies.len() == 1 { "y" } else { "ies" };
            text.push(format!(
                "{:>36}and {} near-cop{many}",
                "",
                entry.copies.len()
            ));
        }
        if let Some(page) = entry.pages.first() {
            text.push(format!("{:>36}on {} {}", "", page.url, page.title));
            if !page.words().is_empty() {
                text.push(format!("{:>36}as {}", "", page.words()));
            }
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

/// Where else a result is, a line each.
fn also(entry: &ResultEntry) -> impl Iterator<Item = String> {
    let others = entry.other_places();
    others.map(|place| format!("{:>36}also {place}", ""))
}

/// A group of near-copies, one a line.
pub fn duplicates_text(group: &QueryResult) -> TextLines {
    let mut text = TextLines::default();
    for entry in &group.results {
        let size = format!("{}x{}", entry.width, entry.height);
        let cosine = score_text(entry.cosine, 3);
        text.push(format!("{cosine}  {size:<9}  {}", entry.place()));
        text.extend(
            entry
                .other_places()
                .map(|place| format!("{:>18}also {place}", "")),
        );
    }
    text.push("");
    text
}

/// Two pictures compared, layer by layer.
pub fn comparison_text(comparison: &Comparison) -> TextLines {
    let mut text = TextLines::default();
    text.push(format!("score   {}", score_text(comparison.score, 4)));
    text.push(format!("cosine  {:.4}", comparison.cosine));
    text.push(&comparison.explanation.words);
    if let Some(rate) = comparison.base_rate {
        text.push(format!(
            "The score is of this pair alone: the probability that they are the same where {:.0}% of all pairs are.",
            rate * 100.0
        ));
    }
    text.extend(nearness(&comparison.explanation));
    for (layer, mse) in &comparison.layers.0 {
        text.push(format!("  {layer:<18} {mse:.6}"));
    }
    if let Some(evidence) = &comparison.evidence {
        text.push("for (+) and against, in log-odds");
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
