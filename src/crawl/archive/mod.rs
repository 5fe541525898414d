//! What is written down of fetches: a log of them, and WARC files of their bytes.

pub(super) mod exchange;
pub(super) mod fetch_log;
pub(super) mod recorders;
pub(super) mod warc;
pub(super) mod warc_record;
pub(super) mod writer_thread;
