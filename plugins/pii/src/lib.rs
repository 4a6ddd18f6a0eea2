//! Hides personal data: hashes, masks or redacts columns, and finds e-mails, phones and cards in text.
//!
//! A column named under `columns` is dealt with as a whole, one named under `detect` is searched and only
//! what is found in it is replaced. No column is both. Rows are never dropped or rejected, nulls stay
//! nulls, and a column in which nothing changes is passed on without a copy.

mod action;
mod config;
mod detect;
mod hash;
mod mask;
mod replace;
mod rewrite;
mod search;

use std::fmt::Write;

use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::types::Type;

use crate::action::Action;
use crate::config::{PiiConfig, pointer_to};
use crate::hash::{Hashing, KeyedHash};
use crate::mask::Mask;
use crate::replace::Replacer;
use crate::rewrite::{Edit, rewrite};
use crate::search::searches;

struct Pii {
    steps: Vec<Step>,
}

/// What is done with one column.
enum Step {
    Text {
        input: Input<str>,
        output: Output<str>,
        treatment: Treatment,
    },
    /// Values of another type than utf8 are hashed by the text that shows them.
    HashDisplayed {
        input: AnyInput,
        output: Output<str>,
        hashing: Hashing,
    },
}

/// What is done with the values of one utf8 column.
enum Treatment {
    Hash(Hashing),
    Mask(Mask),
    Redact(String),
    Nullify,
    Search(Replacer),
}

impl Transformer for Pii {
    type Config = PiiConfig;

    fn bind(config: PiiConfig, plan: &mut Plan) -> Result<Self> {
        let key = config.key.as_deref().map(KeyedHash::new).transpose()?;
        if config.columns.is_empty() && config.detect.is_empty() {
            let message =
                "nothing to hide: name columns under `columns`, or text to search under `detect`";
            return Err(Error::bad_config("", message));
        }
        let mut steps = Vec::new();
        for (name, action) in &config.columns {
            let pointer = pointer_to("columns", name);
            let position = plan.schema().position(name)?;
            match action.check(&pointer)? {
                Action::Drop => plan.drop(name)?,
                Action::Hash(style) => {
                    let hashing = Hashing::new(needed(key.as_ref(), &pointer)?.clone(), style);
                    if <str as Type>::matches(plan.schema().column(position).data_type()) {
                        steps.push(Step::text(plan, name, Treatment::Hash(hashing))?);
                    } else {
                        let (input, output) = (plan.read_any(name)?, plan.write(name));
                        steps.push(Step::HashDisplayed { input, output, hashing });
                    }
                }
                Action::Mask(mask) => steps.push(Step::text(plan, name, Treatment::Mask(mask))?),
                Action::Redact(Some(with)) => {
                    steps.push(Step::text(plan, name, Treatment::Redact(with))?);
                }
                Action::Redact(None) => steps.push(Step::text(plan, name, Treatment::Nullify)?),
            }
        }
        for search in searches(&config, plan.schema())? {
            if let Some(pointer) = &search.hashes_at {
                needed(key.as_ref(), pointer)?;
            }
            let replacer = Replacer::new(search.actions, key.clone());
            steps.push(Step::text(plan, &search.column, Treatment::Search(replacer))?);
        }
        Ok(Self { steps })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        for step in &mut self.steps {
            step.run(batch, out);
        }
        Ok(())
    }
}

/// The keyed hash, which something at `pointer` needs.
fn needed<'a>(key: Option<&'a KeyedHash>, pointer: &str) -> Result<&'a KeyedHash> {
    key.ok_or_else(|| {
        let message =
            format!("is missing, and {pointer} hashes: give a secret of at least 16 bytes");
        Error::bad_config("/key", message)
    })
}

impl Step {
    fn text(plan: &mut Plan, name: &str, treatment: Treatment) -> Result<Self> {
        Ok(Self::Text { input: plan.read(name)?, output: plan.write(name), treatment })
    }

    fn run(&mut self, batch: &Batch, out: &mut Rows) {
        match self {
            Self::Text { input, output, treatment } => {
                let column = batch.column(*input);
                match rewrite(&column, |value, text| treatment.edit(value, text)) {
                    Some(rewritten) => out.set(*output, rewritten),
                    None => out.set_unchanged(*output, *input),
                }
            }
            Self::HashDisplayed { input, output, hashing } => {
                let column = batch.any_column(input);
                let mut hashed = NewColumn::<str>::with_capacity(column.len());
                let (mut displayed, mut text) = (String::new(), String::new());
                for row in 0..column.len() {
                    let value = column.value(row);
                    if value.is_null() {
                        hashed.push_null();
                        continue;
                    }
                    displayed.clear();
                    text.clear();
                    write!(displayed, "{value}").expect("a string takes all that is written to it");
                    hashing.write(&displayed, &mut text);
                    hashed.push(&text);
                }
                out.set(*output, hashed);
            }
        }
    }
}

impl Treatment {
    /// Writes what `value` becomes to `text`, which is empty, where it becomes something else.
    fn edit(&mut self, value: &str, text: &mut String) -> Edit {
        match self {
            Self::Hash(hashing) => hashing.write(value, text),
            Self::Mask(mask) => mask.write(value, text),
            Self::Redact(with) => text.push_str(with),
            Self::Nullify => return Edit::Null,
            Self::Search(replacer) => return replacer.edit(value, text),
        }
        if text == value { Edit::Unchanged } else { Edit::Replaced }
    }
}

transformer!(Pii);
