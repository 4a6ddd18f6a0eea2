//! Computes with coordinates: distances, bearings, areas, boxes, and cells of geohash, H3 and quadkeys.
//!
//! Places are read and checked first ([`points`]), each once. Each [`step::Step`] then makes one column of them. A row whose place is
//! none on Earth is rejected, or what is computed of it is null.

mod areas;
mod cells;
mod config;
mod points;
mod sphere;
mod step;

use wasmill_plugin_sdk::prelude::*;

use crate::config::{BadPolicy, GeoConfig};
use crate::points::{Places, PointInput};
use crate::step::{Points, Step};

struct Geo {
    on_bad: BadPolicy,
    points: Vec<PointInput>,
    steps: Vec<Step>,
}

impl Transformer for Geo {
    type Config = GeoConfig;

    fn bind(config: GeoConfig, plan: &mut Plan) -> Result<Self> {
        let mut points = Points::default();
        let own = points.add(&config.point, "/point", plan)?;
        let mut steps = Vec::new();
        for (index, step) in config.steps.iter().enumerate() {
            let pointer = format!("/steps/{index}");
            if config.steps[..index].iter().any(|other| other.name == step.name) {
                let message =
                    format!("is {:?}, the name of another step too; change one", step.name);
                return Err(Error::bad_config(format!("{pointer}/name"), message));
            }
            steps.push(Step::new(step, &pointer, own, &mut points, plan)?);
        }
        Ok(Self { on_bad: config.on_bad, points: points.inputs, steps })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let read = |point: &PointInput| point.read(batch, self.on_bad, out);
        let places: Vec<Places> = self.points.iter().map(read).collect();
        for step in &self.steps {
            step.run(&places, out);
        }
        Ok(())
    }
}

transformer!(Geo);
