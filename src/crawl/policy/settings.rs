//! The settings that refusals depend on: what was refused by others is judged again.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use super::judge::{Facts, Judge};
use super::opt_out::OptOut;
use super::reason::Reason;
use crate::canonical_url::CanonicalUrl;
use crate::config::{Config, Respect, Scope};
use crate::store::{KeptOut, KeptOutFor, Role, UrlState};

/// The settings of a run, as far as the next must know them to tell what has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::crawl) struct Settings {
    scope: Scope,
    admission: Digest,
    /// Which hosts and addresses may be asked.
    access: Digest,
    respect: Digest,
    max_page_bytes: u64,
    max_picture_bytes: u64,
    max_pixels: u64,
    decode_budget_mb: u64,
    min_side: u32,
}

type Digest = [u8; 16];

/// What has changed since the last run.
#[derive(Debug)]
pub(in crate::crawl) struct SettingsChange {
    scope: bool,
    admission: bool,
    access: bool,
    /// What is respected now, if that has changed.
    respect: Option<Respect>,
    larger_pages: bool,
    larger_pictures: bool,
    more_pixels: bool,
    more_memory: bool,
    smaller_pictures: bool,
}

impl Settings {
    /// The present ones.
    pub(in crate::crawl) fn of(config: &Config) -> Self {
        let crawl = &config.crawl;
        let skipped = crawl.host.iter().map(|(host, own)| (host, own.skip));
        let skipped: Vec<_> = skipped.collect();
        let (resolve, proxy) = (&crawl.resolve, &crawl.proxy);
        Self {
            scope: crawl.scope,
            admission: digest(&crawl.admission),
            access: digest(&(
                crawl.allow_private_addresses,
                &crawl.allow_addresses,
                resolve,
                proxy,
                skipped,
            )),
            respect: digest(&crawl.respect),
            max_page_bytes: crawl.max_page_bytes,
            max_picture_bytes: config.picture.max_bytes,
            max_pixels: config.picture.max_pixels,
            decode_budget_mb: config.picture.decode_budget_mb,
            min_side: config.picture.min_side,
        }
    }

    /// As a store keeps them.
    pub(in crate::crawl) fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// What has changed since a run whose settings were kept as `before`. Stores of earlier
    /// versions kept none: everything may have changed, but for limits, which were mostly the
    /// usual ones.
    pub(in crate::crawl) fn change_since(
        &self,
        before: Option<&[u8]>,
        respect: &Respect,
    ) -> Option<SettingsChange> {
        let before: Option<Self> = before.and_then(|bytes| postcard::from_bytes(bytes).ok());
        if before.as_ref() == Some(self) {
            return None;
        }
        let has_changed =
            |of: fn(&Self) -> &Digest| before.as_ref().is_none_or(|before| of(before) != of(self));
        let usual = Self::of(&Config::default());
        let limits = before.as_ref().unwrap_or(&usual);
        Some(SettingsChange {
            scope: before.as_ref().is_none_or(|it| it.scope != self.scope),
            admission: has_changed(|it| &it.admission),
            access: has_changed(|it| &it.access),
            respect: has_changed(|it| &it.respect).then_some(*respect),
            larger_pages: self.max_page_bytes > limits.max_page_bytes,
            larger_pictures: self.max_picture_bytes > limits.max_picture_bytes,
            more_pixels: self.max_pixels > limits.max_pixels,
            more_memory: self.decode_budget_mb > limits.decode_budget_mb,
            smaller_pictures: self.min_side < limits.min_side,
        })
    }
}

/// Equal settings look equal; those of another version may not, which costs a look at what was
/// refused.
fn digest(settings: &impl Debug) -> Digest {
    let mut digest = [0; 16];
    let hash = blake3::hash(format!("{settings:?}").as_bytes());
    digest.copy_from_slice(&hash.as_bytes()[..16]);
    digest
}

