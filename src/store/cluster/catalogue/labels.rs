//! Labels on PostgreSQL.

use crate::picture::PictureId;
use crate::store::cluster::rows::transaction::Transaction;
use crate::store::cluster::server::listing::{PAGE, listing};
use crate::store::cluster::{ClusterMetadata, decode, encode, number};
use crate::store::{Label, LabelId, Labels, Listing, StoreError};

/// How often it has changed which pairs are no near-copies.
const CHANGES: &str = "changes_of_duplicates";

impl Labels for ClusterMetadata {
    fn keep_labels(&self, labels: &[Label]) -> Result<Vec<Option<Label>>, StoreError> {
        self.write(|transaction| {
            let before = labels.iter().map(|label| transaction.keep_label(label));
            before.collect()
        })
    }

    fn take_back_label(&self, id: LabelId) -> Result<Option<Label>, StoreError> {
        self.write(|transaction| transaction.take_back_label(id))
    }

    fn label(&self, id: LabelId) -> Result<Option<Label>, StoreError> {
        let select = || sqlx::query_as("SELECT label FROM labels WHERE id = $1").bind(id.0);
        let row: Option<(Vec<u8>,)> = self.database().row(select)?;
        row.map(|(label,)| decode("labels", &label)).transpose()
    }

    fn labels(&self, after: Option<LabelId>) -> Listing<'_, Label> {
        listing(move |last: Option<&LabelId>| {
            let after = last.copied().or(after);
            let after = after.map_or(Vec::new(), |id| id.0.to_vec());
            let select = || {
                let select = "SELECT id, label FROM labels WHERE id > $1 ORDER BY id LIMIT $2";
                sqlx::query_as(select).bind(after.clone()).bind(PAGE)
            };
            let rows: Vec<([u8; 16], Vec<u8>)> = self.database().rows(select)?;
            let rows = rows.into_iter();
            rows.map(|(id, label)| Ok((LabelId(id), decode("labels", &label)?)))
                .collect()
        })
    }

    fn labels_of(&self, picture: PictureId) -> Result<Vec<Label>, StoreError> {
        let select = || {
            let select = "SELECT label FROM labels WHERE first = $1 OR second = $1 ORDER BY id";
            sqlx::query_as(select).bind(*picture.as_bytes())
        };
        let rows: Vec<(Vec<u8>,)> = self.database().rows(select)?;
        rows.into_iter()
            .map(|(label,)| decode("labels", &label))
            .collect()
    }

    fn changes_of_duplicates(&self) -> u64 {
        let read = number(self.database(), CHANGES).inspect(|now| {
            self.last().changes_of_duplicates = *now;
        });
        let now = self.or_last("labels", read, || self.last().changes_of_duplicates);
        now.saturating_sub(self.changes_of_duplicates)
    }
}

impl Transaction<'_> {
    /// Gives what it takes the place of.
    pub(in crate::store::cluster) fn keep_label(
        &mut self,
        label: &Label,
    ) -> Result<Option<Label>, StoreError> {
        let id = label.id();
        let select = sqlx::query_as("SELECT label FROM labels WHERE id = $1");
        let before: Option<(Vec<u8>,)> = self.row(select.bind(id.0))?;
        let pictures = label.verdict.pictures();
        let (first, second) = (pictures.first(), pictures.last());
        let key = |picture: Option<&PictureId>| {
            picture.map_or(Vec::new(), |picture| picture.as_bytes().to_vec())
        };
        let keep = sqlx::query(
            "INSERT INTO labels (id, label, first, second) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (id) DO UPDATE SET label = excluded.label, first = excluded.first, \
             second = excluded.second",
        );
        let keep = keep.bind(id.0).bind(encode(label));
        self.execute(keep.bind(key(first)).bind(key(second)))?;
        self.note_change(label)?;
        before.map(|(label,)| decode("labels", &label)).transpose()
    }

    pub(in crate::store::cluster) fn take_back_label(
        &mut self,
        id: LabelId,
    ) -> Result<Option<Label>, StoreError> {
        let delete = sqlx::query_as("DELETE FROM labels WHERE id = $1 RETURNING label");
        let row: Option<(Vec<u8>,)> = self.row(delete.bind(id.0))?;
        let label: Option<Label> = row.map(|(label,)| decode("labels", &label)).transpose()?;
        if let Some(label) = &label {
            self.note_change(label)?;
        }
        Ok(label)
    }

    fn note_change(&mut self, label: &Label) -> Result<(), StoreError> {
        match label.sets_apart() {
            true => self.count_on(CHANGES, 1).map(drop),
            false => Ok(()),
        }
    }

    /// Takes back what was said of a picture that somebody removes.
    pub(in crate::store::cluster) fn forget_labels(
        &mut self,
        picture: PictureId,
    ) -> Result<(), StoreError> {
        let select = sqlx::query_as("SELECT id FROM labels WHERE first = $1 OR second = $1");
        let ids: Vec<([u8; 16],)> = self.rows(select.bind(*picture.as_bytes()))?;
        for (id,) in ids {
            self.take_back_label(LabelId(id))?;
        }
        Ok(())
    }
}
