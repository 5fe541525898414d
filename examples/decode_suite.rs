//! What simdex makes of the picture files of public decoder suites: one line of JSON a file, for
//! `tests/decode_suites.py`, which holds them against other decoders.
//!
//! `cargo run --release --example decode_suite -- FOLDER... > read.jsonl`

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use simdex::config::PictureConfig;
use simdex::picture::{Limits, NetworkInput, decode, silence_decoder_panics};
use walkdir::WalkDir;

/// Wide and high enough to tell a stripe from a stretch.
const SIDE: u32 = 32;

fn main() -> Result<(), Box<dyn Error>> {
    silence_decoder_panics();
    let limits = Limits {
        // Suites are full of tiny pictures.
        min_side: 1,
        ..PictureConfig::default().limits()
    };
    let mut out = io::stdout().lock();
    for root in std::env::args_os().skip(1) {
        for entry in WalkDir::new(root).sort_by_file_name() {
            let entry = entry?;
            if entry.file_type().is_file() {
                writeln!(out, "{}", line(entry.path(), &limits)?)?;
            }
        }
    }
    Ok(())
}

fn line(path: &Path, limits: &Limits) -> io::Result<serde_json::Value> {
    let bytes = std::fs::read(path)?;
    let started = Instant::now();
    let mut line = match decode(&bytes, limits) {
        Ok(decoded) => {
            let small = NetworkInput::stretch(&decoded.rgb, SIDE, SIDE);
            let pixels = small.pixels().iter();
            let pixels: String = pixels.map(|value| format!("{value:02x}")).collect();
            serde_json::json!({
                "size": decoded.rgb.dimensions(),
                "pixels": pixels,
            })
        }
        Err(error) => serde_json::json!({
            "reason": error.reason(),
            "message": error.to_string(),
        }),
    };
    line["path"] = path.to_string_lossy().into();
    line["seconds"] = started.elapsed().as_secs_f64().into();
    Ok(line)
}
