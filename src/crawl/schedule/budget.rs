//! How much a crawl may fetch, and how much is on its way.

use crate::config::CrawlConfig;
use crate::crawl::summary::Summary;
use crate::store::Role;

/// The limits of one run, and what is on its way and counts against them. What is done is in
/// the summary.
#[derive(Debug)]
pub(super) struct Budget {
    max_pages: Option<u64>,
    max_images: Option<u64>,
    pages_fetching: u64,
    pictures_fetching: u64,
    /// Pictures handed to the workers whose receipts are awaited. A receipt may come
    /// before the end of the visit that handed its picture in, hence below 0 for a moment.
    pictures_handed_in: i64,
}

impl Budget {
    /// The limits of a configuration; nothing is on its way.
    pub(super) fn new(config: &CrawlConfig) -> Self {
        Self {
            max_pages: config.max_pages,
            max_images: config.max_images,
            pages_fetching: 0,
            pictures_fetching: 0,
            pictures_handed_in: 0,
        }
    }

    /// Notes that a URL of a role is being fetched.
    pub(super) fn started(&mut self, role: Role) {
        match role {
            Role::Page => self.pages_fetching += 1,
            Role::Picture => self.pictures_fetching += 1,
            Role::Sheet | Role::Feed | Role::Sitemap => {}
        }
    }

    /// Notes that it is no longer being fetched.
    pub(super) fn ended(&mut self, role: Role) {
        match role {
            Role::Page => self.pages_fetching -= 1,
            Role::Picture => self.pictures_fetching -= 1,
            Role::Sheet | Role::Feed | Role::Sitemap => {}
        }
    }

    /// Notes that pictures are with the workers. Their receipts may have come already.
    pub(super) fn handed_in(&mut self, pictures: u64) {
        self.pictures_handed_in += i64::try_from(pictures).unwrap_or(i64::MAX);
    }

    /// Notes that a receipt has come.
    pub(super) fn received(&mut self) {
        self.pictures_handed_in -= 1;
    }

    /// Whether receipts are still to come.
    pub(super) fn awaits_receipts(&self) -> bool {
        self.pictures_handed_in > 0
    }

    /// Whether as many pictures are stored as were asked for.
    pub(super) fn images_stored(&self, done: &Summary) -> bool {
        self.max_images
            .is_some_and(|most| done.images_fetched >= most)
    }

    /// Whether there would be as many if all on their way turn out to be new.
    pub(super) fn images_exhausted(&self, done: &Summary) -> bool {
        let on_the_way = self
            .pictures_fetching
            .saturating_add_signed(self.pictures_handed_in);
        self.max_images
            .is_some_and(|most| done.images_fetched + on_the_way >= most)
    }

    /// Whether the page limit is reached if all on their way turn out to be pages.
    pub(super) fn pages_exhausted(&self, done: &Summary) -> bool {
        self.max_pages
            .is_some_and(|most| done.pages_fetched + self.pages_fetching >= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_its_way_counts() {
        let mut budget = Budget::new(&CrawlConfig {
            max_pages: Some(2),
            max_images: Some(2),
            ..CrawlConfig::default()
        });
        let mut done = Summary::default();
        budget.started(Role::Page);
        budget.started(Role::Sheet);
        assert!(!budget.pages_exhausted(&done));
        budget.started(Role::Page);
        assert!(budget.pages_exhausted(&done));
        // One of them was a picture.
        budget.ended(Role::Page);
        budget.handed_in(1);
        assert!(!budget.pages_exhausted(&done) && !budget.images_exhausted(&done));
        budget.started(Role::Picture);
        assert!(budget.images_exhausted(&done) && !budget.images_stored(&done));
        budget.received();
        done.images_fetched = 2;
        assert!(budget.images_stored(&done) && !budget.awaits_receipts());
    }

    #[test]
    fn a_receipt_may_come_before_the_end_of_its_visit() {
        let mut budget = Budget::new(&CrawlConfig::default());
        budget.started(Role::Picture);
        budget.received();
        assert!(!budget.awaits_receipts());
        budget.ended(Role::Picture);
        budget.handed_in(1);
        assert!(!budget.awaits_receipts());
    }
}
