//! Attacks that all kinds of plugins can make: `tests/guests/anywhere`.

use wasmill_sandbox::component::PluginKind::{
    self, Extractor, Loader, Notifier, Transformer, Validator,
};
use wasmill_sandbox::fault::FaultKind::{
    self, Contract, Deadline, Failure, Fuel, Memory, OutputBytes, Refused, Retryable, Stack, Trap,
};

use crate::attack::{Attack, Contained, Means, Size};

/// All exports of all kinds, in the order in which they are called.
const EXPORTS: [(PluginKind, &[&str]); 5] = [
    (Transformer, &["describe", "bind", "open", "process", "finish"]),
    (Validator, &["describe", "bind", "open", "check", "merge", "conclude"]),
    (Extractor, &["describe", "bind", "plan", "open", "next", "cursor"]),
    (Loader, &["describe", "bind", "open", "write", "finish", "commit", "abort"]),
    (Notifier, &["describe", "bind", "notify"]),
];

/// The exports that do the work.
const WORK: [(PluginKind, &[&str]); 5] = [
    (Transformer, &["process"]),
    (Validator, &["check"]),
    (Extractor, &["next"]),
    (Loader, &["write"]),
    (Notifier, &["notify"]),
];

/// Where the call after is passed arguments that take memory, and that call.
const BEFORE_ARGUMENTS: [(PluginKind, &str, &str); 3] =
    [(Transformer, "open", "process"), (Validator, "open", "check"), (Loader, "open", "write")];

/// How an attack in some export ends: in that export, by one of these faults, or not at all.
struct Way {
    name: &'static str,
    what: &'static str,
    size: Size,
    faults: &'static [FaultKind],
    harmless: bool,
}

fn ends(name: &'static str, what: &'static str, faults: &'static [FaultKind]) -> Way {
    Way { name, what, size: None, faults, harmless: false }
}

/// These are made in each export there is.
fn everywhere() -> Vec<Way> {
    vec![
        ends("spin", "loops for ever", &[Fuel, Deadline]),
        ends("trap", "panics with a message", &[Trap]),
    ]
}

/// These are made in the export that does the work.
fn at_work() -> Vec<Way> {
    let harmless = |name, what| Way { name, what, size: None, faults: &[], harmless: true };
    let sized = |way: Way, size| Way { size: Some(size), ..way };
    vec![
        ends("abort", "aborts without a word", &[Trap]),
        ends("allocate", "allocates without end", &[Memory]),
        sized(
            ends("bulk-fill", "fills its memory over and over in single instructions", &[Deadline]),
            |limits| limits.memory / 2,
        ),
        ends("clock-storm", "asks for the time without end", &[Fuel, Deadline]),
        ends("config-storm", "asks for its configuration without end", &[Fuel, Deadline]),
        Way {
            faults: &[OutputBytes],
            harmless: true,
            ..sized(ends("endless-line", "logs a line as long as a call can pass", &[]), |limits| {
                limits.output_bytes.min(limits.memory) / 4
            })
        },
        sized(
            ends("endless-message", "fails with a message beyond output_bytes", &[OutputBytes]),
            |limits| limits.output_bytes + 1,
        ),
        ends("exit", "exits as if all were well", &[Trap]),
        ends("grow-at-once", "grows its memory by a gigabyte in one step", &[Memory]),
        sized(
            ends(
                "huge-message",
                "fails with a message that is huge and clears the terminal",
                &[Failure],
            ),
            |limits| (limits.output_bytes / 2).min(limits.memory / 8),
        ),
        ends("import-in-post-return", "calls the host from its destructor of results", &[Trap]),
        ends("leak-pollables", "makes handles to wait on and never drops one", &[Trap]),
        ends("leak-streams", "opens standard output again and again", &[Trap]),
        harmless("log-escapes", "logs and prints what takes over a terminal"),
        Way {
            faults: &[Fuel, Deadline],
            harmless: true,
            ..sized(ends("log-flood", "writes a million log lines", &[]), |_| 1_000_000)
        },
        ends("not-utf8", "returns text that is not UTF-8", &[Contract]),
        ends("outside-memory", "returns text outside of its memory", &[Contract]),
        ends("poll-flood", "waits for a hundred thousand handles at once", &[Trap]),
        ends("post-return-spin", "loops for ever while its results are freed", &[Fuel, Deadline]),
        ends("post-return-trap", "traps while its results are freed", &[Trap]),
        harmless(
            "print-flood",
            "prints a line without end, then a hundred thousand without a byte",
        ),
        harmless("probe", "looks for files, arguments, variables, addresses and names"),
        ends("random-at-once", "asks for a tebibyte of random bytes", &[Trap]),
        ends("random-storm", "asks for random bytes without end", &[Deadline]),
        ends("recurse", "calls itself without end", &[Stack]),
        ends("refuse-late", "blames the configuration after it was accepted", &[Refused]),
        ends("retry-for-ever", "asks to be called again in a hundred million years", &[Retryable]),
        harmless("silent-log-flood", "writes a hundred thousand log lines without a byte"),
        ends("sleep", "waits for an hour", &[Deadline]),
        ends("trap-in-drop", "panics while it cleans up", &[Trap]),
    ]
}

/// These are made in the call before the one that they hit, while the host has its arguments stored.
fn in_allocation() -> Vec<Way> {
    vec![
        ends("import-in-realloc", "calls the host from its allocator", &[Trap]),
        ends("realloc-lie", "stores arguments where there is no memory", &[Contract]),
        ends("realloc-spin", "loops for ever while arguments are stored", &[Fuel, Deadline]),
        ends("realloc-trap", "traps while arguments are stored", &[Trap]),
        ends("realloc-unaligned", "stores arguments at an odd address", &[Contract]),
    ]
}

pub fn attacks() -> Vec<Attack> {
    let mut attacks = Vec::new();
    for (ways, places) in [(everywhere(), EXPORTS), (at_work(), WORK)] {
        for way in ways {
            for (kind, exports) in places {
                attacks.extend(exports.iter().map(|&export| attack(&way, kind, export, export)));
            }
        }
    }
    for way in in_allocation() {
        let made = BEFORE_ARGUMENTS;
        attacks.extend(made.map(|(kind, export, hit)| attack(&way, kind, export, hit)));
    }
    attacks
}

fn attack(way: &Way, kind: PluginKind, export: &'static str, hit: &'static str) -> Attack {
    let faults = way.faults.iter().map(|&fault| Contained::Fault(hit, fault));
    let harmless = way.harmless.then_some(Contained::Harmless);
    Attack {
        name: way.name,
        kind,
        export: Some(export),
        what: way.what,
        contained: faults.chain(harmless).collect(),
        means: Means::Order { attack: way.name, size: way.size, payload: None },
    }
}
