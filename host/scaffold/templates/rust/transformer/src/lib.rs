//! Adds the price with tax.

use wasmill_plugin_sdk::prelude::*;

/// Adds the gross price, and rejects negative prices.
// The host refuses what does not fit; doc comments become descriptions in the JSON Schema that `wasmill inspect` shows.
#[config]
struct GrossConfig {
    /// The column with the price before tax.
    #[serde(default = "net")]
    net: String,
    /// The tax rate, such as 0.19.
    #[schemars(range(min = 0))]
    rate: f64,
}

fn net() -> String {
    "net".to_owned()
}

struct Gross {
    config: GrossConfig,
    net: Input<f64>,
    gross: Output<f64>,
}

impl Transformer for Gross {
    type Config = GrossConfig;

    // Called to check a pipeline, and again for each instance: it must have no effects. All columns of the input are kept; only
    // those that are read enter the sandbox.
    fn bind(config: GrossConfig, plan: &mut Plan) -> Result<Self> {
        let net = plan.read(&config.net)?;
        let gross = plan.write("gross");
        Ok(Self { config, net, gross })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let net = batch.column(self.net);
        // `map` keeps the nulls, and leaves the loop to vector instructions.
        out.set(self.gross, net.map(|net| net * (1.0 + self.config.rate)));

        let mut negative = 0;
        for (row, price) in net.iter().enumerate() {
            if price.is_some_and(|price| price < 0.0) {
                // A bad row is no error: it goes to the quarantine, and the others go on.
                out.reject_column(
                    row,
                    &self.config.net,
                    "negative-price",
                    "the price is below 0",
                );
                negative += 1;
            }
        }
        if negative > 0 {
            log::info!("{negative} of {} prices are negative", batch.rows());
        }
        Ok(())
    }
}

transformer!(Gross);
