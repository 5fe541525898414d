//! The records of a cluster's store, a thousand rows at a time.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

use crate::canonical_url::{HostId, UrlId};
use crate::picture::{PerceptualHash, PictureId};
use crate::store::cluster::catalogue::locations::location;
use crate::store::cluster::frontier::urls::{ord, order};
use crate::store::cluster::rows::host_row;
use crate::store::cluster::rows::url_row::UrlRow;
use crate::store::cluster::server::listing::{PAGE, listing, listing_by, some};
use crate::store::cluster::{
    ClusterMetadata, decode, from_sorted, number, signed, sorted, unsigned,
};
use crate::store::order::Order;
use crate::store::transfer::{Kind, KnownHost, KnownPicture, KnownUrl, Notes, Record};
use crate::store::{
    Catalogue, Embed, EntryLocation, FileRecord, Files, Hosts, Labels, Listing, LocationId,
    PictureRecord, RuleFileRecord, StoreError,
};

/// Rows that are read at once where a row may be large.
const FEW: i64 = 100;

/// A place's columns: the picture, the id, the URL or the path.
type Place = ([u8; 32], [u8; 16], Option<String>, Option<Vec<u8>>);

impl ClusterMetadata {
    pub(super) fn list_records(&self, kind: Kind) -> Listing<'_, Record> {
        match kind {
            Kind::Host => self.by_key(
                PAGE,
                "SELECT host, is_known, name, crawl, left_in, pages, is_removed FROM hosts \
                 WHERE (is_known OR is_removed) AND host > $2 ORDER BY host LIMIT $1",
                None,
                |columns: host_row::Columns| {
                    let (id, row) = host_row::read(columns);
                    let host = KnownHost {
                        record: row.record,
                        is_removed: row.is_removed,
                    };
                    Ok(Record::Host(id, host))
                },
            ),
            Kind::RuleFile => self.by_key(
                FEW,
                "SELECT url, fetched_ms, body FROM rule_files WHERE id > $2 ORDER BY id LIMIT $1",
                None,
                |(url, fetched_ms, body): (String, i64, Option<Vec<u8>>)| {
                    Ok(Record::RuleFile(RuleFileRecord {
                        url,
                        fetched_ms: unsigned(fetched_ms),
                        body,
                    }))
                },
            ),
            Kind::Url => some(self.urls_where("true", |id, row| {
                let url = known(row);
                let is_listed = url.host().is_some();
                is_listed.then(|| Record::Url(id, Box::new(url)))
            })),
            Kind::Embed => self.by_key(
                PAGE,
                "SELECT picture, page, alt, title, caption FROM embeds \
                 WHERE (picture, page) > ($2, $3) ORDER BY picture, page LIMIT $1",
                Some(16),
                |(picture, page, alt, title, caption): (
                    [u8; 16],
                    [u8; 16],
                    String,
                    String,
                    String,
                )| {
                    Ok(Record::Embed {
                        picture: UrlId(picture),
                        page: UrlId(page),
                        embed: Embed {
                            alt,
                            title,
                            caption,
                        },
                    })
                },
            ),
            Kind::Queued => self.list_queues(),
            Kind::Retry => self.list_retries(),
            Kind::Picture => self.list_pictures(),
            Kind::Waiting => Box::new(self.waiting().map(|id| Ok(Record::Waiting(id?)))),
            Kind::File => self.by_key(
                PAGE,
                "SELECT id, picture, bytes, modified_ns FROM files WHERE id > $2 \
                 ORDER BY id LIMIT $1",
                None,
                |(id, picture, bytes, modified_ns): ([u8; 16], [u8; 32], i64, i64)| {
                    let file = FileRecord {
                        bytes: unsigned(bytes),
                        modified_ns: unsigned(modified_ns),
                        picture: PictureId::from_bytes(picture),
                    };
                    Ok(Record::File(LocationId(id), file))
                },
            ),
            Kind::Place => self.by_key(
                PAGE,
                "SELECT picture, id, url, path FROM locations WHERE (picture, id) > ($2, $3) \
                 ORDER BY picture, id LIMIT $1",
                Some(32),
                |(picture, id, url, path): Place| {
                    Ok(Record::Place {
                        picture: PictureId::from_bytes(picture),
                        id: LocationId(id),
                        location: location(url, path)?,
                    })
                },
            ),
            Kind::RemovedFile => self.by_key(
                PAGE,
                "SELECT picture, file, named FROM removed_files WHERE (picture, file) > ($2, $3) \
                 ORDER BY picture, file LIMIT $1",
                Some(32),
                |(picture, file, named): ([u8; 32], Vec<u8>, Vec<u8>)| {
                    Ok(Record::RemovedFile {
                        picture: PictureId::from_bytes(picture),
                        // Empty stands for any.
                        file: file.try_into().ok().map(LocationId),
                        named: decode("removed_files", &named)?,
                    })
                },
            ),
            Kind::Label => Box::new(self.labels(None).map(|label| Ok(Record::Label(label?)))),
            Kind::Notes => Box::new(std::iter::once_with(move || {
                Ok(Record::Notes(Notes {
                    runs: self.last_run()?,
                    next_sequence: number(self.database(), "next_sequence")?,
                    settings: self.settings()?,
                    file_systems: self.file_systems()?,
                }))
            })),
        }
    }

    /// The rows of a table whose key is bytes, of one column or two: its first so many bytes, and the
    /// rest. `select` has the limit and the key of the last row as its parameters.
    fn by_key<'a, T>(
        &'a self,
        most: i64,
        select: &'static str,
        first_column: Option<usize>,
        read: impl Fn(T) -> Result<Record, StoreError> + Send + 'a,
    ) -> Listing<'a, Record>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static,
    {
        listing_by(most, move |last: Option<&Vec<u8>>| {
            let last = last.cloned().unwrap_or_default();
            let split = first_column.unwrap_or(last.len()).min(last.len());
            let make = || {
                let (first, second) = last.split_at(split);
                let query = sqlx::query_as(select).bind(most).bind(first.to_vec());
                match first_column {
                    Some(_) => query.bind(second.to_vec()),
                    None => query,
                }
            };
            let rows: Vec<T> = self.database().rows(make)?;
            let records = rows.into_iter().map(|row| {
                let record = read(row)?;
                Ok((record.key(), record))
            });
            records.collect()
        })
    }

    fn list_queues(&self) -> Listing<'_, Record> {
        listing(move |last: Option<&(HostId, Order)>| {
            let (host, after) = match last {
                Some((host, order)) => (host.0.to_vec(), ord(*order)),
                None => (Vec::new(), i64::MIN),
            };
            let make = || {
                let select = "SELECT host, ord, id FROM queue WHERE (host, ord) > ($1, $2) \
                              ORDER BY host, ord LIMIT $3";
                sqlx::query_as(select)
                    .bind(host.clone())
                    .bind(after)
                    .bind(PAGE)
            };
            let rows: Vec<([u8; 8], i64, [u8; 16])> = self.database().rows(make)?;
            let rows = rows.into_iter().map(|(host, ord, id)| {
                let (host, order) = (HostId(host), order(ord));
                ((host, order), Record::queued(host, order, UrlId(id)))
            });
            Ok(rows.collect())
        })
    }

    fn list_retries(&self) -> Listing<'_, Record> {
        listing(move |last: Option<&(u64, UrlId)>| {
            let (at, after) = match last {
                Some((at_ms, id)) => (sorted(*at_ms), id.0.to_vec()),
                None => (i64::MIN, Vec::new()),
            };
            let make = || {
                let select = "SELECT at, id, reason FROM retries WHERE (at, id) > ($1, $2) \
                              ORDER BY at, id LIMIT $3";
                sqlx::query_as(select)
                    .bind(at)
                    .bind(after.clone())
                    .bind(PAGE)
            };
            let rows: Vec<(i64, [u8; 16], String)> = self.database().rows(make)?;
            let rows = rows.into_iter().map(|(at, id, reason)| {
                let (at_ms, url) = (from_sorted(at), UrlId(id));
                let retry = Record::Retry { at_ms, url, reason };
                ((at_ms, url), retry)
            });
            Ok(rows.collect())
        })
    }

    fn list_pictures(&self) -> Listing<'_, Record> {
        listing_by(FEW, move |last: Option<&u64>| {
            let from = last.map_or(0, |last| last + 1);
            let make = || {
                let select = "SELECT p.*, t.jpeg FROM pictures p LEFT JOIN thumbnails t \
                              USING (picture) WHERE sequence >= $1 ORDER BY sequence LIMIT $2";
                sqlx::query(select).bind(signed(from)).bind(FEW)
            };
            let rows = self.database().raw_rows(make)?;
            let rows = rows.iter().map(|row| {
                let picture = picture_of(row)?;
                let sequence = picture.record.sequence;
                Ok((sequence, Record::Picture(Box::new(picture))))
            });
            rows.collect()
        })
    }
}

