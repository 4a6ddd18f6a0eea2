//! Customers: name, e-mail address and country, each a pure function of the customer's number.

use crate::mojibake::mojibake;
use crate::random::{Family, Purpose, Source};

/// Names, and how they are written in an e-mail address. No UTF-8 byte of any is one that Windows-1252
/// leaves open, or reads as white space: so each can be garbled and repaired without loss.
const FIRST_NAMES: [(&str, &str); 16] = [
    ("Anna", "anna"),
    ("James", "james"),
    ("Maria", "maria"),
    ("Peter", "peter"),
    ("Laura", "laura"),
    ("Thomas", "thomas"),
    ("Sofia", "sofia"),
    ("Daniel", "daniel"),
    ("José", "jose"),
    ("Zoë", "zoe"),
    ("Jürgen", "juergen"),
    ("Renée", "renee"),
    ("Björn", "bjoern"),
    ("Paweł", "pawel"),
    ("Søren", "soeren"),
    ("Françoise", "francoise"),
];
const LAST_NAMES: [(&str, &str); 16] = [
    ("Smith", "smith"),
    ("Rossi", "rossi"),
    ("Novak", "novak"),
    ("Miller", "miller"),
    ("Jansen", "jansen"),
    ("Silva", "silva"),
    ("Martin", "martin"),
    ("Brown", "brown"),
    ("García", "garcia"),
    ("Müller", "mueller"),
    ("Núñez", "nunez"),
    ("Sørensen", "soerensen"),
    ("Lindström", "lindstroem"),
    ("Groß", "gross"),
    ("Wałęsa", "walesa"),
    ("Şahin", "sahin"),
];
/// Upper case first, then lower.
const COUNTRIES: [(&str, &str); 12] = [
    ("DE", "de"),
    ("FR", "fr"),
    ("ES", "es"),
    ("IT", "it"),
    ("NL", "nl"),
    ("PL", "pl"),
    ("SE", "se"),
    ("DK", "dk"),
    ("AT", "at"),
    ("PT", "pt"),
    ("GB", "gb"),
    ("US", "us"),
];
/// Domains that are reserved for examples (RFC 2606): nobody receives mail there.
const DOMAINS: [&str; 3] = ["@example.com", "@example.org", "@example.net"];

/// One customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Customer {
    pub number: u32,
    /// Which pair of first and last name.
    name: usize,
    country: usize,
    domain: usize,
}

impl Customer {
    /// The last part of the e-mail address, such as `@example.com`.
    pub fn at_domain(&self) -> &'static str {
        DOMAINS[self.domain]
    }

    pub fn country(&self) -> &'static str {
        COUNTRIES[self.country].0
    }

    pub fn country_in_lower_case(&self) -> &'static str {
        COUNTRIES[self.country].1
    }
}

/// First and last name, in the forms that rows need.
struct FullName {
    /// Such as `José García`.
    plain: String,
    /// The same, read in the wrong encoding.
    garbled: String,
    /// The first part of the e-mail address, such as `jose.garcia.`.
    address: String,
}

/// Makes customers.
pub struct Customers {
    source: Source,
    /// All pairs of first and last names.
    names: Vec<FullName>,
}

impl Customers {
    pub fn new(seed: u64) -> Self {
        let pairs =
            FIRST_NAMES.iter().flat_map(|first| LAST_NAMES.iter().map(move |last| (first, last)));
        let names = pairs.map(|(first, last)| {
            let plain = format!("{} {}", first.0, last.0);
            let garbled = mojibake(&plain);
            FullName { plain, garbled, address: format!("{}.{}.", first.1, last.1) }
        });
        Self { source: Source::new(seed, Family::Customer), names: names.collect() }
    }

    pub fn customer(&self, number: u32) -> Customer {
        let words = self.source.subject(u64::from(number));
        let home = words.word(Purpose::Home);
        Customer {
            number,
            name: words.word(Purpose::Name).below(self.names.len() as u32) as usize,
            country: home.below(COUNTRIES.len() as u32) as usize,
            domain: home.low_below(DOMAINS.len() as u32) as usize,
        }
    }

    /// First and last name; read in the wrong encoding where `garbled`.
    pub fn name(&self, customer: &Customer, garbled: bool) -> &str {
        let name = &self.names[customer.name];
        if garbled { &name.garbled } else { &name.plain }
    }

    /// The first part of the e-mail address, such as `jose.garcia.`; the customer's number follows.
    pub fn address(&self, customer: &Customer) -> &str {
        &self.names[customer.name].address
    }

    /// Whether the name has letters beyond ASCII, so that a wrong encoding shows.
    pub fn is_beyond_ascii(&self, customer: &Customer) -> bool {
        let name = &self.names[customer.name];
        // Each letter beyond ASCII is garbled into two or more.
        name.garbled.len() > name.plain.len()
    }
}

/// Which share of the names has letters beyond ASCII.
pub fn share_beyond_ascii() -> f64 {
    let plain_share = |names: &[(&str, &str)]| {
        let plain = names.iter().filter(|(name, _)| name.is_ascii()).count();
        plain as f64 / names.len() as f64
    };
    1.0 - plain_share(&FIRST_NAMES) * plain_share(&LAST_NAMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_quarters_of_the_names_go_beyond_ascii() {
        assert_eq!(share_beyond_ascii(), 0.75);
        let customers = Customers::new(3);
        let beyond =
            (0..10_000).filter(|&number| customers.is_beyond_ascii(&customers.customer(number)));
        assert!(beyond.count().abs_diff(7_500) < 217, "five standard deviations");
    }

    #[test]
    fn garbled_names_differ_and_can_be_repaired() {
        for (name, address) in FIRST_NAMES.into_iter().chain(LAST_NAMES) {
            assert!(address.chars().all(|letter| letter.is_ascii_lowercase()), "{address}");
            let garbled = mojibake(name);
            assert_eq!(garbled == name, name.is_ascii());
            assert_eq!(garbled.trim(), garbled);
            assert!(!garbled.chars().any(|letter| ('\u{80}'..'\u{a0}').contains(&letter)));
        }
    }

    #[test]
    fn a_customer_is_the_same_each_time() {
        let (customers, others) = (Customers::new(3), Customers::new(4));
        assert_eq!(customers.customer(17), Customers::new(3).customer(17));
        let same = (0..100).filter(|&number| customers.customer(number) == others.customer(number));
        assert!(same.count() < 10);
        for number in 0..1_000 {
            let customer = customers.customer(number);
            let garbled = customers.name(&customer, true) != customers.name(&customer, false);
            assert_eq!(customers.is_beyond_ascii(&customer), garbled);
        }
    }
}
