use wasmill_plugin_sdk::prelude::*;

/// Adds the price with tax.
#[config]
struct GrossConfig {
    /// The column with the price before tax.
    net: String,
    /// The tax rate, such as 0.19.
    rate: f64,
}

struct Gross {
    rate: f64,
    net: Input<f64>,
    gross: Output<f64>,
}

impl Transformer for Gross {
    type Config = GrossConfig;

    fn bind(config: GrossConfig, plan: &mut Plan) -> Result<Self> {
        Ok(Self { rate: config.rate, net: plan.read(&config.net)?, gross: plan.write("gross") })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        out.set(self.gross, batch.column(self.net).map(|net| net * (1.0 + self.rate)));
        Ok(())
    }
}

transformer!(Gross);
