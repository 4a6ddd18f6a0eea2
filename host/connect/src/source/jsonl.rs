//! JSON lines: one JSON object a line.
//!
//! The schema is declared, or inferred from the first lines. A line that is no JSON object, or whose values
//! are not of the schema's types, is a bad record. Keys that the schema does not know are
//! passed over. Line breaks cannot occur within JSON, so large uncompressed files are cut at lines.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use arrow::json::reader::{Decoder, infer_json_schema_from_iterator};
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

/// A longer line is a bad record, of which this much is kept.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// Files with one JSON object a line; `.gz` and `.zst` are decompressed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonlSourceConfig {
    /// The files.
    pub path: Paths,
    /// Types of columns, such as `{ at = "timestamp(UTC)" }`; columns that are not named are inferred.
    #[serde(default)]
    pub types: DeclaredTypes,
    /// How many lines of each file are read to infer the types of the other columns. 0 takes only those of `types`.
    /// Default: 1000.
    #[serde(default = "default_infer_rows")]
    pub infer_rows: usize,
    /// Uncompressed files larger than this are divided into splits of about this size. Default: 64MiB.
    #[serde(default = "default_split_bytes")]
    pub split_bytes: ByteSize,
}

fn default_infer_rows() -> usize {
    1_000
}

fn default_split_bytes() -> ByteSize {
    ByteSize(64 << 20)
}

/// Files with one JSON object a line.
pub struct JsonlSource {
    files: Vec<FoundFile>,
    split_bytes: u64,
    schema: SchemaRef,
}

#[derive(Debug, Serialize, Deserialize)]
struct JsonlSplit {
    file: FoundFile,
    /// Bytes from and to; all of the file where absent.
    range: Option<(u64, u64)>,
}

impl JsonlSource {
    /// Finds the files and settles the schema.
    pub fn open(config: &JsonlSourceConfig, base: &Path) -> Result<Self> {
        let files = find(&config.path, base)?;
        let mut fields: Vec<FieldRef> = Vec::new();
        if config.infer_rows > 0 {
            fields.extend(infer(&files, config.infer_rows)?.fields().iter().cloned());
        }
        for (name, declared) in &config.types {
            let data_type = parse_type(declared).map_err(|error| ConnectError::Config {
                key: "types",
                message: error.to_string(),
            })?;
            let field = Arc::new(Field::new(name, data_type, true));
            match fields.iter_mut().find(|field| field.name() == name) {
                Some(inferred) => *inferred = field,
                None => fields.push(field),
            }
        }
        if fields.is_empty() {
            let message = "no column is declared in `types`, and none could be inferred".to_owned();
            return Err(ConnectError::Config { key: "types", message });
        }
        let schema = Arc::new(Schema::new(fields));
        Ok(Self { files, split_bytes: config.split_bytes.0.max(1), schema })
    }
}

/// The schema that the first lines of all files agree on. Lines that are not JSON are left to the reading.
fn infer(files: &[FoundFile], rows: usize) -> Result<Schema> {
    let mut values = Vec::new();
    for file in files {
        let lines = BufReader::new(file.reader(None)?).split(b'\n').take(rows);
        for line in lines {
            let line = line.map_err(ConnectError::io("cannot read", &file.path))?;
            if let Ok(value @ serde_json::Value::Object(_)) = serde_json::from_slice(&line) {
                values.push(Ok(value));
            }
        }
    }
    let schema = infer_json_schema_from_iterator(values.into_iter())
        .map_err(ConnectError::arrow(&files[0].path))?;
    // A column of which only nulls were seen could hold anything; text takes anything.
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Null => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
        _ => Arc::clone(field),
    });
    Ok(Schema::new(fields.collect::<Vec<_>>()))
}

