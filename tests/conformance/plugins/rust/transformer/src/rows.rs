//! Cases about what becomes of rows.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use wasmill_plugin_sdk::prelude::*;

use crate::Work;

#[derive(Serialize, Deserialize)]
struct Id {
    id: i64,
}

/// The ids, by columns or by rows.
fn ids(batch: &Batch, id: Input<i64>, by_records: bool) -> Result<Vec<i64>> {
    if by_records {
        return Ok(batch.records::<Id>()?.into_iter().map(|row| row.id).collect());
    }
    Ok(batch.column(id).values().to_vec())
}

pub struct Even {
    pub id: Input<i64>,
    pub by_records: bool,
}

impl Work for Even {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let ids = ids(batch, self.id, self.by_records)?;
        out.filter(|row| ids[row] % 2 == 0);
        Ok(())
    }
}

pub struct Reject {
    pub id: Input<i64>,
    pub by_records: bool,
}

impl Work for Reject {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        for (row, id) in ids(batch, self.id, self.by_records)?.into_iter().enumerate() {
            if id % 3 == 0 {
                out.reject_column(row, "id", "third", &format!("{id} is divisible by 3"));
            }
        }
        Ok(())
    }
}

struct Reverse {
    position: Output<i64>,
}

struct ReverseRecords {
    id: Input<i64>,
}

pub fn reverse(plan: &mut Plan, by_records: bool) -> Result<Box<dyn Work>> {
    if by_records {
        let id = plan.read("id")?;
        plan.drop_all();
        plan.write::<i64>("id");
        plan.write::<i64>("position");
        return Ok(Box::new(ReverseRecords { id }));
    }
    Ok(Box::new(Reverse { position: plan.write("position") }))
}

/// All rows from the last to the first, and the first once more.
fn backwards(rows: usize) -> Vec<u32> {
    let mut taken: Vec<u32> = (0..rows as u32).rev().collect();
    taken.extend(taken.last().copied());
    taken
}

impl Work for Reverse {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let taken = backwards(batch.rows());
        out.set(self.position, (0..taken.len() as i64).collect());
        out.take(taken);
        Ok(())
    }
}

impl Work for ReverseRecords {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        #[derive(Serialize)]
        struct Positioned {
            id: i64,
            position: usize,
        }
        let ids = ids(batch, self.id, true)?;
        let taken = backwards(batch.rows());
        let rows = taken.iter().enumerate();
        let rows = rows.map(|(position, &row)| Positioned { id: ids[row as usize], position });
        out.set_records(&rows.collect::<Vec<_>>())?;
        out.take(taken);
        Ok(())
    }
}

struct Explode {
    id: Input<i64>,
    new_id: Output<i64>,
    part: Output<i64>,
    by_records: bool,
}

pub fn explode(plan: &mut Plan, by_records: bool) -> Result<Box<dyn Work>> {
    let id = plan.read("id")?;
    plan.drop_all();
    let (new_id, part) = (plan.write("id"), plan.write("part"));
    Ok(Box::new(Explode { id, new_id, part, by_records }))
}

impl Work for Explode {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        #[derive(Serialize)]
        struct Part {
            id: i64,
            part: i64,
        }
        let mut taken = Vec::new();
        let mut parts = Vec::new();
        for (row, id) in ids(batch, self.id, self.by_records)?.into_iter().enumerate() {
            for part in 0..id % 4 {
                taken.push(row as u32);
                parts.push(Part { id, part });
            }
        }
        out.take(taken);
        if self.by_records {
            return out.set_records(&parts);
        }
        out.set(self.new_id, parts.iter().map(|part| part.id).collect());
        out.set(self.part, parts.iter().map(|part| part.part).collect());
        Ok(())
    }
}

pub struct Running {
    key: Input<str>,
    output: Output<i64>,
    seen: HashMap<Option<String>, i64>,
}

impl Running {
    pub fn new(key: Input<str>, output: Output<i64>) -> Self {
        Self { key, output, seen: HashMap::new() }
    }
}

impl Work for Running {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let keys = batch.column(self.key);
        let counts = keys.iter().map(|key| {
            let count = self.seen.entry(key.map(str::to_owned)).or_default();
            *count += 1;
            *count
        });
        out.set(self.output, counts.collect());
        Ok(())
    }
}

pub struct Count {
    pub rows: i64,
    pub output: Output<i64>,
}

impl Work for Count {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        self.rows += batch.rows() as i64;
        out.take(Vec::new());
        out.set(self.output, NewColumn::default());
        Ok(())
    }

    fn finish(&mut self, out: &mut DetachedRows) -> Result<()> {
        out.set(self.output, vec![self.rows].into());
        Ok(())
    }
}

pub struct Hold {
    pub id: Input<i64>,
    pub output: Output<i64>,
    pub by_records: bool,
    pub held: Vec<i64>,
}

impl Work for Hold {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        self.held.extend(ids(batch, self.id, self.by_records)?);
        out.take(Vec::new());
        if self.by_records {
            return out.set_records::<Id>(&[]);
        }
        out.set(self.output, NewColumn::default());
        Ok(())
    }

    fn finish(&mut self, out: &mut DetachedRows) -> Result<()> {
        self.held.sort_unstable_by(|left, right| right.cmp(left));
        if self.by_records {
            let rows: Vec<Id> = self.held.iter().map(|&id| Id { id }).collect();
            return out.set_records(&rows);
        }
        out.set(self.output, self.held.clone().into());
        Ok(())
    }
}

pub struct Unchanged {
    pub text: Input<str>,
    pub output: Output<str>,
}

impl Work for Unchanged {
    fn process(&mut self, _batch: &Batch, out: &mut Rows) -> Result<()> {
        out.set_unchanged(self.output, self.text);
        Ok(())
    }
}

pub struct Words {
    pub text: Input<str>,
    pub length: Output<i64>,
    pub shout: Output<str>,
    pub by_records: bool,
}

impl Work for Words {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        #[derive(Deserialize)]
        struct Text {
            text: Option<String>,
        }
        #[derive(Serialize)]
        struct Said {
            length: Option<usize>,
            shout: Option<String>,
        }
        if self.by_records {
            let said = |text: Option<&str>| Said {
                length: text.map(|text| text.chars().count()),
                shout: text.map(|text| format!("{text}!é🦀")),
            };
            let rows = batch.records::<Text>()?;
            return out.set_records(
                &rows.iter().map(|row| said(row.text.as_deref())).collect::<Vec<_>>(),
            );
        }
        let texts = batch.column(self.text);
        let length = |text: &str| text.chars().count() as i64;
        out.set(self.length, texts.iter().map(|text| text.map(length)).collect());
        out.set(
            self.shout,
            texts.iter().map(|text| text.map(|text| format!("{text}!é🦀"))).collect(),
        );
        Ok(())
    }
}

pub struct Add {
    pub x: Input<f64>,
    pub y: Output<f64>,
    pub by_records: bool,
}

impl Work for Add {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        #[derive(Deserialize)]
        struct X {
            x: Option<f64>,
        }
        #[derive(Serialize)]
        struct Y {
            y: Option<f64>,
        }
        if self.by_records {
            let rows = batch.records::<X>()?.into_iter();
            return out
                .set_records(&rows.map(|row| Y { y: row.x.map(|x| x + 1.0) }).collect::<Vec<_>>());
        }
        out.set(self.y, batch.column(self.x).map(|x| x + 1.0));
        Ok(())
    }
}
