//! What is near, asked of pgvector.

use crate::network::{Descriptor, LookDescriptor};
use crate::picture::{PerceptualHash, PictureId};
use crate::store::cluster::points::vector::look_values;
use crate::store::cluster::points::{Stage, sample};
use crate::store::cluster::server::session::Session;
use crate::store::cluster::{ClusterMetadata, decode, unsigned};
use crate::store::{
    Catalogue, Means, Near, NearPicture, NearTo, Nearest, PictureRow, Points, Sequence, StoreError,
    Which,
};

/// The least and the most that pgvector's list of what it follows holds; between them, as many as are
/// asked for. It takes no more than that.
const LIST: (usize, usize) = (100, 1_000);
/// Points that are looked at before a search gives up that refuses most of them. pgvector's own limit
/// is 20,000.
const MOST_LOOKED_AT: usize = 50_000;
/// A search that goes on may take so many times the server's `work_mem`; pgvector's default, once, ends
/// it earlier.
const MEMORY: &str = "16";

/// Settings of one transaction. Searches go on where the first list has too few that may come; a plan
/// is made for each, since one for any number of points wanted would be a scan.
const SETTINGS: &str = "SELECT set_config('hnsw.ef_search', $1, true), \
     set_config('hnsw.iterative_scan', 'relaxed_order', true), \
     set_config('hnsw.max_scan_tuples', $2, true), \
     set_config('hnsw.scan_mem_multiplier', $3, true), set_config('jit', 'off', true), \
     set_config('plan_cache_mode', 'force_custom_plan', true)";

/// Which pictures may come, by their records and by where they were seen.
const CONDITIONS: &str = "JOIN pictures w USING (picture) WHERE w.width >= $3 AND w.height >= $4 \
     AND w.first_seen >= $5 AND w.first_seen < $6 AND ($7::bytea IS NULL OR EXISTS ( \
       SELECT 1 FROM locations l WHERE l.picture = w.picture AND (l.host = $7 OR EXISTS ( \
         SELECT 1 FROM embeds e JOIN urls u ON u.id = e.page \
         WHERE e.picture = l.id AND u.host = $7 AND u.page_url IS NOT NULL))))";

/// A picture, its number, hash, descriptor, look and entry.
type Found = ([u8; 32], i64, i64, Vec<u8>, Option<Vec<u8>>, Vec<u8>);
/// The same of a point; nothing where its picture was removed meanwhile, or never came to be.
type Row = (
    Option<[u8; 32]>,
    Option<i64>,
    Option<i64>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
);

fn found((picture, sequence, hash, descriptor, look, entry): Row) -> Option<Found> {
    Some((picture?, sequence?, hash?, descriptor?, look, entry?))
}

impl Points for ClusterMetadata {
    fn finds_near(&self) -> bool {
        self.points == Stage::Whole
    }

    fn near(&self, asked: &Near<'_>) -> Result<Nearest, StoreError> {
        let rows = self.database().persist(|| self.near_rows(asked))?;
        let are_all = rows.len() < asked.count;
        let pictures = rows.into_iter().filter_map(found).filter_map(|row| {
            let picture = self.near_picture(row);
            let picture =
                picture.inspect_err(|error| tracing::warn!(%error, "a picture is passed over"));
            picture.ok()
        });
        Ok(Nearest {
            pictures: pictures.collect(),
            are_all,
        })
    }

    fn means(&self) -> Result<Means, StoreError> {
        let pictures = self.picture_count();
        if let Some((before, means)) = &*self.last_means()
            && pictures.abs_diff(*before) * 100 <= *before
            && *before > 0
        {
            return Ok(means.clone());
        }
        let means = sample::means(self.database(), self.next_sequence())?;
        *self.last_means() = Some((pictures, means.clone()));
        Ok(means)
    }
}

impl ClusterMetadata {
    /// In a transaction of its own that promises little: serializable ones that write would be in the
    /// way of each other otherwise.
    fn near_rows(&self, asked: &Near<'_>) -> Result<Vec<Row>, StoreError> {
        let mut session = Session::begin_reading(self.database())?;
        let list = asked.count.clamp(LIST.0, LIST.1);
        let looked_at = asked.count.clamp(MOST_LOOKED_AT, i32::MAX as usize);
        let settings = sqlx::query(SETTINGS);
        let settings = settings.bind(list.to_string()).bind(looked_at.to_string());
        session.execute(settings.bind(MEMORY))?;
        let (order, values): (&str, Vec<f32>) = match asked.to {
            NearTo::Descriptor(descriptor) => (
                "n.descriptor <#> $1::real[]::halfvec",
                descriptor.values().to_vec(),
            ),
            NearTo::Look(look) => (
                "n.look <=> $1::real[]::halfvec",
                look_values(look).collect(),
            ),
        };
        let conditions = match (asked.which, asked.to) {
            (Some(_), _) => CONDITIONS,
            (None, NearTo::Descriptor(_)) => "",
            (None, NearTo::Look(_)) => "WHERE n.look IS NOT NULL",
        };
        // What is near is found first, and then what is known of it is read.
        let select = format!(
            "WITH near AS MATERIALIZED ( \
               SELECT n.picture FROM points n {conditions} ORDER BY {order} LIMIT $2) \
             SELECT p.picture, p.sequence, p.perceptual_hash, p.descriptor, p.look, p.entry \
             FROM near LEFT JOIN pictures p USING (picture)"
        );
        let count = i64::try_from(asked.count).unwrap_or(i64::MAX);
        let mut select = sqlx::query_as(&select).bind(values).bind(count);
        if let Some(which) = asked.which {
            let Which {
                min_width,
                min_height,
                since_s,
                until_s,
                host,
            } = which;
            let second = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
            select = select
                .bind(i64::from(min_width))
                .bind(i64::from(min_height))
                .bind(since_s.map_or(i64::MIN, second))
                .bind(until_s.map_or(i64::MAX, second))
                .bind(host.map(|host| host.0));
        }
        session.rows(select)
    }

    fn near_picture(&self, row: Found) -> Result<NearPicture, StoreError> {
        let (picture, sequence, hash, descriptor, look, entry) = row;
        let descriptor = Descriptor::from_bytes(&descriptor, self.dimensions);
        Ok(NearPicture {
            sequence: Sequence(unsigned(sequence)),
            row: PictureRow {
                id: PictureId::from_bytes(picture),
                location: Some(decode("pictures", &entry)?),
                descriptor: descriptor.ok_or(StoreError::Unreadable {
                    tree: "descriptors",
                })?,
            },
            hash: PerceptualHash(unsigned(hash)),
            look: look.and_then(|bytes| LookDescriptor::from_bytes(&bytes, self.look_bytes)),
        })
    }
}
