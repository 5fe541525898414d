//! Which opt-outs are respected, and which URLs are queued.

use serde::Deserialize;

/// `[crawl.respect]`: which opt-outs are respected; by default all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Respect {
    /// `noindex`, and that half of `none`.
    pub noindex: bool,
    /// `noimageindex`.
    pub noimageindex: bool,
    /// `noai` and `noimageai`.
    pub noai: bool,
    /// `nofollow`, and that half of `none`.
    pub nofollow: bool,
    /// `unavailable_after`.
    pub unavailable_after: bool,
    /// The TDM Reservation Protocol.
    pub tdm: bool,
    /// Usage preferences in `Content-Usage` headers and robots.txt files.
    pub content_usage: bool,
}

/// `[crawl.admission]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdmissionConfig {
    /// Regular expressions; one of them must match a page's URL. If there are none, all pages
    /// are let in.
    pub include: Vec<String>,
    /// Regular expressions; none of them may match the URL of a page or a picture.
    pub exclude: Vec<String>,
    /// Query parameters dropped from every URL, in any case; `*` at the end stands for
    /// anything.
    pub drop_parameters: Vec<String>,
    /// Whether session identifiers are dropped, also those in paths (`;jsessionid=`).
    pub drop_sessions: bool,
    /// Whether query parameters are sorted by name. Off: some sites mean their order.
    pub sort_parameters: bool,
    /// Longest URL, in bytes.
    pub max_length: usize,
    /// Most segments of a page's path.
    pub max_segments: usize,
    /// Most parameters of a page's query.
    pub max_parameters: usize,
    /// How often the same segments may follow each other in a page's path; 0: no limit.
    pub max_repeats: usize,
}

/// Parameters that advertisers, mailers and social sites add to follow people.
const TRACKING: [&str; 40] = [
    // Urchin and Google Analytics, Matomo and Piwik.
    "utm_*",
    "_ga",
    "_gl",
    "mtm_*",
    "matomo_*",
    "pk_*",
    "piwik_*",
    // Click identifiers: Google, Facebook, Microsoft, Yandex, TikTok, X, LinkedIn, ...
    "gclid",
    "gclsrc",
    "dclid",
    "gbraid",
    "wbraid",
    "gad_source",
    "gad_campaignid",
    "srsltid",
    "fbclid",
    "msclkid",
    "yclid",
    "ysclid",
    "ttclid",
    "twclid",
    "li_fat_id",
    "igshid",
    "igsh",
    "epik",
    "irclickid",
    "rdt_cid",
    "sccid",
    "zanpid",
    "wickedid",
    // Mailers: Mailchimp, HubSpot, Marketo, Olytics, Vero, Drip.
    "mc_cid",
    "mc_eid",
    "_hsenc",
    "_hsmi",
    "mkt_tok",
    "oly_anon_id",
    "oly_enc_id",
    "vero_*",
    "__s",
    "spm",
];

impl Default for Respect {
    fn default() -> Self {
        Self {
            noindex: true,
            noimageindex: true,
            noai: true,
            nofollow: true,
            unavailable_after: true,
            tdm: true,
            content_usage: true,
        }
    }
}

impl Default for AdmissionConfig {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            drop_parameters: TRACKING.map(str::to_owned).to_vec(),
            drop_sessions: true,
            sort_parameters: false,
            max_length: 2_048,
            max_segments: 20,
            max_parameters: 16,
            max_repeats: 2,
        }
    }
}
