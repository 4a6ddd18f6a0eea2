//! What is computed for one new column.

use wasmill_plugin_sdk::prelude::*;

use crate::areas::Areas;
use crate::cells::Cells;
use crate::config::{Keep, Operation, PointConfig, StepConfig, Unit};
use crate::points::{Places, PointInput};
use crate::sphere::{Place, bearing, distance};

/// The places that are read, each once, whatever the number of steps that use it.
#[derive(Default)]
pub struct Points {
    configs: Vec<PointConfig>,
    pub inputs: Vec<PointInput>,
}

impl Points {
    /// The index of a place among those that are read.
    pub fn add(&mut self, config: &PointConfig, pointer: &str, plan: &mut Plan) -> Result<usize> {
        if let Some(index) = self.configs.iter().position(|other| other == config) {
            return Ok(index);
        }
        self.inputs.push(PointInput::new(config, pointer, plan)?);
        self.configs.push(config.clone());
        Ok(self.configs.len() - 1)
    }
}

/// One new column.
pub struct Step {
    point: usize,
    work: Work,
}

enum Work {
    Distance { to: usize, per_metre: f64, output: Output<f64> },
    Bearing { to: usize, output: Output<f64> },
    Within { region: Region, keep: Option<Keep>, output: Output<bool> },
    Label { areas: Areas, keep: Option<Keep>, output: Output<str> },
    Cell { cells: Cells, output: Output<str> },
}

enum Region {
    Areas(Areas),
    Box { west: f64, south: f64, east: f64, north: f64 },
}

impl Region {
    fn contains(&self, place: Place) -> bool {
        match self {
            Self::Areas(areas) => areas.find(place).is_some(),
            Self::Box { west, south, east, north } => {
                let is_between = if west <= east {
                    (*west..=*east).contains(&place.lon)
                } else {
                    place.lon >= *west || place.lon <= *east
                };
                is_between && (*south..=*north).contains(&place.lat)
            }
        }
    }
}

impl Step {
    /// # Errors
    ///
    /// [`Error::BadConfig`] below `pointer`.
    pub fn new(
        config: &StepConfig,
        pointer: &str,
        own: usize,
        points: &mut Points,
        plan: &mut Plan,
    ) -> Result<Self> {
        config.check_belonging(pointer)?;
        let point = match &config.point {
            Some(point) => points.add(point, &format!("{pointer}/point"), plan)?,
            None => own,
        };
        let name = config.name.as_str();
        let to = |points: &mut Points, plan: &mut Plan| {
            let pointer = format!("{pointer}/to");
            match &config.to {
                Some(to) => points.add(to, &pointer, plan),
                None => {
                    let message = "is missing; give the place to go to, such as { lat = 52.52, lon = 13.405 }";
                    Err(Error::bad_config(pointer, message))
                }
            }
        };
        let work = match config.op {
            Operation::Distance => {
                let metres = match config.unit.unwrap_or_default() {
                    Unit::M => 1.0,
                    Unit::Km => 1_000.0,
                    Unit::Mi => 1_609.344,
                    Unit::Nmi => 1_852.0,
                };
                let to = to(points, plan)?;
                Work::Distance { to, per_metre: 1.0 / metres, output: plan.write(name) }
            }
            Operation::Bearing => Work::Bearing { to: to(points, plan)?, output: plan.write(name) },
            Operation::Within => {
                let pointer = format!("{pointer}/areas");
                let Some(geojson) = &config.areas else {
                    let message = "is missing; give GeoJSON: a Polygon, a MultiPolygon, a Feature or a FeatureCollection";
                    return Err(Error::bad_config(pointer, message));
                };
                let areas = Areas::new(geojson, config.property.as_deref()).map_err(|bad| {
                    Error::bad_config(format!("{pointer}{}", bad.pointer), bad.message)
                })?;
                let keep = config.keep;
                if config.property.is_some() {
                    Work::Label { areas, keep, output: plan.write(name) }
                } else {
                    Work::Within { region: Region::Areas(areas), keep, output: plan.write(name) }
                }
            }
            Operation::Box => {
                let region = config.region(pointer)?;
                Work::Within { region, keep: config.keep, output: plan.write(name) }
            }
            Operation::Geohash => {
                let precision = size(config.precision, 7, 1, 12, &format!("{pointer}/precision"))?;
                Work::Cell { cells: Cells::Geohash(precision), output: plan.write(name) }
            }
            Operation::H3 => {
                let pointer = format!("{pointer}/resolution");
                let resolution = size(config.resolution, 8, 0, 15, &pointer)?;
                let resolution = h3o::Resolution::try_from(resolution)
                    .map_err(|error| Error::bad_config(pointer, error.to_string()))?;
                Work::Cell { cells: Cells::H3(resolution), output: plan.write(name) }
            }
            Operation::Quadkey => {
                let zoom = size(config.zoom, 15, 1, 30, &format!("{pointer}/zoom"))?;
                Work::Cell { cells: Cells::Quadkey(zoom), output: plan.write(name) }
            }
        };
        Ok(Self { point, work })
    }

