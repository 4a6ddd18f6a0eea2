//! Kernels give what the languages give, on columns of every sort: the plugins compare, inside of components.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    Int64Array, RecordBatch, StringArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use wasmill_build::{Language, Tools};
use wasmill_sandbox::Environment;
use wasmill_sandbox::engine::Sandbox;
use wasmill_sandbox::limits::Limits;
use wasmill_sandbox::script::FOLDER;
use wasmill_sandbox::transformer::Transformer;

const TEXTS: [Option<&str>; 23] = [
    Some("a"),
    Some(""),
    None,
    Some("ä"),
    Some("a.b"),
    Some("a@b.cd"),
    Some("abc"),
    Some("ABC"),
    Some("aa"),
    Some("bcd"),
    Some("a\nb"),
    Some("\u{1c}a\u{1f}"),
    Some(" word\t"),
    Some("123"),
    Some("1.2.3"),
    Some("x.ä.y"),
    Some("xxy"),
    Some("a\u{0}b"),
    Some("Straße"),
    Some("x..y"),
    Some("b"),
    Some("ΑΣ."),
    Some("a\r"),
];

fn numbers<T: Copy>(special: &[T], rows: usize, with_nulls: bool) -> Vec<Option<T>> {
    let value = |row: usize| (!with_nulls || row % 5 != 3).then(|| special[row % special.len()]);
    (0..rows).map(value).collect()
}

fn batch(rows: usize, with_nulls: bool) -> RecordBatch {
    macro_rules! column {
        ($array:ty, $($special:expr),*) => {
            Arc::new(<$array>::from(numbers(&[$($special),*], rows, with_nulls))) as ArrayRef
        };
    }
    let texts = (0..rows).map(|row| TEXTS[row % TEXTS.len()]);
    let texts: StringArray = if with_nulls {
        texts.collect()
    } else {
        texts.map(|text| text.or(Some("none"))).collect()
    };
    let columns: [(&str, ArrayRef); 12] = [
        ("i8", column!(Int8Array, 0, 1, -1, 7, i8::MIN, i8::MAX)),
        ("i16", column!(Int16Array, 0, 1, -1, 200, i16::MIN, i16::MAX)),
        ("i32", column!(Int32Array, 0, 1, -1, 7, i32::MIN, i32::MAX)),
        ("i64", column!(Int64Array, 0, 1, -1, 7, i64::MIN, i64::MAX, 1 << 53, (1 << 53) + 1)),
        ("u8", column!(UInt8Array, 0, 1, 200, u8::MAX)),
        ("u16", column!(UInt16Array, 0, 1, 200, u16::MAX)),
        ("u32", column!(UInt32Array, 0, 1, 1 << 31, u32::MAX)),
        ("u64", column!(UInt64Array, 0, 1, 1 << 63, u64::MAX, (1 << 53) + 1)),
        ("f32", column!(Float32Array, 0.0, -0.0, 0.1, -0.5, f32::NAN, f32::INFINITY, 1e30)),
        ("f64", column!(Float64Array, 0.0, -0.0, 0.1, -0.5, f64::NAN, f64::INFINITY, 1e300, 7.0)),
        ("g64", column!(Float64Array, 3.25, -1e-300, 1e300)),
        ("text", Arc::new(texts)),
    ];
    let columns = columns.map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length")
}

/// How many instances there is room for.
const PLACES: u32 = 24;

/// What the plugin makes of batches of several lengths, with and without nulls.
async fn process(project: &str, language: Language) -> Vec<(RecordBatch, RecordBatch)> {
    let tools = Tools::new(wasmill_build::default_cache().expect("a cache folder"), &());
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels").join(project);
    let built = wasmill_build::build(&project, Some(language), &tools)
        .unwrap_or_else(|error| panic!("{error}"));
    let folder = tempfile::tempdir().expect("a folder");
    if let Some(interpreter) = &built.interpreter {
        interpreter.put_into(&folder.path().join(FOLDER)).expect("an interpreter");
    }
    let sandbox = Sandbox::new(PLACES).expect("a sandbox");
    let plugin = sandbox.load_beside(built.component.into(), Some(folder.path())).await;
    let plugin = plugin.expect("a plugin");
    assert!(plugin.imports().iter().all(|import| !import.contains("kernels")), "they are inside");
    // Comparing everything with everything takes more than any plugin should.
    let (fuel_per_row, instances) = (u64::MAX / 1_000, PLACES as usize);
    let limits = Limits { fuel_per_row, instances, ..Limits::default() };
    let environment = Environment { limits, ..Environment::default() };
    let step = Transformer::new(&plugin, environment).expect("a transformer");
    let mut outputs = Vec::new();
    for (rows, with_nulls) in [(0, true), (1, false), (23, false), (64, true), (257, true)] {
        let input = batch(rows, with_nulls);
        let binding = step.bind(input.schema()).await.unwrap_or_else(|fault| panic!("{fault}"));
        let mut open =
            step.open(Arc::new(binding), 1).await.unwrap_or_else(|fault| panic!("{fault}"));
        let processed =
            open.process(&input, 0).await.unwrap_or_else(|fault| panic!("{rows} rows: {fault}"));
        let [output] = &processed.outputs[..] else { panic!("one output") };
        outputs.push((input, output.batch.clone()));
    }
    // Kernels are a component more in each instance, and there is room for all of it.
    let binding = Arc::new(step.bind(batch(1, false).schema()).await.expect("a binding"));
    let mut open = Vec::new();
    for seed in 0..u64::from(PLACES) {
        let opened = step.open(Arc::clone(&binding), seed).await;
        open.push(opened.unwrap_or_else(|fault| panic!("instance {seed}: {fault}")));
    }
    outputs
}

#[tokio::test]
async fn kernels_give_what_python_gives() {
    process("kernels.py", Language::Python).await;
}

#[tokio::test]
async fn kernels_give_what_javascript_gives() {
    for (input, output) in process("js", Language::Js).await {
        let texts = input.column_by_name("text").expect("texts").as_string::<i32>();
        let upper: StringArray = texts.iter().map(|text| Some(text?.to_uppercase())).collect();
        let part: StringArray = texts.iter().map(|text| text?.split('.').nth(1)).collect();
        let made = |name| output.column_by_name(name).expect("a column").as_string::<i32>().clone();
        assert_eq!((made("upper"), made("part")), (upper, part));
    }
}
