//! Makes columns of nested data, and rows of lists.
//!
//! The nested column is text that is JSON ([`json_rows`]), or has a nested type ([`nested_rows`]). Paths say which of its values
//! become columns; one list may become rows, one for each element, beside which the other columns are repeated.

mod config;
mod document;
mod json;
mod json_rows;
mod names;
mod nested_rows;
mod path;

use wasmill_plugin_sdk::bindings::types::DataType;
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::types::type_name;

use crate::config::FlattenConfig;
use crate::json_rows::JsonRows;
use crate::names::Names;
use crate::nested_rows::NestedRows;

enum Flatten {
    Json(Box<JsonRows>),
    Nested(NestedRows),
}

impl Transformer for Flatten {
    type Config = FlattenConfig;

    fn bind(config: FlattenConfig, plan: &mut Plan) -> Result<Self> {
        let position = plan.schema().position(&config.column)?;
        let data_type = plan.schema().column(position).data_type().clone();
        let parents = config.explode.as_ref().and_then(|explode| explode.parents.as_deref());
        match data_type {
            DataType::Utf8 => {
                let names = Names::new(&config.column, config.keep, parents, plan)?;
                Ok(Self::Json(Box::new(JsonRows::new(&config, names, plan)?)))
            }
            DataType::Struct
            | DataType::List
            | DataType::LargeList
            | DataType::FixedSizeList(_)
            | DataType::Map(_) => {
                let names = Names::new(&config.column, config.keep, parents, plan)?;
                Ok(Self::Nested(NestedRows::new(&config, names, plan)?))
            }
            other => {
                let message = format!(
                    "is {}; give a column of JSON text, or one of structs, lists or maps",
                    type_name(&other)
                );
                Err(Error::bad_column(config.column, message))
            }
        }
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        match self {
            Self::Json(rows) => rows.process(batch, out),
            Self::Nested(rows) => rows.process(batch, out)?,
        }
        Ok(())
    }
}

transformer!(Flatten);
