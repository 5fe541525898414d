//! `cargo bench --bench crawl_peers`: `simdex crawl` against img2dataset and Scrapy's
//! ImagesPipeline, in turns, on one loopback site of 3,000 pictures that nginx serves from the
//! same cores, politeness switched off for all. Then a crawl with features against the bare
//! network.
//!
//! Needs nginx, and Python with venv: the peers are installed with pip into a folder of the
//! build, where they stay. `SIMDEX_BENCH_PHOTOS=DIR` makes the site of photos.

#[path = "../common/mod.rs"]
mod common;
mod peers;
#[path = "../common/python.rs"]
mod python;
mod site;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;
use simdex::config::Config;
use simdex::network::{Engine, Network};

use common::{Failure, bare_rate, median, photos};
use peers::Peers;
use site::{Nginx, Site};

/// Pictures of the site.
const PICTURES: usize = 3_000;
/// Rounds of all three; medians are printed.
const ROUNDS: usize = 5;
/// Rounds of the crawl with features, which takes longer.
const FEATURE_ROUNDS: usize = 3;
/// simdex's best settings: requests under way at once.
const CONCURRENCY: &str = "16";

/// One run of one program.
pub struct Run {
    /// Of the whole process, in seconds.
    pub wall_s: f64,
    /// Pictures a second as the program itself says, or as it says how long it took.
    pub steady: f64,
    /// Pictures that are on the disk afterwards.
    pub pictures: u64,
    /// Bytes of them.
    pub bytes: u64,
}

fn main() -> Result<(), Failure> {
    if !Nginx::is_there() {
        println!("crawl_peers needs nginx and was not run");
        return Ok(());
    }
    let scratch = tempfile::tempdir()?;
    let photos = match std::env::var_os("SIMDEX_BENCH_PHOTOS") {
        Some(dir) => photos(Path::new(&dir)),
        None => Vec::new(),
    };
    let folder = scratch.path().join("site");
    eprintln!("making a site of {PICTURES} pictures ...");
    let site = Site::write(&folder, PICTURES, &photos)?;
    let nginx = Nginx::start(&folder, scratch.path())?;
    println!(
        "{} {} pictures, {:.1} KB each on average",
        site.pictures,
        if photos.is_empty() {
            "drawn"
        } else {
            "photographed"
        },
        site.bytes as f64 / site.pictures as f64 / 1e3
    );
    fetching(&nginx, scratch.path())?;
    features(&nginx, scratch.path())
}

fn fetching(nginx: &Nginx, scratch: &Path) -> Result<(), Failure> {
    let peers = Peers::install(Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    let urls = scratch.join("urls.txt");
    let all: Vec<String> = (0..PICTURES).map(|n| nginx.url(&site::name(n))).collect();
    std::fs::write(&urls, all.join("\n"))?;
    let index = nginx.url("index.html");
    let (mut own, mut dataset, mut scrapy) = (Vec::new(), Vec::new(), Vec::new());
    let (mut tars, mut folders) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let out = |name: &str| scratch.join(format!("{name}-{round}"));
        own.push(simdex(&index, &out("simdex"), scratch, &["--fetch-only"])?);
        tars.push(saving(&index, &out("simdex-tars"), scratch, "webdataset")?);
        folders.push(saving(&index, &out("simdex-folders"), scratch, "folders")?);
        dataset.push(peers.img2dataset(&urls, &out("img2dataset"))?);
        scrapy.push(peers.scrapy(&index, &out("scrapy"))?);
        for name in [
            "simdex",
            "simdex-tars",
            "simdex-folders",
            "img2dataset",
            "scrapy",
        ] {
            std::fs::remove_dir_all(out(name))?;
        }
    }
    println!("\nfetching, medians of {ROUNDS} rounds in turns:");
    println!(
        "  simdex: crawl --fetch-only, concurrency and host_concurrency {CONCURRENCY}, delay 0"
    );
    println!("  tars, folders: the same with --save and --layout webdataset, or folders");
    println!("  img2dataset: {}", peers::IMG2DATASET);
    println!("  scrapy: {}", peers::SCRAPY);
    for (name, runs) in [
        ("simdex", &own),
        ("tars", &tars),
        ("folders", &folders),
        ("img2dataset", &dataset),
        ("scrapy", &scrapy),
    ] {
        let of = |figure: &dyn Fn(&Run) -> f64| median(runs.iter().map(figure).collect());
        println!(
            "  {name:12} {:6.2} s whole process ({:5.0}/s), {:5.0}/s by its own clock, {} of {PICTURES} pictures, {:.1} MB",
            of(&|run| run.wall_s),
            of(&|run| run.pictures as f64 / run.wall_s),
            of(&|run| run.steady),
            of(&|run| run.pictures as f64),
            of(&|run| run.bytes as f64) / 1e6,
        );
    }
    let ratio = |figure: &dyn Fn(&Run, &Run) -> f64, runs: &[Run], others: &[Run]| {
        let pairs = runs.iter().zip(others);
        median(pairs.map(|(run, other)| figure(run, other)).collect())
    };
    let sooner =
        |runs: &[Run], others: &[Run]| ratio(&|run, other| other.wall_s / run.wall_s, runs, others);
    println!(
        "  whole process against img2dataset {:.2} (aim 3), against scrapy {:.2} (aim 5)",
        sooner(&own, &dataset),
        sooner(&own, &scrapy),
    );
    println!(
        "  saving, whole process against img2dataset: tars {:.2}, folders {:.2}; folders against scrapy {:.2}",
        sooner(&tars, &dataset),
        sooner(&folders, &dataset),
        sooner(&folders, &scrapy),
    );
    println!(
        "  against the steady rate of img2dataset: by simdex's whole process {:.2}, by its own clock {:.2} (aim 2)",
        ratio(
            &|own, other| own.pictures as f64 / own.wall_s / other.steady,
            &own,
            &dataset
        ),
        ratio(&|own, other| own.steady / other.steady, &own, &dataset),
    );
    Ok(())
}

