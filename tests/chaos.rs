//! A small `cargo xtask chaos`: each named point once, and some moments. The long one is run by hand.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use wasmill_test_servers::Postgres;
use wasmill_tests::chaos::campaign::{Campaign, Report};
use wasmill_tests::chaos::outputs::{Outputs, block_on};
use wasmill_tests::chaos::random::Random;
use wasmill_tests::chaos::site::{RUNS, SQLITE_LEDGER, Site};
use wasmill_tests::chaos::way::{Driver, Tally, Way};

/// Kills processes, and panics unless everything is there once.
fn survives(kills: u64, seed: u64, points: bool, new_ledger: &dyn Fn() -> String) -> Report {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = Campaign {
        kills,
        seed,
        only: None,
        points,
        folder: folder.path().to_owned(),
        new_ledger,
        again: format!("cargo xtask chaos --kills {kills} --seed {seed}"),
        say: &|line| eprintln!("{line}"),
    }
    .run();
    assert!(report.is_good(), "{}", report.problems.join("\n"));
    assert!(report.kills >= kills, "{report:?}");
    report
}

#[test]
fn each_point_and_some_moments_with_the_ledger_in_a_file() {
    survives(14, 1, true, &|| SQLITE_LEDGER.to_owned());
}

#[test]
fn some_moments_with_the_ledger_on_postgresql() {
    survives(4, 2, false, &|| Postgres::shared().new_database());
}

/// The comparison is not blind: whatever is taken away, added or left behind is noticed, and counted.
#[test]
fn what_is_tampered_with_is_noticed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let site = Site::build(&folder.path().join("site"), SQLITE_LEDGER);
    for run in RUNS {
        let driver = Driver { site: &site, run, tally: &Tally::default() };
        driver.drive(Way::Whole, Vec::new(), &mut Random::of_round(1, 0)).unwrap();
    }
    let untouched = Outputs::read(&site).unwrap();
    assert!(untouched.compare(&untouched).is_none());

    let out = site.folder.join("out");
    // Some rows of a file come twice, one row of a table is gone, one is another, and a file was left behind.
    let log = first_file(&out.join("orders_log"));
    let text = std::fs::read_to_string(&log).unwrap();
    let twice: String = text.lines().take(3).map(|line| format!("{line}\n")).collect();
    std::fs::OpenOptions::new()
        .append(true)
        .open(&log)
        .unwrap()
        .write_all(twice.as_bytes())
        .unwrap();
    block_on(async {
        let options = SqliteConnectOptions::new().filename(out.join("shop.db"));
        let mut connection = options.connect().await.unwrap();
        for statement in [
            "DELETE FROM orders WHERE rowid = (SELECT min(rowid) FROM orders)",
            "UPDATE orders SET note = 'x' WHERE rowid = (SELECT max(rowid) FROM orders)",
        ] {
            sqlx::query(statement).execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
    });
    std::fs::create_dir_all(out.join("orders/.wasmill/r1")).unwrap();
    let difference = Outputs::read(&site).unwrap().compare(&untouched);
    assert_eq!((difference.lost, difference.duplicated), (2, 4), "{difference:#?}");
    let problems = difference.problems.join("\n");
    for part in ["table orders", "out/orders_log", "left over: out/orders/.wasmill/r1"] {
        assert!(problems.contains(part), "{part}: {problems}");
    }

    // A whole file is gone: as many rows are lost as were in it.
    let parquet = first_file(&out.join("orders"));
    std::fs::remove_file(&parquet).unwrap();
    let difference = Outputs::read(&site).unwrap().compare(&untouched);
    assert!(difference.lost > 100, "{difference:#?}");
    assert!(
        difference.problems.iter().any(|problem| problem.starts_with("there is no out/orders/"))
    );
}

fn first_file(folder: &Path) -> PathBuf {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files.swap_remove(0)
}
