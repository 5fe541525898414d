//! Reads a Rust file as far as its paths are concerned: no types, no macros.

/// What a file refers to.
#[derive(Debug, Default)]
pub struct Source {
    /// Paths that begin with `crate`, `self` or `super`, made absolute: without `crate`.
    pub paths: Vec<Path>,
    /// Names that the file's module has from elsewhere, by `use` of a path that begins with
    /// another word: `use fetch::Fetcher` gives `Fetcher` and `[fetch, Fetcher]`.
    pub names: Vec<(String, Vec<String>)>,
}

/// A path in a file.
#[derive(Debug)]
pub struct Path {
    /// The module that it stands in.
    pub from: Vec<String>,
    pub to: Vec<String>,
}

/// Reads the text of the file of a module.
pub fn read(text: &str, module: &[String]) -> Source {
    let tokens = tokens(text);
    let mut source = Source::default();
    // The modules written out in the file around a place, each with its depth in braces.
    let mut inline: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut at) = (0, 0);
    while at < tokens.len() {
        let word = tokens[at].as_str();
        let next = tokens.get(at + 1).map_or("", String::as_str);
        let starts = at == 0 || tokens[at - 1] != "::";
        match word {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inline.pop_if(|(_, outer)| *outer == depth);
            }
            "mod" if tokens.get(at + 2).is_some_and(|brace| brace == "{") => {
                inline.push((next.to_owned(), depth));
            }
            "use" if !matches!(next, "crate" | "self" | "super" | "::") && inline.is_empty() => {
                tree(&tokens, &mut (at + 1), &[], &mut |path, name| {
                    source.names.push((name, path));
                });
            }
            "crate" | "self" | "super" if starts && next == "::" => {
                let mut from = module.to_vec();
                from.extend(inline.iter().map(|(name, _)| name.clone()));
                let mut found = Vec::new();
                tree(&tokens, &mut at, &[], &mut |path, name| {
                    found.push((path, name));
                });
                for (path, name) in found {
                    let to = absolute(&from, path);
                    // `use self::fetch::Fetcher` names it too.
                    if let Some(rest) = to.strip_prefix(module)
                        && rest.len() > 1
                        && inline.is_empty()
                    {
                        source.names.push((name, rest.to_vec()));
                    }
                    source.paths.push(Path {
                        from: from.clone(),
                        to,
                    });
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    source
}

/// Reads a path or a tree of them, such as `a::{b, c::D as E}`, and gives each with the name
/// that it brings in; `at` is left behind it.
fn tree(
    tokens: &[String],
    at: &mut usize,
    before: &[String],
    found: &mut dyn FnMut(Vec<String>, String),
) {
    let word = |at: usize| tokens.get(at).map_or("", String::as_str);
    let mut path = before.to_vec();
    loop {
        if word(*at) == "{" {
            *at += 1;
            while !matches!(word(*at), "}" | "") {
                let start = *at;
                tree(tokens, at, &path, found);
                if word(*at) == "," || *at == start {
                    *at += 1;
                }
            }
            *at += 1;
            return;
        }
        if !is_word(word(*at)) && word(*at) != "*" {
            break;
        }
        path.push(word(*at).to_owned());
        *at += 1;
        if word(*at) != "::" {
            break;
        }
        *at += 1;
    }
    let mut name = path.last().cloned().unwrap_or_default();
    if word(*at) == "as" {
        word(*at + 1).clone_into(&mut name);
        *at += 2;
    }
    found(path, name);
}

/// A path without `crate`, `self` and `super`.
fn absolute(from: &[String], path: Vec<String>) -> Vec<String> {
    let mut to = from.to_vec();
    for word in path {
        match word.as_str() {
            "crate" => to.clear(),
            "super" => {
                to.pop();
            }
            "self" => {}
            _ => to.push(word),
        }
    }
    to
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The words and signs of a text without comments, strings and characters.
fn tokens(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let letter = |at: usize| letters.get(at).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let start = at;
        match letter(at) {
            '/' if letter(at + 1) == '/' => {
                while at < letters.len() && letter(at) != '\n' {
                    at += 1;
                }
            }
            '/' if letter(at + 1) == '*' => at = behind_comment(&letters, at),
            '"' => at = behind_string(&letters, at),
            // A character; else a lifetime, which is a sign and a word.
            '\'' if letter(at + 1) == '\\' => {
                at += 3;
                while at < letters.len() && letter(at) != '\'' {
                    at += 1;
                }
                at += 1;
            }
            '\'' if letter(at + 2) == '\'' => at += 3,
            c if c.is_alphanumeric() || c == '_' => {
                while letter(at).is_alphanumeric() || letter(at) == '_' {
                    at += 1;
                }
                let word: String = letters[start..at].iter().collect();
                let raw = matches!(word.as_str(), "r" | "br") && matches!(letter(at), '"' | '#');
                if raw && let Some(end) = behind_raw_string(&letters, at) {
                    at = end;
                } else {
                    tokens.push(word);
                }
            }
            ':' if letter(at + 1) == ':' => {
                tokens.push("::".to_owned());
                at += 2;
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(c.to_string());
                }
                at += 1;
            }
        }
    }
    tokens
}

fn behind_comment(letters: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while let Some(pair) = letters.get(at..at + 2) {
        match pair {
            ['/', '*'] => depth += 1,
            ['*', '/'] => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    letters.len()
}

fn behind_string(letters: &[char], mut at: usize) -> usize {
    at += 1;
    while at < letters.len() && letters[at] != '"' {
        at += if letters[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The end of a raw string from its first `#` or quotation mark on; nothing if it is none.
fn behind_raw_string(letters: &[char], start: usize) -> Option<usize> {
    let marks = letters[start..].iter().take_while(|c| **c == '#').count();
    let mut at = start + marks;
    if letters.get(at) != Some(&'"') {
        return None;
    }
    loop {
        at += 1 + letters[at + 1..].iter().position(|c| *c == '"')?;
        let closing = letters[at + 1..].iter().take_while(|c| **c == '#').count();
        if closing >= marks {
            return Some(at + 1 + marks);
        }
    }
}

#[test]
fn paths_are_read_as_the_compiler_reads_them() {
    let text = r##"
        //! Of crate::comment::X, and /* crate::other */
        use crate::store::{Store, lease::{self, Lease as L}};
        pub use fetch::{Fetcher, Permit as Pass};
        use std::io;
        /* crate::a /* crate::b */ crate::c */
        const S: &str = "crate::string \" crate::more";
        const R: &str = r#"crate::raw "crate::quoted" "#;
        fn f<'a>(c: char) -> super::Sibling<'a> {
            match c { '"' | '\'' | '{' => crate::head::mean::<f32>(), _ => self::own() }
        }
        mod tests { use super::super::deep::Thing; use super::*; }
        pub(in crate::crawl) fn g() {}
    "##;
    let module = ["crawl", "visit"].map(str::to_owned);
    let source = read(text, &module);
    let paths: Vec<String> = source.paths.iter().map(|path| path.to.join("::")).collect();
    let expected = [
        "store::Store",
        "store::lease",
        "store::lease::Lease",
        "crawl::Sibling",
        "head::mean",
        "crawl::visit::own",
        "crawl::deep::Thing",
        "crawl::visit::*",
        "crawl",
    ];
    assert_eq!(paths, expected);
    let names: Vec<(&str, String)> = source
        .names
        .iter()
        .map(|(name, path)| (name.as_str(), path.join("::")))
        .collect();
    let expected = [
        ("Fetcher", "fetch::Fetcher"),
        ("Pass", "fetch::Permit"),
        ("io", "std::io"),
    ];
    assert_eq!(names, expected.map(|(name, path)| (name, path.to_owned())));
}
