//! Makes `models/unlike_pairs.json`: how far pictures are apart, layer by layer, that have nothing
//! to do with each other. Explanations hold the distances of results against it.
//!
//! ```text
//! cargo run --release --example unlike_pairs -- DOMAINS > models/unlike_pairs.json
//! ```

use std::error::Error;
use std::path::PathBuf;

use simdex::activation::Activations;
use simdex::app::{Extraction, NamedPicture, Observer};
use simdex::config::Config;
use simdex::dataset::Domains;
use simdex::head::Mode;
use simdex::search::explanation::{PairDistances, UnlikePairs};

/// Pictures of each class.
const PER_CLASS: usize = 2;
/// Each picture is compared with so many others, spread over all.
const OTHERS: usize = 24;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args_os().nth(1).map(PathBuf::from);
    let dir = dir.ok_or("usage: unlike_pairs DOMAINS, a folder DOMAINS/DOMAIN/CLASS/picture")?;
    let config = Config::default();
    let extraction = Extraction::new(&config, Observer::silent())?;
    let layout = extraction.layout();
    let domains = Domains::list(&dir)?;
    let mut pictures = Vec::new();
    for class in &domains.classes {
        let step = (class.files.len() / PER_CLASS).max(1);
        for file in class.files.iter().step_by(step).take(PER_CLASS) {
            let picture = NamedPicture::read(file, extraction.limits())?;
            let views = extraction.views(&picture.name, &picture.bytes, Mode::default(), layout)?;
            pictures.extend(views.into_iter().map(|view| (&class.name, view)));
        }
    }
    let mut pairs = Vec::new();
    for (i, (class, picture)) in pictures.iter().enumerate() {
        let step = (pictures.len() / OTHERS).max(1);
        for (other, candidate) in pictures.iter().skip(i % step).step_by(step) {
            if class != other {
                let of = |block| Activations::new(layout, block);
                pairs.push(PairDistances::of(of(&picture.block), of(&candidate.block)));
            }
        }
    }
    let recipe = format!(
        "examples/unlike_pairs.rs on {} pictures of {} classes in {} domains, {PER_CLASS} of each \
         class, each with {OTHERS} others of classes with other names",
        pictures.len(),
        domains.classes.len(),
        domains.names.len()
    );
    print!(
        "{}",
        UnlikePairs::measured(&recipe, layout, &pairs).to_json()?
    );
    Ok(())
}
