//! Making the calls of a cassette, on a fresh instance each time. Recording and replaying are the same here, so a replay does
//! what was recorded.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use serde_json::json;
use wasmill_sandbox::Environment;
use wasmill_sandbox::capability::http::HttpGrant;
use wasmill_sandbox::component::{Digest, LinkError, Plugin, PluginKind};
use wasmill_sandbox::contract::binding::TransformBinding;
use wasmill_sandbox::contract::finding::Finding;
use wasmill_sandbox::contract::processed::Processed;
use wasmill_sandbox::contract::verdict::Verdict;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::opened::Opened as _;
use wasmill_sandbox::transformer::{OpenTransformer, Transformer};
use wasmill_sandbox::validator::{OpenValidator, ValidateBinding, Validator};

use crate::cassette::format::{Cassette, digest};
use crate::cassette::outcome::{FailedCall, Outcome, PassedCall};
use crate::cassette::playback::Playback;
use crate::exec::rows::{Numbered, counted, with_row};
use crate::file::secrets::Redaction;

/// The call at the end of a transformer's input, which takes no rows.
pub(super) const FINISH: &str = "finish";

/// A plugin in the surroundings of a step, that can be given the calls of a cassette as often as one likes.
pub(super) struct Stage {
    placed: Placed,
    playback: Arc<Playback>,
    secrets: Redaction,
}

enum Placed {
    Transform(Transformer),
    Validate(Validator),
}

/// A plugin that was bound to the columns of the input, or why it was not.
enum Bound<'a> {
    Transform(&'a Transformer, Arc<TransformBinding>),
    Validate(&'a Validator, Arc<ValidateBinding>),
}

enum Open {
    Transform(OpenTransformer),
    Validate(OpenValidator),
}

impl Stage {
    /// Puts a plugin in its place. Whatever `environment` grants in the way of HTTP is answered from the recording.
    ///
    /// # Errors
    ///
    /// When the plugin is of another kind, or wants more than is granted.
    pub(super) fn new(
        plugin: &Plugin,
        kind: PluginKind,
        mut environment: Environment,
        secrets: Redaction,
    ) -> Result<Self, LinkError> {
        let playback = Arc::new(Playback::new(secrets.clone()));
        let names = environment.grants.http.connections().map(str::to_owned);
        environment.grants.http =
            HttpGrant::new(names.collect::<Vec<_>>(), Arc::clone(&playback) as _);
        // It was said and counted already, in the run.
        environment.logs = Arc::new(());
        environment.usage = Arc::new(());
        // One instance at a time, beside those of the run.
        environment.limits.instances = 1;
        let placed = if kind == PluginKind::Validator {
            Placed::Validate(Validator::new(plugin, environment)?)
        } else {
            Placed::Transform(Transformer::new(plugin, environment)?)
        };
        Ok(Self { placed, playback, secrets })
    }

    /// Makes all calls, until one fails.
    ///
    /// # Errors
    ///
    /// When what came back cannot be written down, which has nothing to do with the plugin.
    pub(super) async fn perform(&self, cassette: &Cassette) -> Result<Outcome, ArrowError> {
        Ok(self.perform_with_fault(cassette).await?.0)
    }

    /// The same, with the fault itself, which may quote secrets.
    ///
    /// # Errors
    ///
    /// As [`Self::perform`].
    pub(super) async fn perform_with_fault(
        &self,
        cassette: &Cassette,
    ) -> Result<(Outcome, Option<Fault>), ArrowError> {
        let mut outcome = Outcome::default();
        let made = self.make_calls(cassette, &mut outcome).await?;
        let fault = made.err().map(|(failed, fault)| {
            outcome.failed = Some(failed);
            fault
        });
        Ok((outcome.redacted(&self.secrets), fault))
    }

    /// Looks up the source lines of a fault.
    pub(super) async fn locate(&self, fault: &mut Fault) {
        match &self.placed {
            Placed::Transform(placed) => placed.locate(fault).await,
            Placed::Validate(placed) => placed.locate(fault).await,
        }
    }

    /// A text without the secrets of the configuration.
    pub(super) fn redacted(&self, text: &str) -> String {
        self.secrets.apply(text)
    }

    async fn make_calls(
        &self,
        cassette: &Cassette,
        outcome: &mut Outcome,
    ) -> Result<Result<(), (FailedCall, Fault)>, ArrowError> {
        let header = &cassette.header;
        let before = |export| {
            move |fault: Fault| (FailedCall::new(export, None, &fault, 0, Vec::new()), fault)
        };
        self.playback.expect(&[]);
        let bound = self.bind(&cassette.input).await.map_err(before("bind"));
        outcome.http = self.playback.difference();
        let bound = match bound {
            Ok(bound) => bound,
            Err(failed) => return Ok(Err(failed)),
        };
        self.playback.expect(&header.open_http);
        let opened = bound.open(header.seed).await.map_err(before("open"));
        outcome.http = outcome.http.take().or_else(|| self.playback.difference());
        let mut open = match opened {
            Ok(open) => open,
            Err(failed) => return Ok(Err(failed)),
        };
        outcome.open_fuel = Some(open.fuel());
        for (number, (call, rows)) in header.calls.iter().zip(&cassette.rows).enumerate() {
            self.playback.expect(&call.http);
            let fuel_before = open.fuel();
            let output = open.call(rows.as_deref(), call.first_row).await;
            outcome.http = outcome.http.take().or_else(|| self.playback.difference());
            let fuel = open.fuel() - fuel_before;
            match output {
                Ok(output) => {
                    let output = output.digest(rows.as_deref())?;
                    outcome.passed.push(PassedCall { fuel, output });
                }
                Err(fault) => {
                    let lines = open.last_lines();
                    let failed = FailedCall::new(&call.export, Some(number), &fault, fuel, lines);
                    return Ok(Err((failed, fault)));
                }
            }
        }
        Ok(Ok(()))
    }

    async fn bind(&self, input: &SchemaRef) -> Result<Bound<'_>, Fault> {
        let input = Arc::clone(input);
        Ok(match &self.placed {
            Placed::Transform(placed) => {
                Bound::Transform(placed, Arc::new(placed.bind(input).await?))
            }
            Placed::Validate(placed) => {
                Bound::Validate(placed, Arc::new(placed.bind(input).await?))
            }
        })
    }

    /// The positions of the columns that the plugin reads; all where it cannot be bound.
    pub(super) async fn reads(&self, input: &SchemaRef) -> Vec<usize> {
        match self.bind(input).await {
            Ok(Bound::Transform(_, binding)) => binding.reading.positions.clone(),
            Ok(Bound::Validate(_, binding)) => binding.reading.positions.clone(),
            Err(_) => (0..input.fields().len()).collect(),
        }
    }
}

