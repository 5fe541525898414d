//! Points are written with their pictures, and leave with them.

use crate::network::{Descriptor, LookDescriptor};
use crate::picture::PictureId;
use crate::store::cluster::ClusterMetadata;
use crate::store::cluster::points::sample;
use crate::store::cluster::points::vector::{look_values, vector};
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::cluster::server::connection::Statement;
use crate::store::cluster::server::session::Session;
use crate::store::{NewPicture, Points, StoreError};

/// A row of `points`, its vectors as the text that pgvector reads.
pub(super) struct Point {
    picture: PictureId,
    descriptor: String,
    look: Option<String>,
}

impl Point {
    /// `None` of a damaged descriptor: such a picture is near to none.
    pub(super) fn of(
        picture: PictureId,
        descriptor: &Descriptor,
        look: Option<&LookDescriptor>,
    ) -> Option<Self> {
        Some(Self {
            picture,
            descriptor: vector(descriptor.values().iter().copied())?,
            look: look.and_then(|look| vector(look_values(look))),
        })
    }
}

/// Writes points that are not there yet.
#[derive(Default)]
pub(super) struct Insertion {
    pictures: Vec<[u8; 32]>,
    descriptors: Vec<String>,
    looks: Vec<Option<String>>,
}

impl Insertion {
    pub(super) fn of(points: impl IntoIterator<Item = Point>) -> Self {
        let mut all = Self::default();
        for point in points {
            all.pictures.push(*point.picture.as_bytes());
            all.descriptors.push(point.descriptor);
            all.looks.push(point.look);
        }
        all
    }

    pub(super) fn statement(&self) -> Statement<'static> {
        let insert = sqlx::query(
            "INSERT INTO points (picture, descriptor, look) \
             SELECT picture, descriptor::halfvec, look::halfvec \
             FROM unnest($1::bytea[], $2::text[], $3::text[]) AS new (picture, descriptor, look) \
             ON CONFLICT (picture) DO NOTHING",
        );
        let insert = insert.bind(self.pictures.clone());
        insert
            .bind(self.descriptors.clone())
            .bind(self.looks.clone())
    }
}

impl Transaction<'_> {
    /// Writes the point of a new picture, where there are points.
    pub(in crate::store::cluster) fn put_point(
        &mut self,
        new: &NewPicture,
        sequence: u64,
    ) -> Result<(), StoreError> {
        if !self.database().keeps_points() {
            return Ok(());
        }
        let Some(point) = Point::of(new.id, &new.descriptor, new.look.as_ref()) else {
            return Ok(());
        };
        // It is there already, unless the picture was removed a moment ago.
        self.execute(Insertion::of([point]).statement())?;
        if sample::has(new.id, sequence + 1) {
            sample::put(self, new.id, new.embedding.values())?;
        }
        Ok(())
    }

    /// Removes the point of a picture, where there are points.
    pub(in crate::store::cluster) fn take_point(
        &mut self,
        picture: PictureId,
    ) -> Result<(), StoreError> {
        if !self.database().keeps_points() {
            return Ok(());
        }
        let delete = sqlx::query("DELETE FROM points WHERE picture = $1");
        self.execute(delete.bind(*picture.as_bytes()))?;
        let delete = sqlx::query("DELETE FROM samples WHERE picture = $1");
        self.execute(delete.bind(*picture.as_bytes())).map(drop)
    }
}

impl ClusterMetadata {
    /// Writes the points of pictures that are about to be stored, by itself: to insert into the graph
    /// takes long, and all who store wait for one another. Points without pictures are found by nobody.
    pub(in crate::store::cluster) fn put_points<'a>(
        &self,
        new: impl Iterator<Item = &'a NewPicture>,
    ) -> Result<(), StoreError> {
        if !self.database().keeps_points() {
            return Ok(());
        }
        let points = new.filter_map(|it| Point::of(it.id, &it.descriptor, it.look.as_ref()));
        let mut points: Vec<Point> = points.collect();
        if points.is_empty() {
            return Ok(());
        }
        // Two that write the same ones do not wait for each other in a circle.
        points.sort_unstable_by_key(|point| *point.picture.as_bytes());
        let insertion = Insertion::of(points);
        self.database().execute(|| insertion.statement()).map(drop)
    }

    /// Warns of pictures without a point, where the server is searched: no search finds them. They are
    /// whole, so that is no damage.
    pub(in crate::store::cluster) fn check_points(&self) -> Result<(), StoreError> {
        if !self.finds_near() {
            return Ok(());
        }
        let unseen = self.database().persist(|| {
            Session::snapshot(self.database())?.row(sqlx::query_as(
                "SELECT count(*) FROM pictures p LEFT JOIN points n USING (picture) \
                 WHERE n.picture IS NULL",
            ))
        })?;
        let unseen = unseen.map_or(0, |(count,): (i64,)| count);
        if unseen > 0 {
            tracing::warn!(
                pictures = unseen,
                "searches on the server do not find some pictures: run `simdex store migrate`"
            );
        }
        Ok(())
    }
}
