//! stderr: progress, log lines and errors, without garbling each other.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::debug_fn;

use super::screen::stderr_has_colours;
use crate::report::printable;
use crate::terminal::Colour;

static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);
static QUIET: AtomicBool = AtomicBool::new(false);
/// Whether log lines list all problems.
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Time between two plain lines where stderr is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Writes around the progress bar. Nothing sensible is left to do when stderr is gone, and
/// the work goes on; tracing would say so on stderr, and panic.
#[derive(Clone, Copy)]
struct AroundBars;

impl Write for AroundBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_around_bars(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_around_bars(bytes: &[u8]) {
    let write = || {
        let _ = io::stderr().write_all(bytes);
    };
    // Bars are on terminals only; they panic when theirs is gone.
    if io::stderr().is_terminal() {
        BARS.suspend(write);
    } else {
        write();
    }
}

impl MakeWriter<'_> for AroundBars {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

/// Sends tracing to stderr. `RUST_LOG` overrides the flags.
pub(super) fn start_logging(verbose: u8, quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
    VERBOSE.store(verbose > 0 && !quiet, Ordering::Relaxed);
    let level = match (quiet, verbose) {
        (true, _) => "error",
        // A store that is brought up to date on opening may take minutes.
        (false, 0) => "warn,simdex::store::embedded=info",
        (false, 1) => "simdex=info,warn",
        (false, _) => "simdex=debug,info",
    };
    // ONNX Runtime's own notes interest nobody below an error.
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("{level},ort=error")));
    // What a line tells may come from outside: an event stays one line and steers nothing.
    let fields = debug_fn(|line, field, value| {
        let value = format!("{value:?}");
        match field.name() {
            "message" => write!(line, "{}", printable(&value)),
            name => write!(line, "{name}={}", printable(&value)),
        }
    });
    tracing_subscriber::fmt()
        .fmt_fields(fields.delimited(" "))
        .with_env_filter(filter)
        .with_ansi(stderr_has_colours())
        .with_writer(AroundBars)
        .init();
}

/// One line on stderr, always shown, whatever it is made of.
pub(super) fn line(text: &str) {
    write_around_bars(format!("{}\n", printable(text)).as_bytes());
}

/// One line on stderr, unless --quiet.
pub(super) fn note(text: &str) {
    if !QUIET.load(Ordering::Relaxed) {
        line(text);
    }
}

/// The most useful command to go on with, at the end of a run: for who sits before a terminal, and not with --quiet.
pub(super) fn hint(text: &str) {
    if !io::stderr().is_terminal() || QUIET.load(Ordering::Relaxed) {
        return;
    }
    let text = printable(text);
    let shown = match stderr_has_colours() {
        true => Colour::Faint.paint(&text),
        false => text.into_owned(),
    };
    write_around_bars(format!("{shown}\n").as_bytes());
}

/// Live progress: a bar on a terminal, else a plain line every five seconds.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    last: Mutex<Instant>,
}

impl Progress {
    /// Starts with a task's name; `total` 0 means unknown.
    pub(super) fn new(task: &str, total: u64) -> Self {
        let bar = (io::stderr().is_terminal() && !QUIET.load(Ordering::Relaxed)).then(|| {
            let bar = if total > 0 {
                let template = "{prefix} [{bar:30}] {pos}/{len} {msg} ({eta} left)";
                let style = ProgressStyle::with_template(template);
                let style = style.expect("a constant template").progress_chars("=> ");
                ProgressBar::new(total).with_style(style)
            } else {
                let style = ProgressStyle::with_template("{spinner} {prefix} {msg}");
                ProgressBar::new_spinner().with_style(style.expect("a constant template"))
            };
            let bar = BARS.add(bar.with_prefix(task.to_owned()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self {
            bar,
            last: Mutex::new(Instant::now()),
        }
    }

    /// Says how far it is.
    pub(super) fn set(&self, position: u64, message: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(position);
                bar.set_message(printable(&message()).into_owned());
            }
            None => {
                let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= PLAIN_EVERY {
                    *last = Instant::now();
                    note(&message());
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Lists problems on stderr, the first twenty; -v shows all through tracing.
pub(super) struct Problems {
    shown: usize,
    more: usize,
    /// What lists all of them.
    all: &'static str,
}

impl Default for Problems {
    fn default() -> Self {
        Self::listed_by(V)
    }
}

const SHOWN: usize = 20;
const V: &str = "-v lists all";

impl Problems {
    /// Problems of which `all` says how to see all of them.
    pub(super) fn listed_by(all: &'static str) -> Self {
        Self {
            shown: 0,
            more: 0,
            all,
        }
    }

    pub(super) fn add(&mut self, source: &str, message: &str) {
        tracing::info!(source, message, "not usable");
        if self.shown < SHOWN {
            self.shown += 1;
            line(&format!("{source}: {message}"));
        } else {
            self.more += 1;
        }
    }

    /// Says how many were not listed; the next problem begins a new list.
    pub(super) fn finish(&mut self) {
        say_more(self.more, self.all);
        *self = Self::listed_by(self.all);
    }
}

/// What limits have left out of documents. It is no failure, so it is listed behind the problems:
/// the first twenty; -v shows all through tracing.
#[derive(Default)]
pub(super) struct LeftOuts {
    lines: Vec<String>,
    more: usize,
}

impl LeftOuts {
    pub(super) fn add(&mut self, source: &str, message: &str) {
        tracing::info!(source, message, "not all of it");
        if self.lines.len() < SHOWN {
            self.lines.push(format!("{source}: {message}"));
        } else {
            self.more += 1;
        }
    }

    /// Lists them.
    pub(super) fn finish(self) {
        for text in &self.lines {
            line(text);
        }
        say_more(self.more, V);
    }
}

/// Says how many were not listed, and what lists them.
fn say_more(more: usize, all: &str) {
    if more > 0 {
        // The log lines above have listed them.
        let is_listed = VERBOSE.load(Ordering::Relaxed) && all == V;
        let hint = if is_listed { "listed above" } else { all };
        line(&format!("and {more} more ({hint})"));
    }
}
