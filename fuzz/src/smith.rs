//! Components of the five worlds with random code, run under limits.
//!
//! wasm-smith makes a valid core module of the bytes, with the imports and exports that a guest of the world has (`build.rs`). As a
//! component it passes every check of types, so that what runs is the rest: start functions, data segments, results that lie
//! anywhere in memory, an allocator that answers at random, calls of host functions with any arguments.
//!
//! wasm-smith's own components are of random types: none would have a world's exports, and nothing of them would be called.
//!
//! Promises: each call ends by its fuel or its deadline, with a result that was checked or a fault that is the guest's; the host
//! does not panic, and memory stays bounded: libFuzzer limits it.

use std::sync::{Arc, LazyLock};

use arbitrary::{Result, Unstructured};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use wasm_smith::{Config, Module};
use wasmill_contract::binding::{Encoding, Reading, TransformBinding};
use wasmill_contract::bindings::{transform, types};
use wasmill_contract::extracted::{ExtractBinding, ExtractSplit};
use wasmill_contract::receipt::Receipt;
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::extractor::{Cursor, Extractor};
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::loader::{Attempt, LoadBinding, Loader};
use wasmill_sandbox::notifier::{Event, EventSeverity, Notifier};
use wasmill_sandbox::transformer::Transformer;
use wasmill_sandbox::validator::{ValidateBinding, Validator};

use crate::host::{RUNTIME, SANDBOX, check_fault, environment};
use crate::oracle::check_batch;

/// What `build.rs` made of a world.
struct World {
    /// A module with the imports and exports of a guest.
    shape: &'static [u8],
    /// A component, up to its guest's module.
    head: &'static [u8],
    /// The rest of the component.
    tail: &'static [u8],
}

macro_rules! world {
    ($name:literal) => {
        World {
            shape: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".shape.wasm")),
            head: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".head")),
            tail: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".tail")),
        }
    };
}

static TRANSFORMER: World = world!("transformer");
static VALIDATOR: World = world!("validator");
static EXTRACTOR: World = world!("extractor");
static LOADER: World = world!("loader");
static NOTIFIER: World = world!("notifier");

/// The first byte of the input chooses the world, the others make the module.
pub fn run(bytes: &[u8]) {
    let Some((world, bytes)) = bytes.split_first() else { return };
    RUNTIME.block_on(async {
        match world % 5 {
            0 => with(&TRANSFORMER, bytes, transformer).await,
            1 => with(&VALIDATOR, bytes, validator).await,
            2 => with(&EXTRACTOR, bytes, extractor).await,
            3 => with(&LOADER, bytes, loader).await,
            _ => with(&NOTIFIER, bytes, notifier).await,
        }
    });
}

async fn with(world: &World, bytes: &[u8], call: impl AsyncFnOnce(&Plugin)) {
    // Bytes that have run out are no finding.
    let Ok(module) = module(world, bytes) else { return };
    let component = wrapped(world, &module);
    match SANDBOX.load(component.into()).await {
        Ok(plugin) => call(&plugin).await,
        // A component of a world, made of a valid module.
        Err(error) => panic!("{error}"),
    }
}

fn module(world: &World, bytes: &[u8]) -> Result<Vec<u8>> {
    let config = Config {
        module_shape: Some(world.shape.to_vec()),
        // As much as a slot of the pool holds. Some of it is beyond the limit of memory, which must have a name too.
        max_memories: 1,
        max_memory32_bytes: 32 << 20,
        max_tables: 1,
        max_table_elements: 20_000,
        // What the engine does not know.
        custom_page_sizes_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        shared_everything_threads_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    };
    Ok(Module::new(config, &mut Unstructured::new(bytes))?.to_bytes())
}

/// The component of a world around a guest's module.
fn wrapped(world: &World, module: &[u8]) -> Vec<u8> {
    let mut component = world.head.to_vec();
    // The section's id, and its size in LEB128.
    component.push(1);
    let mut size = module.len();
    while size > 0x7f {
        component.push(size as u8 | 0x80);
        size >>= 7;
    }
    component.push(size as u8);
    component.extend_from_slice(module);
    component.extend_from_slice(world.tail);
    component
}

