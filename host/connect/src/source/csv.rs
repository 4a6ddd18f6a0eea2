//! Delimited text.
//!
//! Every column is text unless `types` says otherwise. Records with another number of fields, with bytes
//! that are not UTF-8, or with values that are not of the declared type are bad records, one by one.
//! Large uncompressed files are cut between records: the cuts are found by a pass with the same
//! parser, so quoted line breaks are no trouble.

use std::io::Read;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringBuilder, UInt64Array};
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::FormatOptions;
use csv::{ByteRecord, ReaderBuilder, StringRecord};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BadRecord, Source, SourceBatch, SourceSplit, blocking_stream};
use crate::error::{ConnectError, Result};
use crate::files::{Compression, FoundFile, Paths, find};
use crate::types::{DeclaredTypes, parse_type};
use crate::units::ByteSize;

/// How many fields a record may have that is shown whole in the quarantine.
const MAX_SHOWN_FIELDS: usize = 4_096;

/// Delimited text files: CSV, TSV and the like; `.gz` and `.zst` are decompressed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvSourceConfig {
    /// The files.
    pub path: Paths,
    /// What separates fields. Default: `,`.
    #[serde(default = "default_delimiter")]
    pub delimiter: char,
    /// What quotes fields. Default: `"`.
    #[serde(default = "default_quote")]
    pub quote: char,
    /// Whether the first record of each file holds the names of the columns. Default: true.
    #[serde(default = "default_header")]
    pub header: bool,
    /// The names of the columns where the files have none.
    pub columns: Option<Vec<String>>,
    /// Types of columns that are not text, such as `{ amount = "decimal(12, 2)" }`.
    #[serde(default)]
    pub types: DeclaredTypes,
    /// Field contents that mean null. Default: only the empty field.
    #[serde(default = "default_nulls")]
    pub null_values: Vec<String>,
    /// Uncompressed files larger than this are divided into splits of about this size. Default: 64MiB.
    #[serde(default = "default_split_bytes")]
    pub split_bytes: ByteSize,
}

fn default_delimiter() -> char {
    ','
}

fn default_quote() -> char {
    '"'
}

fn default_header() -> bool {
    true
}

fn default_nulls() -> Vec<String> {
    vec![String::new()]
}

fn default_split_bytes() -> ByteSize {
    ByteSize(64 << 20)
}

/// Delimited text files.
pub struct CsvSource {
    files: Vec<FoundFile>,
    split_bytes: u64,
    layout: Arc<Layout>,
}

/// What is the same for all files.
struct Layout {
    schema: SchemaRef,
    delimiter: u8,
    quote: u8,
    header: bool,
    null_values: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CsvSplit {
    file: FoundFile,
    /// Bytes from and to; all of the file where absent.
    range: Option<(u64, u64)>,
    /// The number of the first line, counted from 1.
    first_line: u64,
}

impl CsvSource {
    /// Finds the files and reads the header of the first; all others must have the same.
    pub fn open(config: &CsvSourceConfig, base: &Path) -> Result<Self> {
        let delimiter = single_byte("delimiter", config.delimiter)?;
        let quote = single_byte("quote", config.quote)?;
        let files = find(&config.path, base)?;
        let mut names = config.columns.clone();
        if config.header {
            for file in &files {
                let header = read_header(file, delimiter, quote)?;
                match &names {
                    None => names = Some(header),
                    Some(names) if *names != header => {
                        let message = format!(
                            "the header is {}, but {} is expected",
                            header.join(","),
                            names.join(",")
                        );
                        return Err(ConnectError::Data { path: file.path.clone(), message });
                    }
                    Some(_) => {}
                }
            }
        }
        let names = names.ok_or_else(|| ConnectError::Config {
            key: "columns",
            message: "columns must be named where the files have no header".to_owned(),
        })?;
        let schema = schema(&names, &config.types)?;
        let layout = Layout {
            schema,
            delimiter,
            quote,
            header: config.header,
            null_values: config.null_values.clone(),
        };
        Ok(Self { files, split_bytes: config.split_bytes.0.max(1), layout: Arc::new(layout) })
    }
}

fn single_byte(key: &'static str, char: char) -> Result<u8> {
    u8::try_from(char).ok().filter(u8::is_ascii).ok_or_else(|| ConnectError::Config {
        key,
        message: format!("`{char}` is not an ASCII character"),
    })
}

fn schema(names: &[String], types: &DeclaredTypes) -> Result<SchemaRef> {
    let config = |key, message| ConnectError::Config { key, message };
    if let Some(unknown) = types.keys().find(|name| !names.contains(name)) {
        let message = format!("there is no column `{unknown}`; there are {}", names.join(", "));
        return Err(config("types", message));
    }
    let mut fields = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(config("columns", format!("two columns are named `{name}`")));
        }
        let data_type = match types.get(name) {
            Some(declared) => {
                parse_type(declared).map_err(|error| config("types", error.to_string()))?
            }
            None => DataType::Utf8,
        };
        fields.push(Field::new(name, data_type, true));
    }
    Ok(Arc::new(Schema::new(fields)))
}

