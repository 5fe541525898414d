//! img2dataset and Scrapy, in an environment of their own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::Failure;
use crate::python::install;
use crate::{Run, timed};

/// The versions that are compared with.
const PACKAGES: [&str; 3] = ["img2dataset==1.47.0", "scrapy==2.19.0", "pillow==13.0.0"];

/// The settings with which img2dataset was fastest on two cores (tried: 1 to 3 processes, 4 to
/// 64 threads, files, webdataset and parquet).
pub const IMG2DATASET: &str = "--resize_mode no --disable_all_reencoding True --processes_count 2 --thread_count 16 --number_sample_per_shard 1500 --output_format webdataset --retries 0 --enable_wandb False";
/// The settings with which Scrapy was fastest (tried: 16 to 128 requests at once).
pub const SCRAPY: &str = "-s ROBOTSTXT_OBEY=False -s DOWNLOAD_DELAY=0 -s CONCURRENT_REQUESTS=32 -s CONCURRENT_REQUESTS_PER_DOMAIN=32 -s CONCURRENT_ITEMS=200 -s COOKIES_ENABLED=False -s RETRY_ENABLED=False -s LOG_LEVEL=INFO";

/// Where the peers are installed.
pub struct Peers(PathBuf);

impl Peers {
    /// Installs them below `dir`, if that was not done.
    pub fn install(dir: &Path) -> Result<Self, Failure> {
        install(&dir.join("crawl-peers"), &PACKAGES).map(Self)
    }

    pub fn img2dataset(&self, urls: &Path, out: &Path) -> Result<Run, Failure> {
        let mut command = Command::new(self.0.join("img2dataset"));
        command
            // It looks for news of a package of its own at every start otherwise.
            .env("NO_ALBUMENTATIONS_UPDATE", "1")
            .arg("--url_list")
            .arg(urls)
            .arg("--output_folder")
            .arg(out)
            .args(IMG2DATASET.split(' '));
        let (wall_s, output) = timed(&mut command)?;
        let output = String::from_utf8_lossy(&output);
        let total = output.lines().rev().find(|line| line.contains("total"));
        let steady = total
            .and_then(|line| line.split("images per sec: ").nth(1))
            .and_then(|rest| rest.split(' ').next()?.trim().parse().ok())
            .ok_or_else(|| format!("img2dataset printed no rate: {output}"))?;
        run(wall_s, steady, out)
    }

    pub fn scrapy(&self, index: &str, out: &Path) -> Result<Run, Failure> {
        let spider = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/crawl_peers/spider.py");
        let mut command = Command::new(self.0.join("scrapy"));
        command
            .arg("runspider")
            .arg(spider)
            .args(["-a", &format!("site={index}")])
            .args([
                "-s",
                "ITEM_PIPELINES={\"scrapy.pipelines.images.ImagesPipeline\":1}",
            ])
            .args(["-s", &format!("IMAGES_STORE={}", out.display())])
            .args(SCRAPY.split(' '));
        let (wall_s, output) = timed(&mut command)?;
        let output = String::from_utf8_lossy(&output);
        let seconds: f64 = output
            .lines()
            .find_map(|line| line.split("'elapsed_time_seconds': ").nth(1))
            .and_then(|rest| rest.trim_end_matches(',').parse().ok())
            .ok_or_else(|| format!("scrapy printed no time: {output}"))?;
        let run = run(wall_s, 0.0, out)?;
        Ok(Run {
            steady: run.pictures as f64 / seconds,
            ..run
        })
    }
}

/// What is on the disk counts, whatever a program says.
pub fn run(wall_s: f64, steady: f64, out: &Path) -> Result<Run, Failure> {
    let (mut pictures, mut bytes) = (0, 0);
    let mut count = |path: &Path, length: u64| {
        if path.extension().is_some_and(|ending| ending == "jpg") {
            pictures += 1;
            bytes += length;
        }
    };
    for entry in walkdir::WalkDir::new(out) {
        let entry = entry?;
        if entry
            .path()
            .extension()
            .is_some_and(|ending| ending == "tar")
        {
            for packed in tar::Archive::new(File::open(entry.path())?).entries()? {
                let packed = packed?;
                count(&packed.path()?, packed.size());
            }
        } else if entry.file_type().is_file() {
            count(entry.path(), entry.metadata()?.len());
        }
    }
    Ok(Run {
        wall_s,
        steady,
        pictures,
        bytes,
    })
}
