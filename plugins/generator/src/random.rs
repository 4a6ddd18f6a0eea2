//! Random words that are a pure function of a seed, a subject (such as a row) and a purpose.
//!
//! A counter-based generator: there is no state to carry from row to row, so rows can be made in any order
//! and anywhere. The mixing function is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable
//! Pseudorandom Number Generators, 2014), and the counters go through it in steps of the same odd constant.

/// 2^64 divided by the golden ratio: successive multiples are spread evenly over the words.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a random word is for. Words for different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    // Of a row.
    Customer,
    Product,
    Quantity,
    Moment,
    Channel,
    Duplicate,
    Null,
    BadDate,
    Encoding,
    Spaces,
    Case,
    // Of a customer or a product.
    Name,
    Home,
    Price,
}

/// A family of subjects: the rows, the customers, the products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Row,
    Customer,
    Product,
}

/// The random words of all subjects of one family under one seed.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    key: u64,
}

impl Source {
    pub fn new(seed: u64, family: Family) -> Self {
        Self { key: mix(mix(seed.wrapping_add(STEP)) ^ family as u64) }
    }

    /// The words of one subject.
    pub fn subject(self, number: u64) -> Words {
        Words { key: mix(self.key.wrapping_add(number.wrapping_mul(STEP))) }
    }
}

/// The random words of one subject.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    key: u64,
}

impl Words {
    pub fn word(self, purpose: Purpose) -> Word {
        Word(mix(self.key.wrapping_add((purpose as u64 + 1).wrapping_mul(STEP))))
    }
}

/// 64 random bits, as two independent halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word(u64);

impl Word {
    /// A number below `limit`, from the upper half. Scaled instead of divided (Lemire: Fast Random Integer
    /// Generation in an Interval, 2019); the bias is below `limit` divided by 2^32.
    pub fn below(self, limit: u32) -> u32 {
        scale(self.0 >> 32, limit)
    }

    /// A number below `limit`, from the lower half.
    pub fn low_below(self, limit: u32) -> u32 {
        scale(self.0 & 0xffff_ffff, limit)
    }

    /// One of `items`, from the lower half.
    pub fn low_choice<T: Copy>(self, items: &[T]) -> T {
        items[self.low_below(items.len() as u32) as usize]
    }

    /// True with this probability, by the upper half.
    pub fn happens(self, probability: Probability) -> bool {
        self.0 >> 32 < probability.0
    }
}

fn scale(half: u64, limit: u32) -> u32 {
    ((half * u64::from(limit)) >> 32) as u32
}

/// A probability as a threshold for 32 random bits: 2^32 is certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probability(u64);

impl Probability {
    /// `share` is cut to the range from 0 to 1.
    pub fn new(share: f64) -> Self {
        Self((share.clamp(0.0, 1.0) * 4_294_967_296.0) as u64)
    }

    /// Lets callers skip the word that would decide.
    pub fn is_impossible(self) -> bool {
        self.0 == 0
    }
}

fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_is_that_of_splitmix64() {
        // The first outputs of SplitMix64 from the state 0.
        assert_eq!(mix(STEP), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(STEP.wrapping_mul(2)), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn words_differ_by_seed_family_subject_and_purpose() {
        let word = |seed, family, subject, purpose| {
            Source::new(seed, family).subject(subject).word(purpose)
        };
        let base = word(1, Family::Row, 1, Purpose::Null);
        assert_eq!(base, word(1, Family::Row, 1, Purpose::Null));
        for other in [
            word(2, Family::Row, 1, Purpose::Null),
            word(1, Family::Customer, 1, Purpose::Null),
            word(1, Family::Row, 2, Purpose::Null),
            word(1, Family::Row, 1, Purpose::Case),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn numbers_are_spread_evenly() {
        let source = Source::new(7, Family::Row);
        let mut counts = [[0_u32; 10]; 2];
        for subject in 0..100_000 {
            let word = source.subject(subject).word(Purpose::Customer);
            counts[0][word.below(10) as usize] += 1;
            counts[1][word.low_below(10) as usize] += 1;
        }
        // Five standard deviations of a count of 10,000 among 100,000 are 474.
        assert!(counts.iter().flatten().all(|count| count.abs_diff(10_000) < 474), "{counts:?}");
    }

    #[test]
    fn probabilities_hold_at_their_ends_and_between() {
        let source = Source::new(7, Family::Row);
        let happened = |share| {
            let probability = Probability::new(share);
            let words = (0..100_000).map(|subject| source.subject(subject).word(Purpose::Case));
            words.filter(|word| word.happens(probability)).count()
        };
        assert_eq!(happened(0.0), 0);
        assert_eq!(happened(1.0), 100_000);
        assert!(happened(0.25).abs_diff(25_000) < 700, "{}", happened(0.25));
        assert!(Probability::new(0.0).is_impossible());
        assert!(!Probability::new(0.001).is_impossible());
    }
}
