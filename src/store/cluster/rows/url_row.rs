//! All that is known of a URL, as one row.

use std::collections::BTreeSet;

use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::canonical_url::{CanonicalUrl, HostId, UrlId};
use crate::picture::PictureId;
use crate::store::cluster::server::session::Session;
use crate::store::cluster::{decode, encode, signed, text, unsigned};
use crate::store::hint::StoredHint;
use crate::store::{
    PageRecord, PageTerms, PictureHint, Role, StoreError, UrlRecord, UrlState, VisitRecord,
};

/// What is known of a URL.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store::cluster) struct UrlRow {
    /// Its host, by which rows are spread.
    pub(in crate::store::cluster) host: HostId,
    /// What became of it; `None` if it was forgotten, or never queued.
    pub(in crate::store::cluster) record: Option<UrlRecord>,
    /// What pages say of it, if it is more than that they show a picture.
    pub(in crate::store::cluster) hint: Option<PictureHint>,
    /// Its last visit.
    pub(in crate::store::cluster) visit: Option<VisitRecord>,
    /// When it was first found to be gone, in seconds since 1970.
    pub(in crate::store::cluster) absent_s: Option<u64>,
    /// Why something of the document was not taken.
    pub(in crate::store::cluster) declined: BTreeSet<String>,
    /// The page that it is.
    pub(in crate::store::cluster) page: Option<PageRecord>,
    /// What that page says of the use of its pictures.
    pub(in crate::store::cluster) terms: PageTerms,
}

/// The columns that [`read`] reads, of a table that is called `u`.
pub(in crate::store::cluster) const COLUMNS: &str = "u.host, u.id, u.state, u.reason, u.url, u.role, u.depth, \
    u.attempts, u.hint, u.visit, u.absent_s, u.declined, u.page_title, u.page_url, u.page_at, u.terms";

impl UrlRow {
    pub(in crate::store::cluster) fn of(host: HostId) -> Self {
        Self {
            host,
            record: None,
            hint: None,
            visit: None,
            absent_s: None,
            declined: BTreeSet::new(),
            page: None,
            terms: PageTerms::default(),
        }
    }

    pub(in crate::store::cluster) fn state(&self) -> Option<&UrlState> {
        self.record.as_ref().map(|record| &record.state)
    }

    pub(in crate::store::cluster) fn is_open(&self) -> bool {
        self.state() == Some(&UrlState::Open)
    }

    pub(in crate::store::cluster) fn hint(&self) -> PictureHint {
        self.hint.clone().unwrap_or_default()
    }

    pub(in crate::store::cluster) fn keep_hint(&mut self, hint: PictureHint) {
        self.hint = (!hint.is_plain()).then_some(hint);
    }

    /// The picture that it gave last.
    pub(in crate::store::cluster) fn gave(&self) -> Option<PictureId> {
        let visit = self.visit.as_ref()?;
        Some(PictureId::from_bytes(visit.content))
    }

    fn is_empty(&self) -> bool {
        *self == Self::of(self.host)
    }
}

fn state_number(state: &UrlState) -> i16 {
    match state {
        UrlState::Open => 0,
        UrlState::Done => 1,
        UrlState::Failed(_) => 2,
        UrlState::Refused(_) => 3,
        UrlState::Removed => 4,
    }
}

fn role_number(role: Role) -> i16 {
    match role {
        Role::Page => 0,
        Role::Picture => 1,
        Role::Sheet => 2,
        Role::Feed => 3,
        Role::Sitemap => 4,
    }
}

fn role_of(number: i16) -> Option<Role> {
    let all = [
        Role::Page,
        Role::Picture,
        Role::Sheet,
        Role::Feed,
        Role::Sitemap,
    ];
    all.into_iter().find(|role| role_number(*role) == number)
}

const URLS: StoreError = StoreError::Unreadable { tree: "urls" };

/// Reads [`COLUMNS`].
pub(in crate::store::cluster) fn read(row: &PgRow) -> Result<(UrlId, UrlRow), StoreError> {
    let host = HostId(row.try_get("host")?);
    let id = UrlId(row.try_get("id")?);
    let reason = || -> Result<String, StoreError> {
        Ok(row
            .try_get::<Option<String>, _>("reason")?
            .unwrap_or_default())
    };
    let state = match row.try_get::<Option<i16>, _>("state")? {
        None => None,
        Some(0) => Some(UrlState::Open),
        Some(1) => Some(UrlState::Done),
        Some(2) => Some(UrlState::Failed(reason()?)),
        Some(3) => Some(UrlState::Refused(reason()?)),
        Some(4) => Some(UrlState::Removed),
        Some(_) => return Err(URLS),
    };
    let small = |number: i64| u32::try_from(number).map_err(|_| URLS);
    let record = match state {
        None => None,
        Some(state) => Some(UrlRecord {
            url: row.try_get("url")?,
            host,
            role: role_of(row.try_get("role")?).ok_or(URLS)?,
            depth: small(row.try_get("depth")?)?,
            attempts: small(row.try_get("attempts")?)?,
            state,
        }),
    };
    let hint: Option<Vec<u8>> = row.try_get("hint")?;
    let hint = hint.map(|bytes| decode::<StoredHint>("urls", &bytes));
    let visit: Option<Vec<u8>> = row.try_get("visit")?;
    let declined: Option<Vec<u8>> = row.try_get("declined")?;
    let declined = declined.map(|bytes| decode("urls", &bytes)).transpose()?;
    let page = match row.try_get::<Option<String>, _>("page_url")? {
        None => None,
        Some(url) => Some(PageRecord {
            url,
            title: row.try_get("page_title")?,
            fetched_at: unsigned(row.try_get("page_at")?),
        }),
    };
    let terms: Option<Vec<u8>> = row.try_get("terms")?;
    let terms = terms.map(|bytes| decode("urls", &bytes)).transpose()?;
    let row = UrlRow {
        host,
        record,
        hint: hint.transpose()?.map(PictureHint::from),
        visit: visit.map(|bytes| decode("urls", &bytes)).transpose()?,
        absent_s: row.try_get::<Option<i64>, _>("absent_s")?.map(unsigned),
        declined: declined.unwrap_or_default(),
        page,
        terms: terms.unwrap_or_default(),
    };
    Ok((id, row))
}

