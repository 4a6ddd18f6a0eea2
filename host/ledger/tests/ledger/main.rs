//! The rules of the ledger, on both databases: each test of `suite` runs on a SQLite file and on a PostgreSQL server.

#![expect(
    clippy::unwrap_used,
    reason = "the tests are functions that others, of each database, call: they are not known as tests"
)]

mod setup_file;
mod setup_server;
mod store;
mod suite;