fn reader<R: Read>(input: R, delimiter: u8, quote: u8) -> csv::Reader<R> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .quote(quote)
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(256 << 10)
        .from_reader(input)
}

fn read_header(file: &FoundFile, delimiter: u8, quote: u8) -> Result<Vec<String>> {
    let invalid = |message: String| ConnectError::Data { path: file.path.clone(), message };
    let mut reader = reader(file.reader(None)?, delimiter, quote);
    let mut record = ByteRecord::new();
    let found = reader.read_byte_record(&mut record).map_err(|error| invalid(error.to_string()))?;
    if !found {
        return Err(invalid("the file is empty, not even a header is there".to_owned()));
    }
    let mut names = Vec::with_capacity(record.len());
    for (index, name) in record.iter().enumerate() {
        let name =
            std::str::from_utf8(name).map_err(|_| invalid("the header is not UTF-8".to_owned()))?;
        // Spreadsheets like to begin a file with a byte order mark.
        let name = if index == 0 { name.trim_start_matches('\u{feff}') } else { name };
        names.push(name.to_owned());
    }
    Ok(names)
}

impl Source for CsvSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.layout.schema)
    }

    fn splits(&self) -> BoxFuture<'_, Result<Vec<SourceSplit>>> {
        let files = self.files.clone();
        let layout = Arc::clone(&self.layout);
        let split_bytes = self.split_bytes;
        async move {
            // To find the cuts is a pass over all bytes: over as many files at once as there are cores.
            let at_once = std::thread::available_parallelism().map_or(1, NonZero::get);
            let cuts = stream::iter(files).map(|file| {
                let layout = Arc::clone(&layout);
                tokio::task::spawn_blocking(move || cut_file(file, &layout, split_bytes))
            });
            let mut splits = Vec::new();
            let mut cuts = cuts.buffered(at_once);
            while let Some(cut) = cuts.next().await {
                splits.extend(cut.expect("cutting a file does not panic")?);
            }
            Ok(splits)
        }
        .boxed()
    }

    fn read(
        &self,
        split: &SourceSplit,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<SourceBatch>>> {
        let split: CsvSplit = split.parse()?;
        let layout = Arc::clone(&self.layout);
        Ok(blocking_stream(move || CsvBatches::open(split, layout, batch_rows)))
    }
}

/// Cuts a large file between records.
fn cut_file(file: FoundFile, layout: &Layout, split_bytes: u64) -> Result<Vec<SourceSplit>> {
    let bytes = file.bytes;
    if file.compression() != Compression::None || bytes <= split_bytes {
        let split = CsvSplit { file, range: None, first_line: 1 };
        return Ok(vec![SourceSplit::new(&split, None, Some(bytes))]);
    }
    let mut cuts = vec![(0, 1)];
    let mut reader = reader(file.reader(None)?, layout.delimiter, layout.quote);
    let mut record = ByteRecord::new();
    let mut next_cut = split_bytes;
    loop {
        let found = reader.read_byte_record(&mut record).map_err(|error| ConnectError::Data {
            path: file.path.clone(),
            message: error.to_string(),
        })?;
        let position = reader.position();
        if !found {
            break;
        }
        if position.byte() >= next_cut && position.byte() < bytes {
            cuts.push((position.byte(), position.line()));
            next_cut = position.byte() + split_bytes;
        }
    }
    let ends = cuts.iter().skip(1).map(|(byte, _)| *byte).chain([bytes]);
    Ok(cuts
        .iter()
        .zip(ends)
        .map(|(&(start, first_line), end)| {
            let split = CsvSplit { file: file.clone(), range: Some((start, end)), first_line };
            SourceSplit::new(&split, None, Some(end - start))
        })
        .collect())
}

/// The batches of one split.
struct CsvBatches {
    split: CsvSplit,
    layout: Arc<Layout>,
    batch_rows: usize,
    reader: csv::Reader<Box<dyn Read + Send>>,
    record: ByteRecord,
    /// The position of the next record.
    position: u64,
    done: bool,
}

