//! The names of the output: every one once, and none in the place of an input column by mistake.

use wasmill_plugin_sdk::prelude::*;

/// The names of the columns that stay, and of those that were declared so far.
pub struct Names {
    kept: Vec<String>,
    new: Vec<String>,
}

impl Names {
    /// Takes the columns that do not stay out of the output: the nested one, unless it is kept, and all but `parents`, where
    /// they are given.
    ///
    /// # Errors
    ///
    /// [`Error::BadConfig`] where a parent is no input column.
    pub fn new(
        column: &str,
        keep: bool,
        parents: Option<&[String]>,
        plan: &mut Plan,
    ) -> Result<Self> {
        let inputs: Vec<String> =
            plan.schema().columns().iter().map(|column| column.name().to_owned()).collect();
        for (index, parent) in parents.unwrap_or_default().iter().enumerate() {
            if !inputs.contains(parent) {
                let message = format!(
                    "is {parent:?}, which the input does not have; there are {}",
                    inputs.join(", ")
                );
                return Err(Error::bad_config(format!("/explode/parents/{index}"), message));
            }
        }
        let stays = |name: &String| match parents {
            _ if name == column => keep,
            Some(parents) => parents.contains(name),
            None => true,
        };
        let (kept, dropped): (Vec<_>, Vec<_>) = inputs.into_iter().partition(stays);
        for name in &dropped {
            plan.drop(name)?;
        }
        Ok(Self { kept, new: Vec::new() })
    }

    /// # Errors
    ///
    /// [`Error::BadConfig`] at `pointer` where there is a column of that name already.
    pub fn add(&mut self, name: &str, pointer: &str) -> Result<()> {
        let other = if self.kept.iter().any(|kept| kept == name) {
            "the input has"
        } else if self.new.iter().any(|new| new == name) {
            "another path has"
        } else {
            self.new.push(name.to_owned());
            return Ok(());
        };
        let message =
            format!("makes a column `{name}`, which {other} too; give it a `name`, or a `prefix`");
        Err(Error::bad_config(pointer, message))
    }
}
