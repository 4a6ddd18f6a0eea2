//! The sections of a pipeline file as types. Their doc comments are the descriptions in `wasmill schema`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use wasmill_connect::http::ConnectionConfig;
use wasmill_connect::sink::files::{CsvSinkConfig, JsonlSinkConfig, ParquetSinkConfig};
use wasmill_connect::sink::sqlite::SqliteSinkConfig;
use wasmill_connect::source::arrow_ipc::ArrowSourceConfig;
use wasmill_connect::source::csv::CsvSourceConfig;
use wasmill_connect::source::jsonl::JsonlSourceConfig;
use wasmill_connect::source::parquet::ParquetSourceConfig;
use wasmill_connect::source::sqlite::SqliteSourceConfig;
use wasmill_connect::units::{ByteSize, TimeSpan};
use wasmill_sandbox::engine::Profile;
use wasmill_sandbox::limits::Limits;

use crate::exec::search::SearchBudget;
use crate::file::policies::{BreakerSection, RetrySection};
use crate::file::secrets::{self, MissingSecret, Redaction};

/// What holds for the whole pipeline.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PipelineSection {
    /// The pipeline's name: lower-case letters, digits, `-` and `_`.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"))]
    pub name: String,
    /// Whose pipeline it is: a label of the run's summary and of metrics, written like the name. Default: `default`.
    #[serde(default = "default_tenant")]
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"))]
    pub tenant: String,
    /// The run store: `sqlite://PATH`, a relative path being taken from the folder of this file, or
    /// `postgres://USER@HOST/DATABASE`. The environment variable WASMILL_LEDGER, where it is set, counts instead. Default:
    /// `sqlite://.wasmill/ledger.db`.
    #[serde(default = "default_ledger")]
    pub ledger: String,
    /// The folder of what runs stage and hold back. All processes that work on a run must see it under the same path.
    /// Default: the folder of the ledger, or `.wasmill` where that is no file.
    pub state: Option<PathBuf>,
    /// Where `plugin = "NAME"` is looked for, as NAME.wasm. Default: `["plugins"]`.
    #[serde(default = "default_plugins")]
    pub plugins: Vec<PathBuf>,
    /// The seed of what plugins see as randomness. Default: 0.
    #[serde(default)]
    pub seed: u64,
    /// How many splits are worked on at once. Default: the number of cores.
    pub workers: Option<u32>,
    /// How much memory plugins and SQL steps may use together. SQL steps spill to disk beyond it, and plugins are tried again
    /// when there is less to do. Default: 1GiB.
    #[serde(default = "default_memory")]
    pub memory: ByteSize,
    /// How many rows a batch has at most. Default: 8192.
    #[serde(default = "default_batch_rows")]
    #[schemars(range(min = 1, max = 1_048_576))]
    pub batch_rows: usize,
    /// The name of a policy in `[retries]` for whatever names none. Default: three attempts.
    pub retry: Option<String>,
    /// How many of all records read may be quarantined, such as `"1%"` or `100`. More, and the run is refused. Default:
    /// no limit.
    pub max_quarantined: Option<Tolerance>,
}

fn default_tenant() -> String {
    "default".to_owned()
}

/// The run store of files that name none.
pub fn default_ledger() -> String {
    "sqlite://.wasmill/ledger.db".to_owned()
}

fn default_plugins() -> Vec<PathBuf> {
    vec![PathBuf::from("plugins")]
}

fn default_memory() -> ByteSize {
    ByteSize(1 << 30)
}

fn default_batch_rows() -> usize {
    8_192
}

/// A number of rows, or a share of them: `100`, `"1%"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    Rows(u64),
    /// 0 to 1.
    Share(f64),
}

impl Tolerance {
    /// Whether `bad` of `all` rows are too many.
    pub fn is_exceeded(self, bad: u64, all: u64) -> bool {
        match self {
            Self::Rows(rows) => bad > rows,
            Self::Share(share) => bad as f64 > share * all as f64,
        }
    }
}

impl std::fmt::Display for Tolerance {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rows(rows) => write!(formatter, "{rows} rows"),
            Self::Share(share) => write!(formatter, "{}%", share * 100.0),
        }
    }
}

impl<'de> Deserialize<'de> for Tolerance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Rows(u64),
            Share(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Rows(rows) => Ok(Self::Rows(rows)),
            Written::Share(text) => text
                .strip_suffix('%')
                .and_then(|percent| percent.trim().parse::<f64>().ok())
                .filter(|percent| (0.0..=100.0).contains(percent))
                .map(|percent| Self::Share(percent / 100.0))
                .ok_or_else(|| D::Error::custom(format!("`{text}` is no share such as 1%"))),
        }
    }
}