static BATCH: LazyLock<RecordBatch> = LazyLock::new(|| {
    let schema = Schema::new(vec![
        Field::new("number", DataType::Int64, false),
        Field::new("text", DataType::Utf8, true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(0..10)),
        Arc::new(StringArray::from_iter((0..10).map(|row| (row % 3 > 0).then(|| "x".repeat(row))))),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).expect("columns of the schema")
});

fn input() -> SchemaRef {
    BATCH.schema()
}

fn reading() -> Reading {
    Reading::new(&[0, 1], Encoding::Columns, &input()).expect("there are two columns")
}

/// What was returned, where something was.
fn returned<T>(result: Result<T, Fault>) -> Option<T> {
    result.inspect_err(check_fault).ok()
}

async fn transformer(plugin: &Plugin) {
    let transformer = Transformer::new(plugin, environment()).expect("it is a transformer");
    returned(transformer.describe().await);
    let bound = returned(transformer.bind(input()).await);
    // Its own binding where it has one, and one that fits empty answers.
    for binding in bound.into_iter().chain([transform_binding()]) {
        let binding = Arc::new(binding);
        let Some(mut open) = returned(transformer.open(Arc::clone(&binding), 7).await) else {
            continue;
        };
        for first_row in [0, 10] {
            let Some(processed) = returned(open.process(&BATCH, first_row).await) else { break };
            for output in &processed.outputs {
                check_batch(&output.batch, &binding.output_schema, output.rows.len());
            }
        }
        returned(open.finish().await);
    }
}

fn transform_binding() -> TransformBinding {
    let field = types::Field {
        name: "new".to_owned(),
        data_type: types::DataType::Utf8,
        nullable: true,
        children: 0,
        metadata: Vec::new(),
    };
    let binding = transform::Binding {
        reads: vec![0, 1],
        encoding: Encoding::Columns,
        output: vec![transform::OutputColumn::New(vec![field])],
        scope: transform::Scope::Rows,
    };
    TransformBinding::new(binding, input()).expect("there are two columns")
}

async fn validator(plugin: &Plugin) {
    let validator = Validator::new(plugin, environment()).expect("it is a validator");
    returned(validator.describe().await);
    returned(validator.bind(input()).await);
    let binding = Arc::new(ValidateBinding { input: input(), reading: reading() });
    let Some(mut open) = returned(validator.open(binding, 7).await) else { return };
    returned(open.check(&BATCH, 0).await);
    let state = returned(open.merge(&[vec![1, 2, 3], Vec::new()], 20).await);
    returned(open.conclude(&state.unwrap_or_default(), 20).await);
}

async fn extractor(plugin: &Plugin) {
    let extractor = Extractor::new(plugin, environment()).expect("it is an extractor");
    returned(extractor.describe().await);
    let bound = returned(extractor.bind().await);
    let cursor = Cursor { split: "a".to_owned(), position: "7".to_owned() };
    let splits = returned(extractor.plan(&[cursor]).await).unwrap_or_default();
    let schema = Schema::new(vec![Field::new("text", DataType::Utf8, true)]);
    let own = ExtractBinding { schema: Arc::new(schema), encoding: Encoding::Columns };
    let split = ExtractSplit {
        id: "a".to_owned(),
        descriptor: "{}".to_owned(),
        rows: None,
        bytes: Some(u64::MAX),
    };
    for binding in bound.into_iter().chain([own]) {
        let binding = Arc::new(binding);
        for split in splits.iter().take(1).chain([&split]) {
            let Some(mut open) = returned(extractor.open(Arc::clone(&binding), split, 7).await)
            else {
                continue;
            };
            if let Some(Some(extracted)) = returned(open.next(100).await) {
                let rows = extracted.batch.num_rows();
                assert!(rows <= 100, "{rows} rows");
                check_batch(&extracted.batch, &binding.schema, rows);
            }
            returned(open.cursor().await);
        }
    }
}

async fn loader(plugin: &Plugin) {
    let loader = Loader::new(plugin, environment()).expect("it is a loader");
    returned(loader.describe().await);
    returned(loader.bind(input()).await);
    let binding = Arc::new(LoadBinding { input: input(), reading: reading() });
    let attempt =
        Attempt { run: "run".to_owned(), split: "split".to_owned(), attempt: "1".to_owned() };
    if let Some(mut open) = returned(loader.open(binding, &attempt, 7).await) {
        returned(open.write(&BATCH, 0).await);
        returned(open.finish().await);
    }
    let receipts = [Receipt { rows: 10, reference: "here".to_owned() }];
    returned(loader.commit("run", &receipts).await);
    returned(loader.abort("run", &receipts).await);
}

async fn notifier(plugin: &Plugin) {
    let notifier = Notifier::new(plugin, environment()).expect("it is a notifier");
    returned(notifier.describe().await);
    returned(notifier.bind().await);
    let event = Event {
        kind: "run.failed".to_owned(),
        severity: EventSeverity::Error,
        pipeline: "pipeline".to_owned(),
        run: "run".to_owned(),
        dedup_key: "key".to_owned(),
        time_ms: 0,
        summary: "a run has failed".to_owned(),
        details: "{}".to_owned(),
    };
    returned(notifier.notify(&event).await);
}
