//! A picture's block holds what is derived from its layers too: norms, channel statistics,
//! the embedding. Blocks are written anew, and each old segment is deleted when all of its
//! are.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use super::Migrating;
use super::old_records::{Extent, SegmentGrowth, SegmentRecord};
use super::old_segments::OldSegments;
use crate::activation::{Layout, summarise};
use crate::network::Embedding;
use crate::picture::PictureId;
use crate::store::embedded::trees::{TreeBatches, decode, encode, numbered};
use crate::store::{PictureRecord, Sequence, StoreError};

/// Blocks rewritten between two flushes.
const BATCH: usize = 64;
const NOTE_EVERY: Duration = Duration::from_secs(5);

/// A block that is of the new length already is left alone, so the change can be run again.
pub(super) fn up(store: &Migrating<'_>) -> Result<(), StoreError> {
    let db = store.db;
    let layout = store.network.layout(store.activations);
    let extents = db.open_tree("extents")?;
    let segments = db.open_tree("segments")?;
    let summaries = Summaries {
        layout: &layout,
        dimensions: store.network.manifest().embedding.dimensions,
        pictures: db.open_tree("pictures")?,
        embeddings: db.open_tree("embeddings")?,
    };
    let committed: BTreeMap<u32, SegmentRecord> =
        numbered(&segments, "segments")?.into_iter().collect();
    let committed: Vec<_> = committed.into_iter().collect();
    let dir = store.dir.join("activations");
    let mut files = OldSegments::open(dir)?;
    let new_len = layout.block_len() as u64;
    let mut blocks = Vec::new();
    for entry in &extents {
        let (key, value) = entry?;
        let id = PictureId::from_slice(&key).ok_or(StoreError::Unreadable { tree: "extents" })?;
        let extent: Extent = decode("extents", &value)?;
        if files
            .find(id, extent)
            .is_ok_and(|block| block.length != new_len)
        {
            blocks.push((extent.segment, extent.offset, id));
        }
    }
    blocks.sort_unstable();
    let delete = |files: &OldSegments, number: u32| -> Result<(), StoreError> {
        segments.remove(number.to_be_bytes())?;
        db.flush()?;
        files.delete(number)
    };
    let (mut done, mut noted) = (0, Instant::now());
    for of_segment in blocks.chunk_by(|a, b| a.0 == b.0) {
        let mut in_use = false;
        for chunk in of_segment.chunks(BATCH) {
            store.reserve.check()?;
            let mut changes = TreeBatches::default();
            let mut grown = SegmentGrowth::default();
            for &(segment, offset, id) in chunk {
                // What is damaged stays, for `verify` to name.
                let block = files
                    .read(id, Extent { segment, offset })
                    .and_then(|block| summaries.added(id, &block));
                let block = match block {
                    Ok(block) => block,
                    Err(error) => {
                        tracing::warn!(%error, "left as it is");
                        in_use = true;
                        continue;
                    }
                };
                let extent = files.append(id, &block)?;
                changes.of(&extents).insert(id.as_bytes(), encode(&extent));
                grown.add(&segments, extent, new_len)?;
            }
            files.sync()?;
            grown.write(&segments, &mut changes);
            changes.apply()?;
            db.flush()?;
            done += chunk.len();
            if noted.elapsed() > NOTE_EVERY {
                noted = Instant::now();
                tracing::info!(done, of = blocks.len(), "pictures rewritten");
            }
        }
        if !in_use {
            delete(&files, of_segment[0].0)?;
        }
    }
    // What an interrupted run had emptied.
    let in_use = extents
        .iter()
        .map(|entry| Ok(decode::<Extent>("extents", &entry?.1)?.segment))
        .collect::<Result<HashSet<_>, StoreError>>()?;
    for (number, _) in committed {
        if !in_use.contains(&number) {
            delete(&files, number)?;
        }
    }
    db.drop_tree("embeddings")?;
    Ok(())
}

struct Summaries<'a> {
    layout: &'a Layout,
    /// Of the embedding.
    dimensions: usize,
    pictures: sled::Tree,
    embeddings: sled::Tree,
}

