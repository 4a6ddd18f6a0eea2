//! The work of the benchmarks that compare languages: `wide`, `strings` and `records`, by columns and by rows.

mod columns;
mod rows;

use wasmill_plugin_sdk::prelude::*;

/// What to do, and how.
#[config]
struct SpeedConfig {
    work: Work,
    #[serde(default)]
    way: Way,
}

/// What to do.
#[config]
#[serde(rename_all = "lowercase")]
enum Work {
    Wide,
    Strings,
    Records,
}

/// How to do it.
#[config]
#[derive(Default)]
#[serde(rename_all = "lowercase")]
enum Way {
    #[default]
    Columns,
    Rows,
}

enum Speed {
    Columns(columns::Work),
    Rows(rows::Work),
}

impl Transformer for Speed {
    type Config = SpeedConfig;

    fn bind(config: SpeedConfig, plan: &mut Plan) -> Result<Self> {
        Ok(match config.way {
            Way::Columns => Self::Columns(columns::Work::bind(&config.work, plan)?),
            Way::Rows => Self::Rows(rows::Work::bind(&config.work, plan)?),
        })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        match self {
            Self::Columns(work) => work.process(batch, out),
            Self::Rows(work) => work.process(batch, out),
        }
    }
}

/// Exactly one `@`, something before it, and a domain with a dot inside.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let inside = domain.as_bytes().get(1..domain.len().saturating_sub(1)).unwrap_or_default();
    !local.is_empty() && !domain.contains('@') && inside.contains(&b'.')
}

transformer!(Speed);
