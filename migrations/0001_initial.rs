//! Format 1: the first. sled makes its trees when they are opened, so there is nothing to
//! change; `src/store/record.rs` describes the records and `src/store/key.rs` the keys.

/// Applied to an empty store.
pub(super) fn up(_db: &sled::Db) -> sled::Result<()> {
    Ok(())
}
