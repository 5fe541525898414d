//! What several trees know of one URL, as one record.

use std::iter::Peekable;

use sled::IVec;

use crate::canonical_url::UrlId;
use crate::store::embedded::EmbeddedMetadata;
use crate::store::embedded::trees::{Changes, FrontierKey, TreeBatches, decode, encode};
use crate::store::hint::StoredHint;
use crate::store::transfer::{KnownUrl, Record};
use crate::store::{Listing, PictureHint, StoreError};

const URLS: StoreError = StoreError::Unreadable { tree: "urls" };

/// A tree's entries, in the order of their keys.
pub(super) type Entries<'a> = Box<dyn Iterator<Item = sled::Result<(IVec, IVec)>> + Send + 'a>;

/// The keys of several trees in their order, with what each tree has under it.
pub(super) fn joined<'a, const N: usize>(
    trees: [Entries<'a>; N],
) -> impl Iterator<Item = Result<(IVec, [Option<IVec>; N]), StoreError>> + Send + 'a {
    let mut trees = trees.map(Iterator::peekable);
    std::iter::from_fn(move || {
        let mut least: Option<IVec> = None;
        for tree in &mut trees {
            match tree.peek() {
                Some(Err(error)) => return Some(Err(error.clone().into())),
                Some(Ok((key, _))) if least.as_ref().is_none_or(|least| key < least) => {
                    least = Some(key.clone());
                }
                _ => {}
            }
        }
        let key = least?;
        let values = trees.each_mut().map(|tree| take_at(tree, &key));
        Some(Ok((key, values)))
    })
}

/// What a tree has under a key, if that is its next.
fn take_at(tree: &mut Peekable<Entries<'_>>, key: &IVec) -> Option<IVec> {
    let next = tree.next_if(|entry| matches!(entry, Ok((at, _)) if at == key));
    next.and_then(Result::ok).map(|(_, value)| value)
}

impl EmbeddedMetadata {
    pub(super) fn list_urls(&self) -> Listing<'_, Record> {
        let t = &self.trees;
        let records = t.frontier.scan_prefix([FrontierKey::URL]);
        // Their keys begin with what tells them from the frontier's others.
        let records = records.map(|entry| entry.map(|(key, value)| (IVec::from(&key[1..]), value)));
        let trees: [Entries<'_>; 7] = [
            Box::new(records),
            Box::new(t.hints.iter()),
            Box::new(t.visits.iter()),
            Box::new(t.absences.iter()),
            Box::new(t.declined.iter()),
            Box::new(t.pages.iter()),
            Box::new(t.terms.iter()),
        ];
        let urls = joined(trees).map(|entry| {
            let (key, values) = entry?;
            let id = UrlId(key.as_ref().try_into().map_err(|_| URLS)?);
            Ok((id, known(values)?))
        });
        let urls = urls.filter(|url| url.as_ref().map_or(true, |(_, url)| url.host().is_some()));
        Box::new(urls.map(|url| url.map(|(id, url)| Record::Url(id, Box::new(url)))))
    }

    /// Writes what is known of a URL over what was.
    pub(super) fn put_url(
        &self,
        id: UrlId,
        url: &KnownUrl,
        batches: &mut TreeBatches,
    ) -> Result<(), StoreError> {
        let (t, key) = (&self.trees, &id.0[..]);
        let at = FrontierKey::Url(id).encode();
        let record = url.record.as_ref().map(encode);
        set(
            batches.of(&t.frontier),
            t.frontier.contains_key(&at)?,
            &at,
            record,
        );
        let page = url.page.as_ref().map(encode);
        set(batches.of(&t.pages), t.pages.contains_key(key)?, key, page);
        let hint = url.hint.as_ref().map(|hint| encode(&hint.stored()));
        let absent = url.absent_s.map(|absent_s| absent_s.to_be_bytes().to_vec());
        let declined = (!url.declined.is_empty()).then(|| encode(&url.declined));
        let terms = (!url.terms.is_empty()).then(|| encode(&url.terms));
        let others = [
            (&t.hints, hint),
            (&t.visits, url.visit.as_ref().map(encode)),
            (&t.absences, absent),
            (&t.declined, declined),
            (&t.terms, terms),
        ];
        for (tree, value) in others {
            set(batches.of(tree), tree.contains_key(key)?, key, value);
        }
        Ok(())
    }
}

/// Sets a key, or removes it if it is there.
pub(super) fn set(changes: &mut Changes, is_there: bool, key: &[u8], value: Option<Vec<u8>>) {
    match value {
        Some(value) => changes.insert(key, value),
        None if is_there => changes.remove(key),
        None => {}
    }
}

/// What the trees have of a URL, in the order in which they are listed.
fn known(values: [Option<IVec>; 7]) -> Result<KnownUrl, StoreError> {
    let [record, hint, visit, absent, declined, page, terms] = values;
    let hint = hint.map(|value| decode::<StoredHint>("hints", &value));
    let absent = absent.map(|value| value.as_ref().try_into().map(u64::from_be_bytes));
    let record = record.map(|value| decode("frontier", &value));
    let visit = visit.map(|value| decode("visits", &value));
    let declined = declined.map(|value| decode("declined", &value));
    let page = page.map(|value| decode("pages", &value));
    let terms = terms.map(|value| decode("terms", &value));
    Ok(KnownUrl {
        record: record.transpose()?,
        hint: hint.transpose()?.map(PictureHint::from),
        visit: visit.transpose()?,
        absent_s: absent.transpose().map_err(|_| URLS)?,
        declined: declined.transpose()?.unwrap_or_default(),
        page: page.transpose()?,
        terms: terms.transpose()?.unwrap_or_default(),
    })
}
