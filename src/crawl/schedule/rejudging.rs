//! Judging anew, when settings have changed, what was refused by others.

use std::sync::Arc;

use crate::config::CrawlConfig;
use crate::crawl::policy::judge::Judge;
use crate::crawl::policy::settings::Settings;
use crate::crawl::visit::document_rules::DocumentRules;
use crate::store::{AsyncStore, StoreError};

/// Queues again what the present settings may let in and those of the last run did not. Hosts
/// become ones of the present crawl if `own`. Returns how many URLs were queued.
///
/// # Errors
/// If the store fails.
pub(super) async fn rejudge(
    store: &AsyncStore,
    settings: Settings,
    config: &Arc<CrawlConfig>,
    rules: &Arc<DocumentRules>,
    own: bool,
) -> Result<u64, StoreError> {
    let (config, rules) = (Arc::clone(config), Arc::clone(rules));
    let judged = store.call(move |store| {
        let before = store.settings()?;
        let Some(change) = settings.change_since(before.as_deref(), &config.respect) else {
            return Ok(0);
        };
        let mut queued = 0;
        for kept in store.kept_out() {
            let kept = kept?;
            let role = kept.record.role;
            let judge = Judge::of_crawl(&config, &rules.scope, &rules.admission, role);
            let removed = store.is_removed(kept.record.host)?;
            if change.lets_in(&kept, judge, removed) {
                queued += u64::from(store.ask_again(kept.id, own)?);
            }
        }
        // Last, so that nothing is missed if this is interrupted.
        store.keep_settings(&settings.encode())?;
        Ok(queued)
    });
    judged.await
}
