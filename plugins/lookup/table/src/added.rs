//! Columns of the table that become columns of the output.

use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_values::cells::TargetVisitor;
use wasmill_plugin_values::parse::{Cell, Parse};
use wasmill_plugin_values::target::Target;

/// The values of a column, in the order of the rows of the table.
pub trait AddedColumn {
    /// Adds the value of the next row. False where the text is no value of the type.
    #[must_use]
    fn push(&mut self, text: Option<&str>) -> bool;

    /// Sets the column to the values of these rows, and to the default where there is no row.
    fn gather(&self, found: &[Option<u32>], rows: &mut Rows);
}

/// A column that is declared, and has no values yet. None where the default is no value of the type.
pub fn added_column(
    name: &str,
    target: &Target,
    default: Option<&str>,
    plan: &mut Plan,
) -> Option<Box<dyn AddedColumn>> {
    target.visit(Declare { name, target, default, plan })
}

struct Declare<'a> {
    name: &'a str,
    target: &'a Target,
    default: Option<&'a str>,
    plan: &'a mut Plan,
}

impl TargetVisitor for Declare<'_> {
    type Out = Option<Box<dyn AddedColumn>>;

    fn text(self) -> Self::Out {
        Some(Box::new(TextColumn {
            output: self.plan.write(self.name),
            default: self.default.map(str::to_owned),
            values: Vec::new(),
        }))
    }

    fn cells<T: Cell, P: Parse<T> + 'static>(self, parser: P) -> Self::Out {
        let default = match self.default {
            Some(text) => Some(parser.parse(text)?),
            None => None,
        };
        let output = self.plan.write_as::<T>(self.name, self.target.arrow_type());
        Some(Box::new(ParsedColumn { output, parser, default, values: Vec::new() }))
    }
}

struct TextColumn {
    output: Output<str>,
    default: Option<String>,
    values: Vec<Option<Box<str>>>,
}

impl AddedColumn for TextColumn {
    fn push(&mut self, text: Option<&str>) -> bool {
        self.values.push(text.map(Box::from));
        true
    }

    fn gather(&self, found: &[Option<u32>], rows: &mut Rows) {
        let values = found.iter().map(|row| match row {
            Some(row) => self.values[*row as usize].as_deref(),
            None => self.default.as_deref(),
        });
        rows.set(self.output, values.collect());
    }
}

struct ParsedColumn<T: Cell, P> {
    output: Output<T>,
    parser: P,
    default: Option<T>,
    values: Vec<Option<T>>,
}

impl<T: Cell, P: Parse<T>> AddedColumn for ParsedColumn<T, P> {
    fn push(&mut self, text: Option<&str>) -> bool {
        let value = text.and_then(|text| self.parser.parse(text));
        self.values.push(value);
        value.is_some() || text.is_none()
    }

    fn gather(&self, found: &[Option<u32>], rows: &mut Rows) {
        let mut column = NewColumn::<T>::with_capacity(found.len());
        for row in found {
            let value = match row {
                Some(row) => self.values[*row as usize],
                None => self.default,
            };
            match value {
                Some(value) => T::push(&mut column, value),
                None => column.push_null(),
            }
        }
        rows.set(self.output, column);
    }
}
