//! Scripts share their interpreter: a thousand of them take hardly more memory than one, and each does its own work.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use wasmill_build::{Built, Tools, build};
use wasmill_conformance::tables;
use wasmill_sandbox::Environment;
use wasmill_sandbox::cache::ComponentCache;
use wasmill_sandbox::compiler::Compiler;
use wasmill_sandbox::component::{LoadError, Plugin};
use wasmill_sandbox::engine::{Sandbox, SandboxOptions};
use wasmill_sandbox::script::FOLDER;
use wasmill_sandbox::transformer::Transformer;

const SCRIPTS: usize = 1_000;
/// What each script may take when it is loaded, in bytes. The code of the interpreter has some 30 MB.
const BYTES_OF_A_SCRIPT: usize = 64 << 10;

/// Adds a number of four digits, so that one script can be made of another.
const SCRIPT: &str = r#"# /// script
# [tool.wasmill]
# kind = "transformer"
# version = "0.1.0"
# summary = "Adds a number"
# ///
from wasmill import Transformer


class Adder(Transformer):
    def bind(self, plan):
        self.id = plan.read("id", int)
        self.sum = plan.write("sum", int)

    def process(self, batch, out):
        out[self.sum] = batch[self.id] + int("0000")
"#;

fn built() -> Built {
    let folder = tempfile::tempdir().expect("it works");
    let file = folder.path().join("adder.py");
    fs::write(&file, SCRIPT).expect("it works");
    let tools = Tools::new(wasmill_build::default_cache().expect("a cache folder"), &());
    build(&file, None, &tools).unwrap_or_else(|error| panic!("{error}"))
}

/// The script with another number in it.
fn numbered(script: &[u8], number: usize) -> Vec<u8> {
    let mut script = script.to_vec();
    let place = script.windows(4).position(|text| text == b"0000").expect("the number");
    script[place..place + 4].copy_from_slice(format!("{number:04}").as_bytes());
    script
}

fn resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux says");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
    line.split_whitespace().nth(1).expect("a number").parse::<usize>().expect("a number") << 10
}

fn sandbox() -> Sandbox {
    let cache = wasmill_build::default_cache().expect("a cache folder");
    let cache = cache.parent().expect("it is in a folder").join("conformance");
    let cache = ComponentCache::open(cache).expect("the cache of compiled components");
    let compiler = Compiler::new().cached_in(Arc::new(cache));
    Sandbox::with_options(SandboxOptions { compiler, ..SandboxOptions::new(8) }).expect("a sandbox")
}

/// What the script of this number adds to an id of 1.
async fn sum(plugin: &Plugin) -> i64 {
    let transformer = Transformer::new(plugin, Environment::default()).expect("it works");
    let input = tables::ids_from(1, 1);
    let binding = Arc::new(transformer.bind(input.schema()).await.expect("it works"));
    let mut open = transformer.open(binding, 7).await.expect("it works");
    let processed = open.process(&input, 0).await.expect("it works");
    let batch = &processed.outputs[0].batch;
    batch.column_by_name("sum").expect("a column").as_primitive::<Int64Type>().value(0)
}

#[tokio::test]
async fn a_thousand_scripts_share_one_interpreter() {
    let folder = tempfile::tempdir().unwrap();
    let Built { component, interpreter, .. } = built();
    assert!(component.len() < 100_000, "{} bytes", component.len());
    interpreter.expect("a script has one").put_into(&folder.path().join(FOLDER)).unwrap();
    let sandbox = sandbox();
    let mut plugins = Vec::new();
    let mut before = 0;
    for number in 0..SCRIPTS {
        let script = numbered(&component, number);
        plugins.push(sandbox.load_beside(script.into(), Some(folder.path())).await.unwrap());
        if number == 9 {
            sum(&plugins[number]).await;
            before = resident_bytes();
        }
    }
    let grown = resident_bytes().saturating_sub(before);
    for number in [0, 1, 500, SCRIPTS - 1] {
        assert_eq!(sum(&plugins[number]).await, 1 + number as i64);
    }
    println!("{SCRIPTS} scripts take {grown} bytes more than 10");
    assert!(
        grown < SCRIPTS * BYTES_OF_A_SCRIPT,
        "{SCRIPTS} scripts take {grown} bytes more than 10"
    );
}

#[tokio::test]
async fn a_script_without_its_interpreter_says_which_one_is_missing() {
    let built = built();
    let interpreter = built.interpreter.expect("a script has one");
    let loaded = sandbox().load_beside(built.component.into(), Some(Path::new("/nowhere"))).await;
    let error = loaded.unwrap_err();
    assert!(matches!(error, LoadError::NoInterpreter { .. }), "{error}");
    let message = error.to_string();
    assert!(
        message.contains(&interpreter.digest) && message.contains("/nowhere/interpreters"),
        "{message}"
    );
    // Nor is an interpreter a plugin by itself.
    let error = sandbox().load(interpreter.component.into()).await.unwrap_err();
    assert!(matches!(error, LoadError::Interpreter), "{error}");
}
