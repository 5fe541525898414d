//! Results for people, as lines of text.

use crate::head::Region;
use crate::search::{Comparison, QueryResult};

/// A ranked list with what explains it.
pub fn result_text(result: &QueryResult) -> String {
    let timing = &result.timing_ms;
    let mut text = format!(
        "{}: {} results in {:.1} ms (features {:.1}, candidates {:.1}, re-scoring {:.1})\n",
        result.query,
        result.results.len(),
        timing.total,
        timing.features,
        timing.candidates,
        timing.rescore
    );
    text += "rank  score  cosine  size       picture\n";
    for entry in &result.results {
        let size = format!("{}x{}", entry.width, entry.height);
        text += &format!(
            "{:>4}  {:.3}  {:.3}   {size:<9}  {}\n",
            entry.rank,
            entry.score,
            entry.cosine,
            entry.place()
        );
        if let Some(alignment) = &entry.alignment {
            text += &format!(
                "{:>36}{} of the query lies on {} of it, agreeing by {:.2}\n",
                "",
                part(&alignment.query),
                part(&alignment.candidate),
                alignment.agreement
            );
        }
        if !entry.copies.is_empty() {
            let many = if entry.copies.len() == 1 { "y" } else { "ies" };
            text += &format!("{:>36}and {} near-cop{many}\n", "", entry.copies.len());
        }
        if let Some(page) = entry.pages.first() {
            text += &format!("{:>36}on {} {}\n", "", page.url, page.title);
            if !page.words().is_empty() {
                text += &format!("{:>36}as {}\n", "", page.words());
            }
        }
    }
    text
}

/// A group of near-copies, one a line.
pub fn duplicates_text(group: &QueryResult) -> String {
    let mut text = String::new();
    for entry in &group.results {
        let size = format!("{}x{}", entry.width, entry.height);
        text += &format!("{:.3}  {size:<9}  {}\n", entry.cosine, entry.place());
    }
    text.push('\n');
    text
}

/// Two pictures compared, layer by layer.
pub fn comparison_text(comparison: &Comparison) -> String {
    let mut text = format!(
        "score   {:.4}\ncosine  {:.4}\n",
        comparison.score, comparison.cosine
    );
    for (layer, mse) in &comparison.layers.0 {
        text += &format!("  {layer:<18} {mse:.6}\n");
    }
    if let Some(evidence) = &comparison.evidence {
        text += "for (+) and against, in log-odds\n";
        for (name, odds) in &evidence.0 {
            text += &format!("  {name:<18} {odds:+.3}\n");
        }
    }
    if let Some(parts) = &comparison.alignment {
        text += &format!(
            "{} of the first agrees with {} of the second by {:.2}\n",
            part(&parts.query),
            part(&parts.candidate),
            parts.agreement
        );
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
