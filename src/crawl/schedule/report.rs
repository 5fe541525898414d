//! What a crawl reports: its figures, and what could not be used.

use tokio::time::Instant;

use crate::crawl::event::Event;
use crate::crawl::http::error::FetchError;
use crate::crawl::policy::reason::Reason;
use crate::crawl::problem::Problem;
use crate::crawl::summary::Summary;
use crate::extract::LeftOut;
use crate::ingest::Receipt;

/// The figures of a run, and the problems that are still to be reported.
pub(super) struct Report {
    /// What was done so far.
    pub(super) summary: Summary,
    problems: Vec<Problem>,
    left_out: Vec<Problem>,
    started: Instant,
}

impl Report {
    /// Nothing is done yet; these problems are known.
    pub(super) fn new(problems: Vec<(Reason, Problem)>) -> Self {
        let mut report = Self {
            summary: Summary::default(),
            problems: Vec::new(),
            left_out: Vec::new(),
            started: Instant::now(),
        };
        for (reason, problem) in problems {
            report.summary.refuse(reason);
            report.problems.push(problem);
        }
        report
    }

    /// Counts what could not be fetched, and lists it.
    pub(super) fn could_not_fetch(&mut self, source: String, error: &FetchError) {
        let reason = error.reason();
        if reason.is_refusal() {
            self.summary.refuse(reason);
        } else {
            self.summary.fail(reason);
        }
        self.list(source, error.to_string());
    }

    /// Lists a problem that is counted elsewhere.
    pub(super) fn list(&mut self, source: String, message: String) {
        self.problems.push(Problem { source, message });
    }

    /// Counts what limits have left out of a document, and lists it.
    pub(super) fn left_out(&mut self, source: &str, left_out: LeftOut) {
        for (limit, count) in left_out {
            *self.summary.left_out.entry(limit).or_default() += count;
            self.left_out.push(Problem {
                source: source.to_owned(),
                message: format!("left out: {}", limit.says(count)),
            });
        }
    }

    /// Counts a receipt.
    pub(super) fn count(&mut self, receipt: Receipt) {
        self.problems.extend(self.summary.count(receipt));
    }

    /// Reports the problems that were not reported before.
    pub(super) fn tell_problems(&mut self, observe: &mut dyn FnMut(Event<'_>)) {
        for problem in self.problems.drain(..) {
            observe(Event::Problem(&problem));
        }
        for left_out in self.left_out.drain(..) {
            observe(Event::LeftOut(&left_out));
        }
    }

    /// Reports how far the crawl is.
    pub(super) fn tell_progress(
        &mut self,
        hosts: usize,
        under_way: usize,
        observe: &mut dyn FnMut(Event<'_>),
    ) {
        self.summary.elapsed_s = self.started.elapsed().as_secs_f64();
        observe(Event::Progress {
            summary: &self.summary,
            hosts,
            under_way,
        });
    }

    /// The figures at the end, with how many URLs wait and how many hosts have spent their page
    /// budget.
    pub(super) fn finish(mut self, pending: u64, spent_hosts: u64) -> Summary {
        self.summary.pending = pending;
        self.summary.spent_hosts = spent_hosts;
        self.summary.elapsed_s = self.started.elapsed().as_secs_f64();
        self.summary
    }
}
