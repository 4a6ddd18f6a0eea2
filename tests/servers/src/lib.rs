//! Servers that tests start and stop themselves: real ones, on loopback, in folders of their own.

mod postgres;

pub use postgres::Postgres;
