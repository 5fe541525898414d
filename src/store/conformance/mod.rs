//! What every store must do, whatever keeps it. Each function here is run on each of them.

mod blocks;
mod catalogue;
#[cfg(feature = "cluster")]
mod cluster;
mod commands;
mod copying;
mod files;
pub(super) mod fixture;
mod frontier;
mod hosts;
mod labels;
mod leaving;
mod versions;

#[cfg(feature = "cluster")]
pub(crate) use cluster::store_with_points;

/// Makes a test of each function of `$room` for each kind of store.
macro_rules! conform {
    ($lease_time:expr, $tests:ident of $room:ident: $($name:ident),+ $(,)?) => {
        mod $tests {
            mod embedded {
                $(#[test]
                fn $name() {
                    let (_dir, store) = crate::store::conformance::fixture::embedded($lease_time);
                    crate::store::conformance::$room::$name(&store);
                    assert_eq!(store.counts(), store.recount().unwrap());
                    assert!(store.check_selection().unwrap());
                })+
            }
            mod memory {
                $(#[test]
                fn $name() {
                    let store = crate::store::conformance::fixture::memory($lease_time);
                    crate::store::conformance::$room::$name(&store);
                })+
            }
            #[cfg(feature = "cluster")]
            mod cluster {
                $(#[test]
                fn $name() {
                    let Some(store) = crate::store::conformance::cluster::store($lease_time) else {
                        return;
                    };
                    crate::store::conformance::$room::$name(&store);
                    assert_eq!(store.counts(), store.recount().unwrap());
                })+
            }
        }
    };
}

conform!(crate::store::LEASE_TIME, the_frontier of frontier:
    what_was_seen_is_not_queued_again,
    a_host_gives_pictures_before_pages_in_order,
    a_lease_that_is_dropped_is_handed_out_again,
    the_best_of_a_queue_is_handed_out,
    retries_wait_for_their_time,
    what_is_left_comes_in_the_next_run,
    a_page_queues_what_stands_on_it,
    a_redirect_to_what_was_read_settles_only_itself,
    a_renewed_lease_lasts_longer,
    failures_are_queued_again_by_their_reason,
);
conform!(crate::store::LEASE_TIME, the_versions of versions:
    the_next_version_is_queued_when_one_gives_no_picture,
    each_picture_that_names_a_dead_url_gets_its_next,
    a_kept_body_that_is_no_picture_asks_for_the_next,
    no_version_is_queued_that_is_not_needed,
    a_retry_keeps_the_versions_and_a_removed_host_has_none,
    guesses_come_last_even_without_pages,
    a_link_that_leads_to_a_page_is_one_from_then_on,
);
conform!(std::time::Duration::ZERO, late_leases of frontier:
    a_lease_that_ran_out_settles_nothing_if_another_has_it,
    a_late_page_and_a_late_picture_change_nothing,
);
conform!(crate::store::LEASE_TIME, the_catalogue of catalogue:
    the_same_bytes_are_one_picture,
    a_picture_says_where_it_was_seen,
    what_a_page_says_of_its_pictures_goes_with_it,
    a_visit_that_gives_another_picture_leaves_the_first,
    what_is_gone_leaves_the_store,
    the_last_page_that_opts_out_takes_its_pictures_along,
    a_page_opts_out_only_for_what_it_shows,
    bodies_wait_for_their_features,
    what_is_postponed_loses_nothing,
    a_removed_picture_is_not_taken_again,
    files_are_known_until_they_change,
    a_changed_file_is_no_place_of_the_picture_it_held,
);
#[cfg(unix)]
conform!(crate::store::LEASE_TIME, the_places of catalogue:
    paths_are_bytes,
);
conform!(crate::store::LEASE_TIME, local_files of files:
    all_files_of_a_picture_are_listed,
    pictures_leave_with_their_last_file,
    what_a_user_removes_is_remembered,
    folders_have_file_systems,
    a_file_brings_what_waits,
);
conform!(crate::store::LEASE_TIME, leaving_stores of leaving:
    only_an_explicit_word_removes,
    what_is_removed_on_its_way_stays_removed,
    what_is_gone_leaves_when_it_was_gone_long_before,
    a_page_that_is_gone_leaves_like_a_picture,
    a_run_removes_a_tenth_of_a_host_at_most,
    opt_outs_are_not_held_to_the_tenth,
    what_is_kept_out_can_be_asked_for_again,
    an_opt_out_that_is_taken_back_brings_pictures_back,
    a_clock_that_was_ahead_postpones_no_retry,
);
conform!(crate::store::LEASE_TIME, the_hosts of hosts:
    a_removed_host_is_gone_until_it_is_taken_back,
    hosts_with_work_come_in_order,
    rules_are_kept_unless_they_are_large,
    a_host_that_is_taken_back_has_no_queue_left,
);
conform!(crate::store::LEASE_TIME, the_labels of labels:
    what_is_said_again_takes_the_place_of_the_first,
    labels_are_taken_back,
    labels_go_with_pictures_that_somebody_removes,
    labels_wait_for_pictures_that_left_by_themselves,
);
conform!(crate::store::LEASE_TIME, the_blocks of blocks:
    blocks_of_any_length_are_read_back,
    a_block_of_another_picture_is_damaged,
    what_is_live_outlasts_compaction,
);
