//! Areas on a map: in which of them is a place?
//!
//! Edges are straight lines between longitudes and latitudes, as in GeoJSON (RFC 7946, section 3.1.1). A place is in a polygon when
//! a line from it to the east crosses its edges an odd number of times, those of holes included. Of a place exactly on an edge it is
//! only sure that it is in one of two polygons that share the edge, not in both.

use serde_json::Value;

use crate::sphere::Place;

/// The areas of a step, in the order of the configuration.
pub struct Areas(Vec<Area>);

struct Area {
    label: Option<String>,
    polygons: Vec<Polygon>,
}

/// A polygon with its holes. Edges are found by their latitude: those in bands of equal height that they touch.
struct Polygon {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
    bands: Vec<Vec<Edge>>,
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    from: Place,
    to: Place,
}

/// On average so many edges are looked at.
const EDGES_IN_BAND: usize = 4;
const MAX_BANDS: usize = 4_096;

/// What is wrong with GeoJSON: a JSON pointer to it, and for people.
#[derive(Debug, PartialEq, Eq)]
pub struct BadGeoJson {
    pub pointer: String,
    pub message: String,
}

fn bad<T>(pointer: &str, message: impl Into<String>) -> Result<T, BadGeoJson> {
    Err(BadGeoJson { pointer: pointer.to_owned(), message: message.into() })
}

impl Areas {
    /// `property` is the property of features that is their label.
    pub fn new(geojson: &Value, property: Option<&str>) -> Result<Self, BadGeoJson> {
        let mut areas = Vec::new();
        add_object(geojson, "", property, &mut areas)?;
        Ok(Self(areas))
    }

    /// Whether a place is in any area, and the label of the first.
    pub fn find(&self, place: Place) -> Option<Option<&str>> {
        let area = self
            .0
            .iter()
            .find(|area| area.polygons.iter().any(|polygon| polygon.contains(place)))?;
        Some(area.label.as_deref())
    }
}

fn add_object(
    object: &Value,
    pointer: &str,
    property: Option<&str>,
    areas: &mut Vec<Area>,
) -> Result<(), BadGeoJson> {
    match object["type"].as_str() {
        Some("FeatureCollection") => {
            let pointer = format!("{pointer}/features");
            let Some(features) = object["features"].as_array() else {
                return bad(&pointer, "is no list of features");
            };
            for (index, feature) in features.iter().enumerate() {
                add_object(feature, &format!("{pointer}/{index}"), property, areas)?;
            }
            Ok(())
        }
        Some("Feature") => {
            let label = match property {
                Some(property) => match &object["properties"][property] {
                    Value::String(label) => Some(label.clone()),
                    Value::Number(label) => Some(label.to_string()),
                    Value::Bool(label) => Some(label.to_string()),
                    _ => {
                        let message = format!(
                            "has no text or number under `{property}`; add it, or name another property"
                        );
                        return bad(&format!("{pointer}/properties"), message);
                    }
                },
                None => None,
            };
            let polygons = polygons(&object["geometry"], &format!("{pointer}/geometry"))?;
            areas.push(Area { label, polygons });
            Ok(())
        }
        _ if property.is_some() => bad(
            pointer,
            "is no Feature, so it has no properties; make it one, or leave `property` out",
        ),
        _ => {
            areas.push(Area { label: None, polygons: polygons(object, pointer)? });
            Ok(())
        }
    }
}

fn polygons(geometry: &Value, pointer: &str) -> Result<Vec<Polygon>, BadGeoJson> {
    let coordinates = format!("{pointer}/coordinates");
    match (geometry["type"].as_str(), geometry["coordinates"].as_array()) {
        (Some("Polygon"), Some(rings)) => Ok(vec![polygon(rings, &coordinates)?]),
        (Some("MultiPolygon"), Some(all)) => {
            let mut polygons = Vec::new();
            for (index, rings) in all.iter().enumerate() {
                let pointer = format!("{coordinates}/{index}");
                match rings.as_array() {
                    Some(rings) => polygons.push(polygon(rings, &pointer)?),
                    None => return bad(&pointer, "is no list of rings"),
                }
            }
            Ok(polygons)
        }
        (Some("Polygon" | "MultiPolygon"), None) => bad(&coordinates, "is no list"),
        (Some(other), _) => bad(
            &format!("{pointer}/type"),
            format!("is {other:?}; areas are Polygon or MultiPolygon"),
        ),
        (None, _) => bad(
            pointer,
            "has no type; give GeoJSON: a Polygon, a MultiPolygon, a Feature or a FeatureCollection",
        ),
    }
}