impl CsvBatches {
    fn open(split: CsvSplit, layout: Arc<Layout>, batch_rows: usize) -> Result<Self> {
        split.file.check_unchanged()?;
        let input = split.file.reader(split.range)?;
        let mut batches = Self {
            reader: reader(input, layout.delimiter, layout.quote),
            record: ByteRecord::new(),
            split,
            layout,
            batch_rows,
            position: 0,
            done: false,
        };
        let at_start = batches.split.range.is_none_or(|(start, _)| start == 0);
        if at_start && batches.layout.header {
            batches.read_record()?;
        }
        Ok(batches)
    }

    fn read_record(&mut self) -> Result<bool> {
        self.reader.read_byte_record(&mut self.record).map_err(|error| ConnectError::Data {
            path: self.split.file.path.clone(),
            message: error.to_string(),
        })
    }

    /// The number of the line in the file on which a record of the split starts.
    fn line(&self, position: Option<&csv::Position>) -> u64 {
        position.map_or(0, csv::Position::line) + self.split.first_line - 1
    }

    fn place(&self, line: u64) -> String {
        let name = self.split.file.path.file_name().unwrap_or_default().to_string_lossy();
        format!("{name} line {line}")
    }

    /// The record in hand as a bad one.
    fn bad_record(&self, rule: &str, column: Option<String>, message: String) -> BadRecord {
        BadRecord {
            position: self.position,
            place: self.place(self.line(self.record.position())),
            raw: raw_record(self.record.iter().take(MAX_SHOWN_FIELDS), &self.layout),
            rule: rule.to_owned(),
            column,
            message,
        }
    }

    fn next_batch(&mut self) -> Result<Option<SourceBatch>> {
        let columns = self.layout.schema.fields().len();
        let mut builders: Vec<StringBuilder> =
            (0..columns).map(|_| StringBuilder::with_capacity(self.batch_rows, 0)).collect();
        let mut positions = Vec::with_capacity(self.batch_rows);
        let mut lines = Vec::with_capacity(self.batch_rows);
        let mut bad_records = Vec::new();
        while positions.len() + bad_records.len() < self.batch_rows {
            if !self.read_record()? {
                self.done = true;
                break;
            }
            if self.record.len() != columns {
                let message = format!("{} fields where {columns} are expected", self.record.len());
                bad_records.push(self.bad_record("field-count", None, message));
            } else {
                match StringRecord::from_byte_record(std::mem::take(&mut self.record)) {
                    Ok(record) => {
                        self.append(&record, &mut builders);
                        positions.push(self.position);
                        lines.push(self.line(record.position()));
                        self.record = record.into_byte_record();
                    }
                    Err(error) => {
                        let column = error.utf8_error().field();
                        self.record = error.into_byte_record();
                        let column = self.layout.schema.field(column).name().clone();
                        let message = "not UTF-8".to_owned();
                        bad_records.push(self.bad_record("invalid-utf8", Some(column), message));
                    }
                }
            }
            self.position += 1;
        }
        if positions.is_empty() && bad_records.is_empty() {
            return Ok(None);
        }
        let columns: Vec<ArrayRef> =
            builders.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef).collect();
        let batch = self.typed(columns, UInt64Array::from(positions), &lines, bad_records)?;
        Ok(Some(batch))
    }

    fn append(&self, record: &StringRecord, builders: &mut [StringBuilder]) {
        for (field, builder) in record.iter().zip(builders) {
            if self.layout.null_values.iter().any(|null| null == field) {
                builder.append_null();
            } else {
                builder.append_value(field);
            }
        }
    }

    /// Casts text columns to their declared types; rows that do not cast become bad records.
    fn typed(
        &self,
        texts: Vec<ArrayRef>,
        positions: UInt64Array,
        lines: &[u64],
        mut bad_records: Vec<BadRecord>,
    ) -> Result<SourceBatch> {
        let arrow =
            |error| ConnectError::Arrow { path: self.split.file.path.clone(), source: error };
        let options = CastOptions { safe: true, format_options: FormatOptions::default() };
        let mut columns = Vec::with_capacity(texts.len());
        let mut good = vec![true; positions.len()];
        for (field, text) in self.layout.schema.fields().iter().zip(&texts) {
            if *field.data_type() == DataType::Utf8 {
                columns.push(Arc::clone(text));
                continue;
            }
            let column = cast_with_options(text, field.data_type(), &options).map_err(arrow)?;
            if column.null_count() > text.null_count() {
                for row in (0..text.len()).filter(|&row| column.is_null(row) && text.is_valid(row))
                {
                    if std::mem::replace(&mut good[row], false) {
                        let fields =
                            texts.iter().map(|text| text.as_string::<i32>().value(row).as_bytes());
                        bad_records.push(BadRecord {
                            position: positions.value(row),
                            place: self.place(lines[row]),
                            raw: raw_record(fields, &self.layout),
                            rule: "bad-type".to_owned(),
                            column: Some(field.name().clone()),
                            message: format!("not of the type {}", field.data_type()),
                        });
                    }
                }
            }
            columns.push(column);
        }
        bad_records.sort_by_key(|record| record.position);
        let batch =
            RecordBatch::try_new(Arc::clone(&self.layout.schema), columns).map_err(arrow)?;
        if good.iter().all(|&good| good) {
            return Ok(SourceBatch { batch, positions, bad_records });
        }
        let kept =
            positions.iter().zip(&good).filter_map(|(position, &good)| position.filter(|_| good));
        let positions = UInt64Array::from_iter_values(kept);
        let batch = filter_record_batch(&batch, &good.into()).map_err(arrow)?;
        Ok(SourceBatch { batch, positions, bad_records })
    }
}

