//! The places of the rows of a batch.

use wasmill_plugin_sdk::bindings::types::DataType;
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::types::type_name;

use crate::config::{BadPolicy, Coordinate, PointConfig};
use crate::sphere::Place;

/// Where places are read from.
pub struct PointInput {
    lat: CoordinateInput,
    lon: CoordinateInput,
}

enum CoordinateInput {
    Fixed(f64),
    Floats(String, Input<f64>),
    Numbers(String, AnyInput),
}

/// The place of each row; none where it is not known.
pub type Places = Vec<Option<Place>>;

impl PointInput {
    /// # Errors
    ///
    /// [`Error::BadConfig`] where a fixed place is none on Earth, [`Error::BadSchema`] where a column holds no numbers.
    pub fn new(config: &PointConfig, pointer: &str, plan: &mut Plan) -> Result<Self> {
        Ok(Self {
            lat: CoordinateInput::new(&config.lat, 90.0, &format!("{pointer}/lat"), plan)?,
            lon: CoordinateInput::new(&config.lon, 180.0, &format!("{pointer}/lon"), plan)?,
        })
    }

    /// Rejects rows whose place is none on Earth.
    pub fn read(&self, batch: &Batch, on_bad: BadPolicy, out: &mut Rows) -> Places {
        let lats = self.lat.read(batch);
        let lons = self.lon.read(batch);
        let mut places = Vec::with_capacity(batch.rows());
        for row in 0..batch.rows() {
            let (lat, lon) = (lats.get(row), lons.get(row));
            let place = match (lat, lon) {
                (Some(lat), Some(lon)) => Some(Place { lat, lon }),
                _ => None,
            };
            let is_missing = match (&self.lat, &self.lon) {
                // A fixed coordinate is always there, and says nothing.
                (CoordinateInput::Fixed(_), _) => lon.is_none(),
                (_, CoordinateInput::Fixed(_)) => lat.is_none(),
                _ => lat.is_none() && lon.is_none(),
            };
            let place = place.filter(|place| place.is_on_earth());
            if place.is_none() && !is_missing && on_bad == BadPolicy::Reject {
                self.reject(row, lat, lon, out);
            }
            places.push(place);
        }
        places
    }

    fn reject(&self, row: usize, lat: Option<f64>, lon: Option<f64>, out: &mut Rows) {
        let show = |value: Option<f64>| value.map_or("null".to_owned(), |value| value.to_string());
        let is_lat = lat.is_none_or(|lat| lat.is_nan() || lat.abs() > 90.0);
        let column = match (&self.lat, &self.lon) {
            (CoordinateInput::Floats(name, _) | CoordinateInput::Numbers(name, _), _) if is_lat => {
                name
            }
            (_, CoordinateInput::Floats(name, _) | CoordinateInput::Numbers(name, _)) => name,
            (CoordinateInput::Floats(name, _) | CoordinateInput::Numbers(name, _), _) => name,
            (CoordinateInput::Fixed(_), CoordinateInput::Fixed(_)) => return,
        };
        // Every message makes a finding of its own, of which there may not be too many.
        let message = if row < MAX_QUOTED_ROW {
            format!("latitude {}, longitude {} is no place on Earth", show(lat), show(lon))
        } else {
            "no place on Earth".to_owned()
        };
        out.reject_column(row, column, "bad-coordinates", &message);
    }
}

/// Up to this row of a batch, messages quote values.
const MAX_QUOTED_ROW: usize = 10_000;

impl CoordinateInput {
    fn new(coordinate: &Coordinate, limit: f64, pointer: &str, plan: &mut Plan) -> Result<Self> {
        match coordinate {
            Coordinate::Fixed(degrees) if degrees.abs() <= limit => Ok(Self::Fixed(*degrees)),
            Coordinate::Fixed(degrees) => {
                let message = format!("is {degrees}; give degrees from -{limit} to {limit}");
                Err(Error::bad_config(pointer, message))
            }
            Coordinate::Column(name) => {
                let position = plan.schema().position(name)?;
                match plan.schema().column(position).data_type() {
                    DataType::Float64 => Ok(Self::Floats(name.clone(), plan.read(name)?)),
                    DataType::Float16
                    | DataType::Float32
                    | DataType::Int8
                    | DataType::Int16
                    | DataType::Int32
                    | DataType::Int64
                    | DataType::Uint8
                    | DataType::Uint16
                    | DataType::Uint32
                    | DataType::Uint64
                    | DataType::Decimal32(_)
                    | DataType::Decimal64(_)
                    | DataType::Decimal128(_) => {
                        Ok(Self::Numbers(name.clone(), plan.read_any(name)?))
                    }
                    other => {
                        let message = format!(
                            "is {}, but degrees are numbers; parse it first, with the plugin `clean` for one",
                            type_name(other)
                        );
                        Err(Error::bad_column(name, message))
                    }
                }
            }
        }
    }

    fn read<'b>(&'b self, batch: &'b Batch) -> Coordinates<'b> {
        match self {
            Self::Fixed(degrees) => Coordinates::Fixed(*degrees),
            Self::Floats(_, input) => Coordinates::Floats(batch.column(*input)),
            Self::Numbers(_, input) => Coordinates::Numbers(batch.any_column(input)),
        }
    }
}

enum Coordinates<'b> {
    Fixed(f64),
    Floats(wasmill_plugin_sdk::column::Column<'b, f64>),
    Numbers(AnyColumn<'b>),
}

impl Coordinates<'_> {
    fn get(&self, row: usize) -> Option<f64> {
        match self {
            Self::Fixed(degrees) => Some(*degrees),
            Self::Floats(column) => column.get(row),
            Self::Numbers(column) => column.value(row).as_f64(),
        }
    }
}
