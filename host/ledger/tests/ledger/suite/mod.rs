//! What holds on both databases.

mod cursors;
mod driving;
mod health;
mod history;
mod locks;
mod outbox;
mod plan;
mod replays;
mod runs;
mod splits;

/// Makes of each function two tests: with a SQLite file, and with a database of a PostgreSQL server.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name(crate::store::Store::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name(crate::store::Store::postgres()).await;
            })+
        }
    };
}

use on_both;
