//! The exact sum of integers, which the sum of many decimals needs more than 128 bits for.

use serde::{Deserialize, Serialize};

/// A sum of up to 2^63 integers: 192 bits in two's complement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegerSum {
    low: u128,
    high: i64,
}

impl IntegerSum {
    #[inline]
    pub fn add(&mut self, value: i128) {
        self.add_wide(value as u128, (value >> 127) as i64);
    }

    pub fn merge(&mut self, other: Self) {
        self.add_wide(other.low, other.high);
    }

    /// The sum; none where it does not fit into 128 bits.
    pub fn value(self) -> Option<i128> {
        let value = self.low as i128;
        (self.high == (value >> 127) as i64).then_some(value)
    }

    /// The sum, or what is nearest to it in 128 bits.
    pub fn saturated(self) -> i128 {
        self.value().unwrap_or(if self.high < 0 { i128::MIN } else { i128::MAX })
    }

    /// The float nearest to the sum; of one beyond 128 bits, about that.
    pub fn to_f64(self) -> f64 {
        match self.value() {
            Some(value) => value as f64,
            None => self.high as f64 * 2_f64.powi(128) + self.low as f64,
        }
    }

    #[inline]
    fn add_wide(&mut self, low: u128, high: i64) {
        let (sum, carried) = self.low.overflowing_add(low);
        self.low = sum;
        self.high += high + i64::from(carried);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[i128]) -> IntegerSum {
        let mut sum = IntegerSum::default();
        values.iter().for_each(|&value| sum.add(value));
        sum
    }

    #[test]
    fn sums_may_leave_128_bits_and_return() {
        assert_eq!(sum(&[1, -3]).value(), Some(-2));
        assert_eq!(sum(&[-1, 1]).value(), Some(0));
        let most = sum(&[i128::MAX, i128::MAX]);
        assert_eq!((most.value(), most.saturated()), (None, i128::MAX));
        assert_eq!(most.to_f64(), 2_f64.powi(128));
        let least = sum(&[i128::MIN, i128::MIN, i128::MIN]);
        assert_eq!((least.value(), least.saturated()), (None, i128::MIN));
        assert_eq!(least.to_f64(), -3.0 * 2_f64.powi(127));
        let mut merged = most;
        merged.merge(least);
        merged.merge(most);
        assert_eq!(merged.value(), Some(i128::MAX - 3));
    }
}
