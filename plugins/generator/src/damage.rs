//! What is wrong with a row: which kinds of dirt, where, and how it looks.

use crate::config::DirtConfig;
use crate::customer::share_beyond_ascii;
use crate::random::{Probability, Purpose, Words};

/// Texts that stand where a moment should. None is one in any format.
const BAD_DATES: [&str; 8] = [
    "31/02/2025",
    "soon",
    "",
    "2025-02-30 12:00:00",
    "2025-13-01 08:30:00",
    "0000-00-00 00:00:00",
    "2025-06-15 25:61:00",
    "yesterday",
];
/// White space before and after a value.
const PADDINGS: [(&str, &str); 6] =
    [("  ", ""), ("", " "), ("\t", " "), ("\u{a0}", ""), ("", "\r\n"), (" ", "\u{a0} ")];
/// In the order in which a label names them.
const NAMES: [&str; 6] = ["duplicate", "null", "bad_date", "encoding", "spaces", "case"];

/// Kinds of dirt, as a set of bits. Bit i stands for `NAMES[i]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    pub const DUPLICATE: Self = Self(1);
    const NULL: Self = Self(2);
    const BAD_DATE: Self = Self(4);
    const ENCODING: Self = Self(8);
    const SPACES: Self = Self(16);
    const CASE: Self = Self(32);

    fn add(&mut self, kind: Self) {
        self.0 |= kind.0;
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A column that becomes null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullColumn {
    CustomerId,
    ProductId,
    Quantity,
    UnitPrice,
}

/// A column that gets white space around its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaddedColumn {
    Name,
    Email,
    Channel,
}

/// A column whose value is in the wrong case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseColumn {
    Email,
    Country,
    Channel,
}

/// White space before and after a value.
pub type Padding = (&'static str, &'static str);

/// What is wrong with one row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Damage {
    pub kinds: Kinds,
    pub null: Option<NullColumn>,
    /// What stands where the moment should.
    pub bad_date: Option<&'static str>,
    pub garbled_name: bool,
    pub padded: Option<(PaddedColumn, Padding)>,
    pub wrong_case: Option<CaseColumn>,
}

impl Damage {
    /// That of a row which repeats another, and has nothing else wrong.
    pub fn duplicate() -> Self {
        Self { kinds: Kinds::DUPLICATE, ..Self::default() }
    }

    /// The white space around this column; none is two empty texts.
    pub fn padding(&self, column: PaddedColumn) -> Padding {
        match self.padded {
            Some((padded, padding)) if padded == column => padding,
            _ => ("", ""),
        }
    }
}

/// Damages rows as configured.
pub struct Damager {
    null: Probability,
    bad_date: Probability,
    /// Of rows with a name that can be hit.
    encoding: Probability,
    spaces: Probability,
    case: Probability,
}

impl Damager {
    pub fn new(dirt: &DirtConfig) -> Self {
        Self {
            null: Probability::new(dirt.null),
            bad_date: Probability::new(dirt.bad_date),
            encoding: Probability::new(dirt.encoding / share_beyond_ascii()),
            spaces: Probability::new(dirt.spaces),
            case: Probability::new(dirt.case),
        }
    }

    /// What is wrong with the row of these random words. `can_be_garbled` says whether a wrong encoding of
    /// its name would show.
    pub fn damage(&self, words: Words, can_be_garbled: bool) -> Damage {
        let mut damage = Damage::default();
        let hit = |purpose, probability: Probability| {
            if probability.is_impossible() {
                return None;
            }
            Some(words.word(purpose)).filter(|word| word.happens(probability))
        };
        if let Some(word) = hit(Purpose::Null, self.null) {
            use NullColumn::{CustomerId, ProductId, Quantity, UnitPrice};
            damage.kinds.add(Kinds::NULL);
            damage.null = Some(word.low_choice(&[CustomerId, ProductId, Quantity, UnitPrice]));
        }
        if let Some(word) = hit(Purpose::BadDate, self.bad_date) {
            damage.kinds.add(Kinds::BAD_DATE);
            damage.bad_date = Some(word.low_choice(&BAD_DATES));
        }
        if can_be_garbled && hit(Purpose::Encoding, self.encoding).is_some() {
            damage.kinds.add(Kinds::ENCODING);
            damage.garbled_name = true;
        }
        if let Some(word) = hit(Purpose::Spaces, self.spaces) {
            use PaddedColumn::{Channel, Email, Name};
            damage.kinds.add(Kinds::SPACES);
            let choice = word.low_below(3 * PADDINGS.len() as u32) as usize;
            damage.padded = Some(([Name, Email, Channel][choice % 3], PADDINGS[choice / 3]));
        }
        if let Some(word) = hit(Purpose::Case, self.case) {
            use CaseColumn::{Channel, Country, Email};
            damage.kinds.add(Kinds::CASE);
            damage.wrong_case = Some(word.low_choice(&[Email, Country, Channel]));
        }
        damage
    }
}

