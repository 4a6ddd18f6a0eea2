//! Every attack of the guest `hostile`, in the real sandbox: the host names what was broken, throws the
//! instance away, and goes on working.
//!
//! All tests share one sandbox with fewer slots than there are attacks. So an attack that kept its
//! slot, or broke the engine, would make others fail.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use serde_json::json;
use tokio::sync::OnceCell;
use wasmill_sandbox::Environment;
use wasmill_sandbox::capability::log::{LogLine, LogSink};
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::contract::processed::Tally;
use wasmill_sandbox::engine::{Profile, SandboxOptions};
use wasmill_sandbox::fault::{Fault, FaultKind};
use wasmill_sandbox::limits::Limits;
use wasmill_sandbox::transformer::{OpenTransformer, Transformer};
use wasmill_tests::{component, sandbox, sandbox_with};

/// How many instances there can be at once.
const SLOTS: u32 = 8;
const ROWS: usize = 20;

async fn plugin() -> &'static Plugin {
    static PLUGIN: OnceCell<Plugin> = OnceCell::const_new();
    let load = || async {
        let sandbox = sandbox(SLOTS);
        sandbox.load(component("hostile")).await.unwrap()
    };
    PLUGIN.get_or_init(load).await
}

/// Limits that end each attack soon.
fn small_limits() -> Limits {
    Limits {
        fuel_per_row: 10_000,
        fuel_per_call: 500_000_000,
        deadline: Duration::from_secs(30),
        memory: 64 << 20,
        output_rows_per_row: 1_000,
        output_bytes: 4 << 20,
        log_bytes: 4 << 10,
        ..Limits::default()
    }
}

/// The values from 0, and a text for each.
fn batch(rows: usize) -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("value", DataType::Int64, false),
        Field::new("text", DataType::Utf8, false),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(0..rows as i64)),
        Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("text {row}")))),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

async fn transformer(attack: &str, limits: Limits, logs: Arc<dyn LogSink>) -> Transformer {
    let config = json!({ "attack": attack }).as_object().unwrap().clone();
    let environment =
        Environment { config: Arc::new(config), limits, logs, ..Environment::default() };
    Transformer::new(plugin().await, environment).unwrap()
}

async fn open(attack: &str, limits: Limits) -> OpenTransformer {
    let transformer = transformer(attack, limits, Arc::new(())).await;
    let binding = Arc::new(transformer.bind(batch(0).schema()).await.unwrap());
    transformer.open(binding, 7).await.unwrap()
}

/// The same plugin in the same sandbox does its work when it is not told to attack.
async fn the_host_lives() {
    let mut open = open("none", small_limits()).await;
    let processed = open.process(&batch(ROWS), 0).await.unwrap();
    let [output] = &processed.outputs[..] else { panic!("one output") };
    let doubles = output.batch.column(2).as_primitive::<Int64Type>();
    assert!(doubles.values().iter().copied().eq((0..ROWS as i64).map(|value| 2 * value)));
    assert_eq!(output.batch.column(3).as_string::<i32>().value(ROWS - 1), "v");
    assert_eq!(processed.tally, Tally { selected: ROWS, ..Tally::default() });
    assert!(open.finish().await.unwrap().outputs.is_empty());
}

/// The fault with which `process` ends under attack; the instance is gone and the host lives.
async fn fault_of(attack: &str, limits: Limits, input: &RecordBatch) -> Fault {
    let mut open = open(attack, limits).await;
    let fault = open.process(input, 0).await.expect_err("an attack is a fault");
    assert!(matches!(open.process(input, 0).await, Err(Fault::Gone { export: "process" })));
    the_host_lives().await;
    fault
}

async fn expect(attack: &str, kind: FaultKind, message: &str) {
    let fault = fault_of(attack, small_limits(), &batch(ROWS)).await;
    assert_eq!((fault.kind(), fault.to_string().as_str()), (kind, message));
}

/// Attacks on what a call may use up.
mod resources {
    use super::*;

