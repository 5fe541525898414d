//! A list of pairs, each with whether they are the same: the file of `train --pairs`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::local_path::LocalPath;

/// Pictures by number, and pairs of them with the user's answers.
#[derive(Debug, Default, PartialEq)]
pub struct PairsFile {
    /// The pictures.
    pub paths: Vec<PathBuf>,
    /// Two pictures by number, and whether they are the same.
    pub pairs: Vec<(usize, usize, bool)>,
}

/// A list of pairs cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairsFileError {
    /// The file cannot be read.
    #[error("{path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is no pair.
    #[error("{path} line {number}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        number: usize,
        /// What is wrong with it.
        source: LineError,
    },
}

/// A line is no pair.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// It is no line of CSV.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// It has more or fewer fields.
    #[error("there must be three fields: path, path, same")]
    Fields,
    /// Its third field is no answer.
    #[error("the third field must be 1 or 0, true or false, same or different; it is `{0}`")]
    Answer(String),
}

impl PairsFile {
    /// Reads `path,path,same` lines; paths are relative to the file's folder. A first line
    /// that names the columns is skipped.
    ///
    /// # Errors
    /// If the file cannot be read or a line is no pair.
    pub fn read(csv: &Path) -> Result<Self, PairsFileError> {
        let folder = csv.parent().unwrap_or(Path::new("."));
        let text = std::fs::read(csv).map_err(|source| PairsFileError::Read {
            path: csv.to_owned(),
            source,
        })?;
        let lines = text.split(|byte| *byte == b'\n').zip(1..);
        let lines = lines.filter(|(line, _)| !line.trim_ascii().is_empty());
        let mut lines = lines.peekable();
        lines.next_if(|(line, _)| fields(line).is_ok_and(|first| names_columns(folder, &first)));
        let mut file = Self::default();
        let mut numbers: HashMap<PathBuf, usize> = HashMap::new();
        for (line, number) in lines {
            let (names, same) = pair(line).map_err(|source| PairsFileError::Line {
                path: csv.to_owned(),
                number,
                source,
            })?;
            let [first, second] = names.map(|name| {
                let path = folder.join(LocalPath::named_by(&name).as_path());
                *numbers.entry(path.clone()).or_insert_with(|| {
                    file.paths.push(path);
                    file.paths.len() - 1
                })
            });
            file.pairs.push((first, second, same));
        }
        Ok(file)
    }
}

fn pair(line: &[u8]) -> Result<([Vec<u8>; 2], bool), LineError> {
    let Ok::<[Vec<u8>; 3], _>([first, second, answer]) = fields(line)?.try_into() else {
        return Err(LineError::Fields);
    };
    match parse(&answer) {
        Some(same) => Ok(([first, second], same)),
        None => Err(LineError::Answer(
            String::from_utf8_lossy(&answer).into_owned(),
        )),
    }
}

/// As bytes: paths may be no UTF-8.
fn fields(line: &[u8]) -> csv::Result<Vec<Vec<u8>>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(line);
    let mut record = csv::ByteRecord::new();
    reader.read_byte_record(&mut record)?;
    Ok(record.iter().map(<[u8]>::to_vec).collect())
}

fn parse(answer: &[u8]) -> Option<bool> {
    match answer.to_ascii_lowercase().as_slice() {
        b"1" | b"true" | b"yes" | b"same" => Some(true),
        b"0" | b"false" | b"no" | b"different" => Some(false),
        _ => None,
    }
}

/// Whether a first line names columns: neither of its paths exists. A line with an answer such
/// as `1` is a pair whose pictures are missing, but a column may well be called "same".
fn names_columns(folder: &Path, fields: &[Vec<u8>]) -> bool {
    let is_pair = fields
        .get(2)
        .is_some_and(|answer| parse(answer).is_some() && !answer.eq_ignore_ascii_case(b"same"));
    !is_pair
        && fields
            .iter()
            .take(2)
            .all(|name| !folder.join(LocalPath::named_by(name).as_path()).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<PairsFile> {
        let dir = tempfile::tempdir()?;
        for name in ["a.jpg", "b.jpg", "c.jpg"] {
            std::fs::write(dir.path().join(name), "")?;
        }
        let csv = dir.path().join("pairs.csv");
        std::fs::write(&csv, text)?;
        Ok(PairsFile::read(&csv)?)
    }

    #[test]
    fn answers_are_words_in_any_case() {
        let text = "a.jpg,b.jpg,TRUE\na.jpg,c.jpg,False\n\nb.jpg, c.jpg, same\nc.jpg,a.jpg,Different\na.jpg,b.jpg,1\na.jpg,b.jpg,0\n";
        let answers: Vec<bool> = read(text)
            .unwrap()
            .pairs
            .iter()
            .map(|pair| pair.2)
            .collect();
        assert_eq!(answers, [true, false, true, false, true, false]);
    }

    #[test]
    fn only_a_first_line_without_files_names_columns() {
        let pairs = |text: &str| read(text).unwrap().pairs.len();
        assert_eq!(pairs("a,b,same\na.jpg,b.jpg,1\n"), 1);
        assert_eq!(pairs("left,right,is it the same?\na.jpg,b.jpg,1\n"), 1);
        // Its pictures are missing, which is reported when they are read.
        assert_eq!(pairs("x.jpg,y.jpg,1\na.jpg,b.jpg,1\n"), 2);
    }

    #[test]
    fn a_bad_line_is_named() {
        let problem = |text: &str| format!("{:#}", read(text).unwrap_err());
        let mistyped = problem("a.jpg,b.jpg,ture\n");
        assert!(
            mistyped.contains("line 1") && mistyped.contains("`ture`"),
            "{mistyped}"
        );
        assert!(problem("a,b,same\n\na.jpg,b.jpg,maybe\n").contains("line 3"));
        assert!(problem("a.jpg,b.jpg,1\na.jpg,b.jpg\n").contains("line 2: there must be three"));
    }
}
