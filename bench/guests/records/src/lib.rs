//! `records`: rows without an amount are dropped, rows with a bad e-mail address rejected; the others get a gross amount and
//! their names in capitals.

use wasmill_plugin_sdk::prelude::*;

/// There is nothing to configure.
#[config]
struct RecordsConfig {}

struct Records {
    name: Input<str>,
    amount: Input<f64>,
    email: Input<str>,
    gross: Output<f64>,
    upper: Output<str>,
}

impl Transformer for Records {
    type Config = RecordsConfig;

    fn bind(_config: RecordsConfig, plan: &mut Plan) -> Result<Self> {
        Ok(Self {
            name: plan.read("name")?,
            amount: plan.read("amount")?,
            email: plan.read("email")?,
            upper: plan.write("name"),
            gross: plan.write("gross"),
        })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let amounts = batch.column(self.amount);
        let is_wanted = |row| amounts.get(row).is_some_and(|amount| amount > 0.0);
        out.filter(is_wanted);
        for (row, email) in batch.column(self.email).iter().enumerate() {
            if is_wanted(row) && !email.is_some_and(is_address) {
                out.reject_column(row, "email", "bad-email", "this is no e-mail address");
            }
        }
        out.set(self.gross, amounts.map(|amount| amount * 1.2));
        let names = batch.column(self.name);
        out.set(self.upper, names.iter().map(|name| name.map(str::to_uppercase)).collect());
        Ok(())
    }
}

/// Exactly one `@`, something before it, and a domain with a dot inside.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let inside = domain.as_bytes().get(1..domain.len().saturating_sub(1)).unwrap_or_default();
    !local.is_empty() && !domain.contains('@') && inside.contains(&b'.')
}

transformer!(Records);
