//! Log lines in this process, by the very parser that the plugin has (`guests/logs/src/line`), into columns of Arrow.

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, Float64Builder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
};

use crate::measure::{Error, NATIVE, Subject};

#[path = "../../guests/logs/src/line/mod.rs"]
mod line;

pub use self::line::Fields as Row;
use self::line::{Fields, Parser, Upper};

/// The parser that most would take.
pub const SERDE_JSON: &str = "native serde_json";

/// The columns that are made.
#[derive(Default)]
pub struct Columns {
    timestamp: Int64Builder,
    level: StringBuilder,
    service: StringBuilder,
    status: Int32Builder,
    latency_ms: Float64Builder,
    message: StringBuilder,
}

impl Columns {
    /// A row, as it is in the output.
    pub fn push(&mut self, row: &Row<'_>) {
        self.timestamp.append_value(row.timestamp);
        self.level.append_value(row.level);
        self.service.append_value(row.service);
        self.status.append_value(row.status);
        self.latency_ms.append_value(row.latency_ms);
        self.message.append_value(row.message);
    }

    pub fn finish(mut self) -> Result<RecordBatch, Error> {
        let columns: [(&str, ArrayRef); 6] = [
            ("timestamp", Arc::new(self.timestamp.finish())),
            ("level", Arc::new(self.level.finish())),
            ("service", Arc::new(self.service.finish())),
            ("status", Arc::new(self.status.finish())),
            ("latency_ms", Arc::new(self.latency_ms.finish())),
            ("message", Arc::new(self.message.finish())),
        ];
        let columns = columns.map(|(name, column)| (name, column, true));
        Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
    }
}

/// A parser over one input.
pub struct LogLines {
    name: &'static str,
    parser: Parser,
    input: RecordBatch,
}

impl LogLines {
    /// By blocks of 64 bytes, as the plugin.
    pub fn by_blocks(input: &RecordBatch) -> Box<dyn Subject> {
        Box::new(Self { name: NATIVE, parser: Parser::ByBlocks, input: input.clone() })
    }

    pub fn by_serde_json(input: &RecordBatch) -> Box<dyn Subject> {
        Box::new(Self { name: SERDE_JSON, parser: Parser::SerdeJson, input: input.clone() })
    }

    fn parse(&self) -> Result<RecordBatch, Error> {
        let lines = self.input.column(0).as_string::<i32>();
        let mut columns = Columns::default();
        let mut upper = Upper::default();
        let mut refused = None;
        self.parser.read(
            lines.iter().map(Option::unwrap_or_default),
            |_, fields| {
                if fields.level != "debug" {
                    columns.push(&Fields { service: upper.of(fields.service), ..*fields });
                }
            },
            |row, problem| refused = Some(format!("line {row}: {problem}")),
        );
        match refused {
            Some(problem) => Err(problem.into()),
            None => columns.finish(),
        }
    }
}

impl Subject for LogLines {
    fn name(&self) -> &str {
        self.name
    }

    fn run(&mut self) -> Result<(), Error> {
        black_box(self.parse()?);
        Ok(())
    }

    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        Ok(vec![self.parse()?])
    }
}

#[cfg(test)]
mod tests {
    use super::line::{Fields, Parser};

    /// What a parser makes of a line, as text; none where it refuses the line.
    fn read(parser: Parser, line: &str) -> Option<String> {
        let mut read = None;
        let take = |_, fields: &Fields<'_>| read = Some(format!("{fields:?}"));
        parser.read(std::iter::once(line), take, |_, _| {});
        read
    }

    const LINE: &str = r#"{"timestamp":"2026-11-24T17:29:38.123456Z","level":"info","service":"checkout","status":200,"latency_ms":12.375,"message":"GET /orders/1"}"#;

    #[test]
    fn a_line_is_read() {
        let expected = "Fields { timestamp: 1795541378123456, level: \"info\", service: \"checkout\", \
                        status: 200, latency_ms: 12.375, message: \"GET /orders/1\" }";
        assert_eq!(read(Parser::ByBlocks, LINE).as_deref(), Some(expected));
    }

    /// Each line with one byte replaced, removed or added, wherever: both parsers give the same, and refuse the same.
    #[test]
    fn both_parsers_agree_on_what_is_nearly_a_line() {
        const BYTES: &str = "\"\\{}[]:,.-+eE019 \n\tanuZéT";
        let agree = |line: &str| {
            assert_eq!(read(Parser::ByBlocks, line), read(Parser::SerdeJson, line), "{line}");
        };
        for place in 0..LINE.len() {
            let (before, after) = LINE.split_at(place);
            agree(before);
            agree(&format!("{before}{}", &after[1..]));
            for other in BYTES.chars() {
                agree(&format!("{before}{other}{after}"));
                agree(&format!("{before}{other}{}", &after[1..]));
            }
        }
    }
}
