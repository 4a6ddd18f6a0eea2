//! Dates and timestamps by a list of formats.

use wasmill_plugin_sdk::prelude::*;

use crate::calendar::{MICROS_PER_DAY, MICROS_PER_SECOND};
use crate::format::{Format, Moment};
use crate::parse::Parse;

/// Days, by the first format that fits. A time of day is checked and left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormats(pub Vec<Format>);

/// Instants, by the first format that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampFormats {
    pub formats: Vec<Format>,
    /// How far the clocks of texts without a zone are ahead of UTC.
    pub zone_seconds: i32,
}

impl Parse<Date> for DateFormats {
    fn parse(&self, text: &str) -> Option<Date> {
        first_fit(&self.0, text).map(|moment| Date(moment.days))
    }
}

impl Parse<Timestamp> for TimestampFormats {
    fn parse(&self, text: &str) -> Option<Timestamp> {
        let moment = first_fit(&self.formats, text)?;
        let offset_seconds = moment.offset_seconds.unwrap_or(self.zone_seconds);
        let local = i64::from(moment.days) * MICROS_PER_DAY + moment.micros;
        Some(Timestamp(local - i64::from(offset_seconds) * MICROS_PER_SECOND))
    }
}

fn first_fit(formats: &[Format], text: &str) -> Option<Moment> {
    formats.iter().find_map(|format| format.parse(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formats(formats: &[&str]) -> Vec<Format> {
        formats.iter().map(|format| Format::compile(format).unwrap()).collect()
    }

    #[test]
    fn the_first_format_that_fits_counts() {
        let dates = DateFormats(formats(&["%d/%m/%Y", "%m/%d/%Y", "%F %T"]));
        for (text, expected) in [
            ("02/01/1970", Some(1)),
            ("01/31/1970", Some(30)),
            ("1970-01-01 23:59:59", Some(0)),
            ("1970-01-01 25:00:00", None),
            ("31/31/1970", None),
        ] {
            assert_eq!(dates.parse(text), expected.map(Date), "{text}");
        }
    }

    #[test]
    fn a_zone_in_the_text_goes_before_that_of_the_column() {
        let timestamps =
            TimestampFormats { formats: formats(&["%+", "%d.%m.%Y %H:%M"]), zone_seconds: 3_600 };
        for (text, expected) in [
            ("1970-01-01T01:00:00", Some(0)),
            ("01.01.1970 02:00", Some(3_600)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:00-01:00", Some(3_600)),
            ("1970-01-01", None),
        ] {
            let expected = expected.map(|seconds: i64| Timestamp(seconds * MICROS_PER_SECOND));
            assert_eq!(timestamps.parse(text), expected, "{text}");
        }
    }
}
