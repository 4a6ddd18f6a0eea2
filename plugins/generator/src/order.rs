//! Orders: what a row says when nothing is wrong with it.

use wasmill_plugin_sdk::Result;

use crate::calendar::Moment;
use crate::config::GeneratorConfig;
use crate::customer::{Customer, Customers};
use crate::random::{Family, Purpose, Source, Words};

/// Lower case first, then upper.
const CHANNELS: [(&str, &str); 4] =
    [("web", "WEB"), ("shop", "SHOP"), ("app", "APP"), ("marketplace", "MARKETPLACE")];
const MAX_QUANTITY: u32 = 9;
/// Prices in hundredths: from 0.99 to 499.99.
const LOWEST_PRICE: u32 = 99;
const HIGHEST_PRICE: u32 = 49_999;

/// One order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// From 1.
    pub id: i64,
    pub customer: Customer,
    /// From 1.
    pub product: u32,
    pub quantity: u32,
    /// In hundredths. Each product has one price.
    pub unit_price: u32,
    pub ordered_at: Moment,
    channel: usize,
}

impl Order {
    pub fn channel(&self) -> &'static str {
        CHANNELS[self.channel].0
    }

    pub fn channel_in_upper_case(&self) -> &'static str {
        CHANNELS[self.channel].1
    }
}

/// Makes orders.
pub struct Orders {
    pub customers: Customers,
    products: Source,
    customer_count: u32,
    product_count: u32,
    first_day: i32,
    day_count: u32,
}

impl Orders {
    pub fn new(config: &GeneratorConfig) -> Result<Self> {
        let (first_day, day_count) = config.days()?;
        Ok(Self {
            customers: Customers::new(config.seed),
            products: Source::new(config.seed, Family::Product),
            customer_count: config.customers,
            product_count: config.products,
            first_day,
            day_count,
        })
    }

    /// The order of the row `number`, whose random words are `words`.
    pub fn order(&self, number: u64, words: Words) -> Order {
        let product = words.word(Purpose::Product).below(self.product_count);
        let price = self.products.subject(u64::from(product)).word(Purpose::Price);
        let moment = words.word(Purpose::Moment);
        Order {
            // The configuration allows no row beyond.
            id: number as i64 + 1,
            customer: self
                .customers
                .customer(words.word(Purpose::Customer).below(self.customer_count)),
            product: product + 1,
            quantity: 1 + words.word(Purpose::Quantity).below(MAX_QUANTITY),
            unit_price: LOWEST_PRICE + price.below(HIGHEST_PRICE - LOWEST_PRICE + 1),
            ordered_at: Moment {
                day: self.first_day + moment.below(self.day_count) as i32,
                second: moment.low_below(86_400),
            },
            channel: words.word(Purpose::Channel).below(CHANNELS.len() as u32) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;
    use serde_json::json;

    #[test]
    fn orders_stay_within_what_was_asked_for() {
        let config = config(json!({
            "rows": 1000, "customers": 3, "products": 2, "from": "2024-02-28", "to": "2024-03-01",
        }));
        let orders = Orders::new(&config).unwrap();
        let words = Source::new(config.seed, Family::Row);
        let mut days = std::collections::BTreeSet::new();
        let mut prices = std::collections::BTreeSet::new();
        for number in 0..config.rows {
            let order = orders.order(number, words.subject(number));
            assert_eq!(order.id, number as i64 + 1);
            assert!(order.customer.number < 3);
            assert!((1..=2).contains(&order.product));
            assert!((1..=9).contains(&order.quantity));
            assert!((99..=49_999).contains(&order.unit_price));
            days.insert(order.ordered_at.text()[..10].to_vec());
            prices.insert((order.product, order.unit_price));
        }
        let expected = [&b"2024-02-28"[..], b"2024-02-29", b"2024-03-01"];
        assert!(days.iter().eq(expected.iter()));
        assert_eq!(prices.len(), 2);
    }
}
