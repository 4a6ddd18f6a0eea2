//! By columns.

use wasmill_plugin_sdk::prelude::*;

pub enum Work {
    Wide {
        a: Input<i32>,
        b: Input<f64>,
        d: Input<f64>,
        c: Output<f64>,
    },
    Strings {
        text: Input<str>,
        field: Output<str>,
    },
    Records {
        name: Input<str>,
        amount: Input<f64>,
        email: Input<str>,
        upper: Output<str>,
        gross: Output<f64>,
    },
}

impl Work {
    pub fn bind(work: &crate::Work, plan: &mut Plan) -> Result<Self> {
        Ok(match work {
            crate::Work::Wide => Self::Wide {
                a: plan.read("a")?,
                b: plan.read("b")?,
                d: plan.read("d")?,
                c: plan.write("c"),
            },
            crate::Work::Strings => {
                plan.drop_all();
                Self::Strings { text: plan.read("text")?, field: plan.write("field") }
            }
            crate::Work::Records => Self::Records {
                name: plan.read("name")?,
                amount: plan.read("amount")?,
                email: plan.read("email")?,
                upper: plan.write("name"),
                gross: plan.write("gross"),
            },
        })
    }

    pub fn process(&self, batch: &Batch, out: &mut Rows) -> Result<()> {
        match *self {
            Self::Wide { a, b, d, c } => {
                let a = batch.column(a);
                let a = a.values();
                out.filter(|row| (9_000..9_500).contains(&a[row]));
                out.set(c, batch.column(b).zip_map(&batch.column(d), |b, d| b * (1.0 - d)));
            }
            Self::Strings { text, field } => {
                let texts = batch.column(text);
                out.set(field, texts.iter().map(|text| text::field(text?, '.', 1)).collect());
            }
            Self::Records { name, amount, email, upper, gross } => {
                let amounts = batch.column(amount);
                let is_wanted = |row| amounts.get(row).is_some_and(|amount| amount > 0.0);
                out.filter(is_wanted);
                for (row, email) in batch.column(email).iter().enumerate() {
                    if is_wanted(row) && !email.is_some_and(crate::is_address) {
                        out.reject_column(row, "email", "bad-email", "this is no e-mail address");
                    }
                }
                out.set(gross, amounts.map(|amount| amount * 1.2));
                let names = batch.column(name);
                out.set(upper, names.iter().map(|name| name.map(str::to_uppercase)).collect());
            }
        }
        Ok(())
    }
}
