//! Faults are explained with the guest's source lines, which another process reads from the component's debug information.
//! Where there is none, or none that makes sense, the fault is what it was.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::{Value, json};
use wasmill_sandbox::Environment;
use wasmill_sandbox::compiler::{Compiler, CompilerProcess};
use wasmill_sandbox::engine::SandboxOptions;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::frames::{Frame, culprit};
use wasmill_sandbox::transformer::Transformer;
use wasmill_tests::workspace::{Workspace, wasmill_program};
use wasmill_tests::{component, root, sandbox_with};

fn compiler() -> Compiler {
    let process = CompilerProcess::new(wasmill_program(), ["compile-component".into()]);
    Compiler::new().in_process(process)
}

async fn hostile(bytes: Arc<[u8]>, compiler: Compiler, attack: &str) -> Transformer {
    transformer(bytes, compiler, json!({ "attack": attack })).await
}

async fn transformer(bytes: Arc<[u8]>, compiler: Compiler, config: Value) -> Transformer {
    let sandbox = sandbox_with(SandboxOptions { compiler, ..SandboxOptions::new(2) });
    let plugin = sandbox.load(bytes).await.unwrap();
    let config = Arc::new(config.as_object().unwrap().clone());
    Transformer::new(&plugin, Environment { config, ..Environment::default() }).unwrap()
}

/// The fault with which a batch ends under attack, as it is before source lines are looked for.
async fn fault(transformer: &Transformer) -> Fault {
    fault_on(transformer, &batch()).await
}

fn batch() -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("value", DataType::Int64, false),
        Field::new("text", DataType::Utf8, false),
    ]);
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Int64Array::from(vec![7])), Arc::new(StringArray::from(vec!["seven"]))];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

async fn fault_on(transformer: &Transformer, batch: &RecordBatch) -> Fault {
    let binding = Arc::new(transformer.bind(batch.schema()).await.unwrap());
    let mut open = transformer.open(binding, 7).await.unwrap();
    let fault = open.process(batch, 0).await.expect_err("it fails");
    assert!(fault.stack().iter().all(|frame| frame.location.is_none()));
    fault
}

/// The line of the guest's source that holds a text.
fn line_of(file: &str, text: &str) -> u32 {
    let source = std::fs::read_to_string(root().join(file)).unwrap();
    let position = source.lines().position(|line| line.contains(text)).unwrap();
    position as u32 + 1
}

fn has_lines(stack: &[Frame]) -> bool {
    stack.iter().any(|frame| frame.location.is_some())
}

const REBUILD: &str = "build the guest with line tables: cargo xtask test";

#[tokio::test]
async fn a_panic_has_its_source_line() {
    let transformer = hostile(component("hostile"), compiler(), "trap").await;
    let mut fault = fault(&transformer).await;
    let before = fault.stack().to_vec();
    transformer.locate(&mut fault).await;
    let stack = fault.stack();
    assert!(has_lines(stack), "{REBUILD}; {stack:#?}");
    let file = "tests/guests/anywhere/src/trap.rs";
    let frame = &stack[culprit(stack).unwrap()];
    assert!(frame.function.contains("hostile_anywhere::trap::strike"), "{stack:#?}");
    let location = frame.location.as_ref().unwrap();
    assert_eq!(location.file, file, "a path of the repository, not of the machine");
    assert_eq!(location.line, line_of(file, "panic!("));
    let explained = fault.explained();
    assert!(
        explained.contains(&format!("(in hostile_anywhere::trap::strike ({location})")),
        "{explained}"
    );

    // Every frame is still there, in order; what was inlined came between.
    let kept: Vec<_> = stack
        .iter()
        .filter(|frame| !frame.inlined)
        .map(|frame| (frame.index, frame.offset))
        .collect();
    let all: Vec<_> = before.iter().map(|frame| (frame.index, frame.offset)).collect();
    assert_eq!(kept, all);
    assert!(stack.iter().any(|frame| frame.inlined), "{stack:#?}");
    // Twice is as good as once.
    let once = stack.to_vec();
    transformer.locate(&mut fault).await;
    assert_eq!(fault.stack(), once);
    // It is stored and read again as it is.
    let stored = serde_json::to_string(&once).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Frame>>(&stored).unwrap(), once);
}

