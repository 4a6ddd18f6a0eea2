//! Durations for people.

use std::fmt;
use std::time::Duration;

/// Shows a duration as `1.2 s` or `3 min 05 s`.
pub struct Shown(pub Duration);

impl fmt::Display for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if seconds < 60 {
            write!(formatter, "{:.1} s", self.0.as_secs_f64())
        } else {
            write!(formatter, "{} min {:02} s", seconds / 60, seconds % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long() {
        assert_eq!(Shown(Duration::from_millis(1_250)).to_string(), "1.2 s");
        assert_eq!(Shown(Duration::from_secs(185)).to_string(), "3 min 05 s");
    }
}
