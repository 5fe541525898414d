//! What could be deleted of near-copies, as a table and as a shell script. simdex deletes no file itself.

use std::path::Path;

use crate::app::DuplicateGroup;
use crate::local_path::LocalPath;

/// What is written: what to do with each file and URL of the groups, one after another.
pub(super) trait Plan {
    /// Adds a group and where its pictures are kept on this disk, in the order of its members.
    fn add(&mut self, group: &DuplicateGroup, files: &[Vec<LocalPath>]);
    /// All of it.
    fn finish(self) -> Vec<u8>;
}

/// A table: a line for each file or URL.
pub(super) struct Csv {
    table: csv::Writer<Vec<u8>>,
    groups: usize,
}

impl Csv {
    pub(super) fn new() -> Self {
        let mut csv = Self {
            table: csv::Writer::from_writer(Vec::new()),
            groups: 0,
        };
        csv.line([
            "group", "action", "id", "place", "width", "height", "bytes", "score",
        ]);
        csv
    }

    fn line<T: AsRef<[u8]>, const N: usize>(&mut self, fields: [T; N]) {
        let written = self.table.write_record(fields);
        written.expect("memory takes what is written, and all lines have eight fields");
    }
}

impl Plan for Csv {
    fn add(&mut self, group: &DuplicateGroup, files: &[Vec<LocalPath>]) {
        self.groups += 1;
        for (place, (member, files)) in group.members.iter().zip(files).enumerate() {
            let mut keeps = place == group.keep;
            let mut line = |action: &str, at: &str| {
                self.line([
                    &self.groups.to_string(),
                    action,
                    &member.entry.id,
                    at,
                    &member.record.width.to_string(),
                    &member.record.height.to_string(),
                    &member.record.bytes.to_string(),
                    &member.entry.score.to_string(),
                ]);
            };
            for file in files {
                // Of the picture that is kept one file is enough.
                line(
                    if std::mem::take(&mut keeps) {
                        "keep"
                    } else {
                        "delete"
                    },
                    &file.to_string(),
                );
            }
            // What is on the web is not ours to delete.
            member.entry.urls.iter().for_each(|url| line("none", url));
        }
    }

    fn finish(self) -> Vec<u8> {
        self.table
            .into_inner()
            .expect("memory takes what is written")
    }
}

/// A script for `sh`.
pub(super) struct Script(Vec<u8>);

/// Nothing from the web or the disk stands in it but in quotes.
const BEGINNING: &str = r#"#!/bin/sh
# Deletes near-copies, as chosen on the page Duplicates of simdex. Read it before you run it.
# A file goes only if it and the file that is kept for it are two, and as large as simdex has read them.
size() { { wc -c < "$1" | tr -d ' '; } 2>/dev/null; }
drop() {
  if [ "$(size "$2")" = "$1" ] && [ "$(size "$4")" = "$3" ] && ! [ "$2" -ef "$4" ]
  then rm -- "$2" && printf 'deleted: %s\n' "$2"
  else printf 'left alone: %s\n' "$2" >&2
  fi
}
# drop ITS-SIZE FILE SIZE-OF-WHAT-IS-KEPT KEPT-FILE
"#;

impl Script {
    pub(super) fn new() -> Self {
        Self(BEGINNING.as_bytes().to_vec())
    }
}

impl Plan for Script {
    fn add(&mut self, group: &DuplicateGroup, files: &[Vec<LocalPath>]) {
        // Where what is kept is not on this disk, nothing is deleted.
        let Some(kept) = files[group.keep].first() else {
            return;
        };
        let kept_bytes = group.members[group.keep].record.bytes;
        for (member, files) in group.members.iter().zip(files) {
            for file in files.iter().filter(|file| *file != kept) {
                self.0
                    .extend(format!("drop {} ", member.record.bytes).bytes());
                self.0.extend(quoted(file.as_path()));
                self.0.extend(format!(" {kept_bytes} ").bytes());
                self.0.extend(quoted(kept.as_path()));
                self.0.push(b'\n');
            }
        }
    }

    fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// A path as one word for `sh`: nothing in single quotes means anything but the quote itself.
fn quoted(path: &Path) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\'' => word.extend(br"'\''"),
            byte => word.push(*byte),
        }
    }
    word.push(b'\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a shell makes of a word.
    #[cfg(unix)]
    fn read(word: &[u8]) -> Vec<u8> {
        use std::os::unix::ffi::OsStrExt;
        let script = [b"printf %s ", word].concat();
        let shell = std::process::Command::new("sh")
            .arg("-c")
            .arg(std::ffi::OsStr::from_bytes(&script))
            .output();
        shell.unwrap().stdout
    }

    #[test]
    #[cfg(unix)]
    fn any_path_is_one_word() {
        use std::os::unix::ffi::OsStrExt;
        for path in [
            &b"/a b/c.jpg"[..],
            b"/it's $(touch x) `id` \"q\" \\ ;&|<>*?~#!.jpg",
            b"/two\nlines\tand -f",
            b"/not \xff utf-8 \xe9.jpg",
            b"'''",
        ] {
            let of = Path::new(std::ffi::OsStr::from_bytes(path));
            assert_eq!(read(&quoted(of)), path);
        }
    }
}
