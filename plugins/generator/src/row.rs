//! Rows: an order, and what is wrong with it.
//!
//! A duplicate repeats a row that is none itself, so that the order it repeats is in the data too. To
//! keep that row near, the first of every 500 rows is never a duplicate: the search for an original goes
//! back at most 500 rows at random, and then at most 499 more to a row that is none.

use wasmill_plugin_sdk::Result;

use crate::config::GeneratorConfig;
use crate::damage::{Damage, Damager, Labels};
use crate::order::{Order, Orders};
use crate::random::{Family, Probability, Purpose, Source};

/// Half of how far back an original may lie.
const BLOCK: u64 = 500;

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub order: Order,
    pub damage: Damage,
}

/// Makes rows.
pub struct RowMaker {
    pub orders: Orders,
    pub labels: Labels,
    source: Source,
    damager: Damager,
    duplicate: Probability,
}

impl RowMaker {
    pub fn new(config: &GeneratorConfig) -> Result<Self> {
        Ok(Self {
            orders: Orders::new(config)?,
            labels: Labels::new(),
            source: Source::new(config.seed, Family::Row),
            damager: Damager::new(&config.dirt),
            duplicate: Probability::new(config.dirt.duplicate),
        })
    }

    pub fn row(&self, number: u64) -> Row {
        if self.is_duplicate(number) {
            let original = self.original_before(number);
            let order = self.orders.order(original, self.source.subject(original));
            return Row { order, damage: Damage::duplicate() };
        }
        let words = self.source.subject(number);
        let order = self.orders.order(number, words);
        let can_be_garbled = self.orders.customers.is_beyond_ascii(&order.customer);
        Row { order, damage: self.damager.damage(words, can_be_garbled) }
    }

    fn is_duplicate(&self, number: u64) -> bool {
        !self.duplicate.is_impossible()
            && !number.is_multiple_of(BLOCK)
            && self.source.subject(number).word(Purpose::Duplicate).happens(self.duplicate)
    }

    /// The row that the duplicate `number` repeats.
    fn original_before(&self, number: u64) -> u64 {
        let word = self.source.subject(number).word(Purpose::Duplicate);
        // Row 0 is no duplicate, so there is at least one row before.
        let mut candidate = number - 1 - u64::from(word.low_below(number.min(BLOCK) as u32));
        while self.is_duplicate(candidate) {
            candidate -= 1;
        }
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;
    use serde_json::json;

    #[test]
    fn duplicates_repeat_an_original_that_is_near() {
        for share in [0.1, 0.9, 1.0] {
            let maker =
                RowMaker::new(&config(json!({"rows": 1, "dirt": {"duplicate": share}}))).unwrap();
            let mut duplicates = 0;
            for number in 0..5_000 {
                let row = maker.row(number);
                if row.damage != Damage::duplicate() {
                    assert_eq!(row.order.id, number as i64 + 1);
                    continue;
                }
                duplicates += 1;
                let original = row.order.id as u64 - 1;
                assert!(original < number && number - original <= 1_000);
                assert_eq!(maker.row(original), Row { damage: Damage::default(), ..row });
            }
            let expected = share * 5_000.0 * 499.0 / 500.0;
            assert!((f64::from(duplicates) - expected).abs() < 110.0, "{share}: {duplicates}");
        }
    }

    #[test]
    fn dirt_does_not_change_what_an_order_says() {
        let clean = RowMaker::new(&config(json!({"rows": 1, "seed": 9}))).unwrap();
        let dirty =
            json!({"null": 0.5, "bad_date": 0.5, "encoding": 0.5, "spaces": 0.5, "case": 0.5});
        let dirty = RowMaker::new(&config(json!({"rows": 1, "seed": 9, "dirt": dirty}))).unwrap();
        for number in 0..1_000 {
            assert_eq!(clean.row(number).order, dirty.row(number).order);
            assert_eq!(clean.row(number).damage, Damage::default());
        }
    }

    #[test]
    fn rows_far_out_are_rows_too() {
        let maker =
            RowMaker::new(&config(json!({"rows": i64::MAX, "dirt": {"duplicate": 0.5}}))).unwrap();
        assert!(maker.row(i64::MAX as u64 - 1).order.id > i64::MAX - 1_000);
    }
}
