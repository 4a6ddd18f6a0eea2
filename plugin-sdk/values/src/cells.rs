//! Columns of a type that is known when the plugin is bound.
//!
//! [`Target::visit`] finds the Rust type of a target once; what is made then knows it. [`cell_column`] makes such a thing: a
//! column that text is pushed to, value by value, without a look at the type in between.

use wasmill_plugin_sdk::prelude::*;

use crate::parse::{BooleanParser, Cell, FloatParser, IntegerParser, Parse};
use crate::target::{Target, TargetKind};

/// What is to be done with a target, for each of the Rust types that it may stand for.
pub trait TargetVisitor {
    type Out;

    /// The target is utf8: text stays text.
    fn text(self) -> Self::Out;

    /// The values are of the type `T`.
    fn cells<T: Cell, P: Parse<T> + 'static>(self, parser: P) -> Self::Out;
}

impl Target {
    /// Calls the method of `visitor` for the type of the target.
    pub fn visit<V: TargetVisitor>(&self, visitor: V) -> V::Out {
        match &self.kind {
            TargetKind::Boolean => visitor.cells::<bool, _>(BooleanParser),
            TargetKind::Int8 => visitor.cells::<i8, _>(IntegerParser),
            TargetKind::Int16 => visitor.cells::<i16, _>(IntegerParser),
            TargetKind::Int32 => visitor.cells::<i32, _>(IntegerParser),
            TargetKind::Int64 => visitor.cells::<i64, _>(IntegerParser),
            TargetKind::UInt8 => visitor.cells::<u8, _>(IntegerParser),
            TargetKind::UInt16 => visitor.cells::<u16, _>(IntegerParser),
            TargetKind::UInt32 => visitor.cells::<u32, _>(IntegerParser),
            TargetKind::UInt64 => visitor.cells::<u64, _>(IntegerParser),
            TargetKind::Float32 => visitor.cells::<f32, _>(FloatParser),
            TargetKind::Float64 => visitor.cells::<f64, _>(FloatParser),
            TargetKind::Utf8 => visitor.text(),
            TargetKind::Decimal { format, .. } => visitor.cells::<Decimal, _>(format.clone()),
            TargetKind::Date(formats) => visitor.cells::<Date, _>(formats.clone()),
            TargetKind::Timestamp(formats) => visitor.cells::<Timestamp, _>(formats.clone()),
        }
    }
}

/// A new column, filled for one batch after another.
pub trait CellColumn {
    /// Adds the value that `text` stands for. False where it is none of the type: then nothing is added.
    #[must_use]
    fn push(&mut self, text: &str) -> bool;

    fn push_null(&mut self);

    /// Makes the values that were pushed those of the column, and begins anew.
    fn finish(&mut self, rows: &mut Rows);

    /// Forgets the values that were pushed.
    fn clear(&mut self);
}

/// Declares a column of the type of `target`.
pub fn cell_column(name: &str, target: &Target, plan: &mut Plan) -> Box<dyn CellColumn> {
    target.visit(Declare { name, target, plan })
}

/// Declares a column of text.
pub fn text_column(name: &str, plan: &mut Plan) -> Box<dyn CellColumn> {
    Box::new(TextColumn { output: plan.write(name), values: NewColumn::default() })
}

struct Declare<'a> {
    name: &'a str,
    target: &'a Target,
    plan: &'a mut Plan,
}

impl TargetVisitor for Declare<'_> {
    type Out = Box<dyn CellColumn>;

    fn text(self) -> Self::Out {
        text_column(self.name, self.plan)
    }

    fn cells<T: Cell, P: Parse<T> + 'static>(self, parser: P) -> Self::Out {
        let output = self.plan.write_as::<T>(self.name, self.target.arrow_type());
        Box::new(ParsedColumn { output, parser, values: NewColumn::default() })
    }
}

struct TextColumn {
    output: Output<str>,
    values: NewColumn<str>,
}

impl CellColumn for TextColumn {
    fn push(&mut self, text: &str) -> bool {
        self.values.push(text);
        true
    }

    fn push_null(&mut self) {
        self.values.push_null();
    }

    fn finish(&mut self, rows: &mut Rows) {
        rows.set(self.output, std::mem::take(&mut self.values));
    }

    fn clear(&mut self) {
        self.values = NewColumn::default();
    }
}

struct ParsedColumn<T: Cell, P> {
    output: Output<T>,
    parser: P,
    values: NewColumn<T>,
}

impl<T: Cell, P: Parse<T>> CellColumn for ParsedColumn<T, P> {
    fn push(&mut self, text: &str) -> bool {
        let Some(value) = self.parser.parse(text) else { return false };
        T::push(&mut self.values, value);
        true
    }

    fn push_null(&mut self) {
        self.values.push_null();
    }

    fn finish(&mut self, rows: &mut Rows) {
        rows.set(self.output, std::mem::take(&mut self.values));
    }

    fn clear(&mut self) {
        self.values = NewColumn::default();
    }
}