impl Source for JsonlSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn splits(&self, wanted: Option<u32>) -> BoxFuture<'_, Result<Vec<SourceSplit>>> {
        let files = self.files.clone();
        let total = files.iter().map(|file| file.bytes).sum();
        let split_bytes = wanted.map_or(self.split_bytes, |wanted| bytes_of_each(total, wanted));
        async move {
            let cut = move || -> Result<Vec<SourceSplit>> {
                let mut splits = Vec::new();
                for file in files {
                    splits.extend(cut_file(file, split_bytes)?);
                }
                Ok(splits)
            };
            tokio::task::spawn_blocking(cut).await.expect("cutting files does not panic")
        }
        .boxed()
    }

    fn read(
        &self,
        split: &SourceSplit,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<SourceBatch>>> {
        let split: JsonlSplit = split.parse()?;
        let schema = Arc::clone(&self.schema);
        let file = split.file.clone();
        Ok(blocking_stream(move || {
            Unchanged::open(file, || JsonlBatches::open(split, schema, batch_rows))
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
        let batch_rows = batch_rows.max(1);
        let mut decoder = LineDecoder::new(Arc::clone(&self.schema), batch_rows);
        let batches = std::iter::from_fn({
            let mut records = records.into_iter().peekable();
            move || {
                records.peek()?;
                let batch: Vec<RawRecord> = records.by_ref().take(batch_rows).collect();
                Some(decoder.reread_batch(&batch))
            }
        });
        Ok(stream::iter(batches).boxed())
    }
}

/// Cuts a large file after the first line break that follows each multiple of `split_bytes`.
fn cut_file(file: FoundFile, split_bytes: u64) -> Result<Vec<SourceSplit>> {
    let bytes = file.bytes;
    if file.compression() != Compression::None || bytes <= split_bytes {
        return Ok(vec![SourceSplit::new(&JsonlSplit { file, range: None }, None, Some(bytes))]);
    }
    let mut cuts = vec![0];
    let mut reader = BufReader::new(file.open()?);
    let mut target = split_bytes;
    while target < bytes {
        let io = ConnectError::io("cannot read", &file.path);
        let cut = reader
            .seek(SeekFrom::Start(target))
            .and_then(|start| Ok(start + reader.skip_until(b'\n')? as u64))
            .map_err(io)?;
        if cut < bytes {
            cuts.push(cut);
        }
        target = cut.max(target) + split_bytes;
    }
    let ends = cuts.iter().skip(1).copied().chain([bytes]);
    Ok(cuts
        .iter()
        .zip(ends)
        .map(|(&start, end)| {
            let split = JsonlSplit { file: file.clone(), range: Some((start, end)) };
            SourceSplit::new(&split, None, Some(end - start))
        })
        .collect())
}

/// The batches of one split.
struct JsonlBatches {
    split: JsonlSplit,
    batch_rows: usize,
    lines: BufReader<Box<dyn Read + Send>>,
    /// The text of the batch in hand is kept for the memory that it has taken.
    text: Vec<u8>,
    decoder: LineDecoder,
    /// The number of the next line of the split, counted from 1.
    line: u64,
    /// The position of the next record.
    position: u64,
}

/// A line that is not blank.
struct Line {
    /// What its place is made of when somebody asks: its number, or that of the kept record.
    mark: u64,
    position: u64,
    /// Where it is in the text of the batch.
    range: std::ops::Range<usize>,
}

impl Line {
    fn bad_record(&self, raw: &[u8], place: String, rule: &str, message: String) -> BadRecord {
        BadRecord {
            position: self.position,
            place,
            raw: raw.trim_ascii_end().to_vec(),
            rule: rule.to_owned(),
            column: None,
            message,
        }
    }
}

impl JsonlBatches {
    fn open(split: JsonlSplit, schema: SchemaRef, batch_rows: usize) -> Result<Self> {
        let lines = BufReader::with_capacity(256 << 10, split.file.reader(split.range)?);
        let decoder = LineDecoder::new(schema, batch_rows);
        Ok(Self { split, batch_rows, lines, text: Vec::new(), decoder, line: 1, position: 0 })
    }

    fn next_batch(&mut self) -> Result<Option<SourceBatch>> {
        let path = self.split.file.path.clone();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let start_of_split = self.split.range.map(|(start, _)| start);
        let place = |line: u64| match start_of_split {
            Some(start) => format!("{name} line {line} after byte {start}"),
            None => format!("{name} line {line}"),
        };
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let mut lines = Vec::with_capacity(self.batch_rows);
        let mut bad_records = Vec::new();
        while lines.len() < self.batch_rows {
            let start = text.len();
            let read = (&mut self.lines)
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut text)
                .map_err(ConnectError::io("cannot read", &path))?;
            if read == 0 {
                break;
            }
            let mark = self.line;
            self.line += 1;
            let blank = text[start..].iter().all(u8::is_ascii_whitespace);
            if blank {
                text.truncate(start);
                continue;
            }
            let line = Line { mark, position: self.position, range: start..text.len() };
            self.position += 1;
            if read as u64 == MAX_LINE_BYTES && text.last() != Some(&b'\n') {
                let message = format!("longer than {MAX_LINE_BYTES} bytes");
                let raw = &text[start..];
                bad_records.push(line.bad_record(raw, place(mark), "line-length", message));
                text.truncate(start);
                self.lines.skip_until(b'\n').map_err(ConnectError::io("cannot read", &path))?;
                continue;
            }
            lines.push(line);
        }
        if lines.is_empty() && bad_records.is_empty() {
            return Ok(None);
        }
        let batch = self.decoder.batch(&text, lines, bad_records, place);
        self.text = text;
        batch.map(Some).map_err(ConnectError::arrow(&path))
    }
}

/// Makes batches of lines.
struct LineDecoder {
    schema: SchemaRef,
    batch_rows: usize,
    /// Kept for the memory that it has taken.
    decoder: Option<Decoder>,
}

impl LineDecoder {
    fn new(schema: SchemaRef, batch_rows: usize) -> Self {
        Self { schema, batch_rows, decoder: None }
    }

    /// The rows of some lines of `text`, which are all that is in it.
    fn batch(
        &mut self,
        text: &[u8],
        mut lines: Vec<Line>,
        mut bad_records: Vec<BadRecord>,
        place: impl Fn(u64) -> String,
    ) -> std::result::Result<SourceBatch, ArrowError> {
        let batch = match self.decode(text) {
            Ok(batch) if batch.num_rows() == lines.len() => batch,
            // Something is wrong with at least one line: each is tried by itself.
            _ => {
                let mut good_text = Vec::with_capacity(text.len());
                let mut good_lines = Vec::with_capacity(lines.len());
                for line in lines {
                    let raw = &text[line.range.clone()];
                    let message = match self.decode(raw) {
                        Ok(batch) if batch.num_rows() == 1 => {
                            good_text.extend_from_slice(raw);
                            good_lines.push(line);
                            continue;
                        }
                        Ok(_) => "not a single JSON object".to_owned(),
                        // Where a line ends too early, the error names its end.
                        Err(error) => error.to_string().replace('\n', "\\n"),
                    };
                    let bad = line.bad_record(raw, place(line.mark), "bad-json", message);
                    bad_records.push(bad);
                }
                lines = good_lines;
                self.decode(&good_text)?
            }
        };
        bad_records.sort_by_key(|record| record.position);
        let positions = UInt64Array::from_iter_values(lines.iter().map(|line| line.position));
        Ok(SourceBatch { batch, positions, bad_records })
    }

    /// Makes a batch of records that were kept.
    fn reread_batch(&mut self, records: &[RawRecord]) -> Result<SourceBatch> {
        let mut text = Vec::with_capacity(records.iter().map(|record| record.raw.len() + 1).sum());
        let mut lines = Vec::with_capacity(records.len());
        let mut bad_records = Vec::new();
        for (mark, record) in (0..).zip(records) {
            let start = text.len();
            text.extend_from_slice(&record.raw);
            text.push(b'\n');
            let line = Line { mark, position: record.position, range: start..text.len() };
            if record.raw.trim_ascii().is_empty() {
                let (place, message) = (record.place.clone(), "there is nothing".to_owned());
                bad_records.push(line.bad_record(&record.raw, place, "bad-json", message));
                text.truncate(start);
            } else {
                lines.push(line);
            }
        }
        let place = |mark: u64| records[mark as usize].place.clone();
        self.batch(&text, lines, bad_records, place).map_err(ConnectError::arrow("quarantine"))
    }

    /// The rows of `text`, which holds no more lines than a batch has rows.
    fn decode(&mut self, text: &[u8]) -> std::result::Result<RecordBatch, ArrowError> {
        let mut decoder = match self.decoder.take() {
            Some(decoder) => decoder,
            // One row more, so that a second object in a line is decoded and counted, or is left over.
            None => ReaderBuilder::new(Arc::clone(&self.schema))
                .with_batch_size(self.batch_rows + 1)
                .with_coerce_primitive(true)
                .build_decoder()?,
        };
        let consumed = decoder.decode(text)?;
        if consumed < text.len() {
            return Err(ArrowError::JsonError("more than one JSON object a line".to_owned()));
        }
        let batch = decoder.flush()?;
        // After an error there may be half a row in it; then it is not kept.
        self.decoder = Some(decoder);
        Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&self.schema))))
    }
}

