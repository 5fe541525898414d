//! A folder of domains, each with one folder of pictures for each class.

use std::path::{Path, PathBuf};

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::folder::pictures_below;
use super::labelled::LabelError;

/// Pictures of several kinds: `DOMAIN/CLASS/picture`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domains {
    /// Names of the domains: the folders.
    pub names: Vec<String>,
    /// Their classes, domain by domain.
    pub classes: Vec<DomainClass>,
    /// Folders that are no domain, since they have fewer than two classes with pictures.
    pub ignored: Vec<PathBuf>,
}

/// A class of one domain. Classes of one name in two domains are the same subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainClass {
    /// Its domain, an index into the names.
    pub domain: usize,
    /// Its folder's name.
    pub name: String,
    /// Its pictures, sorted.
    pub files: Vec<PathBuf>,
}

/// Which pictures are stored, and which are asked for. Each has the index of its class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldOut {
    /// Those to be stored.
    pub stored: Vec<(PathBuf, usize)>,
    /// Queries: the others of their class are stored.
    pub queries: Vec<(PathBuf, usize)>,
    /// Queries without an answer: nothing of their class is stored.
    pub answerless: Vec<(PathBuf, usize)>,
    /// Names of the classes of which nothing is stored.
    pub left_out: Vec<String>,
}

/// One of so many names of classes is left out, where something is to be without an answer.
const LEFT_OUT: usize = 10;
/// Most queries without an answer of one class that was left out.
const MOST_ANSWERLESS: usize = 10;

impl Domains {
    /// Lists `dir`: its folders are domains, their folders classes, pictures anywhere below.
    ///
    /// # Errors
    /// If a folder cannot be read, or it does not hold two domains of two classes each.
    pub fn list(dir: &Path) -> Result<Self, LabelError> {
        let mut domains = Self {
            names: Vec::new(),
            classes: Vec::new(),
            ignored: Vec::new(),
        };
        for folder in folders(dir)? {
            let domain = domains.names.len();
            let mut classes = Vec::new();
            for class in folders(&folder)? {
                let files = pictures_below(&class);
                if !files.is_empty() {
                    classes.push(DomainClass {
                        domain,
                        name: folder_name(&class),
                        files,
                    });
                }
            }
            if classes.len() < 2 {
                domains.ignored.push(folder);
                continue;
            }
            domains.names.push(folder_name(&folder));
            domains.classes.append(&mut classes);
        }
        match domains.names.len() {
            0 if pictures_below(dir).is_empty() => Err(LabelError::NoPictures(dir.to_owned())),
            0 => Err(LabelError::NoDomains(dir.to_owned())),
            1 => Err(LabelError::OneDomain(dir.join(&domains.names[0]))),
            _ => Ok(domains),
        }
    }

    /// Takes `queries` pictures of each class out, or a third of small ones. `leave_out`: a
    /// tenth of the classes' names is left out wholly, so that their pictures are queries without
    /// an answer; each domain keeps two classes.
    pub fn hold_out(&self, queries: usize, leave_out: bool, seed: u64) -> HeldOut {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut held = HeldOut {
            left_out: match leave_out {
                true => self.names_to_leave_out(&mut rng),
                false => Vec::new(),
            },
            ..HeldOut::default()
        };
        for (number, class) in self.classes.iter().enumerate() {
            let mut files = class.files.clone();
            files.shuffle(&mut rng);
            let is_left_out = held.left_out.contains(&class.name);
            let (asked, count) = match is_left_out {
                true => (&mut held.answerless, MOST_ANSWERLESS.min(files.len())),
                false => (&mut held.queries, queries.min(files.len() / 3)),
            };
            asked.extend(files.drain(..count).map(|file| (file, number)));
            if !is_left_out {
                files.sort();
                held.stored
                    .extend(files.into_iter().map(|file| (file, number)));
            }
        }
        held
    }

    fn names_to_leave_out(&self, rng: &mut impl Rng) -> Vec<String> {
        let mut names: Vec<&str> = self.classes.iter().map(|c| c.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let wanted = names.len().div_ceil(LEFT_OUT);
        names.shuffle(rng);
        let mut left: Vec<usize> = vec![0; self.names.len()];
        self.classes
            .iter()
            .for_each(|class| left[class.domain] += 1);
        let mut chosen = Vec::new();
        for name in names {
            let of_name = || self.classes.iter().filter(|class| class.name == name);
            if chosen.len() < wanted && of_name().all(|class| left[class.domain] > 2) {
                of_name().for_each(|class| left[class.domain] -= 1);
                chosen.push(name.to_owned());
            }
        }
        chosen.sort_unstable();
        chosen
    }
}

/// The folders in a folder, sorted.
fn folders(dir: &Path) -> Result<Vec<PathBuf>, LabelError> {
    let read = |source| LabelError::Read {
        path: dir.to_owned(),
        source,
    };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(read)? {
        let path = entry.map_err(read)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

fn folder_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains(of: &[(usize, &str, usize)]) -> Domains {
        let class = |&(domain, name, count): &(usize, &str, usize)| DomainClass {
            domain,
            name: name.to_owned(),
            files: (0..count)
                .map(|n| PathBuf::from(format!("{domain}/{name}/{n:02}.jpg")))
                .collect(),
        };
        Domains {
            names: vec!["a".to_owned(), "b".to_owned()],
            classes: of.iter().map(class).collect(),
            ignored: Vec::new(),
        }
    }

    #[test]
    fn queries_are_taken_out_of_what_is_stored() {
        let all = domains(&[(0, "x", 12), (0, "y", 4), (1, "x", 2), (1, "z", 1)]);
        let held = all.hold_out(2, false, 1);
        let count = |of: &[(PathBuf, usize)], class| of.iter().filter(|f| f.1 == class).count();
        let queries: Vec<usize> = (0..4).map(|class| count(&held.queries, class)).collect();
        assert_eq!(queries, [2, 1, 0, 0]);
        let stored: Vec<usize> = (0..4).map(|class| count(&held.stored, class)).collect();
        assert_eq!(stored, [10, 3, 2, 1]);
        assert!(
            held.queries
                .iter()
                .all(|query| !held.stored.contains(query))
        );
        assert!(held.answerless.is_empty() && held.left_out.is_empty());
        assert_eq!(held, all.hold_out(2, false, 1));
        assert_ne!(held, all.hold_out(2, false, 2));
    }

    #[test]
    fn a_name_is_left_out_of_all_domains_and_each_keeps_two_classes() {
        let all = domains(&[
            (0, "x", 12),
            (0, "y", 4),
            (0, "z", 3),
            (1, "x", 5),
            (1, "y", 5),
        ]);
        // Only z can go: b has no other classes than x and y.
        for seed in 0..5 {
            let held = all.hold_out(2, true, seed);
            assert_eq!(held.left_out, ["z"]);
            assert_eq!(held.answerless.len(), 3);
            assert!(held.stored.iter().all(|(_, class)| *class != 2));
        }
        // Nothing can.
        let few = domains(&[(0, "x", 4), (0, "y", 4), (1, "x", 4), (1, "y", 4)]);
        assert!(few.hold_out(2, true, 1).left_out.is_empty());
    }
}
