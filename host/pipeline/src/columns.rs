//! What a step does with the columns that it gets, as far as its schemas and its binding tell: which pass, which it makes, and
//! which go away.
//!
//! A binding tells of each output column whether it is an input column that passes, whatever it is called then. A query tells
//! nothing of the kind: a column of one name and one type counts as one that passes, though the query may have made it anew.

use arrow::datatypes::{Field, Schema, SchemaRef};
use indexmap::IndexMap;
use serde::Serialize;
use wasmill_sandbox::contract::binding::{OutputColumn, TransformBinding};

use crate::checked::{Step, Work};

/// What became of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnFate {
    /// It passes as it is.
    Kept,
    /// It passes under another name.
    Renamed,
    /// The step makes its values anew, of the same type.
    Rewritten,
    /// The step makes its values anew, of another type.
    Retyped,
    New,
    Gone,
}

/// A column before a step, after it, or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnUse {
    /// Its name after the step; of one that is gone, before.
    pub column: String,
    #[serde(rename = "type")]
    pub data_type: String,
    pub fate: ColumnFate,
    /// What it was called before, where that was otherwise.
    pub old_name: Option<String>,
    /// Its type before, where that was another.
    pub old_type: Option<String>,
    /// Its position before the step; none of a new one, and none where there are several inputs.
    #[serde(skip)]
    pub(crate) before: Option<usize>,
    /// Its position after the step.
    #[serde(skip)]
    pub(crate) after: Option<usize>,
}

impl ColumnUse {
    fn new(field: &Field, fate: ColumnFate) -> Self {
        Self {
            column: field.name().clone(),
            data_type: field.data_type().to_string(),
            fate,
            old_name: None,
            old_type: None,
            before: None,
            after: None,
        }
    }
}

/// The columns of a step in their order, and then those that go away. Of a source, all are new.
pub(crate) fn columns_of(step: &Step, steps: &IndexMap<String, Step>) -> Vec<ColumnUse> {
    match &step.work {
        Work::Transform(work) => bound(&work.binding),
        Work::Validate(work) => compared(&[&work.binding.input], &step.schema),
        Work::Source(_) | Work::Sql(_) => {
            let inputs: Vec<&SchemaRef> =
                step.inputs.iter().filter_map(|input| Some(&steps.get(input)?.schema)).collect();
            compared(&inputs, &step.schema)
        }
    }
}

fn bound(binding: &TransformBinding) -> Vec<ColumnUse> {
    let (input, output) = (&binding.input, &binding.output_schema);
    let mut passed = vec![false; input.fields().len()];
    let is_kept_by_name = |position: usize| {
        let mut outputs = binding.output.iter().zip(output.fields());
        outputs.any(|(column, field)| {
            *column == OutputColumn::Keep(position) && field.name() == input.field(position).name()
        })
    };
    let mut columns = Vec::new();
    for (after, (column, field)) in binding.output.iter().zip(output.fields()).enumerate() {
        let mut column_use = match column {
            OutputColumn::Keep(position) if input.field(*position).name() == field.name() => {
                ColumnUse { before: Some(*position), ..ColumnUse::new(field, ColumnFate::Kept) }
            }
            // A second copy is a new column.
            OutputColumn::Keep(position) if is_kept_by_name(*position) => {
                ColumnUse::new(field, ColumnFate::New)
            }
            OutputColumn::Keep(position) => ColumnUse {
                before: Some(*position),
                old_name: Some(input.field(*position).name().clone()),
                ..ColumnUse::new(field, ColumnFate::Renamed)
            },
            OutputColumn::New(_) => by_name(input, field, ColumnFate::Rewritten),
        };
        if let Some(before) = column_use.before {
            passed[before] = true;
        }
        column_use.after = Some(after);
        columns.push(column_use);
    }
    let gone = input.fields().iter().enumerate().filter(|(position, _)| !passed[*position]);
    columns.extend(gone.map(|(position, field)| ColumnUse {
        before: Some(position),
        ..ColumnUse::new(field, ColumnFate::Gone)
    }));
    columns
}

