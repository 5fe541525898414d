//! People's judgements: which of two pictures is nearer to a third.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::local_path::LocalPath;

/// Pictures by number, and judgements of them.
#[derive(Debug, Default, PartialEq)]
pub struct TripletsFile {
    /// The pictures.
    pub paths: Vec<PathBuf>,
    /// The judgements.
    pub triplets: Vec<JudgedTriplet>,
}

/// Which of two pictures people find nearer to a third.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgedTriplet {
    /// The third, and the two, by number.
    pub pictures: [usize; 3],
    /// Share of votes for the first of the two.
    pub share: f32,
    /// Votes.
    pub votes: f32,
}

/// A list of judgements cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TripletsFileError {
    /// The file cannot be read.
    #[error("{path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is no judgement.
    #[error(
        "{path} line {number}: there must be five fields: ref, a, b, share of votes for a (0 to 1), votes; more are passed over"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        number: usize,
    },
    /// There is none.
    #[error("{0} has no judgements")]
    Empty(PathBuf),
}

impl TripletsFile {
    /// Reads lines of `ref,a,b,share,votes`; paths are relative to the file's folder. The first
    /// line names the columns.
    ///
    /// # Errors
    /// If the file cannot be read, a line is no judgement, or there is none.
    pub fn read(csv: &Path) -> Result<Self, TripletsFileError> {
        let folder = csv.parent().unwrap_or(Path::new("."));
        let text = std::fs::read(csv).map_err(|source| TripletsFileError::Read {
            path: csv.to_owned(),
            source,
        })?;
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(text.as_slice());
        let mut file = Self::default();
        let mut numbers: HashMap<PathBuf, usize> = HashMap::new();
        for (record, number) in reader.byte_records().zip(2..) {
            let wrong = || TripletsFileError::Line {
                path: csv.to_owned(),
                number,
            };
            let record = record.map_err(|_| wrong())?;
            let fields: Vec<&[u8]> = record.iter().collect();
            let [names @ .., _, _] = fields.get(..5).ok_or_else(wrong)? else {
                return Err(wrong());
            };
            let number_in = |field: &[u8]| -> Option<f32> {
                let value = std::str::from_utf8(field).ok()?.parse().ok()?;
                f32::is_finite(value).then_some(value)
            };
            let (share, votes) = (number_in(fields[3]), number_in(fields[4]));
            let share = share.filter(|share| (0.0..=1.0).contains(share));
            let votes = votes.filter(|votes| *votes > 0.0);
            let (share, votes) = share.zip(votes).ok_or_else(wrong)?;
            let mut pictures = [0; 3];
            for (place, name) in pictures.iter_mut().zip(names) {
                let path = folder.join(LocalPath::named_by(name).as_path());
                *place = *numbers.entry(path.clone()).or_insert_with(|| {
                    file.paths.push(path);
                    file.paths.len() - 1
                });
            }
            file.triplets.push(JudgedTriplet {
                pictures,
                share,
                votes,
            });
        }
        match file.triplets.is_empty() {
            true => Err(TripletsFileError::Empty(csv.to_owned())),
            false => Ok(file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<TripletsFile, TripletsFileError> {
        let dir = tempfile::tempdir().unwrap();
        let csv = dir.path().join("votes.csv");
        std::fs::write(&csv, text).unwrap();
        TripletsFile::read(&csv)
    }

    #[test]
    fn judgements_are_read_and_bad_lines_named() {
        let file = read(
            "ref,a,b,share_a,votes,split\nx.jpg,y.jpg,z.jpg,0.75,4,train\nz.jpg, x.jpg,y.jpg,0,3\n",
        );
        let file = file.unwrap();
        assert_eq!(file.paths.len(), 3);
        assert_eq!(file.triplets[1].pictures, [2, 0, 1]);
        assert_eq!(
            (file.triplets[0].share, file.triplets[0].votes),
            (0.75, 4.0)
        );
        for line in [
            "x.jpg,y.jpg,z.jpg,1.5,4",
            "x.jpg,y.jpg,z.jpg,1",
            "x,y,z,1,0",
        ] {
            let error = read(&format!("ref,a,b,share,votes\n{line}\n")).unwrap_err();
            assert!(
                error.to_string().contains("line 2: there must be five"),
                "{error}"
            );
        }
        let error = read("ref,a,b,share,votes\n").unwrap_err();
        assert!(matches!(error, TripletsFileError::Empty(_)), "{error}");
    }
}