impl Iterator for JsonlBatches {
    type Item = Result<SourceBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;

    use super::*;

    fn config(json: serde_json::Value) -> JsonlSourceConfig {
        serde_json::from_value(json).unwrap()
    }

    async fn numbers(source: &JsonlSource) -> (Vec<i64>, Vec<BadRecord>) {
        let (mut numbers, mut bad) = (Vec::new(), Vec::new());
        for split in source.splits(None).await.unwrap() {
            let mut batches = source.read(&split, 4).unwrap();
            while let Some(batch) = batches.next().await {
                let batch = batch.unwrap();
                let column = batch.batch.column_by_name("n").unwrap().as_primitive::<Int64Type>();
                assert_eq!(column.len(), batch.positions.len());
                numbers.extend(column.values());
                bad.extend(batch.bad_records);
            }
        }
        (numbers, bad)
    }

    #[tokio::test]
    async fn bad_lines_cost_one_record_each() {
        let folder = tempfile::tempdir().unwrap();
        let text = "{\"n\":1}\n\n{\"n\":\"two\"}\n{\"n\":3\n{\"n\":4} {\"n\":5}\n[6]\n{\"n\":7}";
        std::fs::write(folder.path().join("a.jsonl"), text).unwrap();
        let types =
            serde_json::json!({"path": "a.jsonl", "types": {"n": "int64"}, "infer_rows": 0});
        let source = JsonlSource::open(&config(types), folder.path()).unwrap();
        let (numbers, bad) = numbers(&source).await;
        assert_eq!(numbers, [1, 7]);
        let places: Vec<_> = bad.iter().map(|bad| (bad.position, bad.place.as_str())).collect();
        assert_eq!(
            places,
            [
                (1, "a.jsonl line 3"),
                (2, "a.jsonl line 4"),
                (3, "a.jsonl line 5"),
                (4, "a.jsonl line 6"),
            ]
        );
        assert_eq!(bad[0].raw, b"{\"n\":\"two\"}");
    }