/// The mistake is in a function that was inlined, by way of one of the standard library that was inlined too.
#[tokio::test]
async fn a_null_that_was_not_expected_is_found_in_inlined_code() {
    let config = json!({ "mistake": "unwrap" });
    let transformer = transformer(component("faulty"), compiler(), config).await;
    let emails: ArrayRef = Arc::new(StringArray::from(vec![Some("a@b.example"), None]));
    let batch = RecordBatch::try_from_iter_with_nullable([("email", emails, true)]).unwrap();
    let mut fault = fault_on(&transformer, &batch).await;
    assert_eq!(fault.last_said().unwrap(), "called `Option::unwrap()` on a `None` value");
    transformer.locate(&mut fault).await;
    let stack = fault.stack();
    let frame = &stack[culprit(stack).unwrap()];
    let location = frame.location.as_ref().expect(REBUILD);
    let file = "tests/guests/faulty/src/lib.rs";
    let line = line_of(file, "email.unwrap()");
    assert_eq!((location.file.as_str(), location.line), (file, line), "{stack:#?}");
    assert_eq!(frame.short_name(), "domain");
}

/// Who checks a pipeline is told where a plugin fails that is asked what it would do.
#[test]
fn a_check_shows_where_a_plugin_fails() {
    let workspace = Workspace::new();
    workspace.write("people.csv", "email\na@b.example\n");
    workspace.pipeline(
        r#"
        [sources.people]
        type = "csv"
        path = "people.csv"

        [transforms.faulty]
        plugin = "faulty"
        inputs = ["people"]
        config = { mistake = "bind" }

        [sinks.out]
        type = "csv"
        path = "out.csv"
        inputs = ["faulty"]
        "#,
    );
    let outcome = workspace.wasmill(&["check", "pipeline.toml"]);
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(outcome.code, Some(70), "{said}");
    let file = "tests/guests/faulty/src/lib.rs";
    let place = format!("({file}:{}:", line_of(file, "assert!("));
    assert!(said.contains(&place), "{place} in {said}; {REBUILD}");
    assert!(said.contains("it last said: no rule for this configuration"), "{said}");
}

#[tokio::test]
async fn a_recursion_says_where_it_is() {
    let transformer = hostile(component("hostile"), compiler(), "recurse").await;
    let mut fault = fault(&transformer).await;
    assert!(matches!(fault, Fault::Stack { .. }), "{fault}");
    transformer.locate(&mut fault).await;
    let stack = fault.stack();
    let file = "tests/guests/anywhere/src/recurse.rs";
    let location = stack.iter().find_map(|frame| frame.location.as_ref()).expect(REBUILD);
    assert_eq!(location.file, file);
    let lines = line_of(file, "fn depth(")..=line_of(file, "depth(black_box(level");
    assert!(lines.contains(&location.line), "{stack:#?}");
    assert!(stack.len() <= 8, "each place once: {stack:#?}");
}

/// Names come from another section than lines, and are known without.
#[tokio::test]
async fn without_debug_information_there_are_names() {
    let mut stripped = component("hostile").to_vec();
    let sections = debug_sections(&stripped);
    assert!(!sections.is_empty(), "{REBUILD}");
    for section in sections {
        // Under another name, it is some custom section.
        stripped[section.name].fill(b'x');
    }
    let transformer = hostile(stripped.into(), compiler(), "trap").await;
    let mut fault = fault(&transformer).await;
    let before = fault.stack().to_vec();
    transformer.locate(&mut fault).await;
    assert_eq!(fault.stack(), before);
    assert!(before.iter().any(|frame| frame.function.contains("hostile_anywhere::trap::strike")));
}

/// Without a process to read debug information in, nobody reads it.
#[tokio::test]
async fn without_a_process_there_are_names() {
    let transformer = hostile(component("hostile"), Compiler::new(), "trap").await;
    let mut fault = fault(&transformer).await;
    transformer.locate(&mut fault).await;
    assert!(!has_lines(fault.stack()));
}