impl Summaries<'_> {
    /// A picture's block with what is derived from it.
    fn added(&self, id: PictureId, block: &[u8]) -> Result<Vec<u8>, StoreError> {
        let embedding = match self.pictures.get(id.as_bytes())? {
            Some(value) => {
                let record: PictureRecord = decode("pictures", &value)?;
                self.embeddings.get(Sequence(record.sequence).key())?
            }
            None => None,
        };
        let embedding = embedding
            .and_then(|value| Embedding::from_bytes(&value, self.dimensions))
            .ok_or(StoreError::Unreadable { tree: "embeddings" })?;
        let mut longer = vec![0; self.layout.block_len()];
        longer[..block.len()].copy_from_slice(block);
        summarise(self.layout, embedding.values(), &mut longer);
        Ok(longer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::downgrade_to_3;
    use super::*;
    use crate::activation::{Activations, Encoding};
    use crate::network::Network;
    use crate::picture::PerceptualHash;
    use crate::store::{NewPicture, PictureOutcome, Source, Store, StoreOptions};

    const PICTURES: u8 = 200;
    /// Those that the interrupted change had come to.
    const REWRITTEN: usize = 40;

    fn open(dir: &std::path::Path, network: &Network) -> Result<Store, StoreError> {
        let options = StoreOptions {
            network,
            activations: Encoding::Int8,
            recent_bytes: None,
            reserve_bytes: 0,
        };
        Store::open(dir, &options)
    }

    /// Some picture's block; any four of its bytes are a scale below 1.
    fn block(layout: &Layout, embedding: &Embedding, n: u8) -> Vec<u8> {
        let mut block: Vec<u8> = (0..layout.layers_len())
            .map(|i| 0x3c + (i * i + usize::from(n) * (i / 5)).rem_euclid(4) as u8)
            .collect();
        block.resize(layout.block_len(), 0);
        summarise(layout, embedding.values(), &mut block);
        block
    }

    fn picture(network: &Network, layout: &Layout, n: u8) -> NewPicture {
        let mut values = vec![1.0; network.manifest().embedding.dimensions];
        values[usize::from(n)] = 9.0;
        let embedding = Embedding::normalized(&values);
        let block = block(layout, &embedding, n);
        NewPicture {
            id: PictureId::of(&[n]),
            width: 8,
            height: 8,
            media_type: "image/png",
            bytes: 1,
            perceptual_hash: PerceptualHash(u64::from(n)),
            descriptor: network.describe(Activations::new(layout, &block)),
            look: None,
            embedding,
            thumbnail: vec![n],
            block,
        }
    }

    /// Leaves the store as an interrupted change of format 2 would: most blocks are of layers
    /// alone, embeddings are in a tree. Returns the file that the old blocks are in.
    fn downgrade(dir: &std::path::Path, network: &Network) -> std::path::PathBuf {
        downgrade_to_3(dir);
        let db = sled::open(dir.join("records")).unwrap();
        let layout = network.layout(Encoding::Int8);
        let [extents, segments, pictures, embeddings] =
            ["extents", "segments", "pictures", "embeddings"]
                .map(|name| db.open_tree(name).unwrap());
        let mut files = OldSegments::open(dir.join("activations")).unwrap();
        let mut changes = TreeBatches::default();
        let mut grown = SegmentGrowth::default();
        let mut last = 0;
        for (i, entry) in extents.iter().enumerate() {
            let (key, value) = entry.unwrap();
            let id = PictureId::from_slice(&key).unwrap();
            let block = files.read(id, decode("extents", &value).unwrap()).unwrap();
            let value = pictures.get(id.as_bytes()).unwrap().unwrap();
            let record: PictureRecord = decode("pictures", &value).unwrap();
            let embedding = Activations::new(&layout, &block).embedding();
            let embedding: Vec<u8> = embedding.iter().flat_map(|v| v.to_le_bytes()).collect();
            embeddings
                .insert(Sequence(record.sequence).key(), embedding)
                .unwrap();
            if i >= REWRITTEN {
                let bare = &block[..layout.layers_len()];
                let extent = files.append(id, bare).unwrap();
                last = extent.segment;
                changes.of(&extents).insert(key, encode(&extent));
                grown.add(&segments, extent, bare.len() as u64).unwrap();
            }
        }
        files.sync().unwrap();
        grown.write(&segments, &mut changes);
        changes.apply().unwrap();
        db.drop_tree("descriptors").unwrap();
        let header = dir.join("store.toml");
        let text = std::fs::read_to_string(&header).unwrap();
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with("descriptor"))
            .map(|line| format!("{}\n", line.replace("format = 3", "format = 2")))
            .collect();
        std::fs::write(header, text).unwrap();
        files.path(last)
    }

    #[test]
    fn blocks_of_format_2_get_their_summaries_even_if_cut_short() {
        let dir = tempfile::tempdir().unwrap();
        let network = Network::builtin().unwrap();
        let layout = network.layout(Encoding::Int8);
        {
            let store = open(dir.path(), &network).unwrap();
            let settled = (0..PICTURES).map(|n| {
                let origin = Source::File {
                    path: format!("/{n}.png").into(),
                    bytes: 1,
                    modified_ns: 1,
                };
                PictureOutcome::Picture(origin, Box::new(picture(&network, &layout, n)))
            });
            store.commit(settled.collect()).unwrap();
        }
        let old = downgrade(dir.path(), &network);
        assert!(old.is_file());
        // A bit of the last picture's block has flipped since.
        let mut bytes = std::fs::read(&old).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&old, bytes).unwrap();
        let store = open(dir.path(), &network).unwrap();
        let mut damaged = 0;
        for n in 0..PICTURES {
            let expected = picture(&network, &layout, n);
            let Ok(found) = store.verified_block(expected.id) else {
                damaged += 1;
                continue;
            };
            assert!(*found == expected.block[..], "picture {n}");
            let sequence = store.picture(expected.id).unwrap().unwrap().sequence;
            let descriptor = store.descriptor(Sequence(sequence)).unwrap();
            assert!(descriptor.cosine(&expected.descriptor) > 0.999_99);
        }
        assert_eq!(damaged, 1, "what was damaged is not made to look sound");
        assert_eq!(store.next_sequence(), u64::from(PICTURES));
    }
}
