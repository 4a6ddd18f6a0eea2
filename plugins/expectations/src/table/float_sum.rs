//! The exact sum of floats, which is the same in whatever order they are added.
//!
//! Every finite float64 is an integer times 2^-1074, so a sum of them is an integer of some 2160 bits in
//! that unit: a long accumulator (Kulisch, "Computer Arithmetic and Validity", 2013). It is kept
//! in limbs of 32 bits that are held in 64, so that carries need to be moved on rarely. Only the result is
//! rounded, once, to the nearest float64.

use serde::{Deserialize, Serialize};

use crate::rows::RowSet;

const LIMB_BITS: usize = 32;
const LIMB_MASK: u64 = (1 << LIMB_BITS) - 1;
/// 2098 bits for the largest float and 64 for how many are added.
const LIMBS: usize = (2098 + 64_usize).div_ceil(LIMB_BITS);
const MANTISSA_BITS: usize = 53;

/// An exact sum.
///
/// Between calls all limbs but the last are below 2^32, and the last one bears the sign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FloatSum {
    limbs: Vec<i64>,
    has_nan: bool,
    has_infinity: bool,
    has_negative_infinity: bool,
}

impl FloatSum {
    pub fn new() -> Self {
        Self {
            limbs: vec![0; LIMBS],
            has_nan: false,
            has_infinity: false,
            has_negative_infinity: false,
        }
    }

    /// Adds the values of these rows. No batch has as many as could overflow a limb: each adds less than
    /// 2^32, so it would take 2^31 of them.
    pub fn add_all(&mut self, values: &[f64], rows: &RowSet) {
        rows.for_each(values, |value| self.add(value));
        carry(&mut self.limbs);
    }

    pub fn merge(&mut self, other: &Self) {
        for (limb, other) in self.limbs.iter_mut().zip(&other.limbs) {
            *limb += other;
        }
        carry(&mut self.limbs);
        self.has_nan |= other.has_nan;
        self.has_infinity |= other.has_infinity;
        self.has_negative_infinity |= other.has_negative_infinity;
    }

    /// The sum, rounded to the nearest float, and to the even one of two.
    pub fn value(&self) -> f64 {
        if self.has_nan || (self.has_infinity && self.has_negative_infinity) {
            return f64::NAN;
        }
        if self.has_infinity {
            return f64::INFINITY;
        }
        if self.has_negative_infinity {
            return f64::NEG_INFINITY;
        }
        if self.limbs[LIMBS - 1] >= 0 {
            return rounded(&self.limbs);
        }
        let mut negated: Vec<i64> = self.limbs.iter().map(|limb| -limb).collect();
        carry(&mut negated);
        -rounded(&negated)
    }

    #[inline]
    fn add(&mut self, value: f64) {
        let bits = value.to_bits();
        let exponent = (bits >> 52) as usize & 0x7ff;
        let fraction = bits & ((1 << 52) - 1);
        if exponent == 0x7ff {
            self.has_nan |= fraction != 0;
            self.has_infinity |= value == f64::INFINITY;
            self.has_negative_infinity |= value == f64::NEG_INFINITY;
            return;
        }
        // Subnormal numbers lack the leading one and share the lowest position.
        let (mantissa, position) = match exponent {
            0 => (fraction, 0),
            exponent => (fraction | 1 << 52, exponent - 1),
        };
        let (limb, shift) = (position / LIMB_BITS, position % LIMB_BITS);
        let upper = mantissa >> (LIMB_BITS - shift);
        let parts = [(mantissa << shift) & LIMB_MASK, upper & LIMB_MASK, upper >> LIMB_BITS];
        // All ones for a negative value: `(part ^ sign) - sign` is then the negated part.
        let sign = (bits as i64) >> 63;
        let limbs = self.limbs[limb..]
            .first_chunk_mut::<3>()
            .expect("the largest float ends three limbs below the last one");
        for (limb, part) in limbs.iter_mut().zip(parts) {
            *limb += (part as i64 ^ sign) - sign;
        }
    }
}

/// Moves what does not fit into 32 bits on to the next limb.
fn carry(limbs: &mut [i64]) {
    let mut carried = 0;
    let Some((last, limbs)) = limbs.split_last_mut() else { return };
    for limb in limbs {
        let sum = *limb + carried;
        *limb = sum & LIMB_MASK as i64;
        carried = sum >> LIMB_BITS;
    }
    *last += carried;
}

