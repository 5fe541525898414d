//! The flags of `crawl`.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Args, Command, ValueEnum};

use crate::app::RecordingOptions;
use crate::canonical_url::{CanonicalUrl, UrlError};
use crate::cli::Format;
use crate::cli::dataset::{DatasetArgs, FILES};
use crate::cli::input::{name, read_urls, reason};
use crate::cli::progress::Problems;
use crate::config::{Config, HostPattern, ResolveTarget, Scope};
use crate::store::Again;

type Count = clap::builder::RangedU64ValueParser<usize>;

/// Headings of `--help`.
const PAGES: &str = "Which pages";
const POLITE: &str = "Politeness";
const LOOKED_FOR: &str = "Pictures that are looked for";
const STEPS: &str = "One step alone";
const RECORDS: &str = "Output";
const ADDRESSES: &str = "Addresses";

#[derive(Debug, Args)]
pub(in crate::cli) struct CrawlArgs {
    /// Pages to start from; without any, the last crawl goes on
    #[arg(value_name = "URL", value_parser = SeedParser)]
    pub(super) urls: Vec<CanonicalUrl>,
    /// File with seeds, one URL a line, # for comments
    #[arg(long, value_name = "FILE", help_heading = PAGES)]
    pub(super) seeds: Option<PathBuf>,
    /// Stop after this many pages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = PAGES)]
    pub(super) max_pages: Option<u64>,
    /// Stop after this many new pictures
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = PAGES)]
    pub(super) max_images: Option<u64>,
    /// Follow links this far from a seed
    #[arg(long, value_name = "N", help_heading = PAGES)]
    pub(super) max_depth: Option<u32>,
    /// Which pages to follow
    #[arg(long, help_heading = PAGES)]
    pub(super) scope: Option<Scope>,
    /// Least time between two requests to a host, in milliseconds
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(..=86_400_000), help_heading = POLITE)]
    pub(super) delay: Option<u64>,
    /// Requests under way at once
    #[arg(long, value_name = "N", value_parser = Count::new().range(1..=10_000), help_heading = POLITE)]
    pub(super) concurrency: Option<usize>,
    /// Requests under way at once to one host
    #[arg(long, value_name = "N", value_parser = Count::new().range(1..=1_000), help_heading = POLITE)]
    pub(super) host_concurrency: Option<usize>,
    /// Write a JSON line for every fetch
    #[arg(long, value_name = "FILE", help_heading = RECORDS)]
    pub(super) fetch_log: Option<PathBuf>,
    /// Keep what was fetched in a WARC file; .warc.gz is packed
    #[arg(long, value_name = "FILE", help_heading = RECORDS)]
    pub(super) warc: Option<PathBuf>,
    /// Save the pictures themselves in this folder, with a manifest; again, it adds what is new
    #[arg(long = "save", id = "dataset", value_name = "DIR", conflicts_with_all = ["features_only", "dry_run"], help_heading = FILES)]
    pub(super) save: Option<PathBuf>,
    #[command(flatten)]
    pub(super) dataset: DatasetArgs,
    /// Say what would be fetched, and what not and why, without a request
    #[arg(long, conflicts_with_all = ["refresh", "retry_failed"], help_heading = STEPS)]
    pub(super) dry_run: bool,
    /// Look for pictures like this file or URL first, and list them at the end, scored as
    /// `compare` scores a pair alone
    #[arg(long, value_name = "IMAGE", value_parser = name(), conflicts_with_all = ["fetch_only", "features_only"], help_heading = LOOKED_FOR)]
    pub(super) like: Vec<String>,
    /// With --like: the score from which on a picture is a match
    #[arg(long, value_name = "S", default_value_t = 0.5, value_parser = score, requires = "like", help_heading = LOOKED_FOR)]
    pub(super) min_score: f32,
    /// With --like: store nothing but matches
    #[arg(long, requires = "like", help_heading = LOOKED_FOR)]
    pub(super) keep_matches: bool,
    /// Keep pictures without features; --features-only catches up later
    #[arg(long, conflicts_with = "features_only", help_heading = STEPS)]
    pub(super) fetch_only: bool,
    /// Fetch nothing; compute the features of what --fetch-only has kept
    #[arg(long, conflicts_with_all = ["urls", "seeds"], help_heading = STEPS)]
    pub(super) features_only: bool,
    /// Ask again what is due: pages and pictures that an earlier crawl visited
    #[arg(long, value_name = "WHICH", num_args = 0..=1, default_missing_value = "due", help_heading = PAGES)]
    pub(super) refresh: Option<Refresh>,
    /// Try again what failed, for this reason of the summary or for any
    #[arg(long, value_name = "REASON", num_args = 0..=1, default_missing_value = "", value_parser = failed, help_heading = PAGES)]
    pub(super) retry_failed: Option<String>,
    /// Send a host name to an address: NAME=ADDRESS[:PORT]; *.NAME stands for all below
    #[arg(long, value_name = "NAME=ADDRESS", value_parser = resolved, help_heading = ADDRESSES)]
    pub(super) resolve: Vec<(HostPattern, ResolveTarget)>,
    /// Fetch from loopback, private and other closed addresses too, but for link-local ones
    #[arg(long, help_heading = ADDRESSES)]
    pub(super) allow_private_addresses: bool,
    /// Fetch from this closed address too; the only way to link-local ones and to those at which
    /// clouds keep secrets
    #[arg(long, value_name = "IP", help_heading = ADDRESSES)]
    pub(super) allow_address: Vec<IpAddr>,
    /// How to print the summary
    #[arg(long, default_value = "text", help_heading = RECORDS)]
    pub(super) format: Format,
}

