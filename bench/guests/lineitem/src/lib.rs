//! `pipeline`: what TPC-H's queries compute from a line of an order, as columns.

use wasmill_plugin_sdk::prelude::*;

/// There is nothing to configure.
#[config]
struct LineitemConfig {}

struct Lineitem {
    price: Input<f64>,
    discount: Input<f64>,
    tax: Input<f64>,
    shipped: Input<Date>,
    received: Input<Date>,
    revenue: Output<f64>,
    charge: Output<f64>,
    days: Output<i32>,
}

impl Transformer for Lineitem {
    type Config = LineitemConfig;

    fn bind(_config: LineitemConfig, plan: &mut Plan) -> Result<Self> {
        Ok(Self {
            price: plan.read("l_extendedprice")?,
            discount: plan.read("l_discount")?,
            tax: plan.read("l_tax")?,
            shipped: plan.read("l_shipdate")?,
            received: plan.read("l_receiptdate")?,
            revenue: plan.write("revenue"),
            charge: plan.write("charge"),
            days: plan.write("days"),
        })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let (price, discount) = (batch.column(self.price), batch.column(self.discount));
        let tax = batch.column(self.tax);
        let charge =
            |row| Some(price.get(row)? * (1.0 - discount.get(row)?) * (1.0 + tax.get(row)?));
        out.set(self.revenue, price.zip_map(&discount, |price, discount| price * (1.0 - discount)));
        out.set(self.charge, (0..batch.rows()).map(charge).collect());
        let (shipped, received) = (batch.column(self.shipped), batch.column(self.received));
        out.set(self.days, received.zip_map(&shipped, |received, shipped| received.0 - shipped.0));
        Ok(())
    }
}

transformer!(Lineitem);