    #[tokio::test]
    async fn a_large_file_is_cut_at_lines() {
        let folder = tempfile::tempdir().unwrap();
        let text: String = (0..1_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        std::fs::write(folder.path().join("a.jsonl"), text).unwrap();
        for split_bytes in [1, 10, 333, 100_000] {
            let json = serde_json::json!({"path": "*.jsonl", "split_bytes": split_bytes});
            let source = JsonlSource::open(&config(json), folder.path()).unwrap();
            let (numbers, bad) = numbers(&source).await;
            assert_eq!(bad, []);
            assert!(numbers.into_iter().eq(0..1_000), "{split_bytes}");
        }
    }

    #[tokio::test]
    async fn bad_lines_are_read_again_as_they_were_kept() {
        let folder = tempfile::tempdir().unwrap();
        let text = "{\"n\":\"two\"}\n{\"n\":3\n{\"n\":4} {\"n\":5}\n{\"n\":\"six\"}\n";
        std::fs::write(folder.path().join("a.jsonl"), text).unwrap();
        let open = |data_type: &str| {
            let types = serde_json::json!({ "n": data_type });
            let json = serde_json::json!({"path": "a.jsonl", "types": types, "infer_rows": 0});
            JsonlSource::open(&config(json), folder.path()).unwrap()
        };
        let source = open("int64");
        let (good, bad) = numbers(&source).await;
        assert_eq!((good.len(), bad.len()), (0, 4));
        let kept = bad.iter().map(|bad| RawRecord {
            position: bad.position,
            place: bad.place.clone(),
            raw: bad.raw.clone(),
        });
        let blank = RawRecord { position: 9, place: "there".to_owned(), raw: Vec::new() };
        let kept: Vec<RawRecord> = kept.chain([blank]).collect();
        assert!(source.can_reread());
        let again: Vec<SourceBatch> =
            source.reread(kept.clone(), 2).unwrap().map(Result::unwrap).collect().await;
        assert_eq!(again.len(), 3, "two a batch");
        let mut again: Vec<BadRecord> =
            again.into_iter().flat_map(|batch| batch.bad_records).collect();
        assert_eq!(again.pop().map(|bad| bad.place), Some("there".to_owned()));
        assert_eq!(again, bad);
        let again: Vec<SourceBatch> =
            open("utf8").reread(kept, 100).unwrap().map(Result::unwrap).collect().await;
        let [again] = &again[..] else { panic!("{again:?}") };
        assert_eq!(again.positions.values(), &[0, 3]);
        let texts: Vec<Option<&str>> = again.batch.column(0).as_string::<i32>().iter().collect();
        assert_eq!(texts, [Some("two"), Some("six")]);
        let bad: Vec<_> = again.bad_records.iter().map(|bad| bad.position).collect();
        assert_eq!(bad, [1, 2, 9]);
    }
}
