//! A transformer that asks a server for the price of each row's article, to test what becomes of requests and answers.
//!
//! Input: `article` (utf8). Output: it, and `price` (int64). A plugin that believes its server: an answer that is no number is a
//! panic. It can also lose its patience after some requests, which only shows on an instance that has worked before.

use wasmill_plugin_sdk::http::Connection;
use wasmill_plugin_sdk::prelude::*;

/// Whom to ask.
#[config]
struct PricingConfig {
    /// The connection to the server.
    connection: String,
    /// Sent with each request.
    token: String,
    /// How many requests one instance makes before it panics, at the end of a batch.
    patience: Option<usize>,
}

struct Pricing {
    connection: Connection,
    token: String,
    patience: usize,
    asked: usize,
    article: Input<str>,
    price: Output<i64>,
}

impl Transformer for Pricing {
    type Config = PricingConfig;

    fn bind(config: PricingConfig, plan: &mut Plan) -> Result<Self> {
        Ok(Self {
            connection: Connection::named(config.connection),
            token: config.token,
            patience: config.patience.unwrap_or(usize::MAX),
            asked: 0,
            article: plan.read("article")?,
            price: plan.write("price"),
        })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let articles = batch.column(self.article);
        let mut prices = NewColumn::<i64>::with_capacity(batch.rows());
        for row in 0..batch.rows() {
            let article = articles.get(row).unwrap_or("-");
            let request = self.connection.get(&format!("/prices/{article}"));
            let answer = request.header("x-token", &self.token).send()?.successful()?;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            prices.push(text.trim().parse().unwrap_or_else(|_| panic!("no price: {text}")));
        }
        self.asked += batch.rows();
        assert!(self.asked <= self.patience, "no patience after {} requests", self.asked);
        out.set(self.price, prices);
        Ok(())
    }
}

transformer!(Pricing);