    #[tokio::test]
    async fn spin_until_the_fuel_is_spent() {
        let limits = Limits { fuel_per_call: 1_000_000, fuel_per_row: 100, ..small_limits() };
        let fault = fault_of("spin", limits, &batch(ROWS)).await;
        assert!(matches!(fault, Fault::Fuel { export: "process", budget: 1_002_000 }), "{fault}");
        assert!(fault.to_string().contains("limits fuel_per_call, fuel_per_row"), "{fault}");
    }

    #[tokio::test]
    async fn spin_until_the_deadline() {
        let deadline = Duration::from_millis(300);
        let limits = Limits { fuel_per_call: u64::MAX, deadline, ..small_limits() };
        let mut open = open("spin", limits).await;
        let started = Instant::now();
        let fault = open.process(&batch(ROWS), 0).await.unwrap_err();
        assert!(started.elapsed() >= deadline);
        // Generous: the machine may be busy. Without the deadline it would be hours.
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        assert_eq!(fault.to_string(), "`process` did not return within 300ms (limit deadline)");
        assert_eq!(fault.kind(), FaultKind::Deadline);
        the_host_lives().await;
    }

    #[tokio::test]
    async fn sleep_until_the_deadline() {
        let limits = Limits { deadline: Duration::from_millis(300), ..small_limits() };
        let started = Instant::now();
        let fault = fault_of("sleep", limits, &batch(ROWS)).await;
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        assert_eq!(fault.to_string(), "`process` did not return within 300ms (limit deadline)");
    }

    /// A guest that spins must not keep a thread from its other tasks: this test has one thread.
    #[tokio::test]
    async fn spin_and_let_others_run() {
        let limits = Limits {
            fuel_per_call: u64::MAX,
            deadline: Duration::from_millis(500),
            ..small_limits()
        };
        let mut open = open("spin", limits).await;
        let input = batch(ROWS);
        let mut ticks = 0;
        let ticking = async {
            loop {
                tokio::time::sleep(Duration::from_millis(5)).await;
                ticks += 1;
            }
        };
        tokio::select! {
            result = open.process(&input, 0) => assert_eq!(result.unwrap_err().kind(), FaultKind::Deadline),
            () = ticking => unreachable!("it ticks for ever"),
        }
        assert!(ticks > 5, "{ticks} ticks while the guest ran");
    }

