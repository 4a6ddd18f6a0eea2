//! The rules of the ledger, on both databases: each test of `suite` runs on a SQLite file and on a PostgreSQL server.

mod setup_file;
mod setup_server;
mod store;
mod suite;
