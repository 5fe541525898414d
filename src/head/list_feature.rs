//! The numbers that a calibration reads of a candidate in its list.

/// One number of a candidate in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListFeature {
    /// Its name in head files.
    pub name: &'static str,
    /// What it tells of, in explanations.
    pub group: &'static str,
    /// 1 if a larger value may only speak for "the same", -1 if only against it, 0 if either.
    pub sign: i8,
}

const fn feature(group: &'static str, name: &'static str, sign: i8) -> ListFeature {
    ListFeature { name, group, sign }
}

/// All features, in the order of [`ListContext::rows`](super::ListContext::rows).
pub const LIST_FEATURES: [ListFeature; 49] = [
    // Of the candidate and the query.
    feature("neighbourhood", "order", 1),
    feature("descriptor", "cosine", 1),
    feature("embedding", "embedding", 1),
    feature("pair", "pair", 1),
    feature("neighbourhood", "common", 1),
    feature("neighbourhood", "expanded", 1),
    // Of the candidate's place.
    feature("place", "log_rank", -1),
    feature("descriptor", "below_nearest", -1),
    feature("place", "below_first", -1),
    feature("descriptor", "deviation", 0),
    feature("background", "background", 0),
    feature("background", "above_background", 0),
    feature("neighbourhood", "density", 0),
    feature("neighbourhood", "log_nearer", -1),
    feature("neighbourhood", "with_shown", 0),
    feature("descriptor", "distance_to_20th", 0),
    feature("descriptor", "distance_to_100th", 0),
    feature("place", "above_20th", 0),
    feature("place", "above_40th", 0),
    feature("descriptor", "above_shown_3rd", 0),
    // Of the list.
    feature("list", "log_pictures", 0),
    feature("list", "shown_cosine", 0),
    feature("list", "tenth_cosine", 0),
    feature("list", "mean_cosine", 0),
    feature("list", "spread_of_cosines", 0),
    feature("background", "query_background", 0),
    feature("list", "query_density", 0),
    feature("list", "shown_order", 0),
    feature("list", "among_shown", 0),
    feature("list", "all_common", 0),
    feature("list", "dimension", 0),
    feature("list", "mutual", 0),
    feature("list", "gap", 0),
    feature("list", "drop", 0),
    feature("list", "best_order", 0),
    feature("list", "shown_1st", 0),
    feature("list", "shown_3rd", 0),
    feature("list", "shown_10th", 0),
    feature("list", "shown_20th", 0),
    feature("list", "shown_40th", 0),
    feature("list", "mutual_3", 0),
    feature("list", "mutual_10", 0),
    feature("list", "mutual_20", 0),
    feature("list", "nearest_above_shown", 0),
    feature("list", "drop_3_10", 0),
    feature("list", "drop_10_20", 0),
    feature("list", "all_mutual_3", 0),
    feature("list", "all_mutual_10", 0),
    feature("list", "all_mutual_20", 0),
];
