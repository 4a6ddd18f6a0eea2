use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, UInt8Array};
use wasmill_sandbox::contract::finding::FindingBreach;
use wasmill_sandbox::contract::processed::OutputBreach;
use wasmill_sandbox::fault::Breach;
use wasmill_sandbox::frames::Location;

use super::*;

const EXPORT: &str = "process";
const PANICKED: &str = "the guest panicked or aborted";

fn frame(function: &str, location: Option<Location>) -> Frame {
    Frame { function: function.to_owned(), index: 1, offset: Some(8), inlined: false, location }
}

fn trap(cause: &str, stack: Vec<Frame>, said: &[&str]) -> Fault {
    let last_words = said.iter().map(ToString::to_string).collect();
    Fault::Trap { export: EXPORT, cause: cause.to_owned(), stack, last_words }
}

fn row(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap()
}

fn text(text: Option<&str>) -> ArrayRef {
    Arc::new(StringArray::from(vec![text]))
}

fn integer(value: i64) -> ArrayRef {
    Arc::new(Int64Array::from(vec![value]))
}

/// The hints about a row that makes the plugin panic.
fn hints_about(columns: Vec<(&str, ArrayRef)>) -> Vec<String> {
    hints_of(&trap(PANICKED, Vec::new(), &[]), Some(&row(columns)))
}

fn hints_of(fault: &Fault, seen: Option<&RecordBatch>) -> Vec<String> {
    let limits = Limits::default();
    let case = Case { step: "clean", seen, limits: Some(&limits), ..Case::default() };
    Explanation::new(fault, &case).hints
}

#[test]
fn a_panic_reads_like_a_compilers_error() {
    let own = |function, line, column| {
        frame(function, Some(Location::new("plugins/clean/src/email.rs", line, column)))
    };
    let library = frame(
        "core::option::Option<T>::unwrap",
        Some(Location::new("/rustc/1/library/core/src/option.rs", 1, 1)),
    );
    let stack = vec![
        frame("__rustc::rust_panic", None),
        frame("core::option::unwrap_failed", None),
        library,
        own("wasmill_clean::email::normalise_email", 41, 23),
        own("wasmill_clean::email::process", 80, 9),
        frame("wasmill:plugin/transform@0.1.0#process", None),
    ];
    let said = [
        "",
        "thread '<unnamed>' (1) panicked at plugins/clean/src/email.rs:41:23:",
        "called `Option::unwrap()` on a `None` value",
        "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
    ];
    let seen = row(vec![("amount", text(Some("12"))), ("email", text(None))]);
    let reads = ["email".to_owned()];
    let case = Case {
        step: "clean",
        plugin: "sha256:0a1b2c3d",
        split: Some("orders-00000"),
        position: Some(4_711),
        seen: Some(&seen),
        reads: &reads,
        fuel: Some(1_234_567),
        limits: None,
    };
    let explanation = Explanation::new(&trap(PANICKED, stack, &said), &case);
    let expected = "\
error[trap]: `clean` panicked on one row
  --> plugins/clean/src/email.rs:41:23 in normalise_email
   |  called by process (plugins/clean/src/email.rs:80:9)
   = row 4711 of split orders-00000: email = null, amount = \"12\"
   = plugin: sha256:0a1b2c3d
   = cause: `process` trapped: the guest panicked or aborted
   = fuel: 1,234,567 units
   = it last said: called `Option::unwrap()` on a `None` value
   = hint: column `email` is null here
   = hint: the plugin takes for granted that there is a value where there is none";
    assert_eq!(explanation.to_string(), expected);
    let stored = serde_json::to_string(&explanation).unwrap();
    assert_eq!(serde_json::from_str::<Explanation>(&stored).unwrap(), explanation);
}

#[test]
fn without_lines_there_are_names_and_how_to_get_lines() {
    let stack = vec![frame("abort", None), frame("clean::email::normalise", None)];
    let case = Case { step: "clean", ..Case::default() };
    let explanation = Explanation::new(&trap(PANICKED, stack, &[]), &case);
    let expected = "\
error[trap]: `clean` panicked in `process`
  --> in clean::email::normalise
   = cause: `process` trapped: the guest panicked or aborted
   = hint: a plugin that is built with line tables shows source lines here";
    assert_eq!(explanation.to_string(), expected);
}

