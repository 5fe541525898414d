//! Which URLs are queued at all, and in which form.

mod parameters;
mod trap;

use regex::RegexSet;

use crate::canonical_url::CanonicalUrl;
use crate::config::AdmissionConfig;
use crate::store::Role;
use parameters::Parameters;
pub use trap::Trap;

/// A URL that is not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// It matches an `exclude` expression.
    #[error("the configuration excludes it")]
    Excluded,
    /// It is a page and matches no `include` expression.
    #[error("the configuration does not include it")]
    NotIncluded,
    /// It looks as if it led into ever more URLs.
    #[error("{0}")]
    Trap(#[from] Trap),
}

/// An expression of the configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("crawl.admission.{key}: {pattern:?} is no regular expression: {message}")]
pub struct PatternError {
    /// The key that it stands under.
    pub key: &'static str,
    /// The expression.
    pub pattern: String,
    /// What is wrong with it.
    pub message: String,
}

/// The rules by which URLs are queued.
#[derive(Debug, Clone)]
pub struct Admission {
    include: RegexSet,
    exclude: RegexSet,
    parameters: Parameters,
    limits: trap::Limits,
}

impl Admission {
    /// The rules of a configuration.
    ///
    /// # Errors
    /// If an expression cannot be used.
    pub fn new(config: &AdmissionConfig) -> Result<Self, PatternError> {
        Ok(Self {
            include: expressions("include", &config.include)?,
            exclude: expressions("exclude", &config.exclude)?,
            parameters: Parameters::new(config),
            limits: trap::Limits {
                length: config.max_length,
                segments: config.max_segments,
                parameters: config.max_parameters,
                repeats: config.max_repeats,
            },
        })
    }

    /// The URL without what is dropped from it, if it is to be queued.
    ///
    /// The expressions see the URL as it would be queued. `include` is for pages only:
    /// what such pages show or name stands on any host and path, as with the scope.
    ///
    /// # Errors
    /// If it is not.
    pub fn admit(&self, url: CanonicalUrl, role: Role) -> Result<CanonicalUrl, Rejection> {
        let url = self.clean(url);
        self.check(&url, role)?;
        Ok(url)
    }

    /// The URL without what is dropped from it.
    pub fn clean(&self, url: CanonicalUrl) -> CanonicalUrl {
        self.parameters.clean(url)
    }

    /// Whether a URL, from which nothing is to be dropped any more, is let in.
    ///
    /// # Errors
    /// If it is not.
    pub fn check(&self, url: &CanonicalUrl, role: Role) -> Result<(), Rejection> {
        self.limits.check(url, role)?;
        if self.exclude.is_match(url.as_str()) {
            return Err(Rejection::Excluded);
        }
        let must_match = role == Role::Page && !self.include.is_empty();
        if must_match && !self.include.is_match(url.as_str()) {
            return Err(Rejection::NotIncluded);
        }
        Ok(())
    }
}

impl Rejection {
    /// A short, stable name for summaries and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::NotIncluded => "not_included",
            Self::Trap(trap) => trap.name(),
        }
    }
}

/// Each expression is tried alone first: the error of a set does not name the bad one.
fn expressions(key: &'static str, patterns: &[String]) -> Result<RegexSet, PatternError> {
    let error = |pattern: &str, error: regex::Error| PatternError {
        key,
        pattern: pattern.to_owned(),
        message: error.to_string(),
    };
    for pattern in patterns {
        regex::Regex::new(pattern).map_err(|found| error(pattern, found))?;
    }
    // All of them together may still be too large.
    RegexSet::new(patterns).map_err(|found| error(&patterns.join("|"), found))
}

#[cfg(test)]
mod tests;
