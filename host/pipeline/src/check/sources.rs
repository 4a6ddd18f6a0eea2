//! Opening what a file's sources and sinks name.

use std::path::Path;
use std::sync::Arc;

use wasmill_connect::error::{ConnectError, Result};
use wasmill_connect::sink::Sink;
use wasmill_connect::sink::discard::DiscardSink;
use wasmill_connect::sink::files::FileSink;
use wasmill_connect::sink::sqlite::SqliteSink;
use wasmill_connect::source::Source;
use wasmill_connect::source::arrow_ipc::ArrowSource;
use wasmill_connect::source::csv::CsvSource;
use wasmill_connect::source::jsonl::JsonlSource;
use wasmill_connect::source::parquet::ParquetSource;
use wasmill_connect::source::sqlite::SqliteSource;

use crate::file::diagnostic::Diagnostic;
use crate::file::document::Document;
use crate::file::sections::{SinkKind, SourceKind};

/// The connector of a source; none where a plugin is at work.
pub(super) async fn open_source(kind: &SourceKind, base: &Path) -> Result<Option<Arc<dyn Source>>> {
    Ok(Some(match kind {
        SourceKind::Csv(config) => Arc::new(CsvSource::open(config, base)?),
        SourceKind::Jsonl(config) => Arc::new(JsonlSource::open(config, base)?),
        SourceKind::Parquet(config) => Arc::new(ParquetSource::open(config, base)?),
        SourceKind::Arrow(config) => Arc::new(ArrowSource::open(config, base)?),
        SourceKind::Sqlite(config) => Arc::new(SqliteSource::open(config, base).await?),
        SourceKind::Plugin(_) => return Ok(None),
    }))
}

/// The connector of a sink; none where a plugin is at work.
pub(super) fn open_sink(kind: &SinkKind, base: &Path) -> Result<Option<Arc<dyn Sink>>> {
    Ok(Some(match kind {
        SinkKind::Parquet(config) => Arc::new(FileSink::parquet(config, base)?),
        SinkKind::Csv(config) => Arc::new(FileSink::csv(config, base)?),
        SinkKind::Jsonl(config) => Arc::new(FileSink::jsonl(config, base)?),
        SinkKind::Sqlite(config) => Arc::new(SqliteSink::new(config, base)?),
        SinkKind::Discard(sink) => Arc::new(DiscardSink::in_place_of(sink)),
        SinkKind::Plugin(_) => return Ok(None),
    }))
}

/// What is wrong with the entry at `pointer`, at the key at fault.
pub(super) fn connector_diagnostic(
    document: &Document,
    pointer: &str,
    error: &ConnectError,
) -> Diagnostic {
    let key = match error {
        ConnectError::Config { key, .. } => key,
        _ => "path",
    };
    Diagnostic::error(crate::error::chain(error))
        .at(document.value_place(&format!("{pointer}/{key}")))
}
