//! Indexes a folder of pictures and asks for those that are like another picture.
//!
//! ```text
//! cargo run --example index_folder -- STORE FOLDER PICTURE
//! ```

use std::error::Error;
use std::path::PathBuf;

use simdex::app::{AddEvent, Collection, Extraction, Heads, NamedPicture, Observer, Question};
use simdex::config::Config;
use simdex::report::printable;
use simdex::search::SearchOptions;
use simdex::shutdown::Shutdown;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(store), Some(folder), Some(picture)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: index_folder STORE FOLDER PICTURE".into());
    };

    // The collection is the engine: a store with its index, heads and extractors.
    let config = Config {
        data_dir: Some(store),
        ..Config::default()
    };
    let extraction = Extraction::new(&config, Observer::silent())?;
    let heads = Heads::new(&extraction, &config.query.head);
    let collection = Collection::open(config, extraction, heads, Observer::silent())?;

    // Whoever holds a clone of the shutdown may stop this early, and nothing is lost.
    let end = collection.add(&[folder], &Shutdown::manual(), &mut |event| {
        if let AddEvent::Problem(problem) = event {
            eprintln!("{}: {}", problem.source, problem.message);
        }
    })?;
    println!("{} new pictures", end.summary.images_indexed);

    // Five results, out of the 200 nearest by the index.
    let name = picture.display().to_string();
    let bytes = std::fs::read(&picture)?;
    let question = Question {
        name: name.clone(),
        wanted: vec![NamedPicture { name, bytes }.into()],
        ..Question::default()
    };
    let head = collection.heads().named(None)?;
    let result = collection.search(&question, &head, &SearchOptions::new(5, 200))?;
    for entry in &result.results {
        println!("{:.3}  {}", entry.score, printable(entry.place()));
    }
    Ok(())
}
