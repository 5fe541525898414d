//! A picture's block holds what is derived from its layers too: norms, channel statistics,
//! the embedding. Blocks are written anew, behind the old segments, which are deleted then;
//! the disk must hold both for a while.

use std::collections::{BTreeMap, HashSet};

use sled::transaction::{ConflictableTransactionResult, Transactional};

use super::Migrating;
use crate::activation::summarise;
use crate::network::Embedding;
use crate::picture::PictureId;
use crate::store::StoreError;
use crate::store::frontier::transaction_error;
use crate::store::key::Sequence;
use crate::store::record::{Extent, PictureRecord, SegmentRecord, decode, encode};
use crate::store::segment::Segments;

/// Blocks rewritten between two flushes.
const BATCH: usize = 64;

/// A block that is of the new length already is left alone, so the change can be run again.
pub(super) fn up(store: &Migrating<'_>) -> Result<(), StoreError> {
    let db = store.db;
    let layout = store.network.layout(store.activations);
    let extents = db.open_tree("extents")?;
    let segments = db.open_tree("segments")?;
    let pictures = db.open_tree("pictures")?;
    let embeddings = db.open_tree("embeddings")?;
    let dimensions = store.network.manifest().embedding.dimensions;
    let committed: BTreeMap<u32, SegmentRecord> = super::super::numbered(&segments, "segments")?
        .into_iter()
        .collect();
    let committed: Vec<_> = committed.into_iter().collect();
    let dir = store.dir.join("activations");
    let old = Segments::open(dir.clone(), layout.layers_len(), &committed)?;
    let new = Segments::open(dir, layout.block_len(), &committed)?;
    new.start_segment();
    let mut blocks = Vec::new();
    for entry in &extents {
        let (key, value) = entry?;
        let id = PictureId::from_slice(&key).ok_or(StoreError::Unreadable { tree: "extents" })?;
        let extent: Extent = decode("extents", &value)?;
        if new.read(id, extent).is_err() {
            blocks.push((extent.segment, extent.offset, id));
        }
    }
    blocks.sort_unstable();
    for chunk in blocks.chunks(BATCH) {
        let (mut moved, mut grown) = (sled::Batch::default(), sled::Batch::default());
        for &(segment, offset, id) in chunk {
            let block = match old.read(id, Extent { segment, offset }) {
                Ok(block) => block,
                Err(error) => {
                    tracing::warn!(%error, "left as it is");
                    continue;
                }
            };
            let embedding = match pictures.get(id.as_bytes())? {
                Some(value) => {
                    let record: PictureRecord = decode("pictures", &value)?;
                    embeddings.get(Sequence(record.sequence).key())?
                }
                None => None,
            };
            let embedding = embedding.and_then(|value| Embedding::from_bytes(&value, dimensions));
            let embedding = embedding.ok_or(StoreError::Unreadable { tree: "embeddings" })?;
            let mut longer = vec![0; layout.block_len()];
            longer[..block.len()].copy_from_slice(&block);
            summarise(&layout, embedding.values(), &mut longer);
            let (extent, number, record) = new.append(id, &longer)?;
            moved.insert(id.as_bytes(), encode(&extent));
            grown.insert(&number.to_be_bytes(), encode(&record));
        }
        new.sync()?;
        (&extents, &segments)
            .transaction(|trees| -> ConflictableTransactionResult<(), ()> {
                trees.0.apply_batch(&moved)?;
                trees.1.apply_batch(&grown)?;
                Ok(())
            })
            .map_err(transaction_error)?;
        db.flush()?;
    }
    let in_use = extents
        .iter()
        .map(|entry| Ok(decode::<Extent>("extents", &entry?.1)?.segment))
        .collect::<Result<HashSet<_>, StoreError>>()?;
    for (number, _) in committed {
        if !in_use.contains(&number) {
            segments.remove(number.to_be_bytes())?;
            db.flush()?;
            old.delete(number)?;
        }
    }
    db.drop_tree("embeddings")?;
    Ok(())
}
