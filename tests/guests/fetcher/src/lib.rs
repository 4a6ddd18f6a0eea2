//! A transformer that asks over `wasi:http`, as a plugin does whose libraries know no other HTTP.
//!
//! Input: `order` (utf8), what to do. Output: it, and `answer` (utf8), what came of it.
//!
//! ```text
//!   POST http://shop/orders text   any method, with a body or without; the answer is status, headers and body
//!   HURRY http://shop/             a request that waits for 10 ms only
//!   TOGETHER http://shop/ 3        so many requests, to /0, /1, …, before the answer to the last one is read, and so on
//!   ENDLESS http://shop/           a request whose body does not end
//!   FLOOD http://shop/ 100000      so many requests whose answers nobody reads
//!   DROP http://shop/ 100000       a request, and so many behind it that are given up at once
//!   LEAVE http://shop/             a request whose answer is read by COME BACK, in another call
//! ```

mod request;

use wasip2::http::types::FutureIncomingResponse;
use wasmill_plugin_sdk::prelude::*;

use crate::request::{Answer, begin, begin_endless, begin_in_a_hurry, wait};

/// Nothing: what to do is in the rows.
#[config]
struct FetcherConfig {}

struct Fetcher {
    order: Input<str>,
    answer: Output<str>,
    left: Option<FutureIncomingResponse>,
}

impl Transformer for Fetcher {
    type Config = FetcherConfig;

    fn bind(_config: FetcherConfig, plan: &mut Plan) -> Result<Self> {
        let (order, answer) = (plan.read("order")?, plan.write("answer"));
        Ok(Self { order, answer, left: None })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let orders = batch.column(self.order);
        let mut answers = NewColumn::<str>::with_capacity(batch.rows());
        for row in 0..batch.rows() {
            let order = orders.get(row).unwrap_or_default();
            match self.obey(order) {
                Ok(answer) => answers.push(&answer),
                Err(code) => answers.push(&format!("{code:?}")),
            }
        }
        out.set(self.answer, answers);
        Ok(())
    }
}

impl Fetcher {
    fn obey(&mut self, order: &str) -> Answer<String> {
        let mut words = order.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (what, url, rest) = (word(), word(), word());
        let count = || rest.parse::<usize>().unwrap_or_default();
        match what {
            "TOGETHER" => {
                let begun: Vec<_> = (0..count())
                    .map(|number| begin("GET", &format!("{url}{number}"), ""))
                    .collect::<Answer<_>>()?;
                let answers = begun.iter().rev().map(wait);
                Ok(answers.collect::<Answer<Vec<String>>>()?.join(", "))
            }
            "HURRY" => wait(&begin_in_a_hurry(url)?),
            "ENDLESS" => wait(&begin_endless(url)?),
            "FLOOD" => {
                let begun = (0..count()).map(|_| begin("GET", url, ""));
                Ok(format!("{} under way", begun.collect::<Answer<Vec<_>>>()?.len()))
            }
            "DROP" => {
                let _first = begin("GET", url, "")?;
                for _ in 0..count() {
                    drop(begin("GET", url, "")?);
                }
                Ok("given up".to_owned())
            }
            "LEAVE" => {
                self.left = Some(begin("GET", url, "")?);
                Ok("left".to_owned())
            }
            "COME" => self.left.as_ref().map_or_else(|| Ok("nothing left".to_owned()), wait),
            method => wait(&begin(method, url, rest)?),
        }
    }
}

transformer!(Fetcher);
