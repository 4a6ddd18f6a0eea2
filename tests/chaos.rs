//! A small `cargo xtask chaos`: each named point once, and some moments. The long one is run by hand.

use wasmill_tests::chaos::campaign::{Campaign, Report};
use wasmill_tests::chaos::site::SQLITE_LEDGER;

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
    survives(18, 1, true, &|| SQLITE_LEDGER.to_owned());
}
