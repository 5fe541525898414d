//! A picture on a page keeps its title and caption besides its alternative text.

use postcard::from_bytes;

/// Adds an empty title and caption to every embed that lacks them. An embed that has them
/// reads as three texts, one that has not ends early, so the change can be run again.
pub(super) fn up(db: &sled::Db) -> sled::Result<()> {
    let embeds = db.open_tree("embeds")?;
    for entry in &embeds {
        let (key, value) = entry?;
        if from_bytes::<(String, String, String)>(&value).is_err() {
            // postcard writes an empty text as one zero.
            embeds.insert(key, [&value, &[0, 0][..]].concat())?;
        }
    }
    Ok(())
}
