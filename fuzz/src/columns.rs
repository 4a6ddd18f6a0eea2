//! Whatever a plugin returns as columns, selections, findings, receipts and schemas.
//!
//! Promises: an error or a checked value, never a panic. Rows that are accepted are valid Arrow of the declared schema, no more
//! than the limit, and each input row went exactly one way. No small answer makes the host allocate much: libFuzzer limits
//! memory.

use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{FieldRef, Schema};
use wasmill_contract::binding::TransformBinding;
use wasmill_contract::bindings::{extract, load, transform, types, validate};
use wasmill_contract::extracted::{ExtractBinding, ExtractSplit, Extracted};
use wasmill_contract::lift::lift_columns;
use wasmill_contract::processed::{Output, OutputLimits, Processed};
use wasmill_contract::receipt::{Receipt, rows_without_finding};
use wasmill_contract::schema::from_wit;
use wasmill_contract::verdict::{Conclusion, Verdict};

use crate::generate;
use crate::oracle::check_batch;

const LIMITS: OutputLimits = OutputLimits { rows: 1_000, copied_bytes: 1 << 20 };

pub fn run(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    // Bytes that have run out are no finding.
    let _ = answer(&mut u);
}

fn answer(u: &mut Unstructured<'_>) -> Result<()> {
    match u.int_in_range(0..=5)? {
        0 | 1 => transformer(u),
        2 => transformer_at_end(u),
        3 => extractor(u),
        4 => validator(u),
        _ => receipts_and_splits(u),
    }
}

/// A batch of columns that were lifted, as the input of a step.
fn input(u: &mut Unstructured<'_>) -> Result<Option<RecordBatch>> {
    let Ok(fields) = from_wit(generate::schema(u)?) else { return Ok(None) };
    let rows = u.int_in_range(0..=20)?;
    let nodes = generate::columns(u, &fields, rows)?;
    let Ok(columns) = lift_columns(&fields, nodes, rows) else { return Ok(None) };
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new_with_options(schema, columns, &options);
    let batch = batch.expect("columns of these fields");
    check_batch(&batch, batch.schema_ref(), rows);
    Ok(Some(batch))
}

fn binding(u: &mut Unstructured<'_>, input: &RecordBatch) -> Result<Option<TransformBinding>> {
    let columns = input.num_columns() as u32;
    let position = |u: &mut Unstructured<'_>| {
        if generate::odd(u)? { u.arbitrary() } else { u.int_in_range(0..=columns.max(1) - 1) }
    };
    let mut output = Vec::new();
    for column in 0..u.int_in_range(0..=4)? {
        output.push(if u.arbitrary()? {
            let name = if generate::odd(u)? { u.arbitrary()? } else { format!("output{column}") };
            transform::OutputColumn::Keep(transform::KeptColumn { input: position(u)?, name })
        } else {
            let mut fields = Vec::new();
            generate::push_field(u, format!("output{column}"), 0, &mut fields)?;
            transform::OutputColumn::New(fields)
        });
    }
    let scope = match u.int_in_range(0..=2)? {
        0 => transform::Scope::Rows,
        1 => transform::Scope::Single,
        _ => transform::Scope::Keyed(vec![position(u)?]),
    };
    let binding = transform::Binding {
        reads: vec![position(u)?],
        encoding: types::Encoding::Columns,
        output,
        scope,
    };
    Ok(TransformBinding::new(binding, input.schema()).ok())
}

fn outputs(
    u: &mut Unstructured<'_>,
    binding: &TransformBinding,
    rows: usize,
) -> Result<Vec<transform::Output>> {
    let mut outputs = Vec::new();
    for _ in 0..u.int_in_range(0..=3)? {
        let selection = generate::selection(u, rows)?;
        let selected = match &selection {
            transform::Selection::All => rows,
            transform::Selection::Bitmap(bytes) => {
                let is_set =
                    |row: &usize| bytes.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1);
                (0..rows).filter(is_set).count()
            }
            transform::Selection::Indices(indices) => indices.len(),
            transform::Selection::Detached(rows) => *rows as usize,
        };
        let mut columns = Vec::new();
        for field in &binding.new_fields {
            let field = std::slice::from_ref(field);
            columns.push(match u.int_in_range(0..=4)? {
                0 => transform::NewColumn::Keep(u.int_in_range(0..=4)?),
                1 | 2 => transform::NewColumn::PerInputRow(generate::columns(u, field, rows)?),
                _ => transform::NewColumn::PerOutputRow(generate::columns(u, field, selected)?),
            });
        }
        outputs.push(transform::Output {
            rows: selection,
            values: transform::NewValues::Columns(columns),
        });
    }
    Ok(outputs)
}

fn transformer(u: &mut Unstructured<'_>) -> Result<()> {
    let Some(input) = input(u)? else { return Ok(()) };
    let Some(binding) = binding(u, &input)? else { return Ok(()) };
    let rows = input.num_rows();
    let answer = transform::Processed {
        outputs: outputs(u, &binding, rows)?,
        bad_rows: generate::findings(u, rows)?,
    };
    let Ok(processed) = Processed::new(&binding, &input, answer, LIMITS) else { return Ok(()) };
    let output_rows = check_outputs(&processed.outputs, &binding);
    let tally = processed.tally;
    assert_eq!(tally.selected + tally.bad + tally.dropped, rows, "{tally:?}");
    assert_eq!(tally.selected + tally.added, output_rows, "{tally:?}");
    let mut ways = vec![[false; 2]; rows];
    for finding in &processed.bad_rows {
        finding.rows.iter().for_each(|&row| ways[row as usize][0] = true);
    }
    for output in &processed.outputs {
        output.rows.for_each_input_row(|row| ways[row][1] = true);
    }
    assert!(!ways.contains(&[true; 2]), "a row is bad and selected");
    assert_eq!(ways.iter().filter(|way| way[0]).count(), tally.bad);
    assert_eq!(ways.iter().filter(|way| way[1]).count(), tally.selected);
    Ok(())
}