/// Which visited URLs are asked for again.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum Refresh {
    /// Those whose time has come, by how often they changed
    Due,
    /// All
    All,
}

impl CrawlArgs {
    pub(super) fn apply(&self, config: &mut Config) -> anyhow::Result<()> {
        let crawl = &mut config.crawl;
        crawl.max_pages = self.max_pages.or(crawl.max_pages);
        crawl.max_images = self.max_images.or(crawl.max_images);
        crawl.max_depth = self.max_depth.or(crawl.max_depth);
        crawl.scope = self.scope.unwrap_or(crawl.scope);
        crawl.delay_ms = self.delay.unwrap_or(crawl.delay_ms);
        crawl.concurrency = self.concurrency.unwrap_or(crawl.concurrency);
        crawl.host_concurrency = self.host_concurrency.unwrap_or(crawl.host_concurrency);
        crawl.allow_private_addresses |= self.allow_private_addresses;
        crawl.allow_addresses.extend(&self.allow_address);
        crawl.resolve.extend(self.resolve.iter().cloned());
        Ok(config.check()?)
    }

    pub(super) fn again(&self) -> Vec<Again> {
        let refresh = self.refresh.map(|which| match which {
            Refresh::Due => Again::Due,
            Refresh::All => Again::Visited,
        });
        let failed = self.retry_failed.as_ref();
        let failed = failed.map(|why| Again::Failed((!why.is_empty()).then(|| why.clone())));
        refresh.into_iter().chain(failed).collect()
    }

    pub(super) fn recording(&self) -> RecordingOptions {
        RecordingOptions {
            fetch_log: self.fetch_log.clone(),
            warc: self.warc.clone(),
        }
    }

    /// The seeds, and whether a line of their file is none; such lines are listed.
    ///
    /// # Errors
    /// If the file cannot be read or no line of it is a seed.
    pub(super) fn seeds(&self) -> anyhow::Result<(Vec<CanonicalUrl>, bool)> {
        let mut seeds = self.urls.clone();
        let mut problems = Problems::default();
        let mut bad = 0;
        if let Some(path) = &self.seeds {
            for (line, text) in read_urls(path)? {
                let text = without_note(&text);
                match seed(text) {
                    Ok(url) => seeds.push(url),
                    Err(error) => {
                        bad += 1;
                        let mut place = format!("{}, line {line}", path.display());
                        // A password is not said again.
                        if !matches!(error, UrlError::Credentials(_)) {
                            place = format!("{place}: {}", cut(text));
                        }
                        problems.add(&place, &cut(&error.to_string()));
                    }
                }
            }
            problems.finish();
            let place = path.display();
            anyhow::ensure!(
                bad == 0 || !seeds.is_empty(),
                "{place}: no line of it is a URL"
            );
        }
        Ok((seeds, bad > 0))
    }
}

/// A line without the comment behind its URL.
fn without_note(line: &str) -> &str {
    let note = line
        .match_indices('#')
        .find(|(at, _)| line[..*at].ends_with([' ', '\t']));
    note.map_or(line, |(at, _)| line[..at].trim_end())
}

/// What of a line is said again: another file may have been named by mistake.
fn cut(line: &str) -> String {
    const MOST: usize = 200;
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

/// Takes a seed, and does not say again what may be a password.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct SeedParser;

impl TypedValueParser for SeedParser {
    type Value = CanonicalUrl;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<CanonicalUrl, clap::Error> {
        if let Some(error @ UrlError::Credentials(_)) = value.to_str().and_then(|it| seed(it).err())
        {
            let kind = ErrorKind::ValueValidation;
            return Err(clap::Error::raw(kind, format!("{error}\n")).with_cmd(command));
        }
        let seed: fn(&str) -> Result<CanonicalUrl, UrlError> = seed;
        seed.parse_ref(command, arg, value)
    }
}

/// `example.org` is what people type.
fn seed(text: &str) -> Result<CanonicalUrl, UrlError> {
    if text.contains("://") {
        CanonicalUrl::given(text)
    } else {
        CanonicalUrl::given(&format!("https://{text}"))
    }
}

fn resolved(text: &str) -> Result<(HostPattern, ResolveTarget), String> {
    let (pattern, target) = text.split_once('=').ok_or("write NAME=ADDRESS")?;
    Ok((
        HostPattern::try_from(pattern.to_owned())?,
        ResolveTarget::try_from(target.to_owned())?,
    ))
}

/// A reason, or none for all that may be tried again.
fn failed(name: &str) -> Result<String, String> {
    match name.is_empty() {
        true => Ok(String::new()),
        false => reason(name),
    }
}

fn score(text: &str) -> Result<f32, String> {
    let score: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&score) {
        Ok(score)
    } else {
        Err("scores are from 0 to 1".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_behind_seeds_are_no_part_of_them() {
        for (line, expected) in [
            ("https://h/a # a note", "https://h/a"),
            ("https://h/a\t#note", "https://h/a"),
            ("https://h/a#part", "https://h/a#part"),
            ("h", "h"),
        ] {
            assert_eq!(without_note(line), expected);
        }
        assert_eq!(cut(&"é".repeat(300)).chars().count(), 203);
    }

    #[test]
    fn a_password_is_not_said_again() {
        let command = Command::new("crawl").arg(Arg::new("URL").value_parser(SeedParser));
        let error = |url| {
            let parsed = command.clone().try_get_matches_from(["crawl", url]);
            parsed.unwrap_err().to_string()
        };
        let refused = error("https://me:secret@h/");
        assert!(
            !refused.contains("secret") && refused.contains("[crawl.host"),
            "{refused}"
        );
        assert!(error("ftp://h/").contains("ftp://h/"));
    }
}
