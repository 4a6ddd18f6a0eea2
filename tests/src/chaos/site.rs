//! The folder of a round: the pipeline `pipelines/ecommerce` with more sinks, many small splits, a ledger, and a receiver of
//! its notifications.
//!
//! Rounds come one after the other and use the same path, so that nothing that comes out differs because of where it was made.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use toml::{Table, Value};

use crate::process::Process;
use crate::receiver::Receiver;
use crate::workspace::wasmill_program;
use crate::{cache_folder, root};

/// The runs of a round, in order.
pub const RUNS: [&str; 2] = ["r1", "r2"];
/// The pipeline file, and the folder below which all of its sinks write.
pub const FILE: &str = "pipeline.toml";
pub const OUTPUTS: &str = "out";
/// A ledger in a file has a folder of its own, for its scratch and quarantine.
pub const SQLITE_LEDGER: &str = "sqlite://state/ledger.db";

/// Orders are added to the sinks that append, beside those of the scenario that replace and merge.
const MORE: &str = r#"
[retries.soon]
attempts = 3
base = "20ms"
max = "100ms"

[sinks.orders_log]
type = "jsonl"
inputs = ["rules"]
path = "out/orders_log"
mode = "append"

[sinks.orders_log_db]
type = "sqlite"
inputs = ["rules"]
path = "out/log.db"
table = "orders_log"
mode = "append"
"#;
/// The file connectors' splits, and the ranges of the table.
const SPLIT_BYTES: &str = "8KiB";
const TABLE_SPLITS: i64 = 8;
/// How many orders of the latest files come again under new numbers, in the files that appear between the runs.
const MORE_ORDERS: usize = 150;

/// A folder in which runs are made. It stays when the value goes.
pub struct Site {
    pub folder: PathBuf,
    pub receiver: Receiver,
    /// Where plugins are kept compiled.
    cache: PathBuf,
    /// Counts processes: each has a log of its own.
    processes: AtomicU32,
}

impl Site {
    /// Makes the folder anew.
    pub fn build(folder: &Path, ledger: &str) -> Self {
        if folder.exists() {
            std::fs::remove_dir_all(folder).expect("the folder of the round before");
        }
        let scenario = root().join("pipelines/ecommerce");
        copy_folder(&scenario.join("data"), &folder.join("data"));
        for key in ["demo-pii.key", "demo-webhook.key"] {
            copy(&scenario.join(key), &folder.join(key));
        }
        let text = read(&scenario.join(FILE));
        write(&folder.join(FILE), &pipeline(&text, ledger));
        Self {
            folder: folder.to_owned(),
            receiver: Receiver::new(),
            cache: cache_folder(),
            processes: AtomicU32::new(0),
        }
    }

    /// Nothing is compiled yet: compilers can be killed too.
    pub fn compile_anew(&mut self) {
        self.cache = self.folder.join("cache");
    }

    /// The files that appear between the runs: the same in every round.
    pub fn add_inputs(&self) {
        let shop = read(&self.folder.join("data/shop/shop-1998.csv"));
        let mut lines = shop.lines();
        let header = lines.next().expect("a header");
        let orders =
            lines.take(MORE_ORDERS).map(|line| format!("{line}\n").replacen("S-", "SX-", 1));
        let orders: String = orders.collect();
        write(&self.folder.join("data/shop/shop-1999.csv"), &format!("{header}\n{orders}"));
        let web = read(&self.folder.join("data/web/web-1998.jsonl"));
        let orders = web.lines().take(MORE_ORDERS);
        let orders: String =
            orders.map(|line| format!("{line}\n").replacen("W-", "WX-", 1)).collect();
        write(&self.folder.join("data/web/web-1999.jsonl"), &orders);
    }

    /// The command line, to be started in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(wasmill_program());
        command.current_dir(&self.folder).args(arguments);
        command.env("WASMILL_CACHE", &self.cache);
        command.env("WASMILL_DEMO_WEBHOOK", &self.receiver.url);
        command
    }

    /// Starts a command with a log of its own.
    pub fn start(&self, command: Command) -> Process {
        let number = self.processes.fetch_add(1, Ordering::Relaxed);
        Process::start(command, &self.folder.join(format!("logs/{number:04}")))
    }
}

/// The scenario's file, with what makes it hard.
fn pipeline(text: &str, ledger: &str) -> String {
    let mut file: Table = text.parse().expect("the scenario's file is TOML");
    let plugins = root().join("dist/plugins").display().to_string();
    let pipeline = section(&mut file, "pipeline");
    pipeline.insert("plugins".to_owned(), Value::Array(vec![plugins.into()]));
    pipeline.insert("ledger".to_owned(), ledger.into());
    for source in section(&mut file, "sources").iter_mut().map(|(_, source)| source) {
        let source = source.as_table_mut().expect("a source is a table");
        match source["type"].as_str() {
            Some("csv" | "jsonl") => source.insert("split_bytes".to_owned(), SPLIT_BYTES.into()),
            Some("sqlite") => source.insert("splits".to_owned(), TABLE_SPLITS.into()),
            other => panic!("a source of type {other:?}: say how it is divided"),
        };
    }
    let notifier = section(&mut file, "notifiers")["ops"].as_table_mut().expect("a table");
    notifier.insert("retry".to_owned(), "soon".into());
    let more: Table = MORE.parse().expect("sections in TOML");
    for (name, entries) in more {
        let entries = entries.try_into::<Table>().expect("a section is a table");
        let section = file.entry(name).or_insert_with(|| Table::new().into());
        section.as_table_mut().expect("a section is a table").extend(entries);
    }
    file.to_string()
}

fn section<'a>(file: &'a mut Table, name: &str) -> &'a mut Table {
    file.get_mut(name).and_then(Value::as_table_mut).expect("the scenario has the section")
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
    let entries =
        std::fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() { copy_folder(&path, &target) } else { copy(&path, &target) }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
}

/// A file as text. What is no UTF-8 is part of the scenario's dirt, and is other dirt then.
fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
