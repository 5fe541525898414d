//! Format 1: the first. sled makes its trees when they are opened, so there is nothing to
//! change; `src/store/embedded/trees/` describes the keys and the records.

/// Applied to an empty store.
pub(super) fn up(_db: &sled::Db) -> sled::Result<()> {
    Ok(())
}