fn polygon(rings: &[Value], pointer: &str) -> Result<Polygon, BadGeoJson> {
    let mut edges = Vec::new();
    for (index, ring) in rings.iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        let places = ring.as_array().map(Vec::as_slice).unwrap_or_default();
        if places.len() < 4 {
            return bad(
                &pointer,
                "is no ring: it needs four positions or more, the last equal to the first",
            );
        }
        let mut ring = Vec::with_capacity(places.len());
        for (index, position) in places.iter().enumerate() {
            let place = match (position[0].as_f64(), position[1].as_f64()) {
                (Some(lon), Some(lat)) => Place { lat, lon },
                _ => Place { lat: f64::NAN, lon: f64::NAN },
            };
            if !place.is_on_earth() {
                let message = format!("is {position}; give [longitude, latitude] in degrees");
                return bad(&format!("{pointer}/{index}"), message);
            }
            ring.push(place);
        }
        if ring.first() != ring.last() {
            return bad(&pointer, "is not closed; repeat the first position at the end");
        }
        edges.extend(ring.windows(2).map(|pair| Edge { from: pair[0], to: pair[1] }));
    }
    if edges.is_empty() {
        return bad(pointer, "has no ring");
    }
    Ok(Polygon::new(&edges))
}

impl Polygon {
    fn new(edges: &[Edge]) -> Self {
        let (mut west, mut south, mut east, mut north) =
            (180.0_f64, 90.0_f64, -180.0_f64, -90.0_f64);
        for Edge { from, .. } in edges {
            (west, east) = (west.min(from.lon), east.max(from.lon));
            (south, north) = (south.min(from.lat), north.max(from.lat));
        }
        let count = (edges.len() / EDGES_IN_BAND).clamp(1, MAX_BANDS);
        let mut polygon = Self { west, south, east, north, bands: vec![Vec::new(); count] };
        for edge in edges {
            // A level edge is crossed by no line to the east.
            if edge.from.lat == edge.to.lat {
                continue;
            }
            let lowest = polygon.band(edge.from.lat.min(edge.to.lat));
            let highest = polygon.band(edge.from.lat.max(edge.to.lat));
            for band in &mut polygon.bands[lowest..=highest] {
                band.push(*edge);
            }
        }
        polygon
    }

    /// The band of a latitude between south and north.
    fn band(&self, lat: f64) -> usize {
        let height = self.north - self.south;
        let fraction = if height > 0.0 { (lat - self.south) / height } else { 0.0 };
        ((fraction * self.bands.len() as f64) as usize).min(self.bands.len() - 1)
    }