    #[tokio::test]
    async fn allocate_without_end() {
        let fault = fault_of("allocate", small_limits(), &batch(ROWS)).await;
        assert_eq!(fault.kind(), FaultKind::Memory);
        match fault {
            Fault::Memory { export: "process", limit, requested } => {
                assert_eq!(limit, 64 << 20);
                assert!(requested > limit && requested < 2 * limit, "{requested}");
            }
            other => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn grow_memory_at_once() {
        let fault = fault_of("grow-at-once", small_limits(), &batch(ROWS)).await;
        let Fault::Memory { export: "process", limit: 0x400_0000, requested } = fault else {
            panic!("{fault}");
        };
        assert!(requested > 1 << 30);
    }

    #[tokio::test]
    async fn recurse_without_end() {
        expect("recurse", FaultKind::Stack, "`process` overflowed its stack").await;
    }

    #[tokio::test]
    async fn return_too_many_bytes() {
        let message = "`process` returned more than 4194304 bytes (limit output_bytes)";
        expect("huge-output", FaultKind::OutputBytes, message).await;
    }

    #[tokio::test]
    async fn return_bytes_that_nothing_refers_to() {
        let limits = Limits { output_bytes: 64 << 20, memory: 256 << 20, ..small_limits() };
        let mut open = open("huge-output", limits).await;
        let input = batch(ROWS);
        let processed = open.process(&input, 0).await.unwrap();
        // Buffers may be longer than needed.
        assert_eq!(processed.outputs[0].batch.num_rows(), ROWS);
        the_host_lives().await;
    }
}

/// Attacks that end the call.
mod traps {
    use super::*;

    #[tokio::test]
    async fn panic_with_a_message() {
        let fault = fault_of("trap", small_limits(), &batch(ROWS)).await;
        assert_eq!(fault.kind(), FaultKind::Trap);
        assert_eq!(fault.to_string(), "`process` trapped: the guest panicked or aborted");
        let Fault::Trap { stack, last_words, .. } = fault else { panic!("{fault}") };
        assert!(
            last_words.iter().any(|line| line.contains("the attack is to panic")),
            "{last_words:?}"
        );
        assert!(stack.iter().any(|frame| frame.function.contains("hostile::trap")), "{stack:#?}");
    }

    #[tokio::test]
    async fn abort_without_a_word() {
        let message = "`process` trapped: the guest panicked or aborted";
        expect("abort", FaultKind::Trap, message).await;
    }

    #[tokio::test]
    async fn exit_as_if_all_were_well() {
        expect("exit", FaultKind::Trap, "`process` trapped: the guest called exit").await;
    }

    /// What the host does with such a batch: halve it until the row is found.
    #[tokio::test]
    async fn poison_is_found_by_halving() {
        let input = batch(100);
        let mut suspects = vec![(0, 100)];
        let mut found = Vec::new();
        let (mut good_rows, mut calls) = (0, 0);
        while let Some((start, end)) = suspects.pop() {
            calls += 1;
            let mut open = open("poison", small_limits()).await;
            match open.process(&input.slice(start, end - start), start as u64).await {
                Ok(processed) => good_rows += processed.tally.selected,
                Err(fault) => {
                    assert_eq!(fault.kind(), FaultKind::Trap);
                    assert!(fault.kind().may_be_a_row());
                    if end - start == 1 {
                        found.push(start);
                    } else {
                        let middle = start.midpoint(end);
                        suspects.extend([(start, middle), (middle, end)]);
                    }
                }
            }
        }
        assert_eq!((found, good_rows), (vec![13], 99));
        assert!(calls <= 2 * 7 + 1, "{calls} calls");
        the_host_lives().await;
    }

    #[tokio::test]
    async fn fail_with_a_huge_message() {
        let mut open = open("huge-message", small_limits()).await;
        let fault = open.process(&batch(ROWS), 0).await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Failure);
        let message = fault.to_string();
        assert!(message.len() < 5_000, "{} bytes", message.len());
        assert!(message.starts_with("`process` failed: \\u{7}\\u{1b}[2Jxxx"), "{message}");
        assert!(message.ends_with(" …"));
        assert!(!message.contains(char::is_control));
        the_host_lives().await;
    }
}

/// Lies about the schema.
mod bindings {
    use super::*;

    async fn expect_refusal(attack: &str, message: &str) {
        let transformer = transformer(attack, small_limits(), Arc::new(())).await;
        let fault = transformer.bind(batch(0).schema()).await.expect_err("a lie is a fault");
        assert_eq!(fault.kind(), FaultKind::Contract);
        assert_eq!(fault.to_string(), format!("`bind` broke the contract: {message}"));
        the_host_lives().await;
    }

    #[tokio::test]
    async fn keep_a_column_that_does_not_exist() {
        let message = "it reads, keeps or keys by input column 99; there are 2";
        expect_refusal("keep-missing", message).await;
    }

    #[tokio::test]
    async fn read_a_column_that_does_not_exist() {
        let message = "it reads, keeps or keys by input column 99; there are 2";
        expect_refusal("read-missing", message).await;
    }

    #[tokio::test]
    async fn give_two_columns_one_name() {
        expect_refusal("same-name-twice", "its output schema: two columns are named `value`").await;
    }

    #[tokio::test]
    async fn announce_fields_that_do_not_follow() {
        let message = "its output schema: field `parent` announces more children than follow it";
        expect_refusal("fields-missing", message).await;
    }
}

/// Lies about columns.
mod columns {
    use super::*;

    async fn expect_breach(attack: &str, message: &str) {
        let message = format!("`process` broke the contract: {message}");
        expect(attack, FaultKind::Contract, &message).await;
    }

    /// For messages of which a part is Arrow's.
    async fn expect_breach_with(attack: &str, parts: &[&str]) {
        let fault = fault_of(attack, small_limits(), &batch(ROWS)).await;
        assert_eq!(fault.kind(), FaultKind::Contract);
        let message = fault.to_string();
        for part in parts {
            assert!(message.contains(part), "{part:?} in {message}");
        }
    }

