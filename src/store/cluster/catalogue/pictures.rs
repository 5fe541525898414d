//! Pictures on PostgreSQL.

use crate::canonical_url::UrlId;
use crate::network::{Descriptor, LookDescriptor};
use crate::picture::{PerceptualHash, PictureId};
use crate::store::cluster::frontier::words::Leave;
use crate::store::cluster::server::listing::{PAGE, listing};
use crate::store::cluster::server::session::Session;
use crate::store::cluster::{ClusterMetadata, decode, encode, number, signed, unsigned};
use crate::store::{
    AppendEntries, Body, Catalogue, EntryLocation, Flaw, Lease, Listing, Location, PageTerms,
    PictureOutcome, PictureRecord, PictureRow, Provenance, Sequence, SourcePage, StoreError,
    VisitRecord,
};

const DESCRIPTORS: StoreError = StoreError::Unreadable {
    tree: "descriptors",
};

impl Catalogue for ClusterMetadata {
    fn commit(
        &self,
        outcomes: Vec<PictureOutcome>,
        log: &dyn AppendEntries,
    ) -> Result<Vec<bool>, StoreError> {
        self.commit_outcomes(outcomes, log)
    }

    fn may_replace(&self, lease: &Lease, by: PictureId) -> Result<bool, StoreError> {
        let leave = Leave::of(&self.losses);
        self.write(|transaction| transaction.may_replace(&leave, lease, by))
    }

    fn next_sequence(&self) -> u64 {
        // Numbers are given out in the order in which transactions end: what is below is there.
        let read = number(self.database(), "next_sequence").inspect(|next| {
            self.last().next_sequence = *next;
        });
        self.or_last("pictures", read, || self.last().next_sequence)
    }

    fn block_location(&self, id: PictureId) -> Result<Option<EntryLocation>, StoreError> {
        let select =
            || sqlx::query_as("SELECT entry FROM pictures WHERE picture = $1").bind(*id.as_bytes());
        let row: Option<(Vec<u8>,)> = self.database().row(select)?;
        row.map(|(entry,)| decode("pictures", &entry)).transpose()
    }

