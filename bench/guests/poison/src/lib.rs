//! A plugin that is poisoned by some of its rows. It knows nothing of that: it has no code to find such rows, nor to
//! go on after one. The same function is in the guests of the peers.

use std::hint::black_box;

use wasmill_plugin_sdk::prelude::*;

/// There is nothing to configure.
#[config]
struct PoisonConfig {}

struct Doubler {
    id: Input<i64>,
    poison: Input<i32>,
    double: Output<i64>,
}

impl Transformer for Doubler {
    type Config = PoisonConfig;

    fn bind(_config: PoisonConfig, plan: &mut Plan) -> Result<Self> {
        let (id, poison) = (plan.read("id")?, plan.read("poison")?);
        Ok(Self { id, poison, double: plan.write("double") })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        out.set(self.double, batch.column(self.id).zip_map(&batch.column(self.poison), double));
        Ok(())
    }
}

fn double(id: i64, poison: i32) -> i64 {
    match poison {
        1 => panic!("row {id} is poison"),
        2 => loop {
            black_box(id);
        },
        3 => take_memory_without_end(),
        _ => {}
    }
    2 * id
}

fn take_memory_without_end() {
    let mut taken = Vec::new();
    loop {
        taken.push(vec![1_u8; 1 << 20]);
        black_box(&taken);
    }
}

transformer!(Doubler);
