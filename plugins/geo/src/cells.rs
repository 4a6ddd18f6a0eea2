//! Cells that cover the Earth, and their names.

use std::fmt::Write;

use h3o::{LatLng, Resolution};

use crate::sphere::Place;

/// The digits of geohash: those of a number system to the base 32, without `a`, `i`, `l` and `o`.
const GEOHASH_DIGITS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
/// Beyond this latitude the web's maps show nothing: there they are square.
const MAX_MERCATOR_LATITUDE: f64 = 85.051_128_779_806_59;

/// A system of cells at one size.
#[derive(Debug, Clone, Copy)]
pub enum Cells {
    /// Cells of so many characters.
    Geohash(u8),
    H3(Resolution),
    /// Tiles at this zoom.
    Quadkey(u8),
}

impl Cells {
    /// Writes the name of the cell in which a place is.
    pub fn write(self, place: Place, name: &mut dyn Write) -> std::fmt::Result {
        match self {
            Self::Geohash(length) => write_geohash(place, length, name),
            Self::Quadkey(zoom) => write_quadkey(place, zoom, name),
            Self::H3(resolution) => match LatLng::new(place.lat, place.lon) {
                Ok(point) => write!(name, "{}", point.to_cell(resolution)),
                Err(_) => Ok(()),
            },
        }
    }
}

/// Halves of the Earth, of halves and so on, by longitude and latitude in turn: a bit for each, five bits for a character. See
/// <https://en.wikipedia.org/wiki/Geohash>.
fn write_geohash(place: Place, length: u8, name: &mut dyn Write) -> std::fmt::Result {
    // 60 bits in all, 30 for each coordinate.
    let longitude = fraction_bits((place.lon + 180.0) / 360.0);
    let latitude = fraction_bits((place.lat + 90.0) / 180.0);
    let bits = spread(longitude) << 1 | spread(latitude);
    for character in 0..u32::from(length) {
        let digit = bits >> (55 - 5 * character) & 31;
        name.write_char(char::from(GEOHASH_DIGITS[digit as usize]))?;
    }
    Ok(())
}

/// The first 30 bits of a fraction from 0 to 1, of which 1 itself is the last cell's.
fn fraction_bits(fraction: f64) -> u32 {
    const CELLS: f64 = (1_u32 << 30) as f64;
    ((fraction * CELLS) as u32).min((1 << 30) - 1)
}

/// Puts a zero before each of the lower 32 bits.
fn spread(bits: u32) -> u64 {
    let mut bits = u64::from(bits);
    bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & 0x5555_5555_5555_5555
}

/// A quarter of the map, a quarter of that and so on: a digit from 0 to 3 for each. See
/// <https://learn.microsoft.com/en-us/bingmaps/articles/bing-maps-tile-system>.
fn write_quadkey(place: Place, zoom: u8, name: &mut dyn Write) -> std::fmt::Result {
    let sine = place.lat.clamp(-MAX_MERCATOR_LATITUDE, MAX_MERCATOR_LATITUDE).to_radians().sin();
    let x = fraction_bits((place.lon + 180.0) / 360.0);
    let y = 0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * std::f64::consts::PI);
    let bits = spread(fraction_bits(y)) << 1 | spread(x);
    for digit in 0..u32::from(zoom) {
        let digit = bits >> (58 - 2 * digit) & 3;
        name.write_char(char::from(b'0' + digit as u8))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(cells: Cells, lat: f64, lon: f64) -> String {
        let mut name = String::new();
        cells.write(Place { lat, lon }, &mut name).unwrap();
        name
    }

    #[test]
    fn known_geohashes() {
        for (lat, lon, expected) in [
            (57.649_11, 10.407_44, "u4pruydqqvj8"),
            (48.668_98, -4.329_02, "gbsuv7ztqzpt"),
            (0.0, 0.0, "s00000000000"),
            (-90.0, -180.0, "000000000000"),
            (90.0, 180.0, "zzzzzzzzzzzz"),
        ] {
            for length in [1, 5, 12] {
                let cell = name(Cells::Geohash(length), lat, lon);
                // The last character of a published example depends on how its place was rounded.
                let sure = usize::from(length).min(9);
                assert_eq!(cell.len(), usize::from(length));
                assert_eq!(cell[..sure], expected[..sure], "{lat} {lon}");
            }
        }
    }

    #[test]
    fn known_quadkeys() {
        // Examples of the description: tile 3, 5 at zoom 3.
        assert_eq!(name(Cells::Quadkey(3), -50.0, -20.0), "213");
        assert_eq!(name(Cells::Quadkey(1), 10.0, -10.0), "0");
        assert_eq!(name(Cells::Quadkey(1), -10.0, 10.0), "3");
        assert_eq!(name(Cells::Quadkey(30), 90.0, -180.0), "0".repeat(30));
        assert_eq!(name(Cells::Quadkey(30), -90.0, 180.0), "3".repeat(30));
    }

    #[test]
    fn known_cells_of_h3() {
        // The example of the documentation of H3.
        let place = (37.775_938_728_915_946, -122.417_953_779_706_43);
        assert_eq!(name(Cells::H3(Resolution::Nine), place.0, place.1), "8928308280fffff");
        assert_eq!(name(Cells::H3(Resolution::Zero), 0.0, 0.0), "8075fffffffffff");
    }

    proptest::proptest! {
        #[test]
        fn every_place_has_a_cell(lat in -90.0..=90.0, lon in -180.0..=180.0, size in 1..=12_u8) {
            assert_eq!(name(Cells::Geohash(size), lat, lon).len(), usize::from(size));
            assert_eq!(name(Cells::Quadkey(size), lat, lon).len(), usize::from(size));
            let resolution = Resolution::try_from(size).unwrap();
            assert_eq!(name(Cells::H3(resolution), lat, lon).len(), 15);
            // Smaller cells are within larger ones.
            let larger = name(Cells::Geohash(size - 1), lat, lon);
            assert!(name(Cells::Geohash(size), lat, lon).starts_with(&larger));
        }
    }
}
