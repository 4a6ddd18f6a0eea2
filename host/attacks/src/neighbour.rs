//! The honest neighbour: an instance in the same sandbox that does its work while others attack.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use wasmill_sandbox::Environment;
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::contract::binding::TransformBinding;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::transformer::{OpenTransformer, Transformer};

/// How many rows a batch has.
pub const ROWS: usize = 64;

/// An honest transformer, with one instance that stays.
pub struct Neighbour {
    transformer: Transformer,
    binding: Arc<TransformBinding>,
    stays: OpenTransformer,
}

/// The values from 0, and a text for each.
pub fn batch() -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("value", DataType::Int64, false),
        Field::new("text", DataType::Utf8, false),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(0..ROWS as i64)),
        Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| format!("text {row}")))),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).expect("both columns have the same length")
}

impl Neighbour {
    /// Moves in. The limits are the default ones: what the attacks are held to is no business of the neighbour.
    pub async fn new(plugin: &Plugin) -> Result<Self, String> {
        let said = |fault: Fault| format!("the honest plugin does not work: {}", fault.explained());
        let transformer = Transformer::new(plugin, Environment::default())
            .map_err(|error| format!("the honest plugin cannot be linked: {error}"))?;
        let binding = transformer.bind(batch().schema()).await.map_err(said)?;
        let binding = Arc::new(binding);
        let stays = transformer.open(Arc::clone(&binding), 1).await.map_err(said)?;
        Ok(Self { transformer, binding, stays })
    }

    /// Does its work, on the instance that was there before, and on one that takes the slot of the attack.
    pub async fn work(&mut self) -> Result<(), String> {
        process(&mut self.stays).await?;
        let mut fresh = self
            .transformer
            .open(Arc::clone(&self.binding), 2)
            .await
            .map_err(|fault| format!("the attack keeps its slot: {fault}"))?;
        process(&mut fresh).await
    }
}

async fn process(open: &mut OpenTransformer) -> Result<(), String> {
    let processed = open
        .process(&batch(), 0)
        .await
        .map_err(|fault| format!("the neighbour cannot work any more: {}", fault.explained()))?;
    let doubles = processed.outputs.first().and_then(|output| {
        output.batch.column_by_name("double")?.as_primitive_opt::<Int64Type>().cloned()
    });
    let expected = (0..ROWS as i64).map(|value| 2 * value);
    match doubles {
        Some(doubles) if doubles.values().iter().copied().eq(expected) => Ok(()),
        _ => Err("the neighbour returned something wrong".to_owned()),
    }
}
