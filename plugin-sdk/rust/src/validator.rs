//! Validators.
//!
//! A validator judges rows in [`Validator::check`], and adds what it needs to judge the table as a whole
//! to a state. States of different batches, splits and machines are merged, and the result is judged in
//! [`Validator::conclude`].

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Config;
use crate::batch::Batch;
use crate::bindings::types;
use crate::bindings::validate as wit;
use crate::error::{Error, Result};
use crate::findings::Findings;
use crate::schema::{Layout, ReadPlan};

pub use wit::Outcome;

/// A plugin that judges batches. Exported with [`crate::validator!`].
pub trait Validator: Sized {
    /// The configuration, made with [`crate::config`].
    type Config: Config;
    /// What the judgement of the table needs: `()` for a validator that judges rows only.
    type State: Default + Serialize + DeserializeOwned;

    /// Finds the columns to read and returns the validator.
    fn bind(config: Self::Config, plan: &mut ReadPlan) -> Result<Self>;

    /// Judges one batch, and adds what it shows of the table to `state`, which is new for each batch.
    fn check(
        &mut self,
        batch: &Batch,
        verdict: &mut RowVerdict,
        state: &mut Self::State,
    ) -> Result<()>;

    /// Adds `other` to `state`. The order in which states are merged must not matter.
    fn merge(&self, state: &mut Self::State, other: Self::State);

    /// Judges the table by the merged state of all its batches.
    fn conclude(&self, state: Self::State) -> Result<TableVerdict>;
}

/// What is wrong with the rows of one batch.
#[derive(Default)]
pub struct RowVerdict {
    rejected: Findings,
    warned: Findings,
}

impl RowVerdict {
    /// A row to be dealt with as the pipeline says under `on_violation`.
    pub fn reject(&mut self, row: usize, rule: &str, column: Option<&str>, message: &str) {
        self.rejected.add(row, rule, column, message);
    }

    /// A row to be counted; it goes on.
    pub fn warn(&mut self, row: usize, rule: &str, column: Option<&str>, message: &str) {
        self.warned.add(row, rule, column, message);
    }

    fn into_violations(self) -> Vec<wit::Violation> {
        let rejected =
            self.rejected.into_vec().into_iter().map(|finding| (wit::Severity::Reject, finding));
        let warned =
            self.warned.into_vec().into_iter().map(|finding| (wit::Severity::Warn, finding));
        rejected
            .chain(warned)
            .map(|(severity, finding)| wit::Violation { severity, finding })
            .collect()
    }
}

/// What is to be said of the table.
#[derive(Debug, Clone, Default)]
pub struct TableVerdict {
    pub rules: Vec<RuleResult>,
    /// Named values to report.
    pub metrics: Vec<(String, f64)>,
}

/// The result of one rule over the table.
#[derive(Debug, Clone)]
pub struct RuleResult {
    pub rule: String,
    pub column: Option<String>,
    pub outcome: Outcome,
    /// What was expected and what was seen.
    pub message: String,
    /// Rows judged, and rows among them that violate the rule.
    pub checked: u64,
    pub violated: u64,
}

impl From<TableVerdict> for wit::Conclusion {
    fn from(verdict: TableVerdict) -> Self {
        Self {
            rules: verdict
                .rules
                .into_iter()
                .map(|result| wit::RuleResult {
                    rule: result.rule,
                    column: result.column,
                    outcome: result.outcome,
                    message: result.message,
                    checked: result.checked,
                    violated: result.violated,
                })
                .collect(),
            metrics: verdict
                .metrics
                .into_iter()
                .map(|(name, value)| types::Metric { name, value })
                .collect(),
        }
    }
}

/// A validator between `open` and its end.
#[doc(hidden)]
pub struct Opened<V> {
    validator: V,
    layout: Layout,
}

#[doc(hidden)]
pub fn bind<V: Validator>(config: &str, input: types::Schema) -> Result<wit::Binding> {
    let mut plan = ReadPlan::new(input);
    V::bind(crate::parse_config(config)?, &mut plan)?;
    Ok(wit::Binding { reads: plan.reads.positions(), encoding: plan.encoding })
}