fn picture_of(row: &PgRow) -> Result<KnownPicture, StoreError> {
    const PICTURES: StoreError = StoreError::Unreadable { tree: "pictures" };
    let id = PictureId::from_bytes(row.try_get("picture")?);
    let at: EntryLocation = decode("pictures", row.try_get("entry")?)?;
    let span = at.payload.ok_or(StoreError::Damaged { picture: id })?;
    let number = |column: &str| row.try_get::<i64, _>(column);
    let pixels = |column: &str| -> Result<u32, StoreError> {
        u32::try_from(number(column)?).map_err(|_| PICTURES)
    };
    Ok(KnownPicture {
        id,
        record: PictureRecord {
            sequence: unsigned(number("sequence")?),
            width: pixels("width")?,
            height: pixels("height")?,
            media_type: row.try_get("media_type")?,
            bytes: unsigned(number("bytes")?),
            perceptual_hash: PerceptualHash(unsigned(number("perceptual_hash")?)),
            first_seen: unsigned(number("first_seen")?),
        },
        descriptor: row.try_get("descriptor")?,
        look: row.try_get("look")?,
        thumbnail: row.try_get("jpeg")?,
        length: span.length,
        checksum: span.checksum,
    })
}

fn known(row: UrlRow) -> KnownUrl {
    KnownUrl {
        record: row.record,
        hint: row.hint,
        visit: row.visit,
        absent_s: row.absent_s,
        declined: row.declined,
        page: row.page,
        terms: row.terms,
    }
}
