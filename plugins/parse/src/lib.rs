//! Takes text apart: patterns, key=value, CSV in a field, URLs, user agents, phone numbers.
//!
//! Each [`step::Step`] reads one utf8 column. Its [`parser::Parser`] finds the parts of a text, and each part that was asked
//! for is parsed into the type of a new column. Patterns are compiled when the plugin is bound. Rows that fail in one step are
//! looked at in the others too, so the quarantine has all reasons.

mod config;
mod delimited;
mod grok;
mod key_value;
mod library;
mod parser;
mod pattern;
mod phone;
mod step;
mod url;
mod user_agent;

use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_values::rejections::Rejections;

use crate::config::ParseConfig;
use crate::step::Step;

struct Parse {
    steps: Vec<Step>,
}

impl Transformer for Parse {
    type Config = ParseConfig;

    fn bind(config: ParseConfig, plan: &mut Plan) -> Result<Self> {
        if config.steps.is_empty() {
            let message = "is empty; say which column to take apart, and what its text is";
            return Err(Error::bad_config("/steps", message));
        }
        let mut steps = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for (index, step) in config.steps.iter().enumerate() {
            let pointer = format!("/steps/{index}");
            let made = Step::new(step, &pointer, &config, plan)?;
            for name in made.names() {
                if names.iter().any(|other| other == name) {
                    let message = format!(
                        "makes a second column `{name}`; give the field a name of its own, or the step a prefix"
                    );
                    return Err(Error::bad_config(pointer, message));
                }
                names.push(name.to_owned());
            }
            steps.push(made);
        }
        for (index, step) in config.steps.iter().enumerate() {
            let is_dropped_before =
                config.steps[..index].iter().any(|other| other.drop && other.column == step.column);
            if step.drop && !is_dropped_before {
                if names.contains(&step.column) {
                    let message = format!(
                        "drops `{}`, which a field is written to; remove `drop`, the field takes its place",
                        step.column
                    );
                    return Err(Error::bad_config(format!("/steps/{index}/drop"), message));
                }
                plan.drop(&step.column)?;
            }
        }
        Ok(Self { steps })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let mut rejections = Rejections::new(out, batch.rows());
        for step in &mut self.steps {
            step.run(batch, &mut rejections);
        }
        Ok(())
    }
}

transformer!(Parse);