#[doc(hidden)]
pub fn open<V: Validator>(config: &str, input: types::Schema) -> Result<Opened<V>> {
    let mut plan = ReadPlan::new(input);
    let validator = V::bind(crate::parse_config(config)?, &mut plan)?;
    Ok(Opened { validator, layout: plan.reads.layout() })
}

impl<V: Validator> Opened<V> {
    #[doc(hidden)]
    pub fn check(&mut self, batch: types::Batch) -> Result<wit::Verdict> {
        let batch = Batch::new(batch, &self.layout)?;
        let mut verdict = RowVerdict::default();
        let mut state = V::State::default();
        self.validator.check(&batch, &mut verdict, &mut state)?;
        Ok(wit::Verdict { violations: verdict.into_violations(), partial: encode(&state)? })
    }

    #[doc(hidden)]
    pub fn merge(&mut self, partials: Vec<Vec<u8>>) -> Result<Vec<u8>> {
        let mut merged = V::State::default();
        for partial in partials {
            self.validator.merge(&mut merged, decode(&partial)?);
        }
        encode(&merged)
    }

    #[doc(hidden)]
    pub fn conclude(&mut self, state: Vec<u8>) -> Result<wit::Conclusion> {
        Ok(self.validator.conclude(decode(&state)?)?.into())
    }
}

fn encode<S: Serialize>(state: &S) -> Result<Vec<u8>> {
    Ok(postcard::to_allocvec(state)?)
}

fn decode<S: Default + DeserializeOwned>(bytes: &[u8]) -> Result<S> {
    if bytes.is_empty() {
        return Ok(S::default());
    }
    postcard::from_bytes(bytes)
        .map_err(|error| Error::fatal(format!("a partial state is not readable: {error}")))
}

/// Makes the component a validator: `wasmill_plugin_sdk::validator!(MyValidator);`
#[macro_export]
macro_rules! validator {
    ($validator:ty) => {
        const _: () = {
            use $crate::bindings::{types, validate};

            struct Component;

            ::std::thread_local! {
                static OPENED: ::std::cell::RefCell<Option<$crate::validator::Opened<$validator>>> =
                    const { ::std::cell::RefCell::new(None) };
            }

            fn with_opened<R>(
                f: impl FnOnce(&mut $crate::validator::Opened<$validator>) -> $crate::Result<R>,
            ) -> ::std::result::Result<R, types::Failure> {
                OPENED.with_borrow_mut(|opened| match opened {
                    Some(opened) => Ok(f(opened)?),
                    None => Err($crate::Error::fatal("called before `open`").into()),
                })
            }

            impl validate::Guest for Component {
                fn describe() -> types::Descriptor {
                    $crate::__describe!(<$validator as $crate::Validator>::Config)
                }

                fn bind(
                    config: String,
                    input: types::Schema,
                ) -> ::std::result::Result<validate::Binding, types::Failure> {
                    Ok($crate::validator::bind::<$validator>(&config, input)?)
                }

                fn open(
                    config: String,
                    input: types::Schema,
                ) -> ::std::result::Result<(), types::Failure> {
                    $crate::start_logging();
                    OPENED.set(Some($crate::validator::open(&config, input)?));
                    Ok(())
                }

                fn check(
                    batch: types::Batch,
                ) -> ::std::result::Result<validate::Verdict, types::Failure> {
                    with_opened(|opened| opened.check(batch))
                }

                fn merge(partials: Vec<Vec<u8>>) -> ::std::result::Result<Vec<u8>, types::Failure> {
                    with_opened(|opened| opened.merge(partials))
                }

                fn conclude(
                    state: Vec<u8>,
                ) -> ::std::result::Result<validate::Conclusion, types::Failure> {
                    with_opened(|opened| opened.conclude(state))
                }
            }

            $crate::bindings::validator::export_validator!(
                Component with_types_in $crate::bindings::validator
            );
        };
    };
}