#[test]
fn odd_values_are_named() {
    let long = "x".repeat(123_456);
    let cases = [
        ("a", text(None), "column `a` is null here"),
        ("a", text(Some("")), "column `a` is empty here"),
        ("a", text(Some(" \t")), "column `a` is blank here"),
        ("a", text(Some(&long)), "column `a` has 123,456 bytes here"),
        (
            "a",
            text(Some("M\u{fffd}ller")),
            "column `a` holds U+FFFD, which is what is left of text in another encoding, here",
        ),
        ("a", text(Some("a\u{1b}[2J")), "column `a` holds a control character, U+001B, here"),
        (
            "n",
            integer(i64::MIN),
            "column `n` is -9223372036854775808, the smallest that its type holds, here",
        ),
        (
            "n",
            Arc::new(UInt8Array::from(vec![255])),
            "column `n` is 255, the largest that its type holds, here",
        ),
        ("f", Arc::new(Float64Array::from(vec![f64::NAN])), "column `f` is NaN here"),
        ("f", Arc::new(Float64Array::from(vec![f64::NEG_INFINITY])), "column `f` is infinite here"),
    ];
    for (name, column, expected) in cases {
        assert_eq!(hints_about(vec![(name, column)]), [expected]);
    }
    // What is usual is not mentioned.
    let usual: Vec<(&str, ArrayRef)> = vec![
        ("a", text(Some("Zoë\n"))),
        ("n", integer(0)),
        ("u", Arc::new(UInt8Array::from(vec![0]))),
        ("f", Arc::new(Float64Array::from(vec![0.0]))),
    ];
    assert_eq!(hints_about(usual), [""; 0]);
}

#[test]
fn oddities_are_of_columns_that_are_read_and_not_too_many() {
    let seen = row(vec![("a", text(None)), ("b", text(None)), ("c", text(Some("")))]);
    let reads = ["b".to_owned()];
    let case = Case { seen: Some(&seen), reads: &reads, ..Case::default() };
    let fault = trap(PANICKED, Vec::new(), &[]);
    assert_eq!(Explanation::new(&fault, &case).hints, ["column `b` is null here"]);
    let hints = hints_of(&fault, Some(&seen));
    assert_eq!(hints, ["columns `a` and `b` are null here", "column `c` is empty here"]);

    let names: Vec<String> = (0..100).map(|column| format!("c{column}")).collect();
    let nulls = names.iter().map(|name| (name.as_str(), text(None))).collect();
    let expected = "columns `c0`, `c1`, `c2`, `c3`, `c4`, `c5` and 94 others are null here";
    assert_eq!(hints_about(nulls), [expected]);
    let empty = names.iter().map(|name| (name.as_str(), text(Some("")))).collect();
    assert_eq!(hints_about(empty).len(), 6);

    // A batch of several rows is not looked into, nor is a row that has nothing to do with the cause.
    let batch = row(vec![("a", Arc::new(StringArray::from(vec![None::<&str>, None])))]);
    assert_eq!(hints_of(&fault, Some(&batch)), [""; 0]);
    let gone = Fault::Gone { export: EXPORT };
    assert_eq!(hints_of(&gone, Some(&seen)), [""; 0]);
}

