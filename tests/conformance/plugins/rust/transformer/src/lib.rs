//! The transformer of the conformance suite: each case is a [`Work`], chosen by the configuration.

mod config;
mod copy;
mod rows;
mod surroundings;

use wasmill_plugin_sdk::prelude::*;

use crate::config::{Case, ConformanceConfig, Failing, Place, Resource};

/// What one case does.
trait Work {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()>;

    fn finish(&mut self, _out: &mut DetachedRows) -> Result<()> {
        Ok(())
    }
}

struct Conformance {
    config: ConformanceConfig,
    work: Box<dyn Work>,
}

impl Transformer for Conformance {
    type Config = ConformanceConfig;

    fn bind(config: ConformanceConfig, plan: &mut Plan) -> Result<Self> {
        let by_records = config.by_records();
        if by_records {
            plan.as_records();
        }
        let work: Box<dyn Work> = match config.case {
            Case::Copy => copy::bind(&config, plan)?,
            Case::Keep => Box::new(Keep),
            Case::Rename => {
                let name =
                    |index: usize, plan: &Plan| plan.schema().column(index).name().to_owned();
                let (first, last) = (name(0, plan), name(plan.schema().columns().len() - 1, plan));
                plan.drop(&last)?;
                if first != last {
                    plan.rename(&first, "renamed")?;
                }
                Box::new(Keep)
            }
            Case::Even => Box::new(rows::Even { id: plan.read("id")?, by_records }),
            Case::Reverse => rows::reverse(plan, by_records)?,
            Case::Explode => rows::explode(plan, by_records)?,
            Case::Running => {
                plan.keyed_by(&["key".to_owned()])?;
                Box::new(rows::Running::new(plan.read("key")?, plan.write("seen")))
            }
            Case::Count => {
                plan.drop_all();
                plan.single_instance();
                Box::new(rows::Count { rows: 0, output: plan.write("rows") })
            }
            Case::Hold => {
                let id = plan.read("id")?;
                plan.drop_all();
                plan.single_instance();
                Box::new(rows::Hold { id, output: plan.write("id"), by_records, held: Vec::new() })
            }
            Case::Reject => Box::new(rows::Reject { id: plan.read("id")?, by_records }),
            Case::Unchanged => {
                Box::new(rows::Unchanged { text: plan.read("text")?, output: plan.write("text") })
            }
            Case::Words => {
                let text = plan.read("text")?;
                let (length, shout) = (plan.write("length"), plan.write("shout"));
                Box::new(rows::Words { text, length, shout, by_records })
            }
            Case::Add => Box::new(rows::Add { x: plan.read("x")?, y: plan.write("y"), by_records }),
            Case::Defaults => {
                let options = serde_json::to_string(&config.options)?;
                Box::new(surroundings::Defaults { options, output: plan.write("options") })
            }
            Case::Log => Box::new(surroundings::Log),
            Case::Time => {
                let (now, random) = (plan.write("now"), plan.write("random"));
                Box::new(surroundings::Time { now, random })
            }
            Case::Http => surroundings::http(&config.connection, plan),
            Case::Fail => {
                config.fail(Place::Bind)?;
                Box::new(Keep)
            }
            Case::Exhaust => Box::new(Exhaust { what: config.what }),
        };
        Ok(Self { config, work })
    }

    fn open(&mut self) -> Result<()> {
        self.config.fail(Place::Open)
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        self.config.fail(Place::Process)?;
        self.work.process(batch, out)
    }

    fn finish(&mut self, out: &mut DetachedRows) -> Result<()> {
        self.config.fail(Place::Finish)?;
        self.work.finish(out)
    }
}

impl ConformanceConfig {
    /// Fails, if that is wanted in this place.
    fn fail(&self, place: Place) -> Result<()> {
        if self.case != Case::Fail || self.at != place {
            return Ok(());
        }
        Err(match self.kind {
            Failing::Retryable => Error::retryable("try later"),
            Failing::RetryableAfter => {
                Error::Retryable { message: "try later".to_owned(), after_ms: Some(1500) }
            }
            Failing::Fatal => Error::fatal("no way"),
            Failing::BadConfig => Error::bad_config("/kind", "not this one"),
            Failing::BadSchema => Error::bad_column("id", "not this one"),
            #[expect(clippy::panic, reason = "it is what a program does that has a mistake")]
            Failing::Exception => panic!("unexpected"),
        })
    }
}

struct Keep;

impl Work for Keep {
    fn process(&mut self, _batch: &Batch, _out: &mut Rows) -> Result<()> {
        Ok(())
    }
}

/// Uses something up.
struct Exhaust {
    what: Resource,
}

impl Work for Exhaust {
    fn process(&mut self, batch: &Batch, _out: &mut Rows) -> Result<()> {
        match self.what {
            Resource::Fuel => loop {
                std::hint::black_box(batch.rows());
            },
            Resource::Memory => {
                let mut taken = Vec::new();
                loop {
                    taken.push(vec![1_u8; 1 << 20]);
                    std::hint::black_box(&taken);
                }
            }
            Resource::Stack => {
                std::hint::black_box(deeper(batch.rows() as u64));
                Ok(())
            }
        }
    }
}

#[expect(unconditional_recursion, reason = "it is to have no end")]
fn deeper(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    deeper(frame[0] + 1) + frame[1]
}

transformer!(Conformance);
