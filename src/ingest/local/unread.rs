//! Files that are pictures, but of formats that simdex does not read.

use std::collections::BTreeMap;
use std::fmt;

use crate::plural::counted;

/// Files that stay unread, by the endings of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SkippedFiles(pub BTreeMap<String, u64>);

impl SkippedFiles {
    pub(super) fn add(&mut self, ending: String) {
        *self.0.entry(ending).or_default() += 1;
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for SkippedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: u64 = self.0.values().sum();
        write!(f, "{} skipped: ", counted(total, "file"))?;
        let mut endings: Vec<_> = self.0.iter().collect();
        endings.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        for (i, (ending, count)) in endings.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}.{ending}")?;
            if endings.len() > 1 {
                write!(f, " ({count})")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_unread_is_named() {
        let mut skipped = SkippedFiles::default();
        for ending in ["psb", "psb", "cr2"] {
            skipped.add(ending.to_owned());
        }
        assert_eq!(skipped.to_string(), "3 files skipped: .psb (2), .cr2 (1)");
        let mut one = SkippedFiles::default();
        one.add("psd".to_owned());
        assert_eq!(one.to_string(), "1 file skipped: .psd");
    }
}
