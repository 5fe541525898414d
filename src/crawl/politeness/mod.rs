//! What hosts ask for: robots.txt, opt-outs, and time between requests.

pub(super) mod opt_out;
pub(super) mod origin_rules;
pub(super) mod pacing;
pub(super) mod robots_txt;
pub(super) mod rules_cache;