    #[tokio::test]
    async fn wrong_length() {
        let message = "column `double`: 19 values where 20 rows need one each";
        expect_breach("wrong-length", message).await;
    }

    #[tokio::test]
    async fn wrong_type() {
        let message = "column `double`: the values buffer holds 80 bytes where 160 are needed";
        expect_breach("wrong-type", message).await;
    }

    #[tokio::test]
    async fn validity_of_the_wrong_size() {
        let message = "column `double`: the validity buffer holds 1 bytes where 3 are needed";
        expect_breach("validity-size", message).await;
    }

    #[tokio::test]
    async fn offsets_that_fall() {
        expect_breach_with("offsets-descending", &["column `label`", "offset"]).await;
    }

    #[tokio::test]
    async fn offsets_beyond_the_data() {
        expect_breach_with("offsets-beyond", &["column `label`", "offset"]).await;
    }

    #[tokio::test]
    async fn text_that_is_not_utf8() {
        expect_breach_with("bad-utf8", &["column `label`", "UTF"]).await;
    }

    #[tokio::test]
    async fn a_character_cut_in_two() {
        expect_breach_with("broken-character", &["column `label`", "utf-8"]).await;
    }

    /// Buffers may be longer than needed, also by a part of a value.
    #[tokio::test]
    async fn buffers_of_odd_lengths() {
        let mut open = open("odd-buffers", small_limits()).await;
        let processed = open.process(&batch(ROWS), 0).await.unwrap();
        let output = &processed.outputs[0].batch;
        assert_eq!(output.column(2).as_primitive::<Int64Type>().value(ROWS - 1), 38);
        assert_eq!(output.column(3).as_string::<i32>().value(ROWS - 1), "v");
        the_host_lives().await;
    }

    #[tokio::test]
    async fn too_few_columns() {
        expect_breach("too-few-columns", "1 new columns where 2 were declared").await;
    }

    #[tokio::test]
    async fn too_many_nodes() {
        expect_breach("too-many-nodes", "column `double`: 1 nodes more than its type has").await;
    }

    #[tokio::test]
    async fn another_encoding() {
        expect_breach_with("other-encoding", &["encoded otherwise", "Columns was announced"]).await;
    }
}

/// Lies about rows.
mod rows {
    use super::*;

    async fn expect_breach(attack: &str, message: &str) {
        let message = format!("`process` broke the contract: {message}");
        expect(attack, FaultKind::Contract, &message).await;
    }

    #[tokio::test]
    async fn an_index_out_of_range() {
        let message = "the selection names row 20; the batch has 20 rows";
        expect_breach("index-out-of-range", message).await;
    }

    #[tokio::test]
    async fn a_bitmap_of_the_wrong_size() {
        let message = "the selection bitmap holds 0 bytes where 20 rows need 3";
        expect_breach("bitmap-size", message).await;
    }

    #[tokio::test]
    async fn too_many_rows() {
        let message = "20001 output rows for 20 input rows: the limit is 20000";
        expect_breach("too-many-rows", message).await;
    }

    #[tokio::test]
    async fn too_many_outputs() {
        let limits = Limits { output_bytes: 64 << 20, ..small_limits() };
        let fault = fault_of("too-many-outputs", limits, &batch(ROWS)).await;
        let message = "`process` broke the contract: 100000 outputs of one call: the limit is 1000";
        assert_eq!(fault.to_string(), message);
    }

    /// Each row may be repeated a thousand times, but not a row of a megabyte.
    #[tokio::test]
    async fn a_row_that_is_copied_over_and_over() {
        let mut open = open("amplify", small_limits()).await;
        let processed = open.process(&batch(ROWS), 0).await.unwrap();
        assert_eq!(processed.outputs[0].batch.num_rows(), 1_000 * ROWS);

        let texts = std::iter::once("x".repeat(1 << 20)).chain((1..ROWS).map(|_| String::new()));
        let columns = vec![
            batch(ROWS).column(0).clone(),
            Arc::new(StringArray::from_iter_values(texts)) as _,
        ];
        let wide = RecordBatch::try_new(batch(0).schema(), columns).unwrap();
        let fault = fault_of("amplify", small_limits(), &wide).await;
        assert_eq!(fault.kind(), FaultKind::Contract);
        assert!(fault.to_string().contains("limit output_bytes"), "{fault}");
    }

