//! What a crawl says while it runs and when it has ended.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::cli::{Format, output};
use crate::crawl::{Reason, Summary};
use crate::plural::{counted, counted_as, noun_of};
use crate::report::{Line, TextLines};

/// Rates over the last seconds.
#[derive(Debug, Default)]
pub(super) struct Rates {
    samples: VecDeque<(Instant, [u64; 3])>,
}

/// The time over which rates are taken.
const WINDOW: Duration = Duration::from_secs(10);
/// Time between two samples.
const SAMPLE: Duration = Duration::from_millis(250);
/// Reasons of failure shown while a crawl runs.
const LIVE_REASONS: usize = 3;

impl Rates {
    /// Takes the figures as they are now.
    pub(super) fn sample(&mut self, summary: &Summary) {
        let now = Instant::now();
        let last = self.samples.back().map(|(time, _)| *time);
        if last.is_some_and(|last| now - last < SAMPLE) {
            return;
        }
        let figures = [
            summary.pages_fetched,
            summary.images_fetched + summary.duplicates,
            summary.bytes,
        ];
        self.samples.push_back((now, figures));
        while self.samples.len() > 2 && now - self.samples[1].0 > WINDOW {
            self.samples.pop_front();
        }
    }

    /// Pages, pictures and bytes per second.
    fn per_second(&self) -> [f64; 3] {
        let (Some((from, before)), Some((to, after))) = (self.samples.front(), self.samples.back())
        else {
            return [0.0; 3];
        };
        let seconds = (*to - *from).as_secs_f64().max(0.001);
        std::array::from_fn(|i| (after[i] - before[i]) as f64 / seconds)
    }

    /// One line on how the crawl goes.
    pub(super) fn line(&self, summary: &Summary, hosts: usize, under_way: usize) -> String {
        let [pages, pictures, bytes] = self.per_second();
        let mut line = format!(
            "{} ({pages:.1}/s), {} of {} found ({pictures:.1}/s), {:.1} MB ({:.2} MB/s), {}, {under_way} under way",
            counted(summary.pages_fetched, "page"),
            counted(summary.images_fetched, "picture"),
            summary.images_found,
            summary.bytes as f64 / 1e6,
            bytes / 1e6,
            counted(hosts, "host"),
        );
        for (reason, count) in top(summary.failed.iter(), LIVE_REASONS) {
            line += &format!(", {} {count}", reason.name());
        }
        line
    }
}

/// The most frequent reasons, most first.
fn top<'a>(
    reasons: impl Iterator<Item = (&'a Reason, &'a u64)>,
    most: usize,
) -> Vec<(&'a Reason, u64)> {
    let mut all: Vec<_> = reasons.map(|(reason, count)| (reason, *count)).collect();
    all.sort_by_key(|(_, count)| Reverse(*count));
    all.truncate(most);
    all
}

/// The figures of a summary in one line.
pub(in crate::cli) fn figures(summary: &Summary) -> String {
    let pages = counted(summary.pages_fetched, "page");
    format!("{pages}, {}", file_figures(summary))
}

/// The figures of pictures that no pages were read for.
pub(in crate::cli) fn file_figures(summary: &Summary) -> String {
    let seconds = summary.elapsed_s.max(0.001);
    let fate = match summary.images_fetched > summary.images_indexed {
        true => "kept without features",
        false => "indexed",
    };
    // Those that get their features later than they came were fetched by another crawl.
    let pictures = summary.images_fetched.max(summary.images_indexed);
    format!(
        "{} {fate} of {} found, {}, {} not usable, {:.1} MB, {:.1} pictures/s",
        counted(pictures, "picture"),
        summary.images_found,
        counted(summary.duplicates, "duplicate"),
        summary.problems(),
        summary.bytes as f64 / 1e6,
        pictures as f64 / seconds,
    )
}

pub(in crate::cli) fn print_summary(summary: &Summary, format: Format) -> anyhow::Result<()> {
    print(summary, &figures(summary), format)
}

/// The summary of what read no pages.
pub(in crate::cli) fn print_file_summary(summary: &Summary, format: Format) -> anyhow::Result<()> {
    print(summary, &file_figures(summary), format)
}

fn print(summary: &Summary, figures: &str, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return output::json(summary);
    }
    let mut text = TextLines::default();
    text.push(format!("{figures} in {:.1} s", summary.elapsed_s));
    if summary.files_dropped > 0 {
        text.push(format!(
            "  gone or replaced: {}, and {} nowhere else",
            counted_as(
                summary.files_dropped,
                "file was dropped",
                "files were dropped"
            ),
            counted_as(
                summary.images_dropped,
                "picture that is",
                "pictures that are"
            )
        ));
    }
    if summary.speculative > 0 {
        let speculative = summary.speculative;
        text.push(format!(
            "  of those found, guessed from data for scripts: {speculative}"
        ));
    }
    if summary.unchanged > 0 {
        let unchanged = summary.unchanged;
        text.push(format!("  unchanged since the last visit: {unchanged}"));
    }
    if summary.truncated > 0 {
        let truncated = summary.truncated;
        text.push(format!(
            "  ended early and used as far as {}: {}",
            noun_of(truncated, "it came", "they came"),
            counted_as(truncated, "page or picture", "pages and pictures")
        ));
    }
    let spent = match summary.spent_hosts {
        0 => String::new(),
        hosts => format!(
            " - {} had all the pages that max_host_pages lets {}",
            counted_as(hosts, "host has", "hosts have"),
            noun_of(hosts, "it", "them")
        ),
    };
    if summary.pending > 0 || !spent.is_empty() {
        let pending = counted(summary.pending, "URL");
        text.push(format!("  waiting for another crawl: {pending}{spent}"));
    }
    if summary.postponed > 0 {
        let postponed = summary.postponed;
        text.push(format!(
            "  tried again by the next run: {}; by `simdex crawl --features-only`, if it keeps {}",
            counted(postponed, "picture"),
            noun_of(postponed, "it", "them")
        ));
    }
    for (limit, count) in &summary.left_out {
        let (name, what) = (limit.name(), limit.says(*count));
        text.push(format!("  left out by {name}: {what}"));
    }
    for (host, kept) in &summary.removals_stopped {
        text.push(format!(
            "  removing stopped at {host}: {} kept that would have gone - \
             max_removed_share of [crawl]",
            counted_as(*kept, "picture is", "pictures are")
        ));
    }
    for (kind, reasons) in [("refused", &summary.refused), ("failed", &summary.failed)] {
        for (reason, count) in top(reasons.iter(), usize::MAX) {
            let advice = reason.advice().map(|advice| format!(" - {advice}"));
            text.push_line(
                Line::hanging(4)
                    .plain("  ")
                    .warning(format!("{kind} {}: {count}", reason.name()))
                    .plain(advice.unwrap_or_default()),
            );
        }
    }
    output::text(&text)
}