    fn block_locations(&self) -> Listing<'_, (PictureId, EntryLocation)> {
        listing(move |last: Option<&PictureId>| {
            let after = last.map_or(Vec::new(), |last| last.as_bytes().to_vec());
            let select = || {
                sqlx::query_as(
                    "SELECT picture, entry FROM pictures WHERE picture > $1 \
                     ORDER BY picture LIMIT $2",
                )
                .bind(after.clone())
                .bind(PAGE)
            };
            let rows: Vec<([u8; 32], Vec<u8>)> = self.database().rows(select)?;
            let rows = rows.into_iter().map(|(id, entry)| {
                let id = PictureId::from_bytes(id);
                Ok((id, (id, decode("pictures", &entry)?)))
            });
            rows.collect()
        })
    }

    fn move_entries(
        &self,
        moves: &[(PictureId, EntryLocation, EntryLocation)],
    ) -> Result<(), StoreError> {
        let ids: Vec<[u8; 32]> = moves.iter().map(|(id, ..)| *id.as_bytes()).collect();
        let from: Vec<Vec<u8>> = moves.iter().map(|(_, from, _)| encode(from)).collect();
        let to: Vec<Vec<u8>> = moves.iter().map(|(.., to)| encode(to)).collect();
        let update = || {
            sqlx::query(
                "UPDATE pictures p SET entry = m.after \
                 FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS m (picture, before, after) \
                 WHERE p.picture = m.picture AND p.entry = m.before",
            )
            .bind(ids.clone())
            .bind(from.clone())
            .bind(to.clone())
        };
        self.database().execute(update).map(drop)
    }

    fn contains(&self, id: PictureId) -> Result<bool, StoreError> {
        self.is_in("SELECT 1 FROM pictures WHERE picture = $1", id)
    }

    fn picture(&self, id: PictureId) -> Result<Option<PictureRecord>, StoreError> {
        let select = || {
            sqlx::query_as(
                "SELECT sequence, width, height, media_type, bytes, perceptual_hash, first_seen \
                 FROM pictures WHERE picture = $1",
            )
            .bind(*id.as_bytes())
        };
        let row: Option<(i64, i64, i64, String, i64, i64, i64)> = self.database().row(select)?;
        let Some((sequence, width, height, media_type, bytes, hash, first_seen)) = row else {
            return Ok(None);
        };
        let pixels = |number: i64| {
            u32::try_from(number).map_err(|_| StoreError::Unreadable { tree: "pictures" })
        };
        Ok(Some(PictureRecord {
            sequence: unsigned(sequence),
            width: pixels(width)?,
            height: pixels(height)?,
            media_type,
            bytes: unsigned(bytes),
            perceptual_hash: PerceptualHash(unsigned(hash)),
            first_seen: unsigned(first_seen),
        }))
    }

    fn picture_at(&self, sequence: Sequence) -> Result<Option<PictureId>, StoreError> {
        let select = || {
            sqlx::query_as("SELECT picture FROM pictures WHERE sequence = $1")
                .bind(signed(sequence.0))
        };
        let row: Option<([u8; 32],)> = self.database().row(select)?;
        Ok(row.map(|(id,)| PictureId::from_bytes(id)))
    }

    fn row(&self, sequence: Sequence) -> Result<Option<PictureRow>, StoreError> {
        let select = || {
            let select = "SELECT picture, entry, descriptor FROM pictures WHERE sequence = $1";
            sqlx::query_as(select).bind(signed(sequence.0))
        };
        let row: Option<([u8; 32], Vec<u8>, Vec<u8>)> = self.database().row(select)?;
        let Some((id, entry, descriptor)) = row else {
            return Ok(None);
        };
        let descriptor = Descriptor::from_bytes(&descriptor, self.dimensions);
        Ok(Some(PictureRow {
            id: PictureId::from_bytes(id),
            location: Some(decode("pictures", &entry)?),
            descriptor: descriptor.ok_or(DESCRIPTORS)?,
        }))
    }

    fn pictures(&self) -> Listing<'_, (Sequence, PictureId)> {
        self.pictures_from(Sequence(0))
    }

    fn pictures_from(&self, first: Sequence) -> Listing<'_, (Sequence, PictureId)> {
        let read = |id: Vec<u8>| {
            PictureId::from_slice(&id).ok_or(StoreError::Unreadable { tree: "pictures" })
        };
        self.by_sequence("picture", "true", first, read)
    }

    fn picture_count(&self) -> usize {
        usize::try_from(self.sums().get("pictures")).unwrap_or(usize::MAX)
    }

    fn descriptors(&self, first: Sequence) -> Listing<'_, (Sequence, Descriptor)> {
        let dimensions = self.dimensions;
        self.by_sequence("descriptor", "true", first, move |bytes| {
            Descriptor::from_bytes(&bytes, dimensions).ok_or(DESCRIPTORS)
        })
    }

    fn descriptor(&self, sequence: Sequence) -> Result<Descriptor, StoreError> {
        let bytes = self.of_sequence(
            "SELECT descriptor FROM pictures WHERE sequence = $1",
            sequence,
        )?;
        let descriptor = bytes.and_then(|bytes| Descriptor::from_bytes(&bytes, self.dimensions));
        descriptor.ok_or(DESCRIPTORS)
    }

    fn looks(&self, first: Sequence) -> Listing<'_, (Sequence, LookDescriptor)> {
        let dimensions = self.look_bytes;
        self.by_sequence("look", "look IS NOT NULL", first, move |bytes| {
            LookDescriptor::from_bytes(&bytes, dimensions)
                .ok_or(StoreError::Unreadable { tree: "looks" })
        })
    }

    fn look(&self, sequence: Sequence) -> Result<Option<LookDescriptor>, StoreError> {
        let select = "SELECT look FROM pictures WHERE sequence = $1 AND look IS NOT NULL";
        let bytes = self.of_sequence(select, sequence)?;
        Ok(bytes.and_then(|bytes| LookDescriptor::from_bytes(&bytes, self.look_bytes)))
    }

    fn thumbnail(&self, id: PictureId) -> Result<Option<Vec<u8>>, StoreError> {
        let select = || {
            sqlx::query_as("SELECT jpeg FROM thumbnails WHERE picture = $1").bind(*id.as_bytes())
        };
        let row: Option<(Vec<u8>,)> = self.database().row(select)?;
        Ok(row.map(|(jpeg,)| jpeg))
    }

    fn provenance(&self, id: PictureId) -> Result<Provenance, StoreError> {
        self.find_provenance(id)
    }

    fn page_showing(&self, picture: UrlId) -> Result<Option<String>, StoreError> {
        let select = || {
            sqlx::query_as(
                "SELECT u.page_url FROM embeds e JOIN urls u ON u.id = e.page \
                 WHERE e.picture = $1 AND u.page_url IS NOT NULL ORDER BY e.page LIMIT 1",
            )
            .bind(picture.0)
        };
        let row: Option<(String,)> = self.database().row(select)?;
        Ok(row.map(|(url,)| url))
    }

    fn pages_showing(&self, picture: UrlId) -> Result<Vec<SourcePage>, StoreError> {
        self.source_pages(vec![picture])
    }

    fn terms(&self, page: UrlId) -> Result<PageTerms, StoreError> {
        let row = self.url_row(page)?;
        Ok(row.map(|row| row.terms).unwrap_or_default())
    }

    fn page_count(&self) -> u64 {
        self.sums().get("pages")
    }

    fn keep_bodies(&self, bodies: Vec<Body>) -> Result<Vec<bool>, StoreError> {
        self.keep_all_bodies(bodies)
    }

    fn waits(&self, id: PictureId) -> Result<bool, StoreError> {
        self.is_in("SELECT 1 FROM waiting WHERE picture = $1", id)
    }

    fn waiting(&self) -> Listing<'_, PictureId> {
        listing(move |last: Option<&PictureId>| {
            let after = last.map_or(Vec::new(), |last| last.as_bytes().to_vec());
            let select = || {
                let select = "SELECT picture FROM waiting WHERE picture > $1 \
                              ORDER BY picture LIMIT $2";
                sqlx::query_as(select).bind(after.clone()).bind(PAGE)
            };
            let rows: Vec<([u8; 32],)> = self.database().rows(select)?;
            let ids = rows.into_iter().map(|(id,)| PictureId::from_bytes(id));
            Ok(ids.map(|id| (id, id)).collect())
        })
    }

    fn waiting_here(&self) -> Listing<'_, PictureId> {
        self.claim_waiting()
    }

    fn waiting_count(&self) -> u64 {
        self.sums().get("waiting")
    }

    fn waiting_body(&self, id: PictureId) -> Result<Vec<u8>, StoreError> {
        let select =
            || sqlx::query_as("SELECT body FROM waiting WHERE picture = $1").bind(*id.as_bytes());
        let row: Option<(Vec<u8>,)> = self.database().row(select)?;
        let body = row.map(|(body,)| body);
        body.ok_or(StoreError::DamagedBody { picture: id })
    }

    fn visit(&self, url: UrlId) -> Result<Option<VisitRecord>, StoreError> {
        Ok(self.url_row(url)?.and_then(|row| row.visit))
    }

    fn remove_picture(&self, id: PictureId) -> Result<bool, StoreError> {
        self.write(|transaction| transaction.take_out(id, true))
    }

    fn check_log(&self, report: &mut dyn FnMut(Flaw)) -> Result<(), StoreError> {
        self.check(report)
    }

    fn ask_again_for(&self, id: PictureId) -> Result<u64, StoreError> {
        let crawl = self.crawl();
        self.write(|transaction| {
            let locations = transaction.locations_of(id)?;
            transaction.take_out(id, false)?;
            let mut queued = 0;
            for (at, location) in locations {
                if let Location::Url(_) = location {
                    queued += u64::from(transaction.reopen(UrlId(at.0), true, crawl)?);
                }
            }
            Ok(queued)
        })
    }

    fn removed_since(&self, seen: usize) -> Vec<Sequence> {
        let from = signed(self.removals + seen as u64);
        let select = || {
            let select = "SELECT sequence FROM removals WHERE number >= $1 ORDER BY number";
            sqlx::query_as(select).bind(from)
        };
        let read: Result<Vec<(i64,)>, StoreError> = self.database().rows(select);
        let read = self.or_last("removals", read, Vec::new);
        let sequences = read
            .into_iter()
            .map(|(sequence,)| Sequence(unsigned(sequence)));
        sequences.collect()
    }
}

