//! `copy`: every column read and written anew.

use wasmill_plugin_sdk::prelude::*;

use crate::Work;
use crate::config::{By, ConformanceConfig};

struct Copy {
    columns: Vec<(ValueInput, ValueOutput)>,
    by: By,
    by_records: bool,
}

pub fn bind(config: &ConformanceConfig, plan: &mut Plan) -> Result<Box<dyn Work>> {
    let schema = plan.schema().clone();
    let mut columns = Vec::new();
    for column in schema.columns() {
        let input = plan.read_values(column.name())?;
        columns.push((input, plan.write_values(column.fields().to_vec())));
    }
    Ok(Box::new(Copy { columns, by: config.by, by_records: config.by_records() }))
}

impl Work for Copy {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        if self.by_records {
            return out.set_records(&batch.records::<serde_json::Value>()?);
        }
        for (input, output) in &self.columns {
            if self.by == By::Buffers {
                out.set_buffers(output, batch.buffers(input).to_vec());
                continue;
            }
            let mut builder = output.builder()?;
            for value in batch.values(input)?.iter() {
                builder.push_value(&value)?;
            }
            out.set_values(output, builder);
        }
        Ok(())
    }
}