/// The hosts of other URLs of a picture: a removed host is taken out of all hints.
fn hint_hosts(hint: &PictureHint) -> Vec<[u8; 8]> {
    let others = hint.pictures().flatten();
    let hosts: BTreeSet<[u8; 8]> = others.map(|other| other.url.host_id().0).collect();
    hosts.into_iter().collect()
}

const UPSERT: &str = "INSERT INTO urls (host, id, state, reason, url, role, depth, attempts, hint, \
    hint_hosts, visit, due_s, interval_s, absent_s, declined, page_title, page_url, page_at, terms) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) \
    ON CONFLICT (host, id) DO UPDATE SET state = excluded.state, reason = excluded.reason, \
    url = excluded.url, role = excluded.role, depth = excluded.depth, \
    attempts = excluded.attempts, hint = excluded.hint, hint_hosts = excluded.hint_hosts, \
    visit = excluded.visit, due_s = excluded.due_s, interval_s = excluded.interval_s, \
    absent_s = excluded.absent_s, declined = excluded.declined, \
    page_title = excluded.page_title, page_url = excluded.page_url, page_at = excluded.page_at, \
    terms = excluded.terms";

/// New rows that say only what a queued URL is, many at once: most of what a page brings.
const INSERT_PLAIN: &str = "INSERT INTO urls (host, id, state, url, role, depth, attempts) \
    SELECT host, id, 0, url, role, depth, 0 FROM \
    unnest($1::bytea[], $2::bytea[], $3::text[], $4::smallint[], $5::bigint[]) \
    AS new (host, id, url, role, depth)";

/// Writes changed rows: what each was before, and what it is.
pub(in crate::store::cluster) fn write(
    session: &mut Session<'_>,
    changed: Vec<(UrlId, Option<UrlRow>, UrlRow)>,
) -> Result<(), StoreError> {
    let (mut hosts, mut ids, mut urls, mut roles, mut depths) =
        (vec![], vec![], vec![], vec![], vec![]);
    for (id, before, row) in changed {
        if row.is_empty() {
            let delete = sqlx::query("DELETE FROM urls WHERE host = $1 AND id = $2");
            session.execute(delete.bind(row.host.0).bind(id.0))?;
            continue;
        }
        match &row.record {
            Some(record) if before.is_none() && is_plain(&row, record) => {
                hosts.push(row.host.0);
                ids.push(id.0);
                urls.push(record.url.clone());
                roles.push(role_number(record.role));
                depths.push(i64::from(record.depth));
            }
            _ => upsert(session, id, row)?,
        }
    }
    if !ids.is_empty() {
        let insert = sqlx::query(INSERT_PLAIN);
        let insert = insert
            .bind(hosts)
            .bind(ids)
            .bind(urls)
            .bind(roles)
            .bind(depths);
        session.execute(insert)?;
    }
    Ok(())
}

fn is_plain(row: &UrlRow, record: &UrlRecord) -> bool {
    let plain = UrlRow {
        record: row.record.clone(),
        ..UrlRow::of(row.host)
    };
    *row == plain && record.state == UrlState::Open && record.attempts == 0
}

fn upsert(session: &mut Session<'_>, id: UrlId, row: UrlRow) -> Result<(), StoreError> {
    let record = row.record.as_ref();
    let hint = row.hint.as_ref();
    let visit = row.visit.as_ref();
    let page = row.page.as_ref();
    let declined = (!row.declined.is_empty()).then(|| encode(&row.declined));
    let terms = (!row.terms.is_empty()).then(|| encode(&row.terms));
    let upsert = sqlx::query(UPSERT)
        .bind(row.host.0)
        .bind(id.0)
        .bind(record.map(|it| state_number(&it.state)))
        .bind(record.and_then(|it| it.state.reason().map(str::to_owned)))
        .bind(record.map(|it| it.url.clone()))
        .bind(record.map(|it| role_number(it.role)))
        .bind(record.map(|it| i64::from(it.depth)))
        .bind(record.map(|it| i64::from(it.attempts)))
        .bind(hint.map(|it| encode(&it.stored())))
        .bind(hint.map(hint_hosts))
        .bind(visit.map(encode))
        .bind(visit.map(|it| signed(it.due_s)))
        .bind(visit.map(|it| signed(it.interval_s)))
        .bind(row.absent_s.map(signed))
        .bind(declined)
        .bind(page.map(|it| text(it.title.clone())))
        .bind(page.map(|it| it.url.clone()))
        .bind(page.map(|it| signed(it.fetched_at)))
        .bind(terms);
    session.execute(upsert).map(drop)
}

/// The host of a URL in canonical form.
pub(in crate::store::cluster) fn host_of(url: &str) -> Option<HostId> {
    CanonicalUrl::parse(url).ok().map(|url| url.host_id())
}
