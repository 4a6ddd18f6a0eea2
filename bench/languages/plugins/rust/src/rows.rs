//! By rows.

use serde::{Deserialize, Serialize};
use wasmill_plugin_sdk::prelude::*;

pub enum Work {
    Wide,
    Strings,
    Records,
}

#[derive(Deserialize)]
struct Priced {
    a: i32,
    b: f64,
    d: f64,
}

#[derive(Serialize)]
struct Price {
    c: f64,
}

#[derive(Deserialize)]
struct Line {
    text: Option<String>,
}

#[derive(Serialize)]
struct Field {
    field: Option<String>,
}

#[derive(Deserialize)]
struct Customer {
    name: Option<String>,
    amount: Option<f64>,
    email: Option<String>,
}

#[derive(Serialize)]
struct Cleaned {
    name: Option<String>,
    gross: f64,
}

impl Work {
    pub fn bind(work: &crate::Work, plan: &mut Plan) -> Result<Self> {
        plan.as_records();
        Ok(match work {
            crate::Work::Wide => {
                plan.read::<i32>("a")?;
                plan.read::<f64>("b")?;
                plan.read::<f64>("d")?;
                plan.write::<f64>("c");
                Self::Wide
            }
            crate::Work::Strings => {
                plan.drop_all();
                plan.read::<str>("text")?;
                plan.write::<str>("field");
                Self::Strings
            }
            crate::Work::Records => {
                plan.read::<str>("name")?;
                plan.read::<f64>("amount")?;
                plan.read::<str>("email")?;
                plan.write::<str>("name");
                plan.write::<f64>("gross");
                Self::Records
            }
        })
    }

    pub fn process(&self, batch: &Batch, out: &mut Rows) -> Result<()> {
        match self {
            Self::Wide => {
                let rows = batch.records::<Priced>()?;
                out.filter(|row| (9_000..9_500).contains(&rows[row].a));
                let kept = rows.iter().filter(|row| (9_000..9_500).contains(&row.a));
                let made: Vec<_> = kept.map(|row| Price { c: row.b * (1.0 - row.d) }).collect();
                out.set_records(&made)
            }
            Self::Strings => {
                let lines = batch.records::<Line>()?;
                let field = |line: Line| line.text?.split('.').nth(1).map(str::to_owned);
                let made: Vec<_> =
                    lines.into_iter().map(|line| Field { field: field(line) }).collect();
                out.set_records(&made)
            }
            Self::Records => records(batch.records()?, out),
        }
    }
}

fn records(customers: Vec<Customer>, out: &mut Rows) -> Result<()> {
    let is_wanted = |row: usize| customers[row].amount.is_some_and(|amount| amount > 0.0);
    out.filter(is_wanted);
    let mut made = Vec::with_capacity(customers.len());
    for (row, customer) in customers.iter().enumerate().filter(|(row, _)| is_wanted(*row)) {
        if !customer.email.as_deref().is_some_and(crate::is_address) {
            out.reject_column(row, "email", "bad-email", "this is no e-mail address");
            continue;
        }
        made.push(Cleaned {
            name: customer.name.as_ref().map(|name| name.to_uppercase()),
            gross: customer.amount.unwrap_or_default() * 1.2,
        });
    }
    out.set_records(&made)
}