#[test]
fn well_known_panics_and_traps_have_a_meaning() {
    let cases = [
        (
            PANICKED,
            "called `Result::unwrap()` on an `Err` value: ParseIntError { kind: Empty }",
            "the plugin takes for granted that this goes well; it did not: ParseIntError { kind: Empty }",
        ),
        (
            PANICKED,
            "index out of bounds: the len is 3 but the index is 17",
            "the plugin looks at position 17, counted from 0, of something that has 3",
        ),
        (
            PANICKED,
            "range end index 9 out of range for slice of length 4",
            "the plugin takes a part of something shorter than it expects",
        ),
        (
            PANICKED,
            "byte index 1 is not a char boundary; it is inside 'ë' (bytes 0..2) of `ë`",
            "the plugin cuts text in the middle of a character: not every character is one byte",
        ),
        (
            PANICKED,
            "attempt to subtract with overflow",
            "a result does not fit its type: a wider type, or `checked_` operations, would hold or notice it",
        ),
        (
            PANICKED,
            "memory allocation of 8589934592 bytes failed",
            "the plugin asked for more memory than there can be, which may be a size that was computed wrongly",
        ),
        (
            PANICKED,
            "internal error: entered unreachable code: no such unit",
            "the plugin's author held this case to be impossible",
        ),
        (
            "wasm trap: out of bounds memory access",
            "",
            "the plugin's memory is in disorder: look at unsafe code, and at what is not Rust",
        ),
    ];
    for (cause, said, expected) in cases {
        assert_eq!(hints_of(&trap(cause, Vec::new(), &[said]), None), [expected]);
    }
    assert_eq!(hints_of(&trap(PANICKED, Vec::new(), &["no such currency"]), None), [""; 0]);
}

#[test]
fn zero_is_odd_where_something_is_divided() {
    let seen = row(vec![("n", integer(0)), ("m", integer(1))]);
    let faults = [
        trap("wasm trap: integer divide by zero", Vec::new(), &[]),
        trap(PANICKED, Vec::new(), &["attempt to divide by zero"]),
        trap(PANICKED, Vec::new(), &["attempt to calculate the remainder with a divisor of zero"]),
    ];
    for fault in faults {
        let expected = ["column `n` is 0 here", "the plugin divides by a number that is 0 here"];
        assert_eq!(hints_of(&fault, Some(&seen)), expected);
    }
}

#[test]
fn limits_are_named_with_what_they_are_now() {
    let one = row(vec![("n", integer(1))]);
    let more = row(vec![("n", Arc::new(Int64Array::from(vec![1, 2])))]);
    let fuel = Fault::Fuel { export: EXPORT, budget: 1_001_000_000 };
    let raise_fuel = "if the plugin is right to take that much, raise fuel_per_row (now 1,000,000) or fuel_per_call \
                      (now 1,000,000,000) in the limits of `clean`";
    assert_eq!(hints_of(&fuel, Some(&more)), [raise_fuel]);
    let loops =
        "1,001,000,000 units for one row are a great deal: the plugin may be in an endless loop";
    assert_eq!(hints_of(&fuel, Some(&one)), [raise_fuel, loops]);

    let raise = |what: &str| {
        format!("if the plugin is right to take that much, raise {what} in the limits of `clean`")
    };
    let deadline = Fault::Deadline { export: EXPORT, deadline: Duration::from_secs(10) };
    assert_eq!(hints_of(&deadline, None), [raise("deadline (now 10s)")]);
    let memory = Fault::Memory { export: EXPORT, limit: 256 << 20, requested: 1 << 30 };
    assert_eq!(hints_of(&memory, None), [raise("memory (now 256MiB)")]);
    let rows = OutputBreach::TooManyRows { rows: 2_000, input: 1, limit: 1_000 };
    let rows = Fault::Contract { export: EXPORT, breach: Breach::Output(rows) };
    assert_eq!(hints_of(&rows, None), [raise("output_rows_per_row (now 1,000)")]);
    let output = Fault::OutputBytes { export: EXPORT, limit: 1_500 };
    let expected = "raise output_bytes (now 1,500 bytes) in the limits of `clean`, or lower pipeline.batch_rows";
    assert_eq!(hints_of(&output, None), [expected]);

    let limits = Limits::default();
    let case = Case { step: "clean", fuel: Some(5), limits: Some(&limits), ..Case::default() };
    let hints = Explanation::new(&deadline, &case).hints;
    assert_eq!(hints[1], "it computed little: it was waiting, or the machine was busy");
}

