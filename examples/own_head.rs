//! Teaches a head one's own classes, from one folder of pictures a class, and searches with it.
//!
//! ```text
//! cargo run --example own_head -- STORE LABELS PICTURE
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use simdex::app::{Collection, Extraction, Heads, NamedPicture, Observer, Question};
use simdex::config::Config;
use simdex::dataset::labelled_files;
use simdex::head::{Fused, Mode, Ranking};
use simdex::report::printable;
use simdex::search::SearchOptions;
use simdex::training::{Example, train_on_labels};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(store), Some(labels), Some(picture)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: own_head STORE LABELS PICTURE".into());
    };
    let config = Config {
        data_dir: Some(store),
        ..Config::default()
    };
    let extraction = Extraction::new(&config, Observer::silent())?;

    // The head that simdex ships learns what is alike in these pictures' descriptors.
    let (mut known, mut classes_of) = (Vec::new(), Vec::new());
    let labelled = labelled_files(&labels)?;
    for (path, class) in &labelled.files {
        let NamedPicture { name, bytes } = read(path)?;
        known.extend(extraction.views(&name, &bytes, Mode::default(), extraction.layout())?);
        classes_of.push(*class);
    }
    // How much labels count in lists is learned on activations, here on those of all pictures.
    let examples: Vec<_> = known
        .iter()
        .map(|picture| Example {
            features: picture.features(extraction.layout()),
            embedding: &picture.embedding,
            id: picture.id,
        })
        .enumerate()
        .collect();
    let known: Vec<_> = known.iter().map(|p| (p.id, &p.descriptor)).collect();
    let base = Fused::builtin(extraction.network())?;
    let head = train_on_labels(&base, &known, &classes_of, &labelled.classes, &examples);
    let head = Arc::new(Ranking::Fused(Box::new(head)));
    println!("it learned from {} pictures", known.len());

    let heads = Heads::new(&extraction, &config.query.head);
    let collection = Collection::open_existing(config, extraction, heads, Observer::silent())?;
    let question = Question {
        wanted: vec![read(&picture)?.into()],
        ..Question::default()
    };
    let result = collection.search(&question, &head, &SearchOptions::new(5, 200))?;
    for entry in &result.results {
        println!("{:.3}  {}", entry.score, printable(entry.place()));
    }
    Ok(())
}

fn read(path: &Path) -> std::io::Result<NamedPicture> {
    let (name, bytes) = (path.display().to_string(), std::fs::read(path)?);
    Ok(NamedPicture { name, bytes })
}
