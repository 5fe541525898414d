//! What a crawl says while it runs and when it has ended.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Format, output};
use crate::crawl::Summary;

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
            "{} pages ({pages:.1}/s), {} pictures of {} found ({pictures:.1}/s), {:.1} MB ({:.2} MB/s), {hosts} hosts, {under_way} under way",
            summary.pages_fetched,
            summary.images_fetched,
            summary.images_found,
            summary.bytes as f64 / 1e6,
            bytes / 1e6,
        );
        for (reason, count) in top(summary.failed.iter(), LIVE_REASONS) {
            line += &format!(", {reason} {count}");
        }
        line
    }
}

/// The most frequent reasons, most first.
fn top<'a>(
    reasons: impl Iterator<Item = (&'a String, &'a u64)>,
    most: usize,
) -> Vec<(&'a str, u64)> {
    let mut all: Vec<_> = reasons
        .map(|(reason, count)| (reason.as_str(), *count))
        .collect();
    all.sort_by_key(|(_, count)| Reverse(*count));
    all.truncate(most);
    all
}

/// The figures of a summary in one line.
pub(super) fn figures(summary: &Summary) -> String {
    let seconds = summary.elapsed_s.max(0.001);
    let fate = match summary.images_fetched > summary.images_indexed {
        true => "kept without features",
        false => "indexed",
    };
    // Those that get their features later than they came were fetched by another crawl.
    let pictures = summary.images_fetched.max(summary.images_indexed);
    format!(
        "{} pages, {pictures} pictures {fate} of {} found, {} duplicates, {} not usable, {:.1} MB, {:.1} pictures/s",
        summary.pages_fetched,
        summary.images_found,
        summary.duplicates,
        summary.problems(),
        summary.bytes as f64 / 1e6,
        pictures as f64 / seconds,
    )
}

pub(super) fn print_summary(summary: &Summary, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        return output::json(summary);
    }
    let mut text = format!("{} in {:.1} s", figures(summary), summary.elapsed_s);
    if summary.unchanged > 0 {
        text += &format!("\n  unchanged since the last visit: {}", summary.unchanged);
    }
    if summary.pending > 0 {
        text += &format!("\n  waiting for another crawl: {} URLs", summary.pending);
    }
    if summary.spent_hosts > 0 {
        text += &format!(
            " - {} hosts have had all the pages that max_host_pages lets them",
            summary.spent_hosts
        );
    }
    for (kind, reasons) in [("refused", &summary.refused), ("failed", &summary.failed)] {
        for (reason, count) in top(reasons.iter(), usize::MAX) {
            text += &format!("\n  {kind} {reason}: {count}");
            if let Some(advice) = advice(reason) {
                text += &format!(" - {advice}");
            }
        }
    }
    output::line(&text)
}

/// What to do about a reason, where something can be done.
fn advice(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "robots" => "the sites' robots.txt asks crawlers to stay out; ask their webmasters",
        "robots_unreachable" => "closed until robots.txt can be had; `simdex crawl` asks again",
        "held" => "the hosts ask for patience; `simdex crawl` goes on after that",
        "dns" => "check the names and the resolver; then crawl --retry-failed dns",
        "connect" | "transfer" | "tls" => "if it was the line: crawl --retry-failed",
        "timeout" => {
            "slow hosts: raise the deadlines of [crawl], then crawl --retry-failed timeout"
        }
        "certificate" => "the site's own matter; `simdex crawl` asks again",
        "http_404" | "http_410" => "dead links on the pages; nothing to do",
        "http_401" | "http_403" => "the site refuses; if you have leave, send its [crawl.headers]",
        "http_429" | "http_503" => {
            "too fast for the host: raise delay_ms for it, then --retry-failed"
        }
        "private_address" => "--allow-private-addresses fetches from your own network",
        "too_small" => "min_side of [picture] lets smaller pictures in",
        "too_large" | "too_many_pixels" => {
            "max_bytes, max_pixels and max_page_bytes set the limits"
        }
        "out_of_scope" => "--scope domain or any follows further",
        "not_a_page" => "links to files of other kinds; nothing to do",
        "noindex" | "noimageindex" | "noai" | "noimageai" | "nofollow" | "unavailable_after"
        | "tdm" | "content_usage" => "the site opts out; [crawl.respect] says what is heeded",
        "excluded" | "not_included" => "by [crawl.admission] include and exclude",
        "skipped_host" => "by skip under [crawl.host]",
        "removed_host" => "simdex remove --take-back HOST lets them in again",
        "html_not_picture" => "pages where pictures were promised; often a login or a block page",
        "too_many_redirects" | "bad_redirect" => "the site's own matter; nothing to do",
        _ if reason.starts_with("trap_") => "looks endless; the limits are in [crawl.admission]",
        _ if reason.starts_with("http_5") => "the server's trouble; crawl --retry-failed later",
        _ => return None,
    })
}
