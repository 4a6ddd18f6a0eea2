//! The kernels as one Wasmill plugin; its configuration says which.

use wasmill_plugin_sdk::prelude::*;

/// Which kernel to run.
#[config]
struct KernelConfig {
    /// `gcd`, `add_one`, `add_two`, `strings` or `wide`.
    kernel: String,
    /// The column that `add_one` and `add_two` read.
    #[serde(default = "value")]
    column: String,
}

fn value() -> String {
    "value".to_owned()
}

enum Kernel {
    Gcd { a: Input<i32>, b: Input<i32>, gcd: Output<i32> },
    AddOne { value: Input<i64>, one_more: Output<i64> },
    AddTwo { value: Input<i64>, one_more: Output<i64> },
    Strings { text: Input<str>, field: Output<str> },
    Wide { a: Input<i32>, b: Input<f64>, d: Input<f64>, c: Output<f64> },
}

impl Transformer for Kernel {
    type Config = KernelConfig;

    fn bind(config: KernelConfig, plan: &mut Plan) -> Result<Self> {
        if config.kernel == "wide" {
            let (a, b, d) = (plan.read("a")?, plan.read("b")?, plan.read("d")?);
            return Ok(Self::Wide { a, b, d, c: plan.write("c") });
        }
        plan.drop_all();
        Ok(match config.kernel.as_str() {
            "gcd" => Self::Gcd { a: plan.read("a")?, b: plan.read("b")?, gcd: plan.write("gcd") },
            "add_one" => {
                Self::AddOne { value: plan.read(&config.column)?, one_more: plan.write("one_more") }
            }
            "add_two" => {
                Self::AddTwo { value: plan.read(&config.column)?, one_more: plan.write("one_more") }
            }
            "strings" => Self::Strings { text: plan.read("text")?, field: plan.write("field") },
            _ => return Err(Error::bad_config("/kernel", "there is no such kernel")),
        })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        match *self {
            Self::Gcd { a, b, gcd } => {
                let column = batch.column(a).zip_map(&batch.column(b), greatest_common_divisor);
                out.set(gcd, column);
            }
            Self::AddOne { value, one_more } => {
                out.set(one_more, batch.column(value).map(|value| value.wrapping_add(1)));
            }
            Self::AddTwo { value, one_more } => {
                out.set(one_more, batch.column(value).map(|value| value.wrapping_add(2)));
            }
            Self::Strings { text, field } => {
                let texts = batch.column(text);
                out.set(field, texts.iter().map(|text| text::field(text?, '.', 1)).collect());
            }
            Self::Wide { a, b, d, c } => {
                let a = batch.column(a);
                let a = a.values();
                out.filter(|row| (9_000..9_500).contains(&a[row]));
                out.set(c, batch.column(b).zip_map(&batch.column(d), |b, d| b * (1.0 - d)));
            }
        }
        Ok(())
    }
}

fn greatest_common_divisor(mut a: i32, mut b: i32) -> i32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

transformer!(Kernel);
