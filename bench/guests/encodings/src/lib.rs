//! The kernel `wide` as hosts without columns in their contract have it: the whole batch is decoded, filtered and encoded in
//! the sandbox. Written against the bindings, since the SDK knows columns only.

use std::io::Cursor;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, Float64Array, Int32Array, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use serde_json::{Map, Value};
use wasmill_plugin_sdk::bindings::{transform, types};

struct Component;

impl transform::Guest for Component {
    fn describe() -> types::Descriptor {
        types::Descriptor {
            name: "bench-encodings".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: env!("CARGO_PKG_DESCRIPTION").to_owned(),
            config_schema: r#"{"type":"object"}"#.to_owned(),
        }
    }

    fn bind(config: String, input: types::Schema) -> Result<transform::Binding, types::Failure> {
        let c = types::Field {
            name: "c".to_owned(),
            data_type: types::DataType::Float64,
            nullable: true,
            children: 0,
            metadata: Vec::new(),
        };
        let columns = input.fields.len() as u32;
        let output = input.fields.into_iter().chain([c]);
        Ok(transform::Binding {
            reads: (0..columns).collect(),
            encoding: if config.contains("json") {
                types::Encoding::Json
            } else {
                types::Encoding::Ipc
            },
            output: output.map(|field| transform::OutputColumn::New(vec![field])).collect(),
            scope: transform::Scope::Rows,
        })
    }

    fn open(_config: String, _input: types::Schema) -> Result<(), types::Failure> {
        Ok(())
    }

    fn process(batch: types::Batch) -> Result<transform::Processed, types::Failure> {
        let (rows, values) = match batch.values {
            types::Payload::Ipc(bytes) => by_ipc(&bytes).map_err(fatal)?,
            types::Payload::Json(text) => by_json(&text).map_err(fatal)?,
            types::Payload::Columns(_) => return Err(fatal("columns were not asked for")),
        };
        let outputs = vec![transform::Output { rows: transform::Selection::Bitmap(rows), values }];
        Ok(transform::Processed { outputs, bad_rows: Vec::new() })
    }

    fn finish() -> Result<Vec<transform::Output>, types::Failure> {
        Ok(Vec::new())
    }
}

fn fatal(error: impl ToString) -> types::Failure {
    types::Failure::Fatal(error.to_string())
}

fn by_ipc(bytes: &[u8]) -> Result<(Vec<u8>, transform::NewValues), ArrowError> {
    let mut reader = StreamReader::try_new(Cursor::new(bytes), None)?;
    let batch = reader.next().expect("the host sends one batch")?;
    let a = batch.column_by_name("a").expect("the batch has it");
    let least = arrow_ord::cmp::gt_eq(a, &Int32Array::new_scalar(9_000))?;
    let keep =
        arrow_arith::boolean::and(&least, &arrow_ord::cmp::lt(a, &Int32Array::new_scalar(9_500))?)?;
    let kept = arrow_select::filter::filter_record_batch(&batch, &keep)?;
    let column = |name: &str| {
        kept.column_by_name(name).expect("the batch has it").as_primitive::<Float64Type>()
    };
    let c: Float64Array =
        arrow_arith::arity::binary(column("b"), column("d"), |b, d| b * (1.0 - d))?;
    let mut columns: Vec<ArrayRef> = kept.columns().to_vec();
    columns.push(Arc::new(c));
    let mut fields: Vec<Field> =
        kept.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.push(Field::new("c", DataType::Float64, true));
    let output = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
    let mut writer = StreamWriter::try_new(Vec::new(), &output.schema())?;
    writer.write(&output)?;
    Ok((keep.values().sliced().to_vec(), transform::NewValues::Ipc(writer.into_inner()?)))
}

fn by_json(text: &str) -> Result<(Vec<u8>, transform::NewValues), serde_json::Error> {
    let rows: Vec<Map<String, Value>> = serde_json::from_str(text)?;
    let mut bitmap = vec![0_u8; rows.len().div_ceil(8)];
    let mut kept = Vec::new();
    for (index, mut row) in rows.into_iter().enumerate() {
        if row["a"].as_i64().is_some_and(|a| (9_000..9_500).contains(&a)) {
            bitmap[index / 8] |= 1 << (index % 8);
            let number = |name: &str| row[name].as_f64().unwrap_or_default();
            let c = number("b") * (1.0 - number("d"));
            row.insert("c".to_owned(), c.into());
            kept.push(row);
        }
    }
    Ok((bitmap, transform::NewValues::Json(serde_json::to_string(&kept)?)))
}

wasmill_plugin_sdk::bindings::transformer::export_transformer!(
    Component with_types_in wasmill_plugin_sdk::bindings::transformer
);
