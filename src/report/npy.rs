//! NumPy's file format: rows of f32.

use std::io::{self, Seek, SeekFrom, Write};

/// Bytes before the first row: a multiple of 64, as the format wants it.
const HEADER: usize = 128;
/// The format's name and version, 1.0.
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// Writes rows, of which nobody has to know how many there will be.
///
/// ```
/// use simdex::report::NpyWriter;
///
/// let mut npy = NpyWriter::new(std::io::Cursor::new(Vec::new()))?;
/// npy.add(&[0.6, 0.8])?;
/// let bytes = npy.finish()?.into_inner();
/// assert!(bytes.starts_with(b"\x93NUMPY"));
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct NpyWriter<W> {
    file: W,
    rows: usize,
    columns: usize,
}

impl<W: Write + Seek> NpyWriter<W> {
    /// Begins at the beginning of an empty file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn new(mut file: W) -> io::Result<Self> {
        file.write_all(&[0; HEADER])?;
        let (rows, columns) = (0, 0);
        Ok(Self {
            file,
            rows,
            columns,
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// If it is not as long as those before, or cannot be written.
    pub fn add(&mut self, row: &[f32]) -> io::Result<()> {
        if self.rows > 0 && row.len() != self.columns {
            return Err(io::Error::other("a row is not as long as those before"));
        }
        let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.file.write_all(&bytes)?;
        self.columns = row.len();
        self.rows += 1;
        Ok(())
    }

    /// How many rows and columns there are.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// Says at the beginning of the file what is in it, and gives the file back.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header(self.rows, self.columns))?;
        self.file.flush()?;
        Ok(self.file)
    }
}

fn header(rows: usize, columns: usize) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    let length = (HEADER - MAGIC.len() - size_of::<u16>()) as u16;
    header.extend(length.to_le_bytes());
    let text =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    header.extend(text.as_bytes());
    header.resize(HEADER - 1, b' ');
    header.push(b'\n');
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn rows_are_behind_a_header_that_says_how_many() {
        let mut npy = NpyWriter::new(Cursor::new(Vec::new())).unwrap();
        npy.add(&[1.0, -2.0, 0.5]).unwrap();
        npy.add(&[0.0, 4.0, 8.0]).unwrap();
        assert!(npy.add(&[1.0]).is_err());
        assert_eq!(npy.shape(), (2, 3));
        let bytes = npy.finish().unwrap().into_inner();
        assert_eq!(bytes.len(), HEADER + 6 * size_of::<f32>());
        assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00");
        let text = std::str::from_utf8(&bytes[10..HEADER]).unwrap();
        assert!(text.contains("'<f4'") && text.contains("(2, 3)"), "{text}");
        assert!(text.ends_with(" \n"));
        assert_eq!(bytes[HEADER..HEADER + 8], [0, 0, 128, 63, 0, 0, 0, 192]);
    }

    #[test]
    fn the_largest_shape_has_room() {
        assert_eq!(header(usize::MAX, usize::MAX).len(), HEADER);
    }
}
