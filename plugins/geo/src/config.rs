//! The configuration as operators write it; [`crate::step`] checks it.

use serde_json::Value;
use wasmill_plugin_sdk::config;

/// What to compute of the coordinates of each row.
#[config]
pub struct GeoConfig {
    /// Where each row is, such as `{ lat = "lat", lon = "lon" }`: columns of numbers, in degrees of WGS 84.
    pub point: PointConfig,
    /// What becomes of coordinates that are no place on Earth, or of which one is missing. Where both are null, what is computed
    /// of them is null.
    #[serde(default)]
    pub on_bad: BadPolicy,
    /// What to compute, one column each. Without any, coordinates are only checked.
    #[serde(default)]
    pub steps: Vec<StepConfig>,
}

/// A place.
#[config]
#[derive(PartialEq)]
pub struct PointConfig {
    /// The latitude, -90 to 90: a column, or a number for all rows.
    pub lat: Coordinate,
    /// The longitude, -180 to 180: a column, or a number for all rows.
    pub lon: Coordinate,
}

/// A coordinate.
#[config]
#[derive(PartialEq)]
#[serde(untagged, expecting = "expected the name of a column, or a number of degrees")]
pub enum Coordinate {
    Column(String),
    Fixed(f64),
}

/// What becomes of coordinates that are no place on Earth.
#[config]
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum BadPolicy {
    /// The row goes to the quarantine.
    #[default]
    Reject,
    /// What is computed of them is null.
    Null,
}

/// One new column.
#[config]
pub struct StepConfig {
    /// What to compute.
    pub op: Operation,
    /// The name of the column.
    pub name: String,
    /// Another place than that of the row, of which to compute.
    pub point: Option<PointConfig>,
    /// Of `distance` and `bearing`: the place to go to.
    pub to: Option<PointConfig>,
    /// Of `distance`: metres by default.
    pub unit: Option<Unit>,
    /// Of `within`: GeoJSON (RFC 7946): a Polygon, a MultiPolygon, a Feature of one, or a FeatureCollection.
    pub areas: Option<Value>,
    /// Of `within`: the property of features that is written, of the first that the place is in; without it, whether the place
    /// is in any.
    pub property: Option<String>,
    /// Of `within` and `box`: which rows go on; all by default.
    pub keep: Option<Keep>,
    /// Of `box`: the western edge. East of the eastern one where the box has the antimeridian in it.
    pub west: Option<f64>,
    /// Of `box`: the southern edge.
    pub south: Option<f64>,
    /// Of `box`: the eastern edge.
    pub east: Option<f64>,
    /// Of `box`: the northern edge.
    pub north: Option<f64>,
    /// Of `geohash`: how many characters, 1 to 12; 7 by default, some 150 m.
    #[schemars(range(min = 1, max = 12))]
    pub precision: Option<u8>,
    /// Of `h3`: 0 to 15; 8 by default, some 0.7 km².
    #[schemars(range(min = 0, max = 15))]
    pub resolution: Option<u8>,
    /// Of `quadkey`: 1 to 30; 15 by default, some 1.2 km at the equator.
    #[schemars(range(min = 1, max = 30))]
    pub zoom: Option<u8>,
}

/// What can be computed.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// The length of the great circle between two places, on a sphere.
    Distance,
    /// In which direction to set out, in degrees from north.
    Bearing,
    /// In which area a place is.
    Within,
    /// Whether a place is in a box of latitudes and longitudes.
    Box,
    /// A cell of geohash.
    Geohash,
    /// A cell of H3.
    H3,
    /// A tile of the web's maps.
    Quadkey,
}

/// A unit of length.
#[config]
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Metres.
    #[default]
    M,
    /// Kilometres.
    Km,
    /// Miles of 1,609.344 m.
    Mi,
    /// Nautical miles of 1,852 m.
    Nmi,
}

/// Which rows go on.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Those whose place is inside.
    Inside,
    /// Those whose place is not, rows without a place among them.
    Outside,
}
