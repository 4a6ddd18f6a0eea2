//! The columns of the output: some dropped, some renamed.

use std::collections::BTreeMap;

use wasmill_plugin_sdk::prelude::*;

use crate::config::CleanConfig;
use wasmill_plugin_values::config::pointer_to;

/// Drops and renames columns, which exist.
///
/// # Errors
///
/// [`Error::BadConfig`] where two columns would have one name, or a renamed column is dropped.
pub fn drop_and_rename(config: &CleanConfig, plan: &mut Plan) -> Result<()> {
    check(config, plan.schema())?;
    for (index, name) in config.drop.iter().enumerate() {
        if !config.drop[..index].contains(name) {
            plan.drop(name)?;
        }
    }
    // First to names that no column has, so that columns can exchange their names.
    let width = plan.schema().columns().iter().map(|column| column.name().len()).max().unwrap_or(0);
    let interim = |index: usize| format!("{}{index}", "_".repeat(width + 1));
    for (index, old) in config.rename.keys().enumerate() {
        plan.rename(old, &interim(index))?;
    }
    for (index, new) in config.rename.values().enumerate() {
        plan.rename(&interim(index), new)?;
    }
    Ok(())
}

fn check(config: &CleanConfig, schema: &Schema) -> Result<()> {
    let mut old_by_new = BTreeMap::new();
    for column in schema.columns() {
        let old = column.name();
        let new = config.rename.get(old).map_or(old, String::as_str);
        let refuse = |message: String| Err(Error::bad_config(pointer_to("rename", old), message));
        if config.drop.iter().any(|name| name == old) {
            if config.rename.contains_key(old) {
                return refuse("the column is dropped too; remove it here or there".to_owned());
            }
            continue;
        }
        if new.is_empty() {
            return refuse("is empty; give the new name of the column".to_owned());
        }
        if let Some(other) = old_by_new.insert(new, old) {
            // One of the two is renamed, as the input has no name twice.
            let renamed = if config.rename.contains_key(old) { old } else { other };
            let message = format!(
                "the columns `{other}` and `{old}` would both be called `{new}`; rename or drop one of them"
            );
            return Err(Error::bad_config(pointer_to("rename", renamed), message));
        }
    }
    Ok(())
}