/// The float nearest to limbs that are carried and not negative.
fn rounded(limbs: &[i64]) -> f64 {
    let Some(top) = limbs.iter().rposition(|&limb| limb != 0) else { return 0.0 };
    let bit_length = top * LIMB_BITS + (i64::BITS - limbs[top].leading_zeros()) as usize;
    // Up to here a float's bits are its value in units of 2^-1074.
    if bit_length <= MANTISSA_BITS {
        return f64::from_bits(window(limbs, 0));
    }
    let lowest = bit_length - MANTISSA_BITS;
    let mantissa = window(limbs, lowest) & ((1 << MANTISSA_BITS) - 1);
    let half = bit(limbs, lowest - 1);
    let more_than_half = half && (0..lowest - 1).any(|position| bit(limbs, position));
    let round_up = more_than_half || (half && mantissa & 1 == 1);
    // The leading one of the mantissa, and what rounding carries into it, add to the exponent.
    let bits = ((lowest as u64) << 52) + mantissa + u64::from(round_up);
    f64::from_bits(bits.min(f64::INFINITY.to_bits()))
}

/// 64 bits from `position` on.
fn window(limbs: &[i64], position: usize) -> u64 {
    let first = position / LIMB_BITS;
    let limb = |index: usize| limbs.get(index).map_or(0, |&limb| limb as u128);
    let three = limb(first) | limb(first + 1) << LIMB_BITS | limb(first + 2) << (2 * LIMB_BITS);
    (three >> (position % LIMB_BITS)) as u64
}

fn bit(limbs: &[i64], position: usize) -> bool {
    limbs[position / LIMB_BITS] >> (position % LIMB_BITS) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn exact(values: &[f64]) -> FloatSum {
        let mut sum = FloatSum::new();
        sum.add_all(values, &RowSet::All(values.len()));
        sum
    }

    fn sum(values: &[f64]) -> f64 {
        exact(values).value()
    }

    #[test]
    fn one_value_is_its_own_sum() {
        let mut random = Random::new(1);
        for _ in 0..100_000 {
            let value = f64::from_bits(random.next_u64());
            if value.is_finite() {
                assert_eq!(sum(&[value]), value, "{value:e}");
            }
        }
        for value in
            [0.0, f64::MIN_POSITIVE, 5e-324, f64::MAX, -f64::MAX, f64::MIN_POSITIVE - 5e-324]
        {
            assert_eq!(sum(&[value]), value, "{value:e}");
        }
    }

    #[test]
    fn sums_are_exact_and_rounded_once() {
        for (values, expected) in [
            (vec![], 0.0),
            (vec![1e308, 1.0, -1e308], 1.0),
            (vec![1e16, 1.0, 1.0], 1e16 + 2.0),
            // Exactly half, to the even neighbour; then more than half.
            (vec![9007199254740992.0, 1.0], 9007199254740992.0),
            (vec![9007199254740994.0, 1.0], 9007199254740996.0),
            (vec![9007199254740992.0, 1.0, 5e-324], 9007199254740994.0),
            (vec![f64::MAX, f64::MAX], f64::INFINITY),
            (vec![f64::MAX, f64::MAX, -f64::MAX], f64::MAX),
            (vec![0.1, 0.2, -0.3], 2.7755575615628914e-17),
            (vec![5e-324; 3], 1.5e-323),
            (vec![f64::INFINITY, 1.0], f64::INFINITY),
            (vec![f64::NEG_INFINITY, 1.0], f64::NEG_INFINITY),
        ] {
            assert_eq!(sum(&values), expected, "{values:?}");
            let negated: Vec<f64> = values.iter().map(|value| -value).collect();
            assert_eq!(sum(&negated), -expected, "{negated:?}");
        }
        assert_eq!(sum(&[0.1; 10]), 1.0);
        assert!(sum(&[f64::NAN, 1.0]).is_nan());
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }

    #[test]
    fn integers_sum_as_integers() {
        let mut random = Random::new(2);
        for _ in 0..200 {
            let values: Vec<i64> = (0..50).map(|_| random.next_u64() as i64 >> 12).collect();
            let floats: Vec<f64> = values.iter().map(|&value| value as f64).collect();
            let exact: i128 = values.iter().map(|&value| i128::from(value)).sum();
            assert_eq!(sum(&floats), exact as f64);
        }
    }

    #[test]
    fn the_order_does_not_matter() {
        let mut random = Random::new(3);
        for _ in 0..100 {
            let mut values: Vec<f64> = (0..100)
                .map(|_| f64::from_bits(random.next_u64()))
                .filter(|value| value.is_finite())
                .collect();
            let whole = exact(&values);
            random.shuffle(&mut values);
            let mut merged = FloatSum::new();
            values.chunks(7).for_each(|part| merged.merge(&exact(part)));
            assert_eq!(merged, whole);
        }
    }
}
