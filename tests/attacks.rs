//! Every attack ends as it should, under small limits, and the host lives: the suite of `wasmill attack`.
//!
//! Memory is that of the process, so attacks are made one after another. Generated components are compiled in a process of
//! their own: there are bombs among them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::Mutex;
use wasmill_attacks::{Arena, Attack, Conditions, Contained, Ended, Verdict, all, bound};
use wasmill_sandbox::compiler::{CompileLimits, Compiler, CompilerProcess};
use wasmill_sandbox::component::PluginKind;
use wasmill_sandbox::engine::Profile;
use wasmill_sandbox::fault::FaultKind;
use wasmill_sandbox::grants::Grants;
use wasmill_sandbox::limits::Limits;
use wasmill_tests::root;
use wasmill_tests::workspace::{Workspace, wasmill_program};

/// Whose turn it is to take memory.
static TURN: Mutex<()> = Mutex::const_new(());

fn folder() -> PathBuf {
    root().join("dist/attacks")
}

fn compiler() -> Compiler {
    let process = CompilerProcess::new(wasmill_program(), ["compile-component".into()]);
    let limits = CompileLimits { memory: 1 << 30, time: Duration::from_secs(10) };
    Compiler::new().in_process(process.limits(limits))
}

async fn arena(kind: PluginKind, conditions: Conditions) -> Arena {
    Arena::new(&folder(), [kind], conditions, compiler()).await.unwrap()
}

/// Makes the attacks of one kind of plugin. Each ends exactly as its description says.
async fn make(kind: PluginKind) {
    let _turn = TURN.lock().await;
    for waits in [false, true] {
        let mut arena = arena(kind, Conditions::small(waits)).await;
        let is_meant = |attack: &Attack| attack.kind == kind && attack.waits() == waits;
        for attack in all().into_iter().filter(is_meant) {
            let report = arena.run(&attack).await;
            assert_eq!(report.verdict, Verdict::Survived, "{}: {}", attack.id(), report.ended);
        }
    }
}

#[tokio::test]
async fn by_transformers_and_by_bytes() {
    make(PluginKind::Transformer).await;
}

#[tokio::test]
async fn by_validators() {
    make(PluginKind::Validator).await;
}

#[tokio::test]
async fn by_extractors() {
    make(PluginKind::Extractor).await;
}

#[tokio::test]
async fn by_loaders() {
    make(PluginKind::Loader).await;
}

#[tokio::test]
async fn by_notifiers() {
    make(PluginKind::Notifier).await;
}

fn attack(id: &str) -> Attack {
    all().into_iter().find(|attack| attack.id() == id).unwrap()
}

/// Without fuel there is the clock.
#[tokio::test]
async fn under_another_profile() {
    let _turn = TURN.lock().await;
    let profile = Profile::Guarded;
    let conditions = Conditions { profile, ..Conditions::small(true) };
    let mut arena = arena(PluginKind::Transformer, conditions).await;
    for (id, word) in [
        ("transformer/spin@bind", "deadline"),
        ("transformer/spin@process", "deadline"),
        ("transformer/start-spins", "deadline"),
        ("transformer/recurse@process", "stack"),
        ("transformer/allocate@process", "memory"),
    ] {
        let report = arena.run(&attack(id)).await;
        assert_eq!((report.verdict, report.ended.word()), (Verdict::Survived, word), "{id}");
    }
}

/// Limits that leave a plugin no room for its attack are worth knowing of, and no danger.
#[tokio::test]
async fn under_limits_that_are_too_small() {
    let _turn = TURN.lock().await;
    let limits = Limits { memory: 1 << 20, ..Conditions::small(false).limits };
    let mut tight =
        arena(PluginKind::Transformer, Conditions { limits, ..Conditions::default() }).await;
    let report = tight.run(&attack("transformer/wrong-type")).await;
    assert_eq!(report.verdict, Verdict::EndedEarly);
    assert!(
        matches!(report.ended, Ended::Fault { kind: FaultKind::Memory, .. }),
        "{}",
        report.ended
    );
    let grants = Grants { pure: true, ..Grants::default() };
    let mut pure =
        arena(PluginKind::Loader, Conditions { grants, ..Conditions::small(false) }).await;
    let report = pure.run(&attack("loader/receipt-rows")).await;
    assert_eq!((report.verdict, report.ended.word()), (Verdict::EndedEarly, "not-linked"));
}

/// What does not end as it should is not taken for survived.
#[tokio::test]
async fn an_attack_that_goes_through_is_noticed() {
    let _turn = TURN.lock().await;
    let mut arena = arena(PluginKind::Loader, Conditions::small(false)).await;
    for (id, expected) in [
        // It ends by a breach of the contract in `finish`.
        ("loader/receipt-rows", Contained::Harmless),
        ("loader/receipt-rows", Contained::Fault("write", FaultKind::Contract)),
        ("loader/receipt-rows", Contained::Fault("finish", FaultKind::Trap)),
        // It does no harm.
        ("loader/log-escapes@write", Contained::Fault("write", FaultKind::Contract)),
    ] {
        let mut misjudged = attack(id);
        misjudged.contained = vec![expected];
        let report = arena.run(&misjudged).await;
        assert!(matches!(report.verdict, Verdict::Broken(_)), "{id} {expected:?}");
        assert!(!report.verdict.is_survived());
    }
}

