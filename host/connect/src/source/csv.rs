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

use super::unchanged::Unchanged;
use super::{
    BadRecord, RawRecord, Source, SourceBatch, SourceSplit, blocking_stream, bytes_of_each,
};
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
    parser(delimiter, quote).buffer_capacity(256 << 10).from_reader(input)
}

fn parser(delimiter: u8, quote: u8) -> ReaderBuilder {
    let mut parser = ReaderBuilder::new();
    parser.delimiter(delimiter).quote(quote).has_headers(false).flexible(true);
    parser
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

    fn splits(&self, wanted: Option<u32>) -> BoxFuture<'_, Result<Vec<SourceSplit>>> {
        let files = self.files.clone();
        let layout = Arc::clone(&self.layout);
        let total = files.iter().map(|file| file.bytes).sum();
        let split_bytes = wanted.map_or(self.split_bytes, |wanted| bytes_of_each(total, wanted));
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
        let file = split.file.clone();
        Ok(blocking_stream(move || {
            Unchanged::open(file, || CsvBatches::open(split, layout, batch_rows))
        }))
    }

    fn can_reread(&self) -> bool {
        true
    }

    fn reread(
        &self,
        records: Vec<RawRecord>,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<SourceBatch>>> {
        let layout = Arc::clone(&self.layout);
        let batches = std::iter::from_fn({
            let mut records = records.into_iter().peekable();
            move || {
                records.peek()?;
                let batch = records.by_ref().take(batch_rows.max(1)).collect();
                Some(reread_batch(batch, &layout))
            }
        });
        Ok(stream::iter(batches).boxed())
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

    fn next_batch(&mut self) -> Result<Option<SourceBatch>> {
        let layout = Arc::clone(&self.layout);
        let mut rows = Rows::new(&layout, self.batch_rows);
        let path = self.split.file.path.clone();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let place = |line: u64| format!("{name} line {line}");
        while rows.records() < self.batch_rows {
            if !self.read_record()? {
                self.done = true;
                break;
            }
            // The number of the line in the file on which the record starts.
            let line = self.record.position().map_or(0, csv::Position::line);
            let line = line + self.split.first_line - 1;
            let record = std::mem::take(&mut self.record);
            self.record = rows.push(record, self.position, line, place);
            self.position += 1;
        }
        if rows.records() == 0 {
            return Ok(None);
        }
        rows.finish(&path, place).map(Some)
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

/// Makes a batch of records that were kept.
fn reread_batch(records: Vec<RawRecord>, layout: &Layout) -> Result<SourceBatch> {
    let mut rows = Rows::new(layout, records.len());
    let place = |index: u64| records[index as usize].place.clone();
    for (index, kept) in (0..).zip(&records) {
        // Each by itself: one whose quotes are odd must not swallow the next.
        let mut reader = parser(layout.delimiter, layout.quote)
            .buffer_capacity(kept.raw.len().max(1))
            .from_reader(kept.raw.as_slice());
        let mut found = Vec::new();
        for record in reader.byte_records() {
            found.push(record.map_err(|error| ConnectError::Data {
                path: kept.place.clone().into(),
                message: error.to_string(),
            })?);
        }
        match <[ByteRecord; 1]>::try_from(found) {
            Ok([record]) => drop(rows.push(record, kept.position, index, place)),
            Err(found) => rows.bad_records.push(BadRecord {
                position: kept.position,
                place: kept.place.clone(),
                raw: kept.raw.clone(),
                rule: "field-count".to_owned(),
                column: None,
                message: format!("{} records where one is expected", found.len()),
            }),
        }
    }
    rows.finish(Path::new("quarantine"), place)
}

/// The rows of a batch in the making.
struct Rows<'a> {
    layout: &'a Layout,
    texts: Vec<StringBuilder>,
    positions: Vec<u64>,
    /// Of each row, what its place is made of when somebody asks.
    marks: Vec<u64>,
    bad_records: Vec<BadRecord>,
}

impl<'a> Rows<'a> {
    fn new(layout: &'a Layout, rows: usize) -> Self {
        let columns = layout.schema.fields().iter();
        Self {
            layout,
            texts: columns.map(|_| StringBuilder::with_capacity(rows, 0)).collect(),
            positions: Vec::with_capacity(rows),
            marks: Vec::with_capacity(rows),
            bad_records: Vec::new(),
        }
    }

    fn records(&self) -> usize {
        self.positions.len() + self.bad_records.len()
    }

    /// Takes a record in, as a row or as a bad record, and gives it back for its memory.
    fn push(
        &mut self,
        record: ByteRecord,
        position: u64,
        mark: u64,
        place: impl Fn(u64) -> String,
    ) -> ByteRecord {
        let columns = self.layout.schema.fields().len();
        let (record, rule, column, message) = if record.len() != columns {
            let message = format!("{} fields where {columns} are expected", record.len());
            (record, "field-count", None, message)
        } else {
            match StringRecord::from_byte_record(record) {
                Ok(record) => {
                    self.append(&record);
                    self.positions.push(position);
                    self.marks.push(mark);
                    return record.into_byte_record();
                }
                Err(error) => {
                    let column = self.layout.schema.field(error.utf8_error().field()).name();
                    let column = Some(column.clone());
                    (error.into_byte_record(), "invalid-utf8", column, "not UTF-8".to_owned())
                }
            }
        };
        // Of too many fields never so few are shown that they would do.
        let shown = record.iter().take(MAX_SHOWN_FIELDS.max(columns + 1));
        self.bad_records.push(BadRecord {
            position,
            place: place(mark),
            raw: raw_record(shown, self.layout),
            rule: rule.to_owned(),
            column,
            message,
        });
        record
    }

    fn append(&mut self, record: &StringRecord) {
        for (field, text) in record.iter().zip(&mut self.texts) {
            if self.layout.null_values.iter().any(|null| null == field) {
                text.append_null();
            } else {
                text.append_value(field);
            }
        }
    }

    /// Casts text columns to their declared types; rows that do not cast become bad records. `path` is for errors.
    fn finish(mut self, path: &Path, place: impl Fn(u64) -> String) -> Result<SourceBatch> {
        let arrow = |error| ConnectError::Arrow { path: path.to_owned(), source: error };
        let options = CastOptions { safe: true, format_options: FormatOptions::default() };
        let layout = self.layout;
        let texts: Vec<ArrayRef> =
            self.texts.iter_mut().map(|text| Arc::new(text.finish()) as ArrayRef).collect();
        let mut columns = Vec::with_capacity(texts.len());
        let mut good = vec![true; self.positions.len()];
        for (field, text) in layout.schema.fields().iter().zip(&texts) {
            if *field.data_type() == DataType::Utf8 {
                columns.push(Arc::clone(text));
                continue;
            }
            let column = cast_with_options(text, field.data_type(), &options).map_err(arrow)?;
            if column.null_count() > text.null_count() {
                for row in (0..text.len()).filter(|&row| column.is_null(row) && text.is_valid(row))
                {
                    if std::mem::replace(&mut good[row], false) {
                        let fields = texts.iter().map(|text| raw_field(text, row, layout));
                        self.bad_records.push(BadRecord {
                            position: self.positions[row],
                            place: place(self.marks[row]),
                            raw: raw_record(fields, layout),
                            rule: "bad-type".to_owned(),
                            column: Some(field.name().clone()),
                            message: format!("not of the type {}", field.data_type()),
                        });
                    }
                }
            }
            columns.push(column);
        }
        let (positions, mut bad_records) = (self.positions, self.bad_records);
        bad_records.sort_by_key(|record| record.position);
        let batch = RecordBatch::try_new(Arc::clone(&layout.schema), columns).map_err(arrow)?;
        if good.iter().all(|&good| good) {
            return Ok(SourceBatch { batch, positions: UInt64Array::from(positions), bad_records });
        }
        let kept =
            positions.iter().zip(&good).filter_map(|(position, good)| good.then_some(*position));
        let positions = UInt64Array::from_iter_values(kept);
        let batch = filter_record_batch(&batch, &good.into()).map_err(arrow)?;
        Ok(SourceBatch { batch, positions, bad_records })
    }
}

/// A field as it was read: one that means null is one of those that do, so that it does again.
fn raw_field<'a>(text: &'a ArrayRef, row: usize, layout: &'a Layout) -> &'a [u8] {
    match layout.null_values.first() {
        Some(null) if text.is_null(row) => null.as_bytes(),
        _ => text.as_string::<i32>().value(row).as_bytes(),
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
        for split in source.splits(None).await.unwrap() {
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
        assert!(cut.splits(None).await.unwrap().len() > 10);
        let numbers = |rows: Vec<(u64, i64, String)>| rows.into_iter().map(|row| (row.1, row.2));
        let (expected, _) = read_all(&whole, 100).await;
        let (rows, bad) = read_all(&cut, 100).await;
        assert_eq!(bad, []);
        assert!(numbers(rows).eq(numbers(expected)));
    }

    #[tokio::test]
    async fn bad_records_are_read_again_as_they_were_kept() {
        let folder = tempfile::tempdir().unwrap();
        let text = b"n,text\nx,\"a \"\"b\"\", c\"\n2\n3,\xff\ny,NA\nz,\"two\nlines\"\n";
        std::fs::write(folder.path().join("a.csv"), text).unwrap();
        let mut config = config("a.csv");
        config.null_values = vec!["-".to_owned(), "NA".to_owned()];
        let source = CsvSource::open(&config, folder.path()).unwrap();
        let (rows, bad) = read_all(&source, 2).await;
        assert_eq!((rows.len(), bad.len()), (0, 5));
        let kept: Vec<RawRecord> = bad
            .iter()
            .map(|bad| RawRecord {
                position: bad.position,
                place: bad.place.clone(),
                raw: bad.raw.clone(),
            })
            .collect();
        assert!(source.can_reread());
        // As it is configured still, they are bad again, and say the same.
        let again: Vec<SourceBatch> =
            source.reread(kept.clone(), 2).unwrap().map(Result::unwrap).collect().await;
        assert_eq!(again.len(), 3, "two a batch");
        assert!(again.iter().all(|batch| batch.batch.num_rows() == 0));
        assert!(again.into_iter().flat_map(|batch| batch.bad_records).eq(bad));
        // With the type mended, those are rows that were only of another type.
        config.types.clear();
        let mended = CsvSource::open(&config, folder.path()).unwrap();
        let again: Vec<SourceBatch> =
            mended.reread(kept, 100).unwrap().map(Result::unwrap).collect().await;
        let [again] = &again[..] else { panic!("{again:?}") };
        assert_eq!(again.positions.values(), &[0, 3, 4]);
        let texts: Vec<Option<&str>> = again.batch.column(1).as_string::<i32>().iter().collect();
        assert_eq!(texts, [Some("a \"b\", c"), None, Some("two\nlines")]);
        let bad: Vec<_> =
            again.bad_records.iter().map(|bad| (bad.rule.as_str(), bad.place.as_str())).collect();
        assert_eq!(bad, [("field-count", "a.csv line 3"), ("invalid-utf8", "a.csv line 4")]);
    }

    #[tokio::test]
    async fn what_is_no_single_record_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.csv"), "n,text\n").unwrap();
        let source = CsvSource::open(&config("a.csv"), folder.path()).unwrap();
        let kept = |raw: &str| RawRecord {
            position: 7,
            place: "there".to_owned(),
            raw: raw.as_bytes().to_vec(),
        };
        let kept = vec![kept(""), kept("1,a\n2,b"), kept("3,\"odd"), kept("4,c")];
        let again: Vec<SourceBatch> =
            source.reread(kept, 100).unwrap().map(Result::unwrap).collect().await;
        let [again] = &again[..] else { panic!("{again:?}") };
        // A quote that is not closed ends where its record does, as at the end of a file.
        assert_eq!(again.batch.column(0).as_primitive::<Int64Type>().values(), &[3, 4]);
        let messages: Vec<_> = again.bad_records.iter().map(|bad| bad.message.as_str()).collect();
        assert_eq!(
            messages,
            ["0 records where one is expected", "2 records where one is expected"]
        );
    }
}
