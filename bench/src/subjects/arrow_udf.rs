//! arrow-udf: core WebAssembly, Arrow IPC files in and out, no limits of fuel or time.

use std::hint::black_box;
use std::io::Cursor;

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow_array_58::RecordBatch as RecordBatch58;
use arrow_udf_runtime::wasm::{FunctionHandle, Runtime};

use crate::measure::{Error, Subject};
use crate::subjects::Guests;

/// What it is called in results.
pub const NAME: &str = "arrow-udf";

/// A function over one input.
pub struct ArrowUdf {
    runtime: Runtime,
    function: FunctionHandle,
    input: RecordBatch58,
}

impl ArrowUdf {
    pub fn subject(
        guests: &Guests,
        kernel: &str,
        input: &RecordBatch,
    ) -> Result<Box<dyn Subject>, Error> {
        let runtime = Runtime::new(&guests.read("bench-arrow-udf")?)?;
        let input = to_58(input)?;
        let schema = input.schema();
        let types: Vec<_> = schema.fields().iter().map(|field| field.data_type().clone()).collect();
        // Each kernel gives what it takes.
        let result = types[0].clone();
        let function = runtime.find_function(kernel, types, result)?;
        Ok(Box::new(Self { runtime, function, input }))
    }
}

impl Subject for ArrowUdf {
    fn name(&self) -> &str {
        NAME
    }

    fn run(&mut self) -> Result<(), Error> {
        black_box(self.runtime.call(&self.function, &self.input)?);
        Ok(())
    }

    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        Ok(vec![from_58(&self.runtime.call(&self.function, &self.input)?)?])
    }
}

/// In arrow-udf's version of Arrow.
pub fn to_58(batch: &RecordBatch) -> Result<RecordBatch58, Error> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(batch)?;
    let bytes = Cursor::new(writer.into_inner()?);
    let mut reader = arrow_ipc_58::reader::StreamReader::try_new(bytes, None)?;
    Ok(reader.next().ok_or("one batch was written")??)
}

/// In Wasmill's version of Arrow.
pub fn from_58(batch: &RecordBatch58) -> Result<RecordBatch, Error> {
    let mut writer = arrow_ipc_58::writer::StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(batch)?;
    let mut reader = StreamReader::try_new(Cursor::new(writer.into_inner()?), None)?;
    Ok(reader.next().ok_or("one batch was written")??)
}