impl ClusterMetadata {
    fn is_in(&self, select: &'static str, id: PictureId) -> Result<bool, StoreError> {
        let row: Option<(i32,)> = self
            .database()
            .row(|| sqlx::query_as(select).bind(*id.as_bytes()))?;
        Ok(row.is_some())
    }

    fn of_sequence(
        &self,
        select: &'static str,
        sequence: Sequence,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let make = || sqlx::query_as(select).bind(signed(sequence.0));
        let row: Option<(Vec<u8>,)> = self.database().row(make)?;
        Ok(row.map(|(bytes,)| bytes))
    }

    /// A column of pictures in the order of storing.
    fn by_sequence<'a, T: Send + 'a>(
        &'a self,
        column: &str,
        which: &str,
        first: Sequence,
        read: impl Fn(Vec<u8>) -> Result<T, StoreError> + Send + 'a,
    ) -> Listing<'a, (Sequence, T)> {
        use sqlx::Row;
        let select = format!(
            "SELECT sequence, {column} FROM pictures WHERE {which} AND sequence >= $1 \
             ORDER BY sequence LIMIT $2"
        );
        listing(move |last: Option<&i64>| {
            let from = last.map_or(signed(first.0), |last| last + 1);
            let make = || sqlx::query(&select).bind(from).bind(PAGE);
            let rows = self.database().raw_rows(make)?;
            let rows = rows.iter().map(|row| {
                let sequence: i64 = row.try_get(0)?;
                let item = read(row.try_get(1)?)?;
                Ok((sequence, (Sequence(unsigned(sequence)), item)))
            });
            rows.collect()
        })
    }

    /// Compares tables that say the same, and bodies with their names.
    fn check(&self, report: &mut dyn FnMut(Flaw)) -> Result<(), StoreError> {
        let bare: Vec<([u8; 32],)> = self.database().persist(|| {
            Session::snapshot(self.database())?.rows(sqlx::query_as(
                "SELECT p.picture FROM pictures p LEFT JOIN thumbnails t USING (picture) \
                 WHERE t.picture IS NULL ORDER BY p.picture",
            ))
        })?;
        for (id,) in bare {
            report(Flaw {
                picture: Some(PictureId::from_bytes(id)),
                problem: "it has no thumbnail".to_owned(),
            });
        }
        self.check_points()?;
        for id in self.waiting() {
            let id = id?;
            let is_whole = self
                .waiting_body(id)
                .is_ok_and(|body| PictureId::of(&body) == id);
            // It may have got its features meanwhile.
            if !is_whole && self.waits(id)? {
                report(Flaw {
                    picture: Some(id),
                    problem: "its kept bytes are damaged".to_owned(),
                });
            }
        }
        Ok(())
    }
}
