//! `cargo xtask chaos`: kills processes of the e-commerce pipeline until it has killed enough of them, and compares.
//!
//! Standard output is one JSON line, `{"kills":…,"lost":…,"duplicated":…,"runs":…}`; how it goes is on standard error. The
//! exit code is 0 only when nothing was lost, nothing was there twice, and every run came to its end.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command line")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use wasmill_test_servers::Postgres;
use wasmill_tests::chaos::campaign::Campaign;
use wasmill_tests::chaos::kill::POINTS;
use wasmill_tests::chaos::site::SQLITE_LEDGER;

const USAGE: &str = "\
Kills processes of the pipeline `ecommerce`, has others go on, and compares what comes out with undisturbed runs.

Usage: chaos [--kills N] [--seed S] [--only ROUND] [--ledger sqlite|postgres] [--output DIR]

  --kills N      how many processes are killed, at least; 100. From 24 on, each named point is among them.
  --seed S       where and when; any number, and another one each time where left out
  --only ROUND   only one of the rounds, to repeat it
  --ledger KIND  where runs are kept; sqlite
  --output DIR   where rounds are made; in a temporary folder where left out. Rounds that failed stay.";

/// How `wasmill`, and most programs, end when they are called wrongly.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("error: {message}\n\n{USAGE}");
            return ExitCode::from(WRONG_USAGE);
        }
    };
    eprintln!("seed {}", options.seed);
    let (folder, temporary) = match &options.output {
        Some(folder) => (std::path::absolute(folder).expect("a folder has a path"), None),
        None => {
            let temporary = tempfile::tempdir().expect("a temporary folder");
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    let new_ledger: Box<dyn Fn() -> String> = match options.ledger {
        Ledger::Sqlite => Box::new(|| SQLITE_LEDGER.to_owned()),
        Ledger::Postgres => {
            // Ends with the last of its databases, when the campaign has ended.
            let server = Postgres::start();
            Box::new(move || server.new_database())
        }
    };
    let report = Campaign {
        kills: options.kills,
        seed: options.seed,
        only: options.only,
        points: options.kills >= 2 * POINTS.len() as u64,
        folder,
        new_ledger: &new_ledger,
        again: options.again(),
        say: &|line| eprintln!("{line}"),
    }
    .run();
    let is_good = report.is_good();
    if !is_good {
        eprintln!("\nFAILED, with seed {}:", options.seed);
        for problem in &report.problems {
            eprintln!("{problem}");
        }
        // Kept, to be looked at.
        if let Some(temporary) = temporary {
            eprintln!("what is left is in {}", temporary.keep().display());
        }
    }
    let counts = json!({
        "kills": report.kills, "lost": report.lost, "duplicated": report.duplicated, "runs": report.runs,
    });
    println!("{counts}");
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Options {
    kills: u64,
    seed: u64,
    only: Option<u64>,
    ledger: Ledger,
    output: Option<PathBuf>,
}

#[derive(Clone, Copy)]
enum Ledger {
    Sqlite,
    Postgres,
}

impl Options {
    /// The command with these options.
    fn again(&self) -> String {
        let Self { kills, seed, .. } = self;
        let ledger = match self.ledger {
            Ledger::Sqlite => "",
            Ledger::Postgres => " --ledger postgres",
        };
        format!("cargo xtask chaos --kills {kills} --seed {seed}{ledger}")
    }

    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seed = u64::from(now.subsec_nanos()) ^ now.as_secs();
        let mut options =
            Self { kills: 100, seed, only: None, ledger: Ledger::Sqlite, output: None };
        while let Some(option) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{option} needs a value"));
            match option.as_str() {
                "--kills" => options.kills = number(&value()?)?,
                "--seed" => options.seed = number(&value()?)?,
                "--only" => options.only = Some(number(&value()?)?),
                "--output" => options.output = Some(value()?.into()),
                "--ledger" => {
                    options.ledger = match value()?.as_str() {
                        "sqlite" => Ledger::Sqlite,
                        "postgres" => Ledger::Postgres,
                        other => return Err(format!("there is no ledger `{other}`")),
                    }
                }
                _ => return Err(format!("`{option}` is not understood")),
            }
        }
        Ok(options)
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}
