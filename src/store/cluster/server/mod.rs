//! The server: connections, transactions, what passes by itself, and the steps of its tables.

pub(super) mod connection;
pub(super) mod database;
pub(super) mod error;
pub(super) mod listing;
pub(super) mod migrations;
pub(super) mod session;
