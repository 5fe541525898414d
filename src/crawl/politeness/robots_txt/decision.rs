//! Whether a robots.txt lets a URL be fetched, and why.

/// Whether a URL may be fetched, and why. The default allows, by no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be fetched.
    pub allowed: bool,
    /// The rule that decided; `None` if none matches, which allows.
    pub rule: Option<DecidingRule>,
}

impl Default for Decision {
    fn default() -> Self {
        Self {
            allowed: true,
            rule: None,
        }
    }
}

/// A rule of a robots.txt file, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidingRule {
    /// Its line, counted from one.
    pub line: u32,
    /// The rule in its normal form, such as `Disallow: /private*`.
    pub text: String,
}