#[tokio::test]
async fn a_process_that_gives_no_answer_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let cache = wasmill_sandbox::cache::ComponentCache::open(folder.path().join("cache")).unwrap();
    let cache = Arc::new(cache);
    // Compiled, and kept, so that the processes below are asked for nothing but source lines.
    hostile(component("hostile"), compiler().cached_in(Arc::clone(&cache)), "trap").await;
    for program in ["no/such/program", "/bin/false", "/bin/echo"] {
        let process = CompilerProcess::new(program.into(), ["compile-component".into()]);
        let compiler = Compiler::new().in_process(process).cached_in(Arc::clone(&cache));
        let transformer = hostile(component("hostile"), compiler, "trap").await;
        let mut fault = fault(&transformer).await;
        let before = fault.stack().to_vec();
        transformer.locate(&mut fault).await;
        assert_eq!(fault.stack(), before, "{program}");
    }
}

/// Debug information that lies, in many ways: what it says is wrong, absent or nonsense, and the host lives.
#[tokio::test]
async fn broken_debug_information_is_no_error() {
    let component = component("hostile");
    let sections = debug_sections(&component);
    assert!(
        sections.iter().any(|section| component[section.name.clone()] == *b".debug_info"),
        "{REBUILD}"
    );
    let breaking: [fn(&mut [u8]); 5] = [
        |content| content.fill(0xff),
        |content| content.fill(0),
        // Deterministic noise.
        |content| {
            let mut state = 0x9e37_79b9_u32;
            for byte in content {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (state >> 24) as u8;
            }
        },
        // Mostly right: lengths and offsets lead astray.
        |content| content.iter_mut().step_by(101).for_each(|byte| *byte ^= 0x55),
        |content| content.reverse(),
    ];
    for (way, breaks) in breaking.into_iter().enumerate() {
        let mut broken = component.to_vec();
        for section in &sections {
            breaks(&mut broken[section.content.clone()]);
        }
        let transformer = hostile(broken.into(), compiler(), "trap").await;
        let mut fault = fault(&transformer).await;
        let before = fault.stack().to_vec();
        transformer.locate(&mut fault).await;
        assert!(fault.stack().len() <= 48);
        let kept = fault.stack().iter().filter(|frame| !frame.inlined);
        assert!(kept.map(|frame| &frame.function).eq(before.iter().map(|frame| &frame.function)));
        for frame in fault.stack() {
            assert!(!frame.to_string().contains(char::is_control), "{way}: {frame}");
        }
        // Not a byte of it is as it was, but for the last two ways.
        if way < 3 {
            assert!(!has_lines(fault.stack()), "{way}");
        }
    }
}

/// A custom section: where its name and its content are.
struct Section {
    name: std::ops::Range<usize>,
    content: std::ops::Range<usize>,
}

/// The sections of debug information of all core modules: <https://webassembly.github.io/spec/core/binary/modules.html>.
fn debug_sections(component: &[u8]) -> Vec<Section> {
    fn number(bytes: &[u8], at: &mut usize) -> usize {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = bytes[*at];
            *at += 1;
            value |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }
    fn walk(bytes: &[u8], range: std::ops::Range<usize>, found: &mut Vec<Section>) {
        const PREAMBLE: usize = 8;
        let is_component = bytes[range.start + 6] == 1;
        let mut at = range.start + PREAMBLE;
        while at < range.end {
            let id = bytes[at];
            at += 1;
            let size = number(bytes, &mut at);
            let end = at + size;
            match id {
                0 => {
                    let mut start = at;
                    let length = number(bytes, &mut start);
                    let name = start..start + length;
                    if bytes[name.clone()].starts_with(b".debug_") {
                        found.push(Section { content: name.end..end, name });
                    }
                }
                // Core modules and components inside of a component.
                1 | 4 if is_component => walk(bytes, at..end, found),
                _ => {}
            }
            at = end;
        }
    }
    let mut found = Vec::new();
    walk(component, 0..component.len(), &mut found);
    found
}
