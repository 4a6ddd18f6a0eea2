//! Loaders.
//!
//! A loader stages the rows of one attempt where no reader of the target sees them; `commit` then makes
//! the attempts visible that count.

use crate::Config;
use crate::batch::Batch;
use crate::bindings::load as wit;
use crate::bindings::types::{self, Finding};
use crate::error::Result;
use crate::findings::Findings;
use crate::schema::{Layout, ReadPlan};

pub use wit::{Attempt, Receipt};

/// A plugin that writes to somewhere. Exported with [`crate::loader!`].
pub trait Loader: Sized {
    /// The configuration, made with [`crate::config`].
    type Config: Config;

    /// Finds the columns to read and returns the loader. Must not write anything.
    fn bind(config: Self::Config, plan: &mut ReadPlan) -> Result<Self>;

    /// Prepares to stage one attempt.
    fn open(&mut self, attempt: &Attempt) -> Result<()>;

    /// Stages one batch, but for the rows that are rejected.
    fn write(&mut self, batch: &Batch, rejected: &mut Rejected) -> Result<()>;

    /// Ends the attempt.
    fn finish(&mut self) -> Result<Receipt>;

    /// Makes the attempts with these receipts visible. May be called again after a crash.
    fn commit(config: Self::Config, run: &str, receipts: &[Receipt]) -> Result<()>;

    /// Removes the attempts with these receipts.
    fn abort(config: Self::Config, run: &str, receipts: &[Receipt]) -> Result<()>;
}

/// Rows that the target would refuse.
#[derive(Default)]
pub struct Rejected {
    findings: Findings,
}

impl Rejected {
    /// Puts a row into the quarantine.
    pub fn reject(&mut self, row: usize, rule: &str, column: Option<&str>, message: &str) {
        self.findings.add(row, rule, column, message);
    }
}

/// A loader between `open` and `finish`.
#[doc(hidden)]
pub struct Opened<L> {
    loader: L,
    layout: Layout,
}

#[doc(hidden)]
pub fn bind<L: Loader>(config: &str, input: types::Schema) -> Result<wit::Binding> {
    let mut plan = ReadPlan::new(input);
    L::bind(crate::parse_config(config)?, &mut plan)?;
    Ok(wit::Binding { reads: plan.reads.positions(), encoding: plan.encoding })
}

#[doc(hidden)]
pub fn open<L: Loader>(config: &str, input: types::Schema, attempt: &Attempt) -> Result<Opened<L>> {
    let mut plan = ReadPlan::new(input);
    let mut loader = L::bind(crate::parse_config(config)?, &mut plan)?;
    loader.open(attempt)?;
    Ok(Opened { loader, layout: plan.reads.layout() })
}

impl<L: Loader> Opened<L> {
    #[doc(hidden)]
    pub fn write(&mut self, batch: types::Batch) -> Result<Vec<Finding>> {
        let batch = Batch::new(batch, &self.layout)?;
        let mut rejected = Rejected::default();
        self.loader.write(&batch, &mut rejected)?;
        Ok(rejected.findings.into_vec())
    }

    #[doc(hidden)]
    pub fn finish(&mut self) -> Result<Receipt> {
        self.loader.finish()
    }
}

/// Makes the component a loader: `wasmill_plugin_sdk::loader!(MyLoader);`
#[macro_export]
macro_rules! loader {
    ($loader:ty) => {
        const _: () = {
            use $crate::bindings::{load, types};

            struct Component;

            ::std::thread_local! {
                static OPENED: ::std::cell::RefCell<Option<$crate::loader::Opened<$loader>>> =
                    const { ::std::cell::RefCell::new(None) };
            }

            fn with_opened<R>(
                f: impl FnOnce(&mut $crate::loader::Opened<$loader>) -> $crate::Result<R>,
            ) -> ::std::result::Result<R, types::Failure> {
                OPENED.with_borrow_mut(|opened| match opened {
                    Some(opened) => Ok(f(opened)?),
                    None => Err($crate::Error::fatal("called before `open`").into()),
                })
            }

            impl load::Guest for Component {
                fn describe() -> types::Descriptor {
                    $crate::__describe!(<$loader as $crate::Loader>::Config)
                }

                fn bind(
                    config: String,
                    input: types::Schema,
                ) -> ::std::result::Result<load::Binding, types::Failure> {
                    Ok($crate::loader::bind::<$loader>(&config, input)?)
                }

                fn open(
                    config: String,
                    input: types::Schema,
                    attempt: load::Attempt,
                ) -> ::std::result::Result<(), types::Failure> {
                    $crate::start_logging();
                    OPENED.set(Some($crate::loader::open(&config, input, &attempt)?));
                    Ok(())
                }

                fn write(
                    batch: types::Batch,
                ) -> ::std::result::Result<Vec<types::Finding>, types::Failure> {
                    with_opened(|opened| opened.write(batch))
                }

                fn finish() -> ::std::result::Result<load::Receipt, types::Failure> {
                    with_opened(|opened| opened.finish())
                }

                fn commit(
                    config: String,
                    run: String,
                    receipts: Vec<load::Receipt>,
                ) -> ::std::result::Result<(), types::Failure> {
                    $crate::start_logging();
                    let config = $crate::parse_config(&config)?;
                    Ok(<$loader as $crate::Loader>::commit(config, &run, &receipts)?)
                }

                fn abort(
                    config: String,
                    run: String,
                    receipts: Vec<load::Receipt>,
                ) -> ::std::result::Result<(), types::Failure> {
                    $crate::start_logging();
                    let config = $crate::parse_config(&config)?;
                    Ok(<$loader as $crate::Loader>::abort(config, &run, &receipts)?)
                }
            }

            $crate::bindings::loader::export_loader!(
                Component with_types_in $crate::bindings::loader
            );
        };
    };
}