/// A crawl of the whole site that stores features, against the bare network.
fn features(nginx: &Nginx, scratch: &Path) -> Result<(), Failure> {
    let (network, config) = (Network::builtin()?, Config::default());
    let engine = Engine::start(&config.runtime(), &|step| eprintln!("{step}"))?;
    let (mut bare, mut crawled) = (Vec::new(), Vec::new());
    for round in 0..FEATURE_ROUNDS {
        bare.push(bare_rate(&engine, &network, PICTURES)?);
        let out = scratch.join(format!("features-{round}"));
        crawled.push(simdex(&nginx.url("index.html"), &out, scratch, &[])?);
        std::fs::remove_dir_all(&out)?;
    }
    let ratio = |figure: &dyn Fn(&Run) -> f64| {
        median(
            crawled
                .iter()
                .zip(&bare)
                .map(|(run, bare)| figure(run) / bare)
                .collect(),
        )
    };
    println!(
        "\ncrawl with features: {:.0} pictures/s by the whole process, bare network {:.0}/s on the same cores; ratio {:.2} (aim .70), by its own clock {:.2}; {} of {PICTURES} pictures",
        median(
            crawled
                .iter()
                .map(|run| run.pictures as f64 / run.wall_s)
                .collect()
        ),
        median(bare.clone()),
        ratio(&|run| run.pictures as f64 / run.wall_s),
        ratio(&|run| run.steady),
        median(crawled.iter().map(|run| run.pictures as f64).collect()),
    );
    Ok(())
}

fn simdex(index: &str, store: &Path, scratch: &Path, flags: &[&str]) -> Result<Run, Failure> {
    let config = scratch.join("simdex.toml");
    let text = format!(
        "[crawl]\nallow_private_addresses = true\ndelay_ms = 0\nconcurrency = {CONCURRENCY}\nhost_concurrency = {CONCURRENCY}\n"
    );
    std::fs::write(&config, text)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_simdex"));
    command
        .arg("--config")
        .arg(&config)
        .arg("--data-dir")
        .arg(store)
        .args(["-q", "crawl", index, "--format", "json"])
        .args(flags);
    let (wall_s, output) = timed(&mut command)?;
    let summary: Value = serde_json::from_slice(&output)?;
    let pictures = summary["images_fetched"].as_u64().unwrap_or(0);
    Ok(Run {
        wall_s,
        steady: pictures as f64 / summary["elapsed_s"].as_f64().unwrap_or(f64::INFINITY),
        pictures,
        bytes: summary["bytes"].as_u64().unwrap_or(0),
    })
}

/// A crawl that saves what it fetches below `out`; what is on the disk counts.
fn saving(index: &str, out: &Path, scratch: &Path, layout: &str) -> Result<Run, Failure> {
    let set = out.join("set");
    let save = set.to_str().ok_or("the temporary folder is no UTF-8")?;
    let flags = ["--fetch-only", "--save", save, "--layout", layout];
    let run = simdex(index, &out.join("store"), scratch, &flags)?;
    let saved = peers::run(run.wall_s, run.steady, &set)?;
    if saved.pictures != run.pictures {
        return Err(format!("{} of {} pictures were saved", saved.pictures, run.pictures).into());
    }
    Ok(saved)
}

/// Runs a command that must succeed; its time in seconds and what it printed.
pub fn timed(command: &mut Command) -> Result<(f64, Vec<u8>), Failure> {
    let started = Instant::now();
    let output = command.output()?;
    let wall_s = started.elapsed().as_secs_f64();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} failed: {said}").into());
    }
    Ok((wall_s, [output.stdout, output.stderr].concat()))
}
