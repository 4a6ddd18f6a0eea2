//! The configuration as operators write it, and its check.

use wasmill_plugin_sdk::config;
use wasmill_plugin_sdk::prelude::*;

use crate::calendar::parse_iso_date;
use crate::customer::share_beyond_ascii;

/// The host takes no more splits from an extractor.
const MAX_SPLITS: u32 = 100_000;

/// How many orders to make, and how dirty.
#[config]
pub struct GeneratorConfig {
    /// How many rows to make.
    pub rows: u64,
    /// Into how many splits to divide them, at least 1; 8 by default. The rows do not depend on it.
    #[serde(default = "default_splits")]
    #[schemars(range(min = 1, max = 100_000))]
    pub splits: u32,
    /// Where the randomness starts; 0 by default. The same seed gives the same rows.
    #[serde(default)]
    pub seed: u64,
    /// How many customers there are, at least 1; 10,000 by default.
    #[serde(default = "default_customers")]
    #[schemars(range(min = 1))]
    pub customers: u32,
    /// How many products there are, at least 1; 500 by default.
    #[serde(default = "default_products")]
    #[schemars(range(min = 1))]
    pub products: u32,
    /// The first day of the orders, such as 2025-01-01, which is the default.
    #[serde(default = "default_from")]
    pub from: String,
    /// The last day of the orders, such as 2025-12-31, which is the default.
    #[serde(default = "default_to")]
    pub to: String,
    /// Which share of the rows gets which dirt, such as `{ null = 0.01, bad_date = 0.005 }`; none by default.
    #[serde(default)]
    pub dirt: DirtConfig,
    /// Whether quantity, unit_price and ordered_at are an int64, a decimal128(10, 2) and a
    /// timestamp(microsecond, UTC); by default they are text, as in an export.
    #[serde(default)]
    pub typed: bool,
}

/// Shares of the rows, 0 to 1, each 0 by default. But for duplicates, which have no other dirt, a row is hit
/// by each kind on its own.
#[config]
#[derive(Default)]
#[serde(default)]
pub struct DirtConfig {
    /// Rows in which one of customer_id, product_id, quantity and unit_price is null.
    #[schemars(range(min = 0, max = 1))]
    pub null: f64,
    /// Rows whose ordered_at is no date, such as `31/02/2025` or `soon`; a null where `typed` is true.
    #[schemars(range(min = 0, max = 1))]
    pub bad_date: f64,
    /// Rows that repeat the clean content of one of the 1000 rows before, order_id included.
    #[schemars(range(min = 0, max = 1))]
    pub duplicate: f64,
    /// Rows whose name was read in the wrong encoding, as in `JosÃ©`. Only names with letters beyond ASCII
    /// can be hit, which three quarters of the names have.
    #[schemars(range(min = 0, max = 0.75))]
    pub encoding: f64,
    /// Rows in which one of name, email and channel has white space around it.
    #[schemars(range(min = 0, max = 1))]
    pub spaces: f64,
    /// Rows in which one of email, country and channel is in the wrong case.
    #[schemars(range(min = 0, max = 1))]
    pub case: f64,
}

fn default_splits() -> u32 {
    8
}

fn default_customers() -> u32 {
    10_000
}

fn default_products() -> u32 {
    500
}

fn default_from() -> String {
    "2025-01-01".to_owned()
}

fn default_to() -> String {
    "2025-12-31".to_owned()
}

impl GeneratorConfig {
    /// # Errors
    ///
    /// [`Error::BadConfig`] at the first value that cannot work, the days excepted: see [`Self::days`].
    pub fn check(&self) -> Result<()> {
        if i64::try_from(self.rows).is_err() {
            let message = format!("is {}; order_id is an int64, so give less than 2^63", self.rows);
            return Err(Error::bad_config("/rows", message));
        }
        for (pointer, number) in
            [("/splits", self.splits), ("/customers", self.customers), ("/products", self.products)]
        {
            if number == 0 {
                return Err(Error::bad_config(pointer, "is 0; give at least 1"));
            }
        }
        if self.splits > MAX_SPLITS {
            let message = format!("is {}; give at most {MAX_SPLITS}", self.splits);
            return Err(Error::bad_config("/splits", message));
        }
        self.dirt.check()
    }

    /// The first day of the orders in days since 1970-01-01, and how many days there are.
    ///
    /// # Errors
    ///
    /// [`Error::BadConfig`] at `/from` or `/to`.
    pub fn days(&self) -> Result<(i32, u32)> {
        let day = |pointer, text: &str| {
            parse_iso_date(text).ok_or_else(|| {
                let message = format!("is {text:?}; give a date such as 2025-12-31");
                Error::bad_config(pointer, message)
            })
        };
        let first = day("/from", &self.from)?;
        let last = day("/to", &self.to)?;
        if last < first {
            let message = format!("is {}, before {}, which is `from`", self.to, self.from);
            return Err(Error::bad_config("/to", message));
        }
        Ok((first, last.abs_diff(first) + 1))
    }
}

impl DirtConfig {
    fn check(&self) -> Result<()> {
        for (name, share) in [
            ("null", self.null),
            ("bad_date", self.bad_date),
            ("duplicate", self.duplicate),
            ("encoding", self.encoding),
            ("spaces", self.spaces),
            ("case", self.case),
        ] {
            if !(0.0..=1.0).contains(&share) {
                let message = format!("is {share}; give a share from 0 to 1");
                return Err(Error::bad_config(format!("/dirt/{name}"), message));
            }
        }
        let possible = share_beyond_ascii();
        if self.encoding > possible {
            let message = format!(
                "is {}; only names with letters beyond ASCII can be hit, so give at most {possible}",
                self.encoding
            );
            return Err(Error::bad_config("/dirt/encoding", message));
        }
        Ok(())
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::{Value, json};

    pub fn config(text: Value) -> GeneratorConfig {
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn rows_are_enough() {
        let config = config(json!({"rows": 10}));
        config.check().unwrap();
        assert_eq!((config.splits, config.customers, config.products), (8, 10_000, 500));
        // 2025-01-01 is 20,089 days after 1970-01-01.
        assert_eq!(config.days(), Ok((20_089, 365)));
        assert!(!config.typed);
    }

    #[test]
    fn what_cannot_work_is_refused_at_its_place() {
        for (text, expected) in [
            (json!({"rows": u64::MAX}), "/rows"),
            (json!({"rows": 1, "splits": 0}), "/splits"),
            (json!({"rows": 1, "splits": 100_001}), "/splits"),
            (json!({"rows": 1, "customers": 0}), "/customers"),
            (json!({"rows": 1, "products": 0}), "/products"),
            (json!({"rows": 1, "from": "01/02/2025"}), "/from"),
            (json!({"rows": 1, "from": "2025-02-30"}), "/from"),
            (json!({"rows": 1, "to": "2024-12-31"}), "/to"),
            (json!({"rows": 1, "dirt": {"null": 1.5}}), "/dirt/null"),
            (json!({"rows": 1, "dirt": {"case": -0.1}}), "/dirt/case"),
            (json!({"rows": 1, "dirt": {"encoding": 0.8}}), "/dirt/encoding"),
        ] {
            let config = config(text.clone());
            match config.check().and_then(|()| config.days()) {
                Err(Error::BadConfig { pointer, .. }) => assert_eq!(pointer, expected, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        for text in [json!({"rows": 1, "row": 2}), json!({"rows": 1, "dirt": {"nulls": 0.5}})] {
            assert!(serde_json::from_value::<GeneratorConfig>(text).is_err());
        }
    }
}
