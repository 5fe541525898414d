//! README and docs/, held to their word: each page is in the book, each link leads somewhere, each command is
//! one that the program takes, each block of code is of a kind that is tried, and what guides show is what is
//! seen.
//!
//! Blocks are of these kinds:
//!
//! | block | what is done with it |
//! |---|---|
//! | console (a fence) | lines that begin with `$ ` are run in the order of the page, in a folder of its own; what stands below each must be what it prints on stdout. Numbers stand for any number, a line `...` for any lines |
//! | indented, or sh (a fence) | a command a line: those of simdex are parsed by the program's own parser, others must be on a list. Indented blocks that begin with `[` are configuration, and read as such |
//! | json (a fence) | values, read |
//! | python (a fence) | run by the tests of their page, which are named here |
//! | text (a fence) | nothing: what a program prints, drawings |

mod blocks;
mod book;
mod commands;
mod guides;
mod keys;
mod shell;

use std::path::{Path, PathBuf};

/// Set to have pages written where they are wrong, instead of a test that fails.
const WRITE: &str = "SIMDEX_WRITE_DOCS";

/// A page: where it is, from the top of the repository, and its text.
struct Page {
    path: PathBuf,
    text: String,
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages below docs/, sorted.
fn docs() -> Vec<Page> {
    let entries = walkdir::WalkDir::new(top().join("docs")).sort_by_file_name();
    let paths = entries.into_iter().map(|entry| entry.unwrap().into_path());
    let pages = paths.filter(|path| path.extension().is_some_and(|it| it == "md"));
    pages
        .map(|path| page(path.strip_prefix(top()).unwrap()))
        .collect()
}

/// README and the pages below docs/.
fn pages() -> Vec<Page> {
    let mut pages = docs();
    pages.insert(0, page(Path::new("README.md")));
    pages
}

fn page(path: &Path) -> Page {
    Page {
        path: path.to_owned(),
        text: std::fs::read_to_string(top().join(path)).unwrap(),
    }
}