impl JsonSchema for Tolerance {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Tolerance".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of rows, or a share of them such as \"1%\".",
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": r"^[0-9.]+ *%$",
        })
    }
}

/// A way out of the sandbox: plugins that are granted it send requests through it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSection {
    /// Scheme, host, port and path below which all requests go.
    pub url: Value,
    /// Headers that the host adds, and that no plugin sees: text, or `{ env = "NAME" }`, or `{ file = "PATH" }`.
    #[serde(default)]
    pub headers: Map<String, Value>,
    /// For one request with its response. Default: 10s.
    #[serde(default = "default_timeout")]
    pub timeout: TimeSpan,
    /// The largest response. Default: 8MiB.
    #[serde(default = "default_max_response")]
    pub max_response: ByteSize,
    /// Whether the host name may resolve to a loopback, private or link-local address. Default: false.
    #[serde(default)]
    pub allow_private: bool,
}

/// Why a connection cannot be made of its section.
#[derive(Debug, thiserror::Error)]
pub enum Unresolved {
    /// Secrets that it refers to are not there.
    #[error("secrets are missing")]
    Missing(Vec<MissingSecret>),
    #[error(
        "`url` and the values of `headers` are text, {{ env = \"NAME\" }} or {{ file = \"PATH\" }}"
    )]
    NoText,
}

impl Unresolved {
    /// With what is missing.
    pub fn explained(&self) -> String {
        match self {
            Self::Missing(missing) => {
                missing.iter().map(|secret| secret.message.as_str()).collect::<Vec<_>>().join("; ")
            }
            Self::NoText => self.to_string(),
        }
    }
}

impl ConnectionSection {
    /// The connection, with what it refers to put in its place. Paths are taken from `base`.
    ///
    /// # Errors
    ///
    /// When something that it refers to is not there, or is no text.
    pub fn resolved(&self, base: &Path) -> Result<(ConnectionConfig, Redaction), Unresolved> {
        let mut secret = json!({ "url": self.url, "headers": self.headers });
        let resolved = secrets::resolve(&mut secret, base);
        if !resolved.missing.is_empty() {
            return Err(Unresolved::Missing(resolved.missing));
        }
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(Unresolved::NoText);
        let headers = secret["headers"].as_object().into_iter().flatten();
        let config = ConnectionConfig {
            url: text(&secret["url"])?,
            headers: headers
                .map(|(name, value)| Ok((name.clone(), text(value)?)))
                .collect::<Result<_, _>>()?,
            timeout: self.timeout.0,
            max_response_bytes: self.max_response.0,
            allow_private: self.allow_private,
        };
        Ok((config, resolved.secrets))
    }
}

fn default_timeout() -> TimeSpan {
    TimeSpan(Duration::from_secs(10))
}

fn default_max_response() -> ByteSize {
    ByteSize(8 << 20)
}

/// A source: where rows come from.
#[derive(Debug, Clone)]
pub struct SourceSection {
    pub common: SourceCommon,
    pub kind: SourceKind,
    pub resilience: Resilience,
}

/// The policies that an entry names.
#[derive(Debug, Clone, Default)]
pub struct Resilience {
    pub retry: Option<String>,
    pub breaker: Option<String>,
}

/// Keys of every source.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct SourceCommon {
    /// What happens to records that cannot be made into rows. Default: `quarantine`.
    #[serde(default)]
    pub on_bad_row: BadRowPolicy,
}

#[derive(Debug, Clone)]
pub enum SourceKind {
    Csv(CsvSourceConfig),
    Jsonl(JsonlSourceConfig),
    Parquet(ParquetSourceConfig),
    Arrow(ArrowSourceConfig),
    Sqlite(SqliteSourceConfig),
    Plugin(PluginUse),
}

/// What happens to a row that cannot be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BadRowPolicy {
    /// It is kept, whole, with the reason.
    #[default]
    Quarantine,
    /// It is counted and forgotten.
    Drop,
    /// The run fails.
    Fail,
}

/// Which plugin, with what configuration, grants and limits.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct PluginUse {
    /// A name that is looked for in `pipeline.plugins`, or a path that ends in `.wasm`.
    pub plugin: String,
    /// The plugin's own configuration. A value may be `{ env = "NAME" }` or `{ file = "PATH" }`.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// What the plugin may reach. Default: nothing.
    #[serde(default)]
    pub grants: GrantsSection,
    /// What the plugin may use up.
    #[serde(default)]
    pub limits: LimitsSection,
    /// How the plugin is kept from running for ever: `metered`, by fuel and the clock, or `guarded`, by the clock alone,
    /// which is faster. Default: metered.
    #[serde(default)]
    pub profile: ProfileSection,
}

