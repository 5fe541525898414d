//! The records of two stores, held against each other.

use std::cmp::Ordering;

use super::record::Record;
use crate::store::{Listing, StoreError};

/// What two stores have under one key.
#[derive(Debug, Clone, PartialEq)]
pub enum Pair {
    /// The same.
    Same(Record),
    /// Only the first has it.
    Missing(Record),
    /// Only the second has it.
    Extra(Record),
    /// What the first has, and what the second has.
    Different(Record, Record),
}

/// Goes through two lists that are in the order of their keys.
pub fn pairs<'a>(
    first: Listing<'a, Record>,
    second: Listing<'a, Record>,
) -> impl Iterator<Item = Result<Pair, StoreError>> + 'a {
    let keyed = |record: Result<Record, StoreError>| record.map(|record| (record.key(), record));
    let (mut first, mut second) = (first.map(keyed).peekable(), second.map(keyed).peekable());
    std::iter::from_fn(move || {
        let order = match (first.peek(), second.peek()) {
            (None, None) => return None,
            (Some(Err(_)), _) | (Some(_), None) => Ordering::Less,
            (_, Some(Err(_))) | (None, Some(_)) => Ordering::Greater,
            (Some(Ok((one, _))), Some(Ok((other, _)))) => one.cmp(other),
        };
        Some(match order {
            Ordering::Less => first.next()?.map(|(_, record)| Pair::Missing(record)),
            Ordering::Greater => second.next()?.map(|(_, record)| Pair::Extra(record)),
            Ordering::Equal => match (first.next()?, second.next()?) {
                (Ok((_, one)), Ok((_, other))) => Ok(match one.says_the_same_as(&other) {
                    true => Pair::Same(one),
                    false => Pair::Different(one, other),
                }),
                (Err(error), _) | (_, Err(error)) => Err(error),
            },
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::PictureId;

    fn list<'a>(numbers: &[u8]) -> Listing<'a, Record> {
        let records = numbers.iter().map(|n| {
            let mut bytes = [0; PictureId::LEN];
            bytes[0] = *n;
            Ok(Record::Waiting(PictureId::from_bytes(bytes)))
        });
        Box::new(records.collect::<Vec<_>>().into_iter())
    }

    #[test]
    fn what_one_has_and_the_other_has_not_is_told() {
        let told: Vec<char> = pairs(list(&[1, 2, 5]), list(&[2, 3, 4]))
            .map(|pair| match pair.unwrap() {
                Pair::Same(_) => '=',
                Pair::Missing(_) => '-',
                Pair::Extra(_) => '+',
                Pair::Different(..) => '!',
            })
            .collect();
        assert_eq!(told, ['-', '=', '+', '+', '-']);
        assert_eq!(pairs(list(&[]), list(&[])).count(), 0);
        let failing: Listing<'_, Record> = Box::new(std::iter::once(Err(StoreError::NoFolder)));
        assert!(pairs(list(&[1]), failing).any(|pair| pair.is_err()));
    }
}
