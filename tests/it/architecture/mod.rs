//! The house keeps its plan: which module may use which, no circles, and files that can be read.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What each top-level module may use. Whoever adds an arrow makes it point down.
const ARROWS: &[(&str, &[&str])] = &[
    ("activation", &[]),
    (
        "app",
        &[
            "activation",
            "atomic_file",
            "blocking",
            "canonical_url",
            "classify",
            "config",
            "crawl",
            "dataset",
            "edit",
            "evaluation",
            "head",
            "index",
            "ingest",
            "local_path",
            "map",
            "network",
            "picture",
            "plural",
            "saving",
            "search",
            "shutdown",
            "store",
            "training",
        ],
    ),
    ("atomic_file", &[]),
    ("blocking", &[]),
    ("canonical_url", &[]),
    ("classify", &["activation", "network"]),
    (
        "cli",
        &[
            "app",
            "atomic_file",
            "canonical_url",
            "classify",
            "config",
            "crawl",
            "dataset",
            "demo",
            "evaluation",
            "head",
            "local_path",
            "picture",
            "plural",
            "report",
            "saving",
            "search",
            "serve",
            "shutdown",
            "store",
            "table",
            "terminal",
            "training",
        ],
    ),
    ("config", &["activation", "network", "picture"]),
    (
        "crawl",
        &[
            "blocking",
            "canonical_url",
            "config",
            "extract",
            "ingest",
            "picture",
            "saving",
            "shutdown",
            "store",
        ],
    ),
    ("dataset", &["local_path", "picture"]),
    ("demo", &["blocking", "edit"]),
    ("edit", &[]),
    (
        "evaluation",
        &[
            "activation",
            "classify",
            "edit",
            "head",
            "network",
            "picture",
            "plural",
            "search",
            "shutdown",
            "store",
            "training",
        ],
    ),
    ("extract", &["canonical_url", "picture"]),
    ("head", &["activation", "local_path", "network", "picture"]),
    (
        "index",
        &[
            "activation",
            "atomic_file",
            "config",
            "network",
            "picture",
            "store",
        ],
    ),
    (
        "ingest",
        &[
            "activation",
            "canonical_url",
            "local_path",
            "network",
            "picture",
            "plural",
            "saving",
            "shutdown",
            "store",
        ],
    ),
    ("local_path", &[]),
    ("map", &["network"]),
    ("network", &["activation", "picture", "private_folder"]),
    ("picture", &[]),
    ("plural", &[]),
    ("private_folder", &[]),
    (
        "report",
        &[
            "evaluation",
            "head",
            "plural",
            "search",
            "store",
            "table",
            "terminal",
        ],
    ),
    (
        "search",
        &[
            "activation",
            "canonical_url",
            "head",
            "index",
            "local_path",
            "network",
            "picture",
            "store",
        ],
    ),
    (
        "serve",
        &[
            "app",
            "blocking",
            "canonical_url",
            "classify",
            "config",
            "crawl",
            "head",
            "local_path",
            "picture",
            "plural",
            "private_folder",
            "report",
            "search",
            "shutdown",
            "store",
        ],
    ),
    (
        "saving",
        &["atomic_file", "canonical_url", "picture", "store", "table"],
    ),
    ("shutdown", &[]),
    (
        "store",
        &[
            "activation",
            "atomic_file",
            "blocking",
            "canonical_url",
            "local_path",
            "network",
            "picture",
            "plural",
            "private_folder",
        ],
    ),
    ("table", &[]),
    ("terminal", &[]),
    (
        "training",
        &[
            "activation",
            "edit",
            "head",
            "network",
            "picture",
            "shutdown",
        ],
    ),
];

/// The most files directly in a folder.
const MOST_FILES: usize = 20;
/// The most lines of a file.
const MOST_LINES: usize = 450;

struct File {
    /// Below `src`.
    path: PathBuf,
    module: Vec<String>,
    text: String,
}

/// Every file of the library, sorted by path.
fn files() -> Vec<File> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let entries = walkdir::WalkDir::new(&src).sort_by_file_name();
    let paths = entries.into_iter().map(|entry| entry.unwrap().into_path());
    let rust = paths.filter(|path| path.extension().is_some_and(|it| it == "rs"));
    let files = rust.map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(&src).unwrap().to_owned();
        let words = path.with_extension("");
        let words = words.iter().map(|word| word.to_str().unwrap().to_owned());
        let module = words.filter(|word| !matches!(word.as_str(), "mod" | "lib" | "main"));
        File {
            module: module.collect(),
            path,
            text,
        }
    });
    files.collect()
}

#[test]
fn arrows_between_modules_are_those_of_the_plan() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let files = files();
    let modules: BTreeSet<&str> = files
        .iter()
        .filter_map(|file| file.module.first().map(String::as_str))
        .collect();
    let mut wrong = Vec::new();
    for module in &modules {
        if !allowed.contains_key(module) {
            wrong.push(format!("{module} is not in the table"));
        }
    }
    for module in allowed.keys() {
        if !modules.contains(module) {
            wrong.push(format!("{module} is in the table, but not in src"));
        }
    }
    // Each arrow that there is, with a file that draws it.
    let mut drawn = BTreeMap::new();
    for file in &files {
        for path in source::read(&file.text, &file.module).paths {
            if let (Some(from), Some(to)) = (path.from.first(), path.to.first())
                && modules.contains(to.as_str())
                && from != to
            {
                drawn.insert((from.clone(), to.clone()), file.path.display().to_string());
            }
        }
    }
    let planned: BTreeSet<(String, String)> = ARROWS
        .iter()
        .flat_map(|(from, uses)| uses.iter().map(|to| ((*from).to_owned(), (*to).to_owned())))
        .collect();
    for ((from, to), file) in &drawn {
        if !planned.contains(&(from.clone(), to.clone())) {
            wrong.push(format!(
                "{from} -> {to} is not in the table, but in src/{file}"
            ));
        }
    }
    for (from, to) in &planned {
        if !drawn.contains_key(&(from.clone(), to.clone())) {
            wrong.push(format!(
                "{from} -> {to} is in the table, but nobody uses it"
            ));
        }
    }
    assert!(wrong.is_empty(), "not as planned:\n{}", wrong.join("\n"));
}