/// A column that is there under the same name before, or a new one.
fn by_name(input: &Schema, field: &Field, same_type: ColumnFate) -> ColumnUse {
    let Some((before, old)) = input.column_with_name(field.name()) else {
        return ColumnUse::new(field, ColumnFate::New);
    };
    if old.data_type() == field.data_type() {
        return ColumnUse { before: Some(before), ..ColumnUse::new(field, same_type) };
    }
    ColumnUse {
        before: Some(before),
        old_type: Some(old.data_type().to_string()),
        ..ColumnUse::new(field, ColumnFate::Retyped)
    }
}

fn compared(inputs: &[&SchemaRef], output: &Schema) -> Vec<ColumnUse> {
    let mut columns = Vec::new();
    for (after, field) in output.fields().iter().enumerate() {
        let found = inputs
            .iter()
            .map(|input| by_name(input, field, ColumnFate::Kept))
            .min_by_key(|found| match found.fate {
                ColumnFate::Kept => 0,
                ColumnFate::Retyped => 1,
                _ => 2,
            })
            .unwrap_or_else(|| ColumnUse::new(field, ColumnFate::New));
        let before = found.before.filter(|_| inputs.len() == 1);
        columns.push(ColumnUse { before, after: Some(after), ..found });
    }
    for input in inputs {
        for (before, field) in input.fields().iter().enumerate() {
            if columns.iter().any(|column| column.column == *field.name()) {
                continue;
            }
            let before = (inputs.len() == 1).then_some(before);
            columns.push(ColumnUse { before, ..ColumnUse::new(field, ColumnFate::Gone) });
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::DataType;
    use wasmill_sandbox::contract::bindings::transform as wit;
    use wasmill_sandbox::contract::bindings::types::Encoding;

    use super::*;

    fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
        let fields = columns.iter().map(|(name, of)| Field::new(*name, of.clone(), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Each column as `name fate`, with what it was before.
    fn shown(columns: &[ColumnUse]) -> Vec<String> {
        let was =
            |old: &Option<String>| old.as_ref().map_or(String::new(), |old| format!(" < {old}"));
        columns
            .iter()
            .map(|column| {
                let fate = format!("{:?}", column.fate).to_lowercase();
                format!(
                    "{} {fate}{}{}",
                    column.column,
                    was(&column.old_name),
                    was(&column.old_type)
                )
            })
            .collect()
    }

    #[test]
    fn a_binding_tells_what_passes() {
        let input = schema(&[
            ("id", DataType::Int64),
            ("day", DataType::Utf8),
            ("name", DataType::Utf8),
            ("note", DataType::Utf8),
        ]);
        let keep = |input: u32, name: &str| {
            wit::OutputColumn::Keep(wit::KeptColumn { input, name: name.to_owned() })
        };
        let output = vec![keep(0, "id"), keep(0, "copy"), keep(2, "customer")];
        let binding = wit::Binding {
            reads: Vec::new(),
            encoding: Encoding::Columns,
            output,
            scope: wit::Scope::Rows,
        };
        let binding = TransformBinding::new(binding, input).unwrap();
        let columns = bound(&binding);
        let expected = ["id kept", "copy new", "customer renamed < name", "day gone", "note gone"];
        assert_eq!(shown(&columns), expected);
        assert_eq!((columns[2].before, columns[2].after), (Some(2), Some(2)));
    }

    #[test]
    fn a_query_is_told_from_its_schemas() {
        let orders = schema(&[("id", DataType::Int64), ("day", DataType::Utf8)]);
        let products = schema(&[("id", DataType::Int64), ("price", DataType::Int64)]);
        let output = schema(&[
            ("id", DataType::Int64),
            ("day", DataType::Date32),
            ("total", DataType::Float64),
        ]);
        let columns = compared(&[&orders, &products], &output);
        let expected = ["id kept", "day retyped < Utf8", "total new", "price gone"];
        assert_eq!(shown(&columns), expected);
        let of_source = compared(&[], &orders);
        assert_eq!(shown(&of_source), ["id new", "day new"]);
    }
}