#[test]
fn each_kind_has_a_headline() {
    let breach = Breach::Finding(FindingBreach::TooMany(1_000_000));
    let failure = |failure| Fault::Failure { export: EXPORT, failure };
    let faults = [
        (trap(PANICKED, Vec::new(), &[]), "error[trap]: `clean` panicked"),
        (trap("the guest called exit", Vec::new(), &[]), "error[trap]: `clean` exited"),
        (trap("wasm trap: x", Vec::new(), &[]), "error[trap]: `clean` trapped"),
        (Fault::Fuel { export: EXPORT, budget: 1 }, "error[fuel]: `clean` used up its fuel"),
        (
            Fault::Deadline { export: EXPORT, deadline: Duration::ZERO },
            "error[deadline]: `clean` did not return in time",
        ),
        (
            Fault::Memory { export: EXPORT, limit: 1, requested: 2 },
            "error[memory]: `clean` needs more memory than it may use",
        ),
        (
            Fault::Stack { export: EXPORT, stack: Vec::new() },
            "error[stack]: `clean` overflowed its stack",
        ),
        (
            Fault::OutputBytes { export: EXPORT, limit: 1 },
            "error[output-bytes]: `clean` returned more than it may",
        ),
        (Fault::Contract { export: EXPORT, breach }, "error[contract]: `clean` broke the contract"),
        (
            failure(Failure::Retryable { message: String::new(), after: None }),
            "error[retryable]: `clean` failed for the moment",
        ),
        (
            failure(Failure::BadConfig { pointer: "/a".to_owned(), message: String::new() }),
            "error[refused]: `clean` refuses its configuration",
        ),
        (
            failure(Failure::BadSchema { column: None, message: String::new() }),
            "error[refused]: `clean` refuses its input's columns",
        ),
        (failure(Failure::Fatal(String::new())), "error[failure]: `clean` failed"),
        (Fault::Gone { export: EXPORT }, "error[host]: `clean` was called after it had failed"),
    ];
    let case = Case { step: "clean", ..Case::default() };
    for (fault, expected) in faults {
        let text = Explanation::new(&fault, &case).to_string();
        assert_eq!(text.lines().next().unwrap(), format!("{expected} in `process`"));
    }
    let busy = Explanation::new(&Fault::Busy, &case).to_string();
    assert!(busy.starts_with("error[busy]: `clean` found no free slot for an instance\n"));
}

/// Whatever a guest or a row holds, each line of an explanation begins as it should and commands no terminal.
#[test]
fn hostile_texts_stay_harmless() {
    let hostile =
        "\u{1b}]0;owned\u{7}\r\nerror[trap]: `other` did it\u{202e}\u{2028}\u{9b}2J".repeat(10_000);
    let fault = Fault::Trap {
        export: EXPORT,
        cause: hostile.clone(),
        stack: vec![
            Frame { function: hostile.clone(), ..frame("", None) },
            frame("a", Some(Location::new(&hostile, 1, 1))),
        ],
        last_words: vec![format!("called `Result::unwrap()` on an `Err` value: {hostile}")],
    };
    // Frames come bounded from the sandbox, but this one was stored, and somebody had his hands on it.
    let seen = row(vec![(hostile.as_str(), text(Some(&hostile)))]);
    let reads = [hostile.clone()];
    let case = Case {
        step: &hostile,
        plugin: &hostile,
        split: Some(&hostile),
        position: Some(1),
        seen: Some(&seen),
        reads: &reads,
        fuel: Some(u64::MAX),
        limits: None,
    };
    let explanation = Explanation::new(&fault, &case);
    let text = explanation.to_string();
    assert!(text.len() < 6_000, "{} bytes", text.len());
    assert_eq!(text.matches("error[").count(), text.matches("\\nerror[").count() + 1, "{text}");
    for (position, line) in text.lines().enumerate() {
        let begins: &[&str] =
            if position == 0 { &["error[trap]: `"] } else { &["  --> ", "   |  ", "   = "] };
        assert!(begins.iter().any(|begin| line.starts_with(begin)), "{line}");
        assert!(!line.contains(|char: char| char.is_control()
            || matches!(char, '\u{2028}' | '\u{202e}')));
    }
}
