//! Two pictures, compared.

use crate::app::{Collection, Error, Example, Extraction, NamedPicture};
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

impl Collection {
    /// The same of pictures that are given or stored.
    ///
    /// # Errors
    /// If a picture cannot be used or is not there, or the network cannot be run.
    pub fn compare(
        &self,
        a: &Example,
        b: &Example,
        head: &Ranking,
        mode: Mode,
    ) -> Result<Comparison, Error> {
        if let (Example::Given(a), Example::Given(b)) = (a, b) {
            return self.extraction().compare(a, b, head, mode);
        }
        let views = self.views_of(std::slice::from_ref(a), mode, None)?;
        let others = self.views_of(std::slice::from_ref(b), Mode::default(), None)?;
        Ok(compare(
            self.store().layout(),
            head,
            mode,
            &views[0],
            &others[0][0],
        ))
    }
}