/// How a plugin is kept from running for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProfileSection {
    #[default]
    Metered,
    Guarded,
}

impl ProfileSection {
    pub fn profile(self) -> Profile {
        match self {
            Self::Metered => Profile::Metered,
            Self::Guarded => Profile::Guarded,
        }
    }
}

/// What a plugin may reach.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantsSection {
    /// Names of connections.
    #[serde(default)]
    pub http: Vec<String>,
    /// Which clocks the plugin reads: `virtual` ones, which show the start of the run, or `real` ones. Default:
    /// virtual.
    #[serde(default)]
    pub clock: Reality,
    /// Which randomness the plugin sees: `virtual`, which depends on the seed alone, or `real`. Default: virtual.
    #[serde(default)]
    pub random: Reality,
    /// Refuses even the base set of WASI, all of it empty, that language runtimes import. Default: false.
    #[serde(default)]
    pub pure: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reality {
    #[default]
    Virtual,
    Real,
}

/// What an instance of a plugin may use up; each limit has a default.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsSection {
    /// Fuel, about one WebAssembly instruction a unit, for each row of the batch. Default: 1,000,000.
    pub fuel_per_row: Option<u64>,
    /// Fuel for each call, on top. Default: 1,000,000,000.
    pub fuel_per_call: Option<u64>,
    /// Wall-clock time of one call. Default: 10s.
    pub deadline: Option<TimeSpan>,
    /// All memories and tables of an instance together, with what the host holds for it. Default: 256MiB; at most 4GiB.
    pub memory: Option<ByteSize>,
    /// Output rows for each input row. Default: 1000.
    pub output_rows_per_row: Option<u64>,
    /// What one call may return. Default: 64MiB.
    pub output_bytes: Option<ByteSize>,
    /// Log lines of an instance; the rest is dropped and counted. Default: 256KiB.
    pub log_bytes: Option<ByteSize>,
    /// Instances of the step at once; more wait for one to end. Default: one for each worker.
    #[schemars(range(min = 1))]
    pub instances: Option<u32>,
    /// How many calls it may take to find the rows of one batch that make the plugin fail. Default: 512.
    pub search_calls: Option<u64>,
    /// How long that may take. Default: 2m.
    pub search_time: Option<TimeSpan>,
}

impl LimitsSection {
    /// The limits, with defaults where none is given.
    pub fn limits(&self) -> Limits {
        let default = Limits::default();
        let bytes = |size: Option<ByteSize>, default| size.map_or(default, |size| size.0);
        Limits {
            fuel_per_row: self.fuel_per_row.unwrap_or(default.fuel_per_row),
            fuel_per_call: self.fuel_per_call.unwrap_or(default.fuel_per_call),
            deadline: self.deadline.map_or(default.deadline, |span| span.0),
            memory: bytes(self.memory, default.memory)
                .min(wasmill_sandbox::engine::MAX_MEMORY_BYTES),
            output_rows_per_row: self.output_rows_per_row.unwrap_or(default.output_rows_per_row),
            output_bytes: bytes(self.output_bytes, default.output_bytes),
            log_bytes: bytes(self.log_bytes, default.log_bytes),
            instances: self.instances.map_or(default.instances, |instances| instances as usize),
        }
    }

    /// What finding the rows of one batch may cost.
    pub(crate) fn search(&self) -> SearchBudget {
        SearchBudget {
            calls: self.search_calls.unwrap_or(512),
            time: self.search_time.map_or(Duration::from_secs(120), |span| span.0),
        }
    }
}

/// Keys of everything that reads other steps.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Inputs {
    /// The steps whose rows are read, one after another; all must have the same columns. A SQL step sees each as a table.
    #[schemars(length(min = 1))]
    pub inputs: Vec<String>,
}

/// A transform: rows in, rows out.
#[derive(Debug, Clone)]
pub struct TransformSection {
    pub inputs: Vec<String>,
    pub kind: TransformKind,
    pub resilience: Resilience,
}

#[derive(Debug, Clone)]
pub enum TransformKind {
    Plugin(Box<PluginUse>, TransformOptions),
    Sql(SqlOptions),
}