#[test]
fn the_plan_has_no_circle() {
    // Whatever uses only what was taken away is taken away, until nothing is left.
    let mut left: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    loop {
        let free = |uses: &&[&str]| uses.iter().all(|used| !left.contains_key(used));
        let next: Vec<&str> = left
            .iter()
            .filter(|(_, uses)| free(uses))
            .map(|(module, _)| *module)
            .collect();
        if next.is_empty() {
            break;
        }
        for module in next {
            left.remove(module);
        }
    }
    assert!(left.is_empty(), "in a circle, or above one: {left:?}");
}

/// The arrows between the modules of each folder: the folder, who uses, who is used.
fn arrows_inside(files: &[File]) -> BTreeSet<(String, String, String)> {
    let modules: BTreeSet<&[String]> = files.iter().map(|file| &file.module[..]).collect();
    let sources: BTreeMap<&[String], source::Source> = files
        .iter()
        .map(|file| (&file.module[..], source::read(&file.text, &file.module)))
        .collect();
    // What a folder's own file names is its module's in which it is written.
    let written_in = |folder: &[String], name: &str| -> Option<String> {
        let names = &sources.get(folder)?.names;
        let (_, path) = names.iter().find(|(other, _)| other == name)?;
        let child = path.first()?;
        let module = [folder, std::slice::from_ref(child)].concat();
        modules.contains(&module[..]).then(|| child.clone())
    };
    let mut arrows = BTreeSet::new();
    for path in sources.values().flat_map(|source| &source.paths) {
        let common = path.from.iter().zip(&path.to);
        let common = common.take_while(|(from, to)| from == to).count();
        let folder = &path.from[..common];
        let (Some(from), Some(to)) = (path.from.get(common), path.to.get(common)) else {
            continue;
        };
        let child = [folder, std::slice::from_ref(to)].concat();
        let to = if modules.contains(&child[..]) {
            Some(to.clone())
        } else {
            written_in(folder, to)
        };
        if common > 0
            && let Some(to) = to
            && to != *from
        {
            arrows.insert((folder.join("/"), from.clone(), to));
        }
    }
    arrows
}

/// The modules of each folder that use each other in a circle, however long.
fn circles(arrows: &BTreeSet<(String, String, String)>) -> BTreeSet<(String, Vec<String>)> {
    let mut reached = arrows.clone();
    loop {
        let further: Vec<_> = reached
            .iter()
            .flat_map(|(folder, from, by)| {
                let next = arrows
                    .iter()
                    .filter(move |(f, via, _)| f == folder && via == by);
                next.map(move |(_, _, to)| (folder.clone(), from.clone(), to.clone()))
            })
            .collect();
        let before = reached.len();
        reached.extend(further);
        if reached.len() == before {
            break;
        }
    }
    let in_circle = reached.iter().filter(|(_, from, to)| from == to);
    let circles = in_circle.map(|(folder, one, _)| {
        let back = |(_, from, to): &&(String, String, String)| {
            from == one && reached.contains(&(folder.clone(), to.clone(), one.clone()))
        };
        let of = reached.iter().filter(|(f, ..)| f == folder).filter(back);
        (folder.clone(), of.map(|(.., to)| to.clone()).collect())
    });
    circles.collect()
}

#[test]
fn no_modules_of_a_folder_use_each_other_in_a_circle() {
    let arrows = arrows_inside(&files());
    let found = circles(&arrows);
    let shown: Vec<String> = found
        .into_iter()
        .map(|(folder, members)| {
            let inside = arrows.iter().filter(|(f, from, to)| {
                *f == folder && members.contains(from) && members.contains(to)
            });
            let inside: Vec<String> = inside.map(|(_, a, b)| format!("{a} -> {b}")).collect();
            format!("{folder}: {}", inside.join(", "))
        })
        .collect();
    assert!(shown.is_empty(), "circles:\n{}", shown.join("\n"));
}

#[test]
fn folders_and_files_can_be_looked_over() {
    let files = files();
    let mut folders: BTreeMap<String, usize> = BTreeMap::new();
    let mut silent = Vec::new();
    let mut long = Vec::new();
    for file in &files {
        let path = file.path.display().to_string();
        let lines = file.text.lines().count();
        if lines > MOST_LINES {
            long.push(format!("{path} ({lines} lines)"));
        }
        if !file.text.starts_with("//!") {
            silent.push(path);
        }
        let folder = file.path.parent().unwrap().display().to_string();
        *folders.entry(folder).or_default() += 1;
    }
    folders.retain(|_, count| *count > MOST_FILES);
    assert!(
        folders.is_empty(),
        "folders with too many files: {folders:#?}"
    );
    assert!(long.is_empty(), "files that are too long: {long:#?}");
    assert!(
        silent.is_empty(),
        "files without //! at their top: {silent:#?}"
    );
}
