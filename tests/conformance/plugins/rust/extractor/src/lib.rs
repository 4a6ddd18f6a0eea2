//! The extractor of the conformance suite: numbered rows, in splits, with a cursor.

use serde::Serialize;
use wasmill_plugin_sdk::extractor::{CursorPosition, Extracted, Split, WritePlan};
use wasmill_plugin_sdk::prelude::*;

#[config]
struct ConformanceConfig {
    /// How many rows each split has.
    #[serde(default = "ten")]
    rows: i64,
    #[serde(default = "two")]
    splits: i64,
    /// One id in so many is a bad record; none where it is 0.
    #[serde(default)]
    bad_every: i64,
    #[serde(default)]
    way: Way,
}

#[config]
#[derive(Copy, PartialEq, Default)]
#[serde(rename_all = "lowercase")]
enum Way {
    #[default]
    Columns,
    Rows,
}

fn ten() -> i64 {
    10
}

fn two() -> i64 {
    2
}

#[derive(Serialize)]
struct Row {
    id: i64,
    name: Option<String>,
}

struct Conformance {
    config: ConformanceConfig,
    id: Output<i64>,
    name: Output<str>,
    start: i64,
    next: i64,
    end: i64,
}

impl Extractor for Conformance {
    type Config = ConformanceConfig;

    fn bind(config: ConformanceConfig, plan: &mut WritePlan) -> Result<Self> {
        if config.way == Way::Rows {
            plan.as_records();
        }
        let (id, name) = (plan.write_required("id"), plan.write("name"));
        Ok(Self { config, id, name, start: 0, next: 0, end: 0 })
    }

    fn plan(&mut self, cursors: &[CursorPosition]) -> Result<Vec<Split>> {
        let cursor = cursors.iter().find(|cursor| cursor.split == "part-0");
        let start = cursor.map_or("0", |cursor| cursor.position.as_str());
        let split = |number: i64| Split {
            id: format!("part-{number}"),
            descriptor: format!("{start} {number}"),
            rows: u64::try_from(self.config.rows).ok(),
            bytes: None,
        };
        Ok((0..self.config.splits).map(split).collect())
    }

    fn open(&mut self, split: &Split) -> Result<()> {
        let (start, number) = split
            .descriptor
            .split_once(' ')
            .ok_or_else(|| Error::fatal("this is no descriptor of this plugin"))?;
        self.start = start.parse()?;
        self.next = self.start + number.parse::<i64>()? * self.config.rows;
        self.end = self.next + self.config.rows;
        Ok(())
    }

    fn next(&mut self, max_rows: usize, out: &mut Extracted) -> Result<bool> {
        if self.next == self.end {
            return Ok(false);
        }
        let end = self.end.min(self.next + max_rows as i64);
        let is_bad = |id: &i64| self.config.bad_every > 0 && id % self.config.bad_every == 0;
        let (bad, good): (Vec<i64>, Vec<i64>) = (self.next..end).partition(is_bad);
        for id in bad {
            out.reject(
                &format!("id {id}"),
                format!("bad {id}").as_bytes(),
                "bad",
                &format!("{id} is bad"),
            );
        }
        let names = good.iter().map(|id| (id % 5 != 0).then(|| format!("row {id}")));
        match self.config.way {
            Way::Columns => {
                out.set(self.name, names.collect());
                out.set(self.id, good.into());
            }
            Way::Rows => {
                let rows = good.iter().zip(names).map(|(&id, name)| Row { id, name });
                out.set_records(&rows.collect::<Vec<_>>())?;
            }
        }
        self.next = end;
        Ok(true)
    }

    fn cursor(&mut self) -> Result<Option<String>> {
        Ok(Some((self.start + self.config.splits * self.config.rows).to_string()))
    }
}

extractor!(Conformance);
