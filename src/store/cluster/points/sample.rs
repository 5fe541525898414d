//! The collection's mean, taken over a sample: of pictures as many as say what all do.
//!
//! A picture's id is a hash of its bytes, so those with the smallest ids are a sample by chance, the
//! same for every machine. Among more pictures fewer ids are small enough: what is written with a
//! picture is decided by how many there are then, what is read by how many there are now. So nobody
//! has to take anything out when the store grows, and removals change the mean at once.

use crate::picture::PictureId;
use crate::store::cluster::points::vector::vector;
use crate::store::cluster::server::database::Database;
use crate::store::cluster::server::session::Session;
use crate::store::{Means, StoreError};

/// Pictures that the mean of many is taken over. A number of it is off by a 64th of how much that
/// number varies from picture to picture.
const SAMPLE: u64 = 4_096;

/// Before which id the pictures of the sample come, if `pictures` were ever stored.
pub(super) fn end(pictures: u64) -> Vec<u8> {
    match pictures <= SAMPLE {
        // Longer than any, so behind all.
        true => vec![0xff; 33],
        false => (u64::MAX / pictures * SAMPLE).to_be_bytes().to_vec(),
    }
}

/// Whether a picture is in the sample.
pub(super) fn has(picture: PictureId, pictures: u64) -> bool {
    picture.as_bytes()[..] < end(pictures)[..]
}

/// Writes the embedding of a picture that is in the sample.
pub(super) fn put(
    session: &mut Session<'_>,
    picture: PictureId,
    embedding: &[f32],
) -> Result<(), StoreError> {
    let Some(embedding) = vector(embedding.iter().copied()) else {
        return Ok(());
    };
    let insert = sqlx::query(
        "INSERT INTO samples (picture, embedding) VALUES ($1, $2::text::halfvec) \
         ON CONFLICT (picture) DO UPDATE SET embedding = excluded.embedding",
    );
    let insert = insert.bind(*picture.as_bytes()).bind(embedding);
    session.execute(insert).map(drop)
}

/// The means over the sample, if `pictures` were ever stored.
pub(super) fn means(database: &Database, pictures: u64) -> Result<Means, StoreError> {
    type Row = (i64, Option<Vec<f32>>, Option<Vec<f32>>);
    let select = || {
        // In single precision: halves are kept, not counted with.
        sqlx::query_as(
            "SELECT count(*), avg(s.embedding::vector)::real[], avg(n.descriptor::vector)::real[] \
             FROM samples s JOIN points n USING (picture) WHERE s.picture < $1",
        )
        .bind(end(pictures))
    };
    let row: Option<Row> = database.row(select)?;
    let (count, embedding, descriptor) = row.unwrap_or_default();
    Ok(Means {
        pictures: u64::try_from(count).unwrap_or_default(),
        embedding: embedding.unwrap_or_default(),
        descriptor: descriptor.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_of_more_pictures_is_among_that_of_fewer() {
        let ids: Vec<PictureId> = (0..50_000u32)
            .map(|n| PictureId::of(&n.to_le_bytes()))
            .collect();
        let among = |pictures: u64| ids.iter().filter(|id| has(**id, pictures)).count();
        assert_eq!(among(SAMPLE), ids.len());
        assert!(ids.iter().all(|id| has(*id, 5_000) || !has(*id, 50_000)));
        let drawn = among(50_000);
        assert!(drawn.abs_diff(SAMPLE as usize) < 400, "{drawn}");
    }
}
