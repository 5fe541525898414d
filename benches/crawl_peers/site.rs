//! The site that all fetch, and the server that is the same for all.

use std::fmt::Write;
use std::io::Cursor;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use rayon::prelude::*;
use simdex::demo::drawing::{Motif, draw};

use crate::common::Failure;

/// Pictures on one page.
const PER_PAGE: usize = 100;
/// About the size that the pictures of the site have, in bytes.
const BYTES: usize = 15_000;

/// A folder of pages and pictures.
pub struct Site {
    pub pictures: usize,
    pub bytes: u64,
}

impl Site {
    /// Writes a site of `count` pictures to `dir`: `photos` made smaller, or drawn ones.
    pub fn write(dir: &Path, count: usize, photos: &[PathBuf]) -> Result<Self, Failure> {
        std::fs::create_dir_all(dir.join("i"))?;
        let sizes: Vec<u64> = (0..count)
            .into_par_iter()
            .map(|n| {
                let bytes = picture(n, photos)?;
                std::fs::write(dir.join(name(n)), &bytes).map_err(|error| error.to_string())?;
                Ok(bytes.len() as u64)
            })
            .collect::<Result<_, String>>()?;
        let pages = count.div_ceil(PER_PAGE);
        let mut index = String::from("<!doctype html><title>Site</title>");
        for page in 0..pages {
            write!(index, "<a href=\"{page}.html\">{page}</a> ")?;
            let mut text = format!("<!doctype html><title>Page {page}</title>");
            for n in page * PER_PAGE..count.min((page + 1) * PER_PAGE) {
                write!(text, "<img src=\"{}\" alt=\"Picture {n}\">", name(n))?;
            }
            std::fs::write(dir.join(format!("{page}.html")), text)?;
        }
        std::fs::write(dir.join("index.html"), index)?;
        Ok(Self {
            pictures: count,
            bytes: sizes.iter().sum(),
        })
    }
}

/// The path of a picture on the site.
pub fn name(n: usize) -> String {
    format!("i/{n:05}.jpg")
}

/// A JPEG of about [`BYTES`]; no two are the same.
fn picture(n: usize, photos: &[PathBuf]) -> Result<Vec<u8>, String> {
    let (mut width, mut height) = (320 + n as u32 / 100, 240 + n as u32 / 100);
    let source = match photos {
        [] => draw(Motif::ALL[n % Motif::ALL.len()], n as u64, width, height),
        photos => {
            let path = &photos[n % photos.len()];
            let picture =
                image::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
            (width, height) = (
                picture.width().min(2 * width),
                picture.height().min(2 * height),
            );
            picture.into_rgb8()
        }
    };
    // Smaller until it fits; drawn ones are small from the start.
    let mut quality = 85;
    loop {
        let sized = image::imageops::resize(&source, width, height, FilterType::Triangle);
        let mut file = Cursor::new(Vec::new());
        let encoder = JpegEncoder::new_with_quality(&mut file, quality);
        sized
            .write_with_encoder(encoder)
            .map_err(|error| error.to_string())?;
        let mut bytes = file.into_inner();
        if bytes.len() <= BYTES * 6 / 5 || quality < 40 {
            // Behind the end of a JPEG decoders read nothing: copies of a photo differ.
            bytes.extend_from_slice(&(n as u32).to_be_bytes());
            return Ok(bytes);
        }
        (width, height) = (width * 9 / 10, height * 9 / 10);
        quality -= 5;
    }
}

/// nginx over a folder.
pub struct Nginx {
    process: Child,
    pub address: String,
}

impl Nginx {
    /// Whether it can be had.
    pub fn is_there() -> bool {
        let version = Command::new("nginx")
            .arg("-v")
            .stderr(Stdio::null())
            .status();
        version.is_ok_and(|status| status.success())
    }

    /// Serves `site`, one process a core, its own files in `scratch`.
    pub fn start(site: &Path, scratch: &Path) -> Result<Self, Failure> {
        let free = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = free.local_addr()?.to_string();
        drop(free);
        let (site, own) = (site.display(), scratch.display());
        let config = format!(
            "worker_processes auto; daemon off; pid {own}/nginx.pid; error_log {own}/nginx.log;
             user root;
             events {{ worker_connections 4096; }}
             http {{
               access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
               open_file_cache max=10000 inactive=600s; open_file_cache_valid 600s;
               types {{ text/html html; image/jpeg jpg; }}
               server {{ listen {address} reuseport backlog=4096; root {site}; }}
             }}"
        );
        let path = scratch.join("nginx.conf");
        std::fs::write(&path, config)?;
        let mut process = Command::new("nginx")
            .arg("-c")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let started = Instant::now();
        while TcpStream::connect(&address).is_err() {
            if started.elapsed() > Duration::from_secs(10) || process.try_wait()?.is_some() {
                let log = std::fs::read_to_string(scratch.join("nginx.log"));
                return Err(format!("nginx does not serve: {}", log.unwrap_or_default()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { process, address })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGQUIT is the way to stop it with its workers; the standard library has no call for it.
        let _ = Command::new("kill")
            .args(["-QUIT", &self.process.id().to_string()])
            .status();
        let _ = self.process.wait();
    }
}