#[test]
fn the_bound_on_memory_follows_the_limits() {
    let limits = Conditions::small(false).limits;
    let expected = (64 << 20) + 12 * (16 << 20) + 8 * (4 << 10) + (96 << 20);
    assert_eq!(bound::host_memory(&limits), expected);
    let endless = Limits { memory: u64::MAX, output_bytes: u64::MAX, ..limits };
    assert_eq!(bound::host_memory(&endless), u64::MAX);
}

/// There is no hostile file that is not used, and no attack twice.
#[test]
fn all_files_are_attacks() {
    let attacks = all();
    let ids: BTreeSet<String> = attacks.iter().map(Attack::id).collect();
    assert_eq!(ids.len(), attacks.len());
    let keys: BTreeSet<_> = attacks.iter().map(Attack::key).collect();
    assert!(keys.len() >= 60, "{}", keys.len());

    let known = |names: BTreeSet<String>, kind: Option<PluginKind>| {
        for name in names {
            let is_it = |attack: &Attack| attack.key() == (kind, &name);
            assert!(attacks.iter().any(is_it), "no attack is {name}, of {kind:?}");
        }
    };
    let guests = root().join("tests/guests");
    let others = ["attack", "honest", "lib", "ipc-payload"];
    known(files(&guests.join("anywhere/src"), &["allocator", "lib", "order"]), None);
    // `poison` is for the search for rows, and does what `trap` does.
    let transformer = files(&guests.join("hostile/src"), &["attack", "honest", "lib", "poison"]);
    known(transformer, Some(PluginKind::Transformer));
    for (folder, kind) in [
        ("hostile-validator", PluginKind::Validator),
        ("hostile-extractor", PluginKind::Extractor),
        ("hostile-loader", PluginKind::Loader),
    ] {
        known(files(&guests.join(folder).join("src"), &others), Some(kind));
    }
    let host = root().join("host/attacks/src");
    known(files(&host.join("bytes"), &["base", "mod"]), Some(PluginKind::Transformer));
    let ipc = files(&host.join("ipc"), &["mod"]).into_iter().map(|name| format!("ipc-{name}"));
    known(ipc.collect(), Some(PluginKind::Extractor));
}

/// The names of the files in a folder as attacks are named, without some.
fn files(folder: &Path, without: &[&str]) -> BTreeSet<String> {
    let names = folder.read_dir().unwrap().map(|entry| {
        let path = entry.unwrap().path();
        path.file_stem().unwrap().to_str().unwrap().replace('_', "-")
    });
    names.filter(|name| !without.contains(&name.as_str())).collect()
}

/// What the operator reads when a plugin lies.
#[tokio::test]
async fn lies_are_called_by_their_name() {
    let _turn = TURN.lock().await;
    for (kind, messages) in [
        (
            PluginKind::Extractor,
            &[
                (
                    "json-deep",
                    "`next` broke the contract: the JSON rows are nested deeper than 34 levels",
                ),
                (
                    "json-rows",
                    "`next` broke the contract: the JSON array holds 4194305 rows where 20 are expected",
                ),
                (
                    "ipc-no-batch",
                    "`next` broke the contract: the Arrow IPC stream holds 0 batches where one is expected",
                ),
                (
                    "ipc-compressed",
                    "`next` broke the contract: the Arrow IPC stream is compressed; only plain buffers are taken from a plugin",
                ),
                (
                    "rows-beyond",
                    "`next` broke the contract: 8193 rows where at most 8192 were asked for",
                ),
                (
                    "rows-never",
                    "`next` broke the contract: 10000 batches without a row or a bad record, one after another: at its end, \
                     a split returns none",
                ),
                ("splits-flood", "`plan` broke the contract: 100001 splits: the limit is 100000"),
                ("splits-twice", "`plan` broke the contract: two splits have the id `same`"),
                (
                    "split-long",
                    "`plan` broke the contract: the descriptor of split `long` has 8388608 bytes: the limit is 65536",
                ),
                (
                    "cursor-long",
                    "`cursor` broke the contract: the cursor has 8388608 bytes: the limit is 65536",
                ),
                (
                    "metadata-flood",
                    "`bind` broke the contract: its output schema: field `value` has 100000 metadata entries: the limit is 256",
                ),
                (
                    "nested-deep",
                    "`bind` broke the contract: its output schema: more than 4096 fields",
                ),
            ][..],
        ),
        (
            PluginKind::Validator,
            &[
                (
                    "violation-out-of-range",
                    "`check` broke the contract: finding `made-up` names row 4294967295; the batch has 64 rows",
                ),
                (
                    "violation-of-nothing",
                    "`check` broke the contract: finding `made-up` names no row",
                ),
                ("huge-state", "`merge` returned more than 16777216 bytes (limit output_bytes)"),
            ],
        ),
        (
            PluginKind::Loader,
            &[
                (
                    "receipt-rows",
                    "`finish` broke the contract: the receipt is for 18446744073709551615 rows; 64 were written and not refused",
                ),
                (
                    "receipt-long",
                    "`finish` broke the contract: the reference of the receipt has 8388608 bytes: the limit is 65536",
                ),
            ],
        ),
        (
            PluginKind::Transformer,
            &[
                (
                    "huge-binding",
                    "`bind` broke the contract: its output schema: more than 4096 fields",
                ),
                (
                    "import-made-up",
                    "the component imports evil:host/everything@1.0.0, which no grant can give it",
                ),
            ],
        ),
    ] {
        let mut arena = arena(kind, Conditions::small(false)).await;
        for (name, message) in messages {
            let report = arena.run(&attack(&format!("{kind}/{name}"))).await;
            assert_eq!(report.ended.to_string(), *message);
        }
    }
}

