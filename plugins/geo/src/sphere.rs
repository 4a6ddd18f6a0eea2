//! Distances and directions on a sphere.

/// The mean radius of the Earth in metres: (2a + b) / 3 of the ellipsoid GRS 80 (IUGG 1980). The Earth is no sphere: distances are
/// off by up to 0.56 %.
const RADIUS: f64 = 6_371_008.8;

/// A place, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    pub lat: f64,
    pub lon: f64,
}

impl Place {
    pub fn is_on_earth(self) -> bool {
        // False for NaN.
        self.lat.abs() <= 90.0 && self.lon.abs() <= 180.0
    }
}

/// The length of the great circle in metres, by the haversine formula, which is exact for short ways too.
pub fn distance(from: Place, to: Place) -> f64 {
    let half_lat = ((to.lat - from.lat).to_radians() / 2.0).sin();
    let half_lon = ((to.lon - from.lon).to_radians() / 2.0).sin();
    let cosines = from.lat.to_radians().cos() * to.lat.to_radians().cos();
    let haversine = half_lat * half_lat + cosines * half_lon * half_lon;
    2.0 * RADIUS * haversine.sqrt().min(1.0).asin()
}

/// The direction at the start of the great circle, in degrees from north, 0 to less than 360. Between a place and itself it is 0.
pub fn bearing(from: Place, to: Place) -> f64 {
    let (from_lat, to_lat) = (from.lat.to_radians(), to.lat.to_radians());
    let east = (to.lon - from.lon).to_radians();
    let y = east.sin() * to_lat.cos();
    let x = from_lat.cos() * to_lat.sin() - from_lat.sin() * to_lat.cos() * east.cos();
    if from == to {
        return 0.0;
    }
    let degrees = y.atan2(x).to_degrees().rem_euclid(360.0);
    // A tiny negative number is rounded up to the whole circle.
    if degrees >= 360.0 { 0.0 } else { degrees }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: Place = Place { lat: 52.520_008, lon: 13.404_954 };
    const PARIS: Place = Place { lat: 48.856_613, lon: 2.352_222 };
    const POLE: Place = Place { lat: 90.0, lon: 0.0 };

    fn close(actual: f64, expected: f64, within: f64) {
        assert!((actual - expected).abs() <= within, "{actual} instead of {expected}");
    }

    #[test]
    fn known_distances() {
        let quarter = RADIUS * std::f64::consts::FRAC_PI_2;
        let origin = Place { lat: 0.0, lon: 0.0 };
        close(distance(origin, Place { lat: 0.0, lon: 90.0 }), quarter, 1e-6);
        close(distance(origin, POLE), quarter, 1e-6);
        close(distance(origin, Place { lat: 0.0, lon: 180.0 }), 2.0 * quarter, 1e-6);
        // The way over the antimeridian.
        let (fiji, samoa) = (Place { lat: 0.0, lon: 179.5 }, Place { lat: 0.0, lon: -179.5 });
        close(distance(fiji, samoa), quarter / 90.0, 1e-6);
        close(distance(BERLIN, PARIS), 877_464.0, 100.0);
        close(distance(BERLIN, BERLIN), 0.0, 0.0);
    }

    #[test]
    fn known_bearings() {
        let origin = Place { lat: 0.0, lon: 0.0 };
        for (to, expected) in [
            (POLE, 0.0),
            (Place { lat: 0.0, lon: 1.0 }, 90.0),
            (Place { lat: -1.0, lon: 0.0 }, 180.0),
            (Place { lat: 0.0, lon: -1.0 }, 270.0),
            (origin, 0.0),
        ] {
            close(bearing(origin, to), expected, 1e-9);
        }
        close(bearing(BERLIN, PARIS), 246.8, 0.1);
    }

    proptest::proptest! {
        #[test]
        fn distances_are_those_of_the_way_back(a in -90.0..=90.0, b in -180.0..=180.0, c in -90.0..=90.0, d in -180.0..=180.0) {
            let (from, to) = (Place { lat: a, lon: b }, Place { lat: c, lon: d });
            close(distance(from, to), distance(to, from), 1e-6);
            assert!((0.0..=RADIUS * 3.15).contains(&distance(from, to)));
            assert!((0.0..360.0).contains(&bearing(from, to)));
        }
    }
}