impl Iterator for CsvBatches {
    type Item = Result<SourceBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        self.next_batch().transpose()
    }
}

/// The record as it would be written: the parser does not keep the bytes that it read.
fn raw_record<'a>(fields: impl Iterator<Item = &'a [u8]>, layout: &Layout) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(layout.delimiter)
        .quote(layout.quote)
        .from_writer(Vec::new());
    let written = writer.write_record(fields).is_ok();
    let mut raw = writer.into_inner().unwrap_or_default();
    if written && raw.last() == Some(&b'\n') {
        raw.pop();
    }
    raw
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use arrow::datatypes::Int64Type;

    use super::*;

    fn config(path: &str) -> CsvSourceConfig {
        let json = serde_json::json!({ "path": path, "types": { "n": "int64" } });
        serde_json::from_value(json).unwrap()
    }

    async fn read_all(
        source: &CsvSource,
        batch_rows: usize,
    ) -> (Vec<(u64, i64, String)>, Vec<BadRecord>) {
        let (mut rows, mut bad) = (Vec::new(), Vec::new());
        for split in source.splits().await.unwrap() {
            let mut batches = source.read(&split, batch_rows).unwrap();
            while let Some(batch) = batches.next().await {
                let batch = batch.unwrap();
                let numbers = batch.batch.column(0).as_primitive::<Int64Type>();
                let texts = batch.batch.column(1).as_string::<i32>();
                for row in 0..batch.batch.num_rows() {
                    let text = texts.value(row).to_owned();
                    rows.push((batch.positions.value(row), numbers.value(row), text));
                }
                bad.extend(batch.bad_records);
            }
        }
        (rows, bad)
    }

    #[tokio::test]
    async fn bad_records_cost_one_record_each() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = std::fs::File::create(folder.path().join("a.csv")).unwrap();
        file.write_all(b"n,text\n1,one\nx,two\n3\n4,\xff\n5,\"fi\nve\"\n6,six\n").unwrap();
        let source = CsvSource::open(&config("a.csv"), folder.path()).unwrap();
        for batch_rows in [1, 2, 100] {
            let (rows, bad) = read_all(&source, batch_rows).await;
            let expected =
                [(0, 1, "one".to_owned()), (4, 5, "fi\nve".to_owned()), (5, 6, "six".to_owned())];
            assert_eq!(rows, expected);
            let bad: Vec<_> = bad
                .iter()
                .map(|bad| (bad.position, bad.rule.as_str(), bad.place.as_str()))
                .collect();
            assert_eq!(
                bad,
                [
                    (1, "bad-type", "a.csv line 3"),
                    (2, "field-count", "a.csv line 4"),
                    (3, "invalid-utf8", "a.csv line 5"),
                ]
            );
        }
    }

    #[tokio::test]
    async fn a_large_file_is_cut_between_records() {
        let folder = tempfile::tempdir().unwrap();
        let mut text = String::from("n,text\n");
        for row in 0..1_000 {
            text.push_str(&format!("{row},\"line\none, two\"\n"));
        }
        std::fs::write(folder.path().join("a.csv"), text).unwrap();
        let whole = CsvSource::open(&config("a.csv"), folder.path()).unwrap();
        let mut config = config("a.csv");
        config.split_bytes = ByteSize(777);
        let cut = CsvSource::open(&config, folder.path()).unwrap();
        assert!(cut.splits().await.unwrap().len() > 10);
        let numbers = |rows: Vec<(u64, i64, String)>| rows.into_iter().map(|row| (row.1, row.2));
        let (expected, _) = read_all(&whole, 100).await;
        let (rows, bad) = read_all(&cut, 100).await;
        assert_eq!(bad, []);
        assert!(numbers(rows).eq(numbers(expected)));
    }
}