    /// `places` are those of all points.
    pub fn run(&self, places: &[Places], out: &mut Rows) {
        let own = &places[self.point];
        match &self.work {
            Work::Distance { to, per_metre, output } => {
                let ways = own.iter().zip(&places[*to]);
                out.set(
                    *output,
                    ways.map(|(from, to)| Some(distance((*from)?, (*to)?) * per_metre)).collect(),
                );
            }
            Work::Bearing { to, output } => {
                let ways = own.iter().zip(&places[*to]);
                out.set(*output, ways.map(|(from, to)| Some(bearing((*from)?, (*to)?))).collect());
            }
            Work::Within { region, keep, output } => {
                let inside: Vec<Option<bool>> =
                    own.iter().map(|place| Some(region.contains((*place)?))).collect();
                out.set(*output, inside.iter().copied().collect());
                filter(*keep, |row| inside[row] == Some(true), out);
            }
            Work::Label { areas, keep, output } => {
                let found: Vec<Option<Option<&str>>> =
                    own.iter().map(|place| areas.find((*place)?)).collect();
                out.set(*output, found.iter().map(|label| label.flatten()).collect());
                filter(*keep, |row| found[row].is_some(), out);
            }
            Work::Cell { cells, output } => {
                let mut names = NewColumn::<str>::with_capacity(own.len());
                for place in own {
                    match place {
                        Some(place) => names.push_with(|name| {
                            // A column takes all that is written to it.
                            let _ = cells.write(*place, name);
                        }),
                        None => names.push_null(),
                    }
                }
                out.set(*output, names);
            }
        }
    }
}

fn filter(keep: Option<Keep>, is_inside: impl Fn(usize) -> bool, out: &mut Rows) {
    match keep {
        Some(Keep::Inside) => out.filter(is_inside),
        Some(Keep::Outside) => out.filter(|row| !is_inside(row)),
        None => {}
    }
}

fn size(given: Option<u8>, default: u8, least: u8, most: u8, pointer: &str) -> Result<u8> {
    let size = given.unwrap_or(default);
    if (least..=most).contains(&size) {
        return Ok(size);
    }
    Err(Error::bad_config(pointer, format!("is {size}; give {least} to {most}")))
}

impl StepConfig {
    /// Refuses an option of another operation: it would be ignored in silence.
    fn check_belonging(&self, pointer: &str) -> Result<()> {
        use Operation::{Bearing, Box, Distance, Geohash, H3, Quadkey, Within};
        for (option, is_given, operations, names) in [
            ("to", self.to.is_some(), &[Distance, Bearing][..], "distance and bearing"),
            ("unit", self.unit.is_some(), &[Distance], "distance"),
            ("areas", self.areas.is_some(), &[Within], "within"),
            ("property", self.property.is_some(), &[Within], "within"),
            ("keep", self.keep.is_some(), &[Within, Box], "within and box"),
            ("west", self.west.is_some(), &[Box], "box"),
            ("south", self.south.is_some(), &[Box], "box"),
            ("east", self.east.is_some(), &[Box], "box"),
            ("north", self.north.is_some(), &[Box], "box"),
            ("precision", self.precision.is_some(), &[Geohash], "geohash"),
            ("resolution", self.resolution.is_some(), &[H3], "h3"),
            ("zoom", self.zoom.is_some(), &[Quadkey], "quadkey"),
        ] {
            if is_given && !operations.contains(&self.op) {
                let message = format!("is an option of {names} only; remove it, or change `op`");
                return Err(Error::bad_config(format!("{pointer}/{option}"), message));
            }
        }
        Ok(())
    }

    fn region(&self, pointer: &str) -> Result<Region> {
        let edge = |name: &str, degrees: Option<f64>, limit: f64| {
            let pointer = format!("{pointer}/{name}");
            match degrees {
                Some(degrees) if degrees.abs() <= limit => Ok(degrees),
                Some(degrees) => {
                    let message = format!("is {degrees}; give degrees from -{limit} to {limit}");
                    Err(Error::bad_config(pointer, message))
                }
                None => Err(Error::bad_config(pointer, "is missing; a box has four edges")),
            }
        };
        let (west, east) = (edge("west", self.west, 180.0)?, edge("east", self.east, 180.0)?);
        let (south, north) = (edge("south", self.south, 90.0)?, edge("north", self.north, 90.0)?);
        if south > north {
            let message = format!("is {south}, north of the northern edge, {north}; exchange them");
            return Err(Error::bad_config(format!("{pointer}/south"), message));
        }
        Ok(Region::Box { west, south, east, north })
    }
}