fn transformer_at_end(u: &mut Unstructured<'_>) -> Result<()> {
    let Some(input) = input(u)? else { return Ok(()) };
    let Some(binding) = binding(u, &input)? else { return Ok(()) };
    let outputs = outputs(u, &binding, 0)?;
    let Ok(processed) = Processed::from_finish(&binding, outputs, LIMITS.rows) else {
        return Ok(());
    };
    assert_eq!(check_outputs(&processed.outputs, &binding), processed.tally.added);
    Ok(())
}

/// How many rows there are in all.
fn check_outputs(outputs: &[Output], binding: &TransformBinding) -> usize {
    for output in outputs {
        check_batch(&output.batch, &binding.output_schema, output.rows.len());
    }
    let rows = outputs.iter().map(|output| output.rows.len()).sum();
    assert!(rows <= LIMITS.rows, "{rows} rows");
    rows
}

fn extractor(u: &mut Unstructured<'_>) -> Result<()> {
    let binding = extract::Binding {
        output: types::Schema { fields: generate::schema(u)? },
        encoding: types::Encoding::Columns,
    };
    let Ok(binding) = ExtractBinding::new(binding) else { return Ok(()) };
    let rows: u32 = if generate::odd(u)? { u.arbitrary()? } else { u.int_in_range(0..=20)? };
    let fields: &[FieldRef] = binding.schema.fields();
    let nodes = generate::columns(u, fields, rows.min(20) as usize)?;
    let bad_record = |u: &mut Unstructured<'_>| -> Result<extract::BadRecord> {
        Ok(extract::BadRecord {
            position: u.arbitrary()?,
            raw: u.arbitrary()?,
            rule: u.arbitrary()?,
            message: u.arbitrary()?,
        })
    };
    let answer = extract::Extracted {
        rows,
        values: types::Payload::Columns(nodes),
        bad_records: if u.arbitrary()? { vec![bad_record(u)?] } else { Vec::new() },
    };
    if let Ok(extracted) = Extracted::new(&binding, answer, LIMITS.rows as u32) {
        assert!(rows as usize <= LIMITS.rows);
        check_batch(&extracted.batch, &binding.schema, rows as usize);
    }
    Ok(())
}

fn validator(u: &mut Unstructured<'_>) -> Result<()> {
    let rows = u.int_in_range(0..=40)?;
    let findings = generate::findings(u, rows)?;
    let mut violations = Vec::new();
    for finding in findings {
        let severity = *u.choose(&[validate::Severity::Warn, validate::Severity::Reject])?;
        violations.push(validate::Violation { severity, finding });
    }
    let given = violations.len();
    let verdict = validate::Verdict { violations, partial: Vec::new() };
    if let Ok(verdict) = Verdict::new(verdict, rows) {
        assert_eq!(verdict.rejected.len() + verdict.warned.len(), given);
        let named =
            verdict.rejected.iter().chain(&verdict.warned).flat_map(|finding| &finding.rows);
        assert!(named.into_iter().all(|&row| (row as usize) < rows));
        assert!(rows_without_finding(&verdict.rejected, rows) <= rows);
    }
    let rule = validate::RuleResult {
        rule: u.arbitrary()?,
        column: u.arbitrary()?,
        outcome: validate::Outcome::Warn,
        message: u.arbitrary()?,
        checked: u.arbitrary()?,
        violated: u.arbitrary()?,
    };
    let conclusion =
        Conclusion::new(validate::Conclusion { rules: vec![rule], metrics: Vec::new() });
    let printable =
        |text: &str| !text.chars().any(|char| char.is_control() && !"\n\t".contains(char));
    assert!(printable(&conclusion.rules[0].message) && printable(&conclusion.rules[0].rule));
    Ok(())
}

fn receipts_and_splits(u: &mut Unstructured<'_>) -> Result<()> {
    let staged = u.int_in_range(0..=3)?;
    let receipt = load::Receipt { rows: u.int_in_range(0..=3)?, reference: u.arbitrary()? };
    if let Ok(receipt) = Receipt::new(receipt, staged) {
        assert_eq!(receipt.rows, staged);
    }
    let mut splits = Vec::new();
    for _ in 0..u.int_in_range(0..=8)? {
        splits.push(extract::Split {
            id: u.arbitrary()?,
            descriptor: u.arbitrary()?,
            rows: u.arbitrary()?,
            bytes: u.arbitrary()?,
        });
    }
    if let Ok(splits) = ExtractSplit::all(splits) {
        let mut ids: Vec<&str> = splits.iter().map(|split| split.id.as_str()).collect();
        ids.sort_unstable();
        assert!(ids.is_sorted_by(|left, right| left < right), "two splits share an id");
    }
    Ok(())
}