impl Bound<'_> {
    async fn open(&self, seed: u64) -> Result<Open, Fault> {
        Ok(match self {
            Self::Transform(placed, binding) => {
                Open::Transform(placed.open(Arc::clone(binding), seed).await?)
            }
            Self::Validate(placed, binding) => {
                Open::Validate(placed.open(Arc::clone(binding), seed).await?)
            }
        })
    }
}

impl Open {
    async fn call(&mut self, rows: Option<&Numbered>, first_row: u64) -> Result<Output, Fault> {
        Ok(match (self, rows) {
            (Self::Transform(open), Some(rows)) => {
                Output::Transform(open.process(&rows.batch, first_row).await?)
            }
            (Self::Transform(open), None) => Output::Transform(open.finish().await?),
            (Self::Validate(open), Some(rows)) => {
                Output::Validate(open.check(&rows.batch, first_row).await?)
            }
            (Self::Validate(_), None) => return Err(Fault::Gone { export: FINISH }),
        })
    }

    fn fuel(&self) -> u64 {
        match self {
            Self::Transform(open) => open.usage().fuel,
            Self::Validate(open) => open.usage().fuel,
        }
    }

    fn last_lines(&self) -> Vec<String> {
        match self {
            Self::Transform(open) => open.last_lines(),
            Self::Validate(open) => open.last_lines(),
        }
    }
}

/// What came back from one call.
enum Output {
    Transform(Processed),
    Validate(Verdict),
}

impl Output {
    /// The SHA-256 of all of it.
    fn digest(&self, input: Option<&Numbered>) -> Result<String, ArrowError> {
        let (batches, rest) = match self {
            Self::Transform(processed) => {
                let none = counted(0, 0);
                let positions = input.map_or(&none, |input| &input.rows);
                let outputs = processed.outputs.iter().map(|output| {
                    let rows = output.rows.apply(positions)?;
                    let schema = with_row(&output.batch.schema());
                    Numbered { batch: output.batch.clone(), rows }.attach(&schema)
                });
                let batches = outputs.collect::<Result<Vec<RecordBatch>, _>>()?;
                (batches, json!({ "bad_rows": findings(&processed.bad_rows) }))
            }
            Self::Validate(verdict) => {
                let rest = json!({
                    "rejected": findings(&verdict.rejected),
                    "warned": findings(&verdict.warned),
                    "partial": Digest::of(&verdict.partial).to_string(),
                });
                (Vec::new(), rest)
            }
        };
        let mut text = rest.to_string();
        for batch in &batches {
            text.push('\n');
            text.push_str(&digest(std::slice::from_ref(batch), &batch.schema())?);
        }
        Ok(Digest::of(text.as_bytes()).to_string())
    }
}

fn findings(findings: &[Finding]) -> serde_json::Value {
    let one =
        |finding: &Finding| json!([finding.rows, finding.rule, finding.column, finding.message]);
    findings.iter().map(one).collect()
}
