//! Two pictures, compared.

use super::{Error, Extraction, NamedPicture};
use crate::head::{Mode, Ranking};
use crate::search::{Comparison, compare};

impl Extraction {
    /// One similarity for two pictures, with what explains it.
    ///
    /// # Errors
    /// If a picture cannot be used, or the network cannot be run.
    pub fn compare(
        &self,
        a: &NamedPicture,
        b: &NamedPicture,
        head: &Ranking,
        mode: Mode,
    ) -> Result<Comparison, Error> {
        let layout = self.layout();
        let views = self.views(&a.name, &a.bytes, mode, layout)?;
        let b = self.views(&b.name, &b.bytes, Mode::default(), layout)?;
        Ok(compare(layout, head, mode, &views, &b[0]))
    }
}