impl SettingsChange {
    /// Whether what was kept out may get in now, as far as that is known without asking.
    pub(in crate::crawl) fn lets_in(
        &self,
        kept: &KeptOut,
        judge: Judge<'_>,
        host_removed: bool,
    ) -> bool {
        let may = match &kept.what {
            KeptOutFor::Url(reason) => {
                self.may_let_in(&Reason::from_name(reason), kept.record.role)
            }
            KeptOutFor::OnPage(reasons) => {
                let mut reasons = reasons.iter().map(|name| Reason::from_name(name));
                kept.record.state != UrlState::Open
                    && reasons.any(|reason| self.may_let_in(&reason, kept.record.role))
            }
        };
        let facts = Facts {
            host_removed,
            robots: None,
            pages_left: true,
        };
        let url = CanonicalUrl::parse(&kept.record.url);
        may && url.is_ok_and(|url| judge.judge(&url, &facts).is_ok())
    }

    /// Whether what was refused for a reason may not be refused for it now.
    fn may_let_in(&self, reason: &Reason, role: Role) -> bool {
        match reason {
            Reason::OutOfScope => self.scope,
            Reason::Admission(_) => self.admission,
            Reason::SkippedHost | Reason::PrivateAddress => self.access,
            Reason::OptOut(opt_out) => self.heeds_no_more(*opt_out),
            // A page's URL may have led to a picture.
            Reason::TooLarge if role == Role::Picture => self.larger_pictures,
            Reason::TooLarge => self.larger_pages || self.larger_pictures,
            Reason::TooManyPixels => self.more_pixels,
            Reason::TooMuchMemory => self.more_memory,
            Reason::TooSmall => self.smaller_pictures,
            _ => false,
        }
    }

    fn heeds_no_more(&self, opt_out: OptOut) -> bool {
        let respect = self.respect.as_ref();
        respect.is_some_and(|respect| !opt_out.is_heeded(respect))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crawl::policy::admission::Rejection;

    fn changed(change: impl FnOnce(&mut Config)) -> SettingsChange {
        let before = Settings::of(&Config::default()).encode();
        let mut config = Config::default();
        change(&mut config);
        let now = Settings::of(&config);
        let change = now.change_since(Some(&before), &config.crawl.respect);
        change.unwrap()
    }

    #[test]
    fn the_same_settings_change_nothing() {
        let config = Config::default();
        let settings = Settings::of(&config);
        let again = Settings::of(&config.clone());
        let change = again.change_since(Some(&settings.encode()), &config.crawl.respect);
        assert!(change.is_none());
        // A store that has kept none, or others than these.
        for unknown in [None, Some(&b"x"[..])] {
            let change = again.change_since(unknown, &config.crawl.respect).unwrap();
            assert!(change.may_let_in(&Reason::PrivateAddress, Role::Page));
            assert!(!change.may_let_in(&Reason::TooLarge, Role::Page));
        }
    }

    #[test]
    fn each_change_lets_in_what_it_is_about() {
        let excluded = Reason::Admission(Rejection::Excluded);
        let no_ai = Reason::OptOut(OptOut::NoAi);
        let all = [
            &Reason::PrivateAddress,
            &Reason::SkippedHost,
            &excluded,
            &no_ai,
            &Reason::TooLarge,
            &Reason::TooSmall,
            &Reason::Robots,
        ];
        type Change = fn(&mut Config);
        let changes: [(Change, &[&Reason]); 6] = [
            (
                |it| it.crawl.allow_private_addresses = true,
                &[&Reason::PrivateAddress, &Reason::SkippedHost],
            ),
            (
                |it| it.crawl.admission.exclude = vec!["x".to_owned()],
                &[&excluded],
            ),
            (|it| it.crawl.respect.noai = false, &[&no_ai]),
            (|it| it.crawl.respect.tdm = false, &[]),
            (|it| it.picture.max_bytes += 1, &[&Reason::TooLarge]),
            (|it| it.picture.min_side = 1, &[&Reason::TooSmall]),
        ];
        for (change, expected) in changes {
            let change = changed(change);
            let let_in = all
                .into_iter()
                .filter(|reason| change.may_let_in(reason, Role::Picture));
            assert_eq!(let_in.collect::<Vec<_>>(), expected, "{change:?}");
        }
        let stricter = changed(|it| it.picture.max_bytes -= 1);
        assert!(!stricter.may_let_in(&Reason::TooLarge, Role::Page));
    }
}
