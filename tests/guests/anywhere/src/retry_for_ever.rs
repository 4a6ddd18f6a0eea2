//! Asks to be called again, in some hundred million years.

use wasmill_plugin_sdk::bindings::types::{Failure, Retry};

use crate::Order;

pub fn strike(_order: &Order) -> Result<(), Failure> {
    Err(Failure::Retryable(Retry { message: "later".to_owned(), after_ms: Some(u64::MAX) }))
}