    #[tokio::test]
    async fn rows_of_no_input_with_kept_columns() {
        let message =
            "rows without an input row were returned, but column `value` is kept from the input";
        expect_breach("detached-keep", message).await;
    }

    #[tokio::test]
    async fn a_finding_out_of_range() {
        let message = "finding `made-up` names row 20; the batch has 20 rows";
        expect_breach("finding-out-of-range", message).await;
    }

    #[tokio::test]
    async fn a_finding_out_of_order() {
        expect_breach("finding-unordered", "finding `made-up` names its rows out of order").await;
    }

    #[tokio::test]
    async fn a_bad_row_that_goes_on() {
        let message = "row 0 is reported bad and is selected for the output too";
        expect_breach("finding-selected", message).await;
    }

    #[tokio::test]
    async fn rows_of_an_input_that_is_gone() {
        let mut open = open("finish-attached", small_limits()).await;
        open.process(&batch(ROWS), 0).await.unwrap();
        let fault = open.finish().await.unwrap_err();
        let message =
            "`finish` broke the contract: `finish` returned rows of an input that is gone";
        assert_eq!((fault.kind(), fault.to_string().as_str()), (FaultKind::Contract, message));
        the_host_lives().await;
    }
}

/// Floods of log lines: what reaches the sink is bounded, what does not is counted.
mod logs {
    use super::*;

    #[derive(Default)]
    struct Sink {
        lines: Mutex<Vec<LogLine>>,
    }

    impl LogSink for Sink {
        fn line(&self, line: LogLine) {
            self.lines.lock().unwrap().push(line);
        }
    }

    const LOG_BYTES: usize = 4 << 10;
    /// What each line counts for on top of its text.
    const LINE_BYTES: usize = 32;

    /// The lines that came through, of `lines` that were written.
    async fn flood(attack: &str, lines: usize) -> Vec<LogLine> {
        let limits = Limits { fuel_per_call: 10_000_000_000, ..small_limits() };
        assert_eq!(limits.log_bytes, LOG_BYTES as u64);
        let sink = Arc::new(Sink::default());
        let transformer = transformer(attack, limits, Arc::clone(&sink) as _).await;
        let binding = Arc::new(transformer.bind(batch(0).schema()).await.unwrap());
        let mut open = transformer.open(binding, 7).await.unwrap();
        open.process(&batch(ROWS), 0).await.unwrap();
        let received = std::mem::take(&mut *sink.lines.lock().unwrap());
        let bytes: usize =
            received.iter().map(|line| LINE_BYTES + line.context.len() + line.message.len()).sum();
        assert!(bytes <= LOG_BYTES, "{bytes}");
        assert_eq!(received.len() as u64 + open.usage().dropped_log_lines, lines as u64);
        the_host_lives().await;
        received
    }

    #[tokio::test]
    async fn of_lines() {
        let received = flood("log-flood", 100_000).await;
        assert_eq!(received[0].message, "line 0 of a flood");
        assert!(received.len() > 10);
    }

    #[tokio::test]
    async fn of_lines_without_a_byte() {
        let received = flood("silent-log-flood", 100_000).await;
        assert_eq!(received.len(), LOG_BYTES / LINE_BYTES);
    }

