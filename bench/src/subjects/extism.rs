//! Extism: bytes in, bytes out. Columns cross as Arrow IPC streams, encoded and decoded on both sides.

use std::hint::black_box;
use std::io::Cursor;

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm};

use crate::measure::{Error, Subject};
use crate::subjects::Guests;

/// What it is called in results.
pub const NAME: &str = "extism with Arrow IPC";

/// An exported function over one input.
pub struct Extism {
    plugin: Plugin,
    kernel: &'static str,
    input: RecordBatch,
}

impl Extism {
    pub fn subject(
        guests: &Guests,
        kernel: &'static str,
        input: &RecordBatch,
    ) -> Result<Box<dyn Subject>, Error> {
        let plugin = Plugin::new_from_compiled(&compile(guests)?)?;
        Ok(Box::new(Self { plugin, kernel, input: input.clone() }))
    }
}

/// The plug-in, compiled.
pub fn compile(guests: &Guests) -> Result<CompiledPlugin, Error> {
    let manifest = Manifest::new([Wasm::data(guests.read("bench-extism")?)]);
    let builder = PluginBuilder::new(manifest).with_wasi(true).with_cache_disabled();
    Ok(CompiledPlugin::new(builder)?)
}

/// Creates an instance, passes one batch through it, and drops it.
pub fn once(compiled: &CompiledPlugin, kernel: &str, input: &RecordBatch) -> Result<(), Error> {
    let mut plugin = Plugin::new_from_compiled(compiled)?;
    black_box(call(&mut plugin, kernel, input)?);
    Ok(())
}

/// Passes one batch through an exported function.
pub fn call(
    plugin: &mut Plugin,
    kernel: &str,
    input: &RecordBatch,
) -> Result<Vec<RecordBatch>, Error> {
    let mut writer = StreamWriter::try_new(Vec::new(), &input.schema())?;
    writer.write(input)?;
    let answer: &[u8] = plugin.call(kernel, writer.into_inner()?)?;
    let reader = StreamReader::try_new(Cursor::new(answer), None)?;
    Ok(reader.collect::<Result<_, _>>()?)
}

impl Subject for Extism {
    fn name(&self) -> &str {
        NAME
    }

    fn run(&mut self) -> Result<(), Error> {
        black_box(self.output()?);
        Ok(())
    }

    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        call(&mut self.plugin, self.kernel, &self.input)
    }
}