    fn contains(&self, place: Place) -> bool {
        let is_near = (self.west..=self.east).contains(&place.lon)
            && (self.south..=self.north).contains(&place.lat);
        if !is_near {
            return false;
        }
        let crossed = |edge: &&Edge| {
            let Edge { from, to } = edge;
            // Each end belongs to the edge above it, so a corner is crossed once.
            (from.lat > place.lat) != (to.lat > place.lat)
                && place.lon
                    < (to.lon - from.lon) * (place.lat - from.lat) / (to.lat - from.lat) + from.lon
        };
        self.bands[self.band(place.lat)].iter().filter(crossed).count() % 2 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn square(west: f64, south: f64, size: f64) -> Value {
        let (east, north) = (west + size, south + size);
        json!([[west, south], [east, south], [east, north], [west, north], [west, south]])
    }

    fn is_in(areas: &Areas, lon: f64, lat: f64) -> bool {
        areas.find(Place { lat, lon }).is_some()
    }

    #[test]
    fn holes_are_outside() {
        let polygon = json!({"type": "Polygon", "coordinates": [square(0.0, 0.0, 10.0), square(4.0, 4.0, 2.0)]});
        let areas = Areas::new(&polygon, None).unwrap();
        for (lon, lat, expected) in [
            (1.0, 1.0, true),
            (5.0, 5.0, false),
            (5.0, 3.0, true),
            (11.0, 5.0, false),
            (5.0, -0.1, false),
            // On a line with corners.
            (2.0, 4.0, true),
            (7.0, 6.0, true),
        ] {
            assert_eq!(is_in(&areas, lon, lat), expected, "{lon} {lat}");
        }
    }

    #[test]
    fn the_first_area_counts() {
        let feature = |name: &str, geometry: Value| json!({"type": "Feature", "properties": {"name": name}, "geometry": geometry});
        let collection = json!({"type": "FeatureCollection", "features": [
            feature("a", json!({"type": "Polygon", "coordinates": [square(0.0, 0.0, 2.0)]})),
            feature("b", json!({"type": "MultiPolygon", "coordinates": [[square(1.0, 1.0, 2.0)], [square(8.0, 8.0, 1.0)]]})),
        ]});
        let areas = Areas::new(&collection, Some("name")).unwrap();
        for (lon, lat, expected) in [
            (0.5, 0.5, Some("a")),
            (1.5, 1.5, Some("a")),
            (2.5, 2.5, Some("b")),
            (8.5, 8.5, Some("b")),
            (5.0, 5.0, None),
        ] {
            assert_eq!(areas.find(Place { lat, lon }), expected.map(Some), "{lon} {lat}");
        }
    }

    #[test]
    fn neighbours_share_no_place() {
        let all = json!({"type": "MultiPolygon", "coordinates": [[square(0.0, 0.0, 1.0)], [square(1.0, 0.0, 1.0)], [square(0.0, 1.0, 1.0)], [square(1.0, 1.0, 1.0)]]});
        let Areas(areas) = Areas::new(&all, None).unwrap();
        for (lon, lat) in [(1.0, 0.5), (0.5, 1.0), (1.0, 1.0)] {
            let place = Place { lat, lon };
            let count = areas[0].polygons.iter().filter(|polygon| polygon.contains(place)).count();
            assert_eq!(count, 1, "{lon} {lat}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (geojson, property, pointer) in [
            (json!({}), None, ""),
            (json!({"type": "Point", "coordinates": [0, 0]}), None, "/type"),
            (json!({"type": "Polygon"}), None, "/coordinates"),
            (json!({"type": "Polygon", "coordinates": []}), None, "/coordinates"),
            (
                json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}),
                None,
                "/coordinates/0",
            ),
            (
                json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}),
                None,
                "/coordinates/0",
            ),
            (
                json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 100], [0, 0]]]}),
                None,
                "/coordinates/0/2",
            ),
            (json!({"type": "Polygon", "coordinates": [square(0.0, 0.0, 1.0)]}), Some("name"), ""),
            (json!({"type": "FeatureCollection"}), None, "/features"),
            (
                json!({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": null}]}),
                None,
                "/features/0/geometry",
            ),
            (
                json!({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [square(0.0, 0.0, 1.0)]}}),
                Some("name"),
                "/properties",
            ),
        ] {
            let refused = Areas::new(&geojson, property).err();
            assert_eq!(refused.map(|bad| bad.pointer).as_deref(), Some(pointer), "{geojson}");
        }
    }

    proptest::proptest! {
        /// A polygon with many edges, around a circle: its bands must give what all edges would.
        #[test]
        fn bands_change_nothing(corners in 3..200_usize, lon in -1.5..1.5, lat in -1.5..1.5) {
            let corner = |index: usize| {
                let angle = index as f64 / corners as f64 * std::f64::consts::TAU;
                Place { lat: angle.sin(), lon: angle.cos() }
            };
            let edges: Vec<Edge> = (0..corners).map(|index| Edge { from: corner(index), to: corner((index + 1) % corners) }).collect();
            let polygon = Polygon::new(&edges);
            let place = Place { lat, lon };
            let mut whole = Polygon::new(&edges);
            whole.bands = vec![edges];
            assert_eq!(polygon.contains(place), whole.contains(place));
            let radius = lat.hypot(lon);
            assert!(radius <= 1.0 || !polygon.contains(place));
            assert!(radius > (std::f64::consts::PI / corners as f64).cos() - 1e-9 || polygon.contains(place));
        }
    }
}
