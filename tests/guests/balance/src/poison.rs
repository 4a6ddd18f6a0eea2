//! Amounts that make the plugin fail, each in another way.

use std::hint::black_box;

use wasmill_plugin_sdk::prelude::*;

/// Fails on the amounts that are poison.
pub fn taste(amount: i64) -> Result<()> {
    match amount {
        -1 => panic!("the amount is poison"),
        -2 => spin(),
        -3 => drop(black_box(gather())),
        -4 => return Err(Error::fatal("the amount is more than the plugin can bear")),
        _ => {}
    }
    Ok(())
}

/// Uses up the fuel.
fn spin() {
    let mut turns = 0_u64;
    while black_box(turns) < u64::MAX {
        turns += 1;
    }
}

/// Uses up the memory.
fn gather() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while black_box(all.len()) < 1 << 20 {
        all.push(vec![1; 1 << 20]);
    }
    all
}
