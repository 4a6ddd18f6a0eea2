//! VRL, the language of Vector: log lines by a program that is interpreted in this process, with neither sandbox nor limits.

use std::hint::black_box;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use vrl::compiler::runtime::{Runtime, Terminate};
use vrl::compiler::state::RuntimeState;
use vrl::compiler::{Program, TargetValue, TimeZone};
use vrl::value::{ObjectMap, Secrets, Value};

use crate::measure::{Error, Subject};
use crate::subjects::log_lines::{Columns, Row};

/// What it is called in results.
pub const NAME: &str = "VRL";

const PROGRAM: &str = r#"
. = parse_json!(string!(.))
if .level == "debug" {
    abort
}
.timestamp = to_unix_timestamp(parse_timestamp!(.timestamp, "%+"), unit: "microseconds")
.service = upcase(string!(.service))
"#;

/// The program over one input.
pub struct Vrl {
    program: Program,
    runtime: Runtime,
    input: RecordBatch,
}

impl Vrl {
    pub fn subject(input: &RecordBatch) -> Result<Box<dyn Subject>, Error> {
        let compiled = vrl::compiler::compile(PROGRAM, &vrl::stdlib::all())
            .map_err(|diagnostics| format!("{NAME}: {diagnostics:?}"))?;
        let runtime = Runtime::new(RuntimeState::default());
        Ok(Box::new(Self { program: compiled.program, runtime, input: input.clone() }))
    }

    fn parse(&mut self) -> Result<RecordBatch, Error> {
        let lines = self.input.column(0).as_string::<i32>();
        let mut columns = Columns::default();
        let timezone = TimeZone::default();
        for row in 0..lines.len() {
            let mut target = TargetValue {
                value: Value::from(lines.value(row)),
                metadata: Value::Object(ObjectMap::new()),
                secrets: Secrets::default(),
            };
            match self.runtime.resolve(&mut target, &self.program, &timezone) {
                Ok(_) => push(&mut columns, &target.value)?,
                Err(Terminate::Abort(_)) => {}
                Err(error) => return Err(error.into()),
            }
            self.runtime.clear();
        }
        columns.finish()
    }
}

fn push(columns: &mut Columns, value: &Value) -> Result<(), Error> {
    let object = value.as_object().ok_or("the result is no object")?;
    let field = |name: &str| object.get(name).ok_or_else(|| format!("{name} is missing"));
    let text = |name: &str| -> Result<&str, Error> {
        Ok(str::from_utf8(field(name)?.as_bytes().ok_or("it is no text")?)?)
    };
    let latency_ms = match field("latency_ms")? {
        Value::Float(float) => float.into_inner(),
        Value::Integer(integer) => *integer as f64,
        _ => return Err("it is no number".into()),
    };
    columns.push(&Row {
        timestamp: field("timestamp")?.as_integer().ok_or("it is no integer")?,
        level: text("level")?,
        service: text("service")?,
        status: i32::try_from(field("status")?.as_integer().ok_or("it is no integer")?)?,
        latency_ms,
        message: text("message")?,
    });
    Ok(())
}

impl Subject for Vrl {
    fn name(&self) -> &str {
        NAME
    }

    fn run(&mut self) -> Result<(), Error> {
        black_box(self.parse()?);
        Ok(())
    }

    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        Ok(vec![self.parse()?])
    }
}