/// Keys of transforms that are plugins.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct TransformOptions {
    /// What happens to a row that makes the plugin trap, run out of fuel, time or memory, or break the
    /// contract: it is searched for in the batch. Default: `quarantine`.
    #[serde(default)]
    pub on_fault: BadRowPolicy,
    /// What happens to rows that the plugin rejects. Default: `quarantine`.
    #[serde(default)]
    pub on_bad_row: BadRowPolicy,
    /// Into how many shares the rows are divided by their key, for plugins that need all rows of a key. Default: 4.
    #[serde(default = "default_partitions")]
    #[schemars(range(min = 1, max = 1_024))]
    pub partitions: u32,
}

fn default_partitions() -> u32 {
    4
}

/// A SQL query over the inputs, each a table of its name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct SqlOptions {
    /// One SELECT.
    pub query: String,
    /// In how many parts a query that needs all rows (aggregates, sorts, joins of two large inputs) is
    /// computed. With 1 the order of the result is the same in every run. Default: 1.
    #[serde(default = "default_sql_partitions")]
    #[schemars(range(min = 1, max = 1_024))]
    pub partitions: u32,
}

fn default_sql_partitions() -> u32 {
    1
}

/// A validator: judges rows as they pass, and the table at the end.
#[derive(Debug, Clone)]
pub struct ValidatorSection {
    pub inputs: Vec<String>,
    pub plugin: PluginUse,
    pub options: ValidatorOptions,
    pub resilience: Resilience,
}

/// Keys of validators.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ValidatorOptions {
    /// What happens to rows that the plugin rejects. Default: `quarantine`.
    #[serde(default)]
    pub on_violation: ViolationPolicy,
    /// What happens to a row that makes the plugin fail. Default: `quarantine`.
    #[serde(default)]
    pub on_fault: BadRowPolicy,
    /// When the run is refused because of this validator.
    #[serde(default)]
    pub gate: GateSection,
}

/// What happens to a row that a validator rejects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ViolationPolicy {
    /// It is kept, whole, with the reasons.
    #[default]
    Quarantine,
    /// It is counted and forgotten.
    Drop,
    /// The run fails.
    Fail,
    /// It is counted and goes on.
    Warn,
}

/// When a run is refused: nothing is published then.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateSection {
    /// How many of the rows judged may be rejected, such as `"1%"` or `100`. Default: no limit.
    pub max_quarantined: Option<Tolerance>,
}

/// A sink: where rows go.
#[derive(Debug, Clone)]
pub struct SinkSection {
    pub inputs: Vec<String>,
    pub kind: SinkKind,
    pub resilience: Resilience,
}

#[derive(Debug, Clone)]
pub enum SinkKind {
    Parquet(ParquetSinkConfig),
    Csv(CsvSinkConfig),
    Jsonl(JsonlSinkConfig),
    Sqlite(SqliteSinkConfig),
    Plugin(Box<PluginUse>),
    /// Nowhere, in place of the sink of that name. No file says so: a bench does.
    Discard(String),
}

/// A notifier: who is told what happened.
#[derive(Debug, Clone)]
pub struct NotifierSection {
    pub plugin: PluginUse,
    pub options: NotifierOptions,
    pub resilience: Resilience,
}

/// Keys of notifiers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct NotifierOptions {
    /// The events to tell about.
    #[schemars(length(min = 1))]
    pub on: Vec<EventKind>,
}

/// What can happen that is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum EventKind {
    #[serde(rename = "run.succeeded")]
    RunSucceeded,
    #[serde(rename = "run.failed")]
    RunFailed,
    #[serde(rename = "gate.refused")]
    GateRefused,
    #[serde(rename = "breaker.opened")]
    BreakerOpened,
}

impl EventKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::RunSucceeded => "run.succeeded",
            Self::RunFailed => "run.failed",
            Self::GateRefused => "gate.refused",
            Self::BreakerOpened => "breaker.opened",
        }
    }
}

/// A pipeline file whose sections are all well-formed by themselves.
#[derive(Debug, Clone)]
pub struct PipelineFile {
    pub pipeline: PipelineSection,
    pub connections: IndexMap<String, ConnectionSection>,
    pub retries: IndexMap<String, RetrySection>,
    pub breakers: IndexMap<String, BreakerSection>,
    pub sources: IndexMap<String, SourceSection>,
    pub transforms: IndexMap<String, TransformSection>,
    pub validators: IndexMap<String, ValidatorSection>,
    pub sinks: IndexMap<String, SinkSection>,
    pub notifiers: IndexMap<String, NotifierSection>,
}
