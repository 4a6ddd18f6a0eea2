//! What is done with one column of each batch. A step holds what it needs to know since the plugin was bound, and
//! knows the Rust type of its column.

mod fill;
mod parse;
mod require;
mod text;

use wasmill_plugin_sdk::bindings::types::{DataType, TimeUnit};
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::types::type_name;

use crate::edits::Scratch;
use crate::fill::{Fill, Filled, checked};
use crate::step::fill::FillStep;
use crate::step::parse::ParseStep;
use crate::step::require::RequireStep;
use crate::step::text::TextStep;
use crate::treatment::Treatment;
use wasmill_plugin_values::config::pointer_to;
use wasmill_plugin_values::parse::{BooleanParser, Cell, FloatParser, IntegerParser, Parse};
use wasmill_plugin_values::rejections::Rejections;
use wasmill_plugin_values::target::{Target, TargetKind};

/// What is done with one column.
pub trait Step {
    /// Sets the output column, where the step has one, and rejects rows.
    fn run(&self, batch: &Batch, rejections: &mut Rejections, scratch: &mut Scratch);
}

/// The step for a column; none where the column stays as it is and rejects no row.
pub fn step(treatment: &Treatment, plan: &mut Plan) -> Result<Option<Box<dyn Step>>> {
    if treatment.is_void() {
        return Ok(None);
    }
    if let Some(target) = &treatment.target {
        return parse_step(treatment, target, plan).map(Some);
    }
    if matches!(treatment.data_type, DataType::Utf8) {
        return text_step(treatment, plan).map(Some);
    }
    if treatment.default.is_some() {
        return fill_step(treatment, plan).map(Some);
    }
    Ok(Some(Box::new(RequireStep::new(treatment, plan)?)))
}

fn text_step(treatment: &Treatment, plan: &mut Plan) -> Result<Box<dyn Step>> {
    let default = default::<String>(treatment, &DataType::Utf8, 0)?;
    if treatment.edits.is_empty() && default.is_none() {
        return Ok(Box::new(RequireStep::new(treatment, plan)?));
    }
    Ok(Box::new(TextStep::new(treatment, default, plan)?))
}

fn parse_step(treatment: &Treatment, target: &Target, plan: &mut Plan) -> Result<Box<dyn Step>> {
    match &target.kind {
        TargetKind::Boolean => parse_step_of::<bool, _>(treatment, target, BooleanParser, plan),
        TargetKind::Int8 => parse_step_of::<i8, _>(treatment, target, IntegerParser, plan),
        TargetKind::Int16 => parse_step_of::<i16, _>(treatment, target, IntegerParser, plan),
        TargetKind::Int32 => parse_step_of::<i32, _>(treatment, target, IntegerParser, plan),
        TargetKind::Int64 => parse_step_of::<i64, _>(treatment, target, IntegerParser, plan),
        TargetKind::UInt8 => parse_step_of::<u8, _>(treatment, target, IntegerParser, plan),
        TargetKind::UInt16 => parse_step_of::<u16, _>(treatment, target, IntegerParser, plan),
        TargetKind::UInt32 => parse_step_of::<u32, _>(treatment, target, IntegerParser, plan),
        TargetKind::UInt64 => parse_step_of::<u64, _>(treatment, target, IntegerParser, plan),
        TargetKind::Float32 => parse_step_of::<f32, _>(treatment, target, FloatParser, plan),
        TargetKind::Float64 => parse_step_of::<f64, _>(treatment, target, FloatParser, plan),
        TargetKind::Utf8 => text_step(treatment, plan),
        TargetKind::Decimal { format, .. } => {
            parse_step_of::<Decimal, _>(treatment, target, format.clone(), plan)
        }
        TargetKind::Date(formats) => {
            parse_step_of::<Date, _>(treatment, target, formats.clone(), plan)
        }
        TargetKind::Timestamp(formats) => {
            parse_step_of::<Timestamp, _>(treatment, target, formats.clone(), plan)
        }
    }
}

fn parse_step_of<T: Cell + Fill, P: Parse<T> + 'static>(
    treatment: &Treatment,
    target: &Target,
    parser: P,
    plan: &mut Plan,
) -> Result<Box<dyn Step>> {
    let default = default::<T>(treatment, &target.arrow_type(), target.zone_seconds())?;
    Ok(Box::new(ParseStep::new(treatment, target, parser, default, plan)?))
}

fn fill_step(treatment: &Treatment, plan: &mut Plan) -> Result<Box<dyn Step>> {
    match &treatment.data_type {
        DataType::Boolean => fill_step_of::<bool>(treatment, plan),
        DataType::Int8 => fill_step_of::<i8>(treatment, plan),
        DataType::Int16 => fill_step_of::<i16>(treatment, plan),
        DataType::Int32 => fill_step_of::<i32>(treatment, plan),
        DataType::Int64 => fill_step_of::<i64>(treatment, plan),
        DataType::Uint8 => fill_step_of::<u8>(treatment, plan),
        DataType::Uint16 => fill_step_of::<u16>(treatment, plan),
        DataType::Uint32 => fill_step_of::<u32>(treatment, plan),
        DataType::Uint64 => fill_step_of::<u64>(treatment, plan),
        DataType::Float32 => fill_step_of::<f32>(treatment, plan),
        DataType::Float64 => fill_step_of::<f64>(treatment, plan),
        DataType::Date32 => fill_step_of::<Date>(treatment, plan),
        DataType::Timestamp(timestamp) if matches!(timestamp.unit, TimeUnit::Microsecond) => {
            fill_step_of::<Timestamp>(treatment, plan)
        }
        DataType::Decimal128(_) => fill_step_of::<Decimal>(treatment, plan),
        other => {
            let message = format!(
                "the column is {}, of which no nulls can be filled; use coalesce in an SQL step instead",
                type_name(other)
            );
            Err(Error::bad_config(pointer_to("defaults", &treatment.column), message))
        }
    }
}

fn fill_step_of<T: Cell + Fill>(treatment: &Treatment, plan: &mut Plan) -> Result<Box<dyn Step>> {
    let default = default::<T>(treatment, &treatment.data_type, 0)?
        .expect("columns without a default are not filled");
    Ok(Box::new(FillStep::new(treatment, default, plan)?))
}

/// The default of a column that is of `data_type` in the output.
fn default<T: Fill>(
    treatment: &Treatment,
    data_type: &DataType,
    zone_seconds: i32,
) -> Result<Option<T>> {
    let pointer = pointer_to("defaults", &treatment.column);
    checked(treatment.default.as_ref(), Filled { data_type, zone_seconds }, &pointer)
}
