//! What is derived of each picture, in files of rows of one length by the pictures' numbers. They may be deleted: what
//! is missing in them, torn, or of another store or way, is made anew.

mod file;
mod looks;
mod measures;
mod pictures;

pub(super) use file::RowFile;
pub(super) use looks::LookRows;
pub(super) use measures::MeasureFile;
pub(super) use pictures::Rows;

use std::io;
use std::path::Path;

/// Deletes all rows of a store whose pictures may get other numbers.
pub(super) fn forget(dir: &Path) -> io::Result<()> {
    let names = [pictures::FILE, looks::FILE, measures::FILE];
    names.iter().try_for_each(|name| file::forget(dir, name))
}
