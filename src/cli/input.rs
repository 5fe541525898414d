//! Query pictures: local files and URLs.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use super::session::Session;
use crate::activation::Layout;
use crate::canonical_url::CanonicalUrl;
use crate::crawl::{Fetcher, Recorders, fetch_picture};
pub(super) use crate::dataset::pictures_below;
use crate::head::Mode;
use crate::ingest::{extract_views, read_file};
use crate::network::{Engine, Extractor, Network};
use crate::picture::View;
use crate::store::NewPicture;

/// Turns files and URLs into pictures with features.
pub(super) struct QueryPictures<'a> {
    session: &'a Session,
    extractor: Extractor,
    layout: Layout,
    /// Made when the first URL comes.
    web: Option<(tokio::runtime::Runtime, Fetcher)>,
}

impl<'a> QueryPictures<'a> {
    pub(super) fn new(
        session: &'a Session,
        engine: &Engine,
        network: &Network,
        layout: Layout,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            session,
            extractor: engine.extractor(network)?,
            layout,
            web: None,
        })
    }

    /// Reads or fetches a picture and extracts its features.
    pub(super) fn load(&mut self, query: &str) -> anyhow::Result<NewPicture> {
        let mut views = self.load_views(query, Mode::SameSubject)?;
        Ok(views.swap_remove(0))
    }

    /// The same, in every view that a mode compares; upright first.
    pub(super) fn load_views(
        &mut self,
        query: &str,
        mode: Mode,
    ) -> anyhow::Result<Vec<NewPicture>> {
        let limits = self.session.config.picture.limits();
        let bytes = match is_url(query) {
            true => self.fetch(query)?,
            false => read_file(Path::new(query), &limits).with_context(|| query.to_owned())?,
        };
        let views = match mode {
            Mode::Copy => View::ALL.as_slice(),
            Mode::SameSubject | Mode::LookAlike => &[View::Upright],
        };
        extract_views(&bytes, &limits, &mut self.extractor, &self.layout, views)
            .with_context(|| query.to_owned())
    }

    fn fetch(&mut self, query: &str) -> anyhow::Result<Vec<u8>> {
        let url = CanonicalUrl::parse(query).with_context(|| query.to_owned())?;
        let config = &self.session.config;
        if self.web.is_none() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            self.web = Some((
                runtime,
                Fetcher::new(&config.crawl, None, Arc::new(Recorders::default()))?,
            ));
        }
        let Some((runtime, fetcher)) = &self.web else {
            unreachable!("made just above")
        };
        runtime
            .block_on(fetch_picture(fetcher, &url, config))
            .with_context(|| query.to_owned())
    }
}

/// The host that a `--host` argument names, in the form in which hosts are stored.
pub(super) fn host_argument(host: &str) -> anyhow::Result<String> {
    let url = CanonicalUrl::parse(&format!("http://{host}/"))?;
    anyhow::ensure!(
        url.as_url().path() == "/" && !host.contains([':', '@', '?', '#']),
        "--host takes a host name, such as example.org, not {host}"
    );
    Ok(url.host().to_owned())
}

/// Whether an argument names something on the web.
pub(super) fn is_url(query: &str) -> bool {
    let scheme = query
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

/// The entries of a list with the numbers of their lines: one a line, blank lines and lines
/// that begin with # left out.
pub(super) fn read_list(path: &Path) -> anyhow::Result<Vec<(usize, String)>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text
        .lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| (number, line.to_owned()))
        .collect())
}