    #[tokio::test]
    async fn of_prints() {
        // A mebibyte without a line break is cut into lines of 4096 bytes, the first of which is too long.
        let received = flood("print-flood", (1 << 20) / 4_096 + 100_000).await;
        assert!(received.is_empty(), "{received:?}");
    }
}

/// Another plugin in the same sandbox is not touched by any of this.
#[tokio::test]
async fn an_honest_neighbour() {
    let sandbox = sandbox(2);
    let hostile = sandbox.load(component("hostile")).await.unwrap();
    let gross = sandbox.load(component("gross")).await.unwrap();
    let environment = |config: serde_json::Value| Environment {
        config: Arc::new(config.as_object().unwrap().clone()),
        limits: small_limits(),
        ..Environment::default()
    };
    let schema = Arc::new(Schema::new(vec![Field::new("net", DataType::Float64, false)]));
    let neighbour =
        Transformer::new(&gross, environment(json!({"net": "net", "rate": 0.5}))).unwrap();
    let binding = Arc::new(neighbour.bind(Arc::clone(&schema)).await.unwrap());
    let mut neighbour = neighbour.open(binding, 7).await.unwrap();
    let net = arrow::array::Float64Array::from(vec![2.0, 4.0]);
    let input = RecordBatch::try_new(schema, vec![Arc::new(net)]).unwrap();
    for attack in ["trap", "recurse", "allocate", "exit", "bad-utf8", "huge-output"] {
        let attacker = Transformer::new(&hostile, environment(json!({"attack": attack}))).unwrap();
        let binding = Arc::new(attacker.bind(batch(0).schema()).await.unwrap());
        let mut attacker = attacker.open(binding, 7).await.unwrap();
        attacker.process(&batch(ROWS), 0).await.unwrap_err();
        let processed = neighbour.process(&input, 0).await.unwrap();
        let gross = processed.outputs[0].batch.column(1);
        let gross = gross.as_primitive::<arrow::datatypes::Float64Type>();
        assert_eq!(gross.values().to_vec(), [3.0, 6.0], "after {attack}");
    }
}

/// When all slots are taken, the next instance is refused, not awaited; a freed slot can be used.
#[tokio::test]
async fn no_free_slot() {
    let sandbox = sandbox(1);
    let hostile = sandbox.load(component("hostile")).await.unwrap();
    let config = json!({"attack": "trap"}).as_object().unwrap().clone();
    let environment =
        Environment { config: Arc::new(config), limits: small_limits(), ..Environment::default() };
    let transformer = Transformer::new(&hostile, environment).unwrap();
    let binding = Arc::new(transformer.bind(batch(0).schema()).await.unwrap());
    let mut open = transformer.open(Arc::clone(&binding), 7).await.unwrap();
    assert!(matches!(transformer.open(Arc::clone(&binding), 7).await, Err(Fault::Busy)));
    // The trapped instance gives its slot back although it is still held.
    open.process(&batch(ROWS), 0).await.unwrap_err();
    transformer.open(binding, 7).await.unwrap();
}

/// Without fuel, everything else holds, and a guest that spins is stopped by the clock.
#[tokio::test]
async fn a_guarded_plugin() {
    let profile = Profile::Guarded;
    let sandbox = sandbox_with(SandboxOptions { profile, ..SandboxOptions::new(SLOTS) });
    let hostile = sandbox.load(component("hostile")).await.unwrap();
    for (attack, kind) in [
        ("none", None),
        ("trap", Some(FaultKind::Trap)),
        ("recurse", Some(FaultKind::Stack)),
        ("allocate", Some(FaultKind::Memory)),
        ("bad-utf8", Some(FaultKind::Contract)),
        ("huge-output", Some(FaultKind::OutputBytes)),
        ("spin", Some(FaultKind::Deadline)),
    ] {
        let config = json!({ "attack": attack }).as_object().unwrap().clone();
        let limits = Limits {
            fuel_per_call: 0,
            fuel_per_row: 0,
            deadline: Duration::from_secs(4),
            ..small_limits()
        };
        let environment =
            Environment { config: Arc::new(config), limits, ..Environment::default() };
        let transformer = Transformer::new(&hostile, environment).unwrap();
        let binding = Arc::new(transformer.bind(batch(0).schema()).await.unwrap());
        let mut open = transformer.open(binding, 7).await.unwrap();
        let ended = open.process(&batch(ROWS), 0).await;
        assert_eq!(ended.as_ref().err().map(Fault::kind), kind, "{attack}: {:?}", ended.err());
        assert_eq!(open.usage().fuel, 0);
    }
}