/// The label of each set of kinds: their names, separated by commas.
pub struct Labels {
    labels: Vec<String>,
}

impl Labels {
    pub fn new() -> Self {
        let label = |kinds: u8| {
            let names = NAMES.iter().enumerate().filter(|(bit, _)| kinds >> bit & 1 == 1);
            names.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
        };
        Self { labels: (0..1 << NAMES.len()).map(label).collect() }
    }

    pub fn label(&self, kinds: Kinds) -> &str {
        &self.labels[usize::from(kinds.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::Customers;
    use crate::random::{Family, Source};

    fn damages(dirt: &DirtConfig) -> Vec<Damage> {
        let damager = Damager::new(dirt);
        let (source, customers) = (Source::new(5, Family::Row), Customers::new(5));
        (0..20_000)
            .map(|number| {
                let can_be_garbled = customers.is_beyond_ascii(&customers.customer(number));
                damager.damage(source.subject(number.into()), can_be_garbled)
            })
            .collect()
    }

    #[test]
    fn nothing_is_wrong_by_default() {
        assert!(damages(&DirtConfig::default()).iter().all(|damage| *damage == Damage::default()));
    }

    #[test]
    fn shares_are_those_configured() {
        let dirt = DirtConfig {
            null: 0.1,
            bad_date: 0.2,
            duplicate: 0.0,
            encoding: 0.3,
            spaces: 0.4,
            case: 0.5,
        };
        let damages = damages(&dirt);
        for (kind, share) in [
            (Kinds::NULL, 0.1),
            (Kinds::BAD_DATE, 0.2),
            (Kinds::ENCODING, 0.3),
            (Kinds::SPACES, 0.4),
            (Kinds::CASE, 0.5),
        ] {
            let hit = damages.iter().filter(|damage| damage.kinds.0 & kind.0 != 0).count();
            // Five standard deviations of 20,000 throws with an even chance are 354.
            assert!((hit as f64 - share * 20_000.0).abs() < 354.0, "{kind:?}: {hit}");
        }
    }

    #[test]
    fn kinds_say_what_is_wrong() {
        let half = DirtConfig {
            null: 0.5,
            bad_date: 0.5,
            duplicate: 0.0,
            encoding: 0.5,
            spaces: 0.5,
            case: 0.5,
        };
        for damage in damages(&half) {
            let has = |kind: Kinds| damage.kinds.0 & kind.0 != 0;
            assert_eq!(has(Kinds::NULL), damage.null.is_some());
            assert_eq!(has(Kinds::BAD_DATE), damage.bad_date.is_some());
            assert_eq!(has(Kinds::ENCODING), damage.garbled_name);
            assert_eq!(has(Kinds::SPACES), damage.padded.is_some());
            assert_eq!(has(Kinds::CASE), damage.wrong_case.is_some());
        }
    }

    #[test]
    fn labels_name_the_kinds() {
        let labels = Labels::new();
        assert_eq!(labels.label(Kinds::DUPLICATE), "duplicate");
        let mut kinds = Kinds::CASE;
        kinds.add(Kinds::NULL);
        assert_eq!(labels.label(kinds), "null,case");
        assert_eq!(labels.label(Kinds::default()), "");
    }

    #[test]
    fn padding_is_white_space() {
        for (before, after) in PADDINGS {
            assert!(before.len() + after.len() > 0);
            assert_eq!(before.trim().len() + after.trim().len(), 0);
        }
    }
}