/// The command line.
mod command {
    use super::*;

    const LIMITS: &str =
        "limits = { fuel_per_call = 2000000, memory = \"16MiB\", deadline = \"2s\" }\n";

    fn pipeline(workspace: &Workspace) {
        workspace.write("numbers.csv", "value\n1\n");
        workspace.pipeline(&format!(
            "[sources.numbers]\ntype = \"csv\"\npath = \"numbers.csv\"\n\
             [transforms.first]\nplugin = \"absent\"\ninputs = [\"numbers\"]\n{LIMITS}\
             [transforms.second]\nplugin = \"absent\"\ninputs = [\"first\"]\nprofile = \"guarded\"\n\
             [transforms.third]\nplugin = \"absent\"\ninputs = [\"second\"]\nprofile = \"guarded\"\n\
             [sinks.out]\ntype = \"csv\"\ninputs = [\"third\"]\npath = \"out\"\n"
        ));
    }

    /// Steps are attacked under their own limits, once where these are the same; their plugins are not even there.
    #[test]
    fn attacks_the_steps_of_a_pipeline() {
        let workspace = Workspace::new();
        pipeline(&workspace);
        let arguments = [
            "attack",
            "pipeline.toml",
            "--only",
            "transformer/recurse",
            "--only",
            "transformer/grow-at-once",
        ];
        let outcome = workspace.wasmill(&[&arguments[..], &["--output", "json"]].concat());
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        let events = outcome.events();
        let (last, attacks) = events.split_last().unwrap();
        let shown: Vec<String> = attacks
            .iter()
            .map(|event| format!("{} {} {}", event["steps"], event["attack"], event["ended_by"]))
            .collect();
        assert_eq!(
            shown,
            [
                r#"["first"] "transformer/grow-at-once@process" "memory""#,
                r#"["first"] "transformer/recurse@process" "stack""#,
                r#"["second","third"] "transformer/grow-at-once@process" "memory""#,
                r#"["second","third"] "transformer/recurse@process" "stack""#,
            ]
        );
        let message = attacks[0]["message"].as_str().unwrap();
        assert!(message.contains("where 16777216 are allowed"), "{message}");
        assert_eq!(
            (&last["attacks"], &last["survived"], &last["runs"]),
            (&2.into(), &2.into(), &4.into())
        );

        let outcome = workspace.wasmill(&arguments);
        assert!(
            outcome.stdout.ends_with("2 of 2 attacks were survived, in 4 places\n"),
            "{outcome:#?}"
        );
    }

    #[test]
    fn lists_attacks() {
        let workspace = Workspace::new();
        let outcome = workspace.wasmill(&["attack", "--list", "--only", "spin"]);
        assert_eq!(outcome.stdout.lines().count(), 27, "{outcome:#?}");
        let outcome = workspace.wasmill(&["attack", "--only", "nonsense"]);
        assert_eq!(outcome.code, Some(2));
        assert!(outcome.stderr.contains("there is no attack `nonsense`"), "{outcome:#?}");
    }

    #[test]
    fn says_where_it_looked_for_hostile_plugins() {
        let workspace = Workspace::new();
        let outcome = workspace.wasmill(&["attack", "--components", "elsewhere"]);
        assert_eq!(outcome.code, Some(66), "{outcome:#?}");
        assert!(outcome.stderr.contains("elsewhere/hostile.wasm cannot be read"), "{outcome:#?}");
        let outcome = workspace.wasmill(&["attack"]);
        assert_eq!(outcome.code, Some(66), "{outcome:#?}");
        assert!(outcome.stderr.contains("dist/attacks"), "{outcome:#?}");
        assert!(outcome.stderr.contains("cargo xtask plugins"), "{outcome:#?}");
    }
}
