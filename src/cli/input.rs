//! What arguments name: pictures, hosts, lists.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use clap::builder::{OsStringValueParser, RangedU64ValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command};
use encoding_rs::{Encoding, WINDOWS_1252};

use crate::app::{NamedPicture, TRAINED, Web};
use crate::canonical_url::{CanonicalUrl, UrlError};
use crate::config::Config;
use crate::crawl::Reason;
use crate::head::Ranking;
use crate::local_path::{LocalPath, path_text};

/// Reads local files and fetches URLs.
pub(super) struct PictureReader<'a> {
    config: &'a Config,
    /// Made when the first URL comes.
    web: Option<(tokio::runtime::Runtime, Web)>,
}

impl<'a> PictureReader<'a> {
    pub(super) fn new(config: &'a Config) -> Self {
        Self { config, web: None }
    }

    pub(super) fn read(&mut self, name: &str) -> anyhow::Result<NamedPicture> {
        if Web::is_url(name) {
            return self.fetch(name);
        }
        let path = LocalPath::named(name.as_ref());
        let picture = NamedPicture::read(path.as_path(), &self.config.picture.limits());
        Ok(picture?)
    }

    pub(super) fn read_all(&mut self, names: &[String]) -> anyhow::Result<Vec<NamedPicture>> {
        names.iter().map(|name| self.read(name)).collect()
    }

    fn fetch(&mut self, url: &str) -> anyhow::Result<NamedPicture> {
        let (runtime, web) = match &self.web {
            Some(web) => web,
            None => {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                self.web.insert((runtime, Web::new(self.config)?))
            }
        };
        Ok(runtime.block_on(web.fetch(url))?)
    }
}

/// Takes the name of a picture or a head: a URL, a word or a path, which may be no UTF-8. As
/// text it is what [`LocalPath`] writes and takes back. An empty one would be the folder that one
/// stands in, which nobody means: a variable of a script had no value.
pub(super) fn name() -> NameParser {
    NameParser
}

/// Takes a name, and does not say a URL again that has a password.
#[derive(Debug, Clone, Copy)]
pub(super) struct NameParser;

impl TypedValueParser for NameParser {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        if let Some(text) = value.to_str().filter(|text| Web::is_url(text))
            && let Err(error @ UrlError::Credentials(_)) = CanonicalUrl::given(text)
        {
            let kind = ErrorKind::ValueValidation;
            return Err(clap::Error::raw(kind, format!("{error}\n")).with_cmd(command));
        }
        let named = OsStringValueParser::new().try_map(|name| match name.is_empty() {
            true => Err("an empty name names nothing"),
            false => Ok(LocalPath::new(name).to_string()),
        });
        named.parse_ref(command, arg, value)
    }
}

/// Takes the name of a head, or the path of a head file, which must be there.
pub(super) fn head() -> impl TypedValueParser<Value = String> {
    name().try_map(|name| {
        let is_file = || LocalPath::named(name.as_ref()).as_path().is_file();
        match name == TRAINED || Ranking::NAMES.contains(&name.as_str()) || is_file() {
            true => Ok(name),
            false => Err(format!(
                "there is no such head; give {} or the path of a file that `simdex train` wrote",
                Ranking::NAMES.join(", ")
            )),
        }
    })
}

/// The name of a reason, as summaries print it.
pub(super) fn reason(name: &str) -> Result<String, String> {
    if !matches!(Reason::from_name(name), Reason::Other(_)) {
        return Ok(name.to_owned());
    }
    let known: Vec<_> = Reason::all().iter().map(Reason::name).collect();
    Err(format!(
        "there is no such reason; they are {}, and http_404 and the like",
        known.join(", ")
    ))
}

/// Takes a number of things, of which there must be some.
pub(super) fn some() -> RangedU64ValueParser<usize> {
    at_least(1)
}

/// Takes a number of things that must be so many.
pub(super) fn at_least(fewest: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(fewest..=MOST_OF_A_FLAG)
}

/// More of anything is a slip.
const MOST_OF_A_FLAG: u64 = 1 << 48;

/// The host that a `--host` argument names, in the form in which hosts are stored.
pub(super) fn host_argument(host: &str) -> anyhow::Result<String> {
    let url = CanonicalUrl::parse(&format!("http://{host}/"))?;
    anyhow::ensure!(
        url.as_url().path() == "/" && !host.contains([':', '@', '?', '#']),
        "--host takes a host name, such as example.org, not {host}"
    );
    Ok(url.host().to_owned())
}

/// What files begin with that are packed: gzip, zstd, xz, zip.
const PACKED: [&[u8]; 4] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"PK\x03\x04"];

/// The longest list that is read, in bytes: millions of URLs.
const LONGEST_LIST: u64 = 256 << 20;

/// The entries of a list of paths and URLs with the numbers of their lines: one a line, blank lines
/// and lines that begin with # left out. A path that is not UTF-8 may be in it as it is.
pub(super) fn read_list(path: &Path) -> anyhow::Result<Vec<(usize, String)>> {
    entries(path, |line| LocalPath::named_by(line).to_string())
}

/// The entries of a list of URLs, as [`read_list`]; what is not UTF-8 is in the encoding of old text.
pub(super) fn read_urls(path: &Path) -> anyhow::Result<Vec<(usize, String)>> {
    entries(path, |line| WINDOWS_1252.decode(line).0.into_owned())
}

fn entries(path: &Path, other: fn(&[u8]) -> String) -> anyhow::Result<Vec<(usize, String)>> {
    let mut text = Vec::new();
    let file = std::fs::File::open(path).with_context(|| path_text(path))?;
    let read = file.take(LONGEST_LIST + 1).read_to_end(&mut text);
    read.with_context(|| path_text(path))?;
    anyhow::ensure!(
        text.len() as u64 <= LONGEST_LIST,
        "{}: it is longer than {} MiB, and no list",
        path_text(path),
        LONGEST_LIST >> 20
    );
    anyhow::ensure!(
        !PACKED.iter().any(|mark| text.starts_with(mark)),
        "{}: it is packed; unpack it first",
        path_text(path)
    );
    // With a byte order mark it is text, in whichever form.
    let text = match Encoding::for_bom(&text) {
        Some((encoding, _)) => encoding.decode(&text).0.into_owned().into_bytes(),
        None => text,
    };
    Ok(lines(&text)
        .enumerate()
        .map(|(i, line)| (i + 1, line_text(line, other).trim().to_owned()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect())
}

/// Lines that end in LF, CR LF or CR.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut after_cr = false;
    text.split(move |byte| {
        let is_end = *byte == b'\r' || *byte == b'\n' && !after_cr;
        after_cr = *byte == b'\r';
        is_end
    })
}

fn line_text(line: &[u8], other: fn(&[u8]) -> String) -> String {
    match std::str::from_utf8(line) {
        Ok(line) => line.to_owned(),
        Err(_) => other(line.trim_ascii()),
    }
}
