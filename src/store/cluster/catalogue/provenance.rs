//! Where pictures were seen, on PostgreSQL.

use crate::canonical_url::UrlId;
use crate::picture::PictureId;
use crate::store::cluster::ClusterMetadata;
use crate::store::cluster::catalogue::locations::location;
use crate::store::provenance::{MOST, MOST_PLACES};
use crate::store::{Location, Provenance, SourcePage, StoreError};

impl ClusterMetadata {
    /// Where a picture was seen.
    pub(in crate::store::cluster) fn find_provenance(
        &self,
        id: PictureId,
    ) -> Result<Provenance, StoreError> {
        type Place = ([u8; 16], Option<String>, Option<Vec<u8>>, bool);
        let select = || {
            sqlx::query_as(
                "SELECT l.id, l.url, l.path, f.id IS NOT NULL FROM locations l \
                 LEFT JOIN files f ON f.id = l.id AND f.picture = l.picture \
                 WHERE l.picture = $1 ORDER BY l.id LIMIT $2",
            )
            .bind(*id.as_bytes())
            .bind(MOST_PLACES as i64)
        };
        let places: Vec<Place> = self.database().rows(select)?;
        let mut provenance = Provenance::default();
        let mut changed = Vec::new();
        let mut urls = Vec::new();
        for (at, url, path, is_current) in places {
            match location(url, path)? {
                Location::Path(path) if is_current => provenance.paths.push(path),
                Location::Path(path) => changed.push(path),
                Location::Url(_) if provenance.urls.len() == MOST => {}
                Location::Url(url) => {
                    provenance.urls.push(url);
                    urls.push(UrlId(at));
                }
            }
        }
        provenance.pages = self.source_pages(urls)?;
        provenance.or_paths(changed);
        Ok(provenance)
    }

    /// The pages that show what is at these URLs, as many as are listed.
    pub(in crate::store::cluster) fn source_pages(
        &self,
        urls: Vec<UrlId>,
    ) -> Result<Vec<SourcePage>, StoreError> {
        type Page = (String, Option<String>, String, String, String);
        let urls: Vec<[u8; 16]> = urls.into_iter().map(|url| url.0).collect();
        let select = || {
            sqlx::query_as(
                "SELECT u.page_url, u.page_title, e.alt, e.title, e.caption \
                 FROM embeds e JOIN urls u ON u.id = e.page \
                 WHERE e.picture = ANY($1) AND u.page_url IS NOT NULL \
                 ORDER BY e.picture, e.page LIMIT $2",
            )
            .bind(urls.clone())
            .bind(MOST as i64)
        };
        let pages: Vec<Page> = self.database().rows(select)?;
        let pages = pages
            .into_iter()
            .map(|(url, title, alt, picture_title, caption)| SourcePage {
                url,
                title: title.unwrap_or_default(),
                alt,
                picture_title,
                caption,
            });
        Ok(pages.collect())
    }
}
