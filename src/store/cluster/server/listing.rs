//! Long lists, read a thousand rows at a time: no transaction stays open behind a list.

use std::collections::VecDeque;

use crate::store::{Listing, StoreError};

/// Rows that are read at once.
pub(in crate::store::cluster) const PAGE: i64 = 1000;

/// A list whose rows come in the order of their keys. `read` gives at most [`PAGE`] rows behind a
/// key, or the first; fewer are the last.
pub(in crate::store::cluster) fn listing<'a, K, T>(
    read: impl Fn(Option<&K>) -> Result<Vec<(K, T)>, StoreError> + Send + 'a,
) -> Listing<'a, T>
where
    K: Send + 'a,
    T: Send + 'a,
{
    listing_by(PAGE, read)
}

/// The same with at most so many rows at once.
pub(in crate::store::cluster) fn listing_by<'a, K, T>(
    most: i64,
    read: impl Fn(Option<&K>) -> Result<Vec<(K, T)>, StoreError> + Send + 'a,
) -> Listing<'a, T>
where
    K: Send + 'a,
    T: Send + 'a,
{
    let mut rows: VecDeque<(K, T)> = VecDeque::new();
    let mut last: Option<K> = None;
    let mut is_over = false;
    Box::new(std::iter::from_fn(move || {
        if rows.is_empty() && !is_over {
            match read(last.as_ref()) {
                Ok(page) => {
                    is_over = (page.len() as i64) < most;
                    rows = page.into();
                }
                Err(error) => {
                    is_over = true;
                    return Some(Err(error));
                }
            }
        }
        let (key, item) = rows.pop_front()?;
        last = Some(key);
        Some(Ok(item))
    }))
}

/// A list of what is left of each row, if anything is.
pub(in crate::store::cluster) fn some<'a, T: Send + 'a>(
    list: Listing<'a, Option<T>>,
) -> Listing<'a, T> {
    Box::new(list.filter_map(Result::transpose))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_and_an_error_ends_the_list() {
        let count = 2 * PAGE + 7;
        let read = |last: Option<&i64>| {
            let from = last.map_or(0, |last| last + 1);
            Ok((from..count.min(from + PAGE)).map(|n| (n, n)).collect())
        };
        let all: Result<Vec<i64>, StoreError> = listing(read).collect();
        assert_eq!(all.unwrap(), (0..count).collect::<Vec<_>>());
        let fails = |last: Option<&i64>| match last {
            None => Ok((0..PAGE).map(|n| (n, n)).collect()),
            Some(_) => Err(StoreError::NoFolder),
        };
        let all: Vec<_> = listing(fails).collect();
        assert_eq!(all.len(), PAGE as usize + 1);
        assert!(all.last().is_some_and(Result::is_err));
    }
}
