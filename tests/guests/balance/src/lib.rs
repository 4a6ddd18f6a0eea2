//! A transformer that keeps the balance of each account, to test what becomes of plugins that gather from row to row.
//!
//! Input: `account` (utf8) and `amount` (int64). Output: both, and `balance`, the account's sum up to this row. Some amounts
//! are poison, each in its own way ([`poison`]).

mod poison;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use wasmill_plugin_sdk::prelude::*;

/// What an instance needs to see.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Sees {
    /// Any rows: balances begin anew with each batch.
    Rows,
    /// All rows of an account.
    Accounts,
    /// All rows.
    Everything,
}

/// How to keep balances.
#[config]
struct BalanceConfig {
    sees: Sees,
    /// Leaves out rows at random.
    #[serde(default)]
    moody: bool,
}

struct Balance {
    sees: Sees,
    moody: bool,
    account: Input<str>,
    amount: Input<i64>,
    balance: Output<i64>,
    balances: HashMap<String, i64>,
}

impl Transformer for Balance {
    type Config = BalanceConfig;

    fn bind(config: BalanceConfig, plan: &mut Plan) -> Result<Self> {
        match config.sees {
            Sees::Rows => {}
            Sees::Accounts => plan.keyed_by(&["account".to_owned()])?,
            Sees::Everything => plan.single_instance(),
        }
        Ok(Self {
            sees: config.sees,
            moody: config.moody,
            account: plan.read("account")?,
            amount: plan.read("amount")?,
            balance: plan.write("balance"),
            balances: HashMap::new(),
        })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        if self.sees == Sees::Rows {
            self.balances.clear();
        }
        let (accounts, amounts) = (batch.column(self.account), batch.column(self.amount));
        let mut balances = NewColumn::<i64>::with_capacity(batch.rows());
        for row in 0..batch.rows() {
            let amount = amounts.get(row).unwrap_or(0);
            poison::taste(amount)?;
            let balance =
                self.balances.entry(accounts.get(row).unwrap_or("-").to_owned()).or_default();
            *balance += amount;
            balances.push(*balance);
        }
        out.set(self.balance, balances);
        if self.moody {
            let mood = RandomState::new();
            out.filter(|row| mood.hash_one(row) % 2 == 0);
        }
        Ok(())
    }
}

transformer!(Balance);
