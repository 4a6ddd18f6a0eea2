//! Prometheus' text format, read strictly: what collectors forgive is a failure here.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>

use std::collections::{BTreeMap, BTreeSet};

/// What names a series.
pub type Labels = BTreeMap<String, String>;

/// A file of metrics.
#[derive(Debug, Default)]
pub struct Exposition {
    /// Kinds by name.
    pub kinds: BTreeMap<String, String>,
    pub samples: BTreeMap<(String, Labels), f64>,
}

impl Exposition {
    /// Reads a file; panics with the line that breaks the format.
    pub fn parse(text: &str) -> Self {
        let mut read = Self::default();
        let mut helped = BTreeSet::new();
        let mut family = String::new();
        assert!(text.is_empty() || text.ends_with('\n'), "the last line is not ended");
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap_or_else(|| panic!("{line}"));
                assert!(is_name(name) && !help.is_empty(), "{line}");
                assert!(helped.insert(name.to_owned()), "helped twice: {line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap_or_else(|| panic!("{line}"));
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                let before = read.kinds.insert(name.to_owned(), kind.to_owned());
                assert!(before.is_none(), "typed twice: {line}");
                family = name.to_owned();
            } else {
                let (name, labels, value) = sample(line);
                let suffix = name.strip_prefix(family.as_str());
                let suffix = suffix.unwrap_or_else(|| panic!("not below its type: {line}"));
                let suffixes: &[&str] = match read.kinds[&family].as_str() {
                    "histogram" => &["_bucket", "_sum", "_count"],
                    _ => &[""],
                };
                assert!(suffixes.contains(&suffix), "{line}");
                assert!(read.kinds[&family] == "gauge" || value >= 0.0, "{line}");
                let before = read.samples.insert((name, labels), value);
                assert!(before.is_none(), "a series twice: {line}");
            }
        }
        for (name, kind) in &read.kinds {
            assert!(helped.contains(name), "{name} has no help");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
        }
        read.check_histograms();
        read
    }

    /// The sum over all series of a name that have these labels among theirs.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.series(name, labels).map(|(_, value)| value).sum()
    }

    /// All series of a name that have these labels among theirs.
    pub fn series(
        &self,
        name: &str,
        labels: &[(&str, &str)],
    ) -> impl Iterator<Item = (&Labels, f64)> {
        let has = |found: &Labels| {
            labels.iter().all(|(label, value)| found.get(*label).is_some_and(|is| is == value))
        };
        let of_name = self.samples.iter().filter(move |((found, _), _)| found == name);
        of_name.filter(move |((_, found), _)| has(found)).map(|((_, found), value)| (found, *value))
    }

    /// Buckets hold those before them, and the last holds all.
    fn check_histograms(&self) {
        for ((name, labels), count) in &self.samples {
            let Some(family) = name.strip_suffix("_count") else { continue };
            let mut buckets: Vec<(f64, f64)> = Vec::new();
            for ((_, found), value) in
                self.samples.iter().filter(|((name, _), _)| *name == format!("{family}_bucket"))
            {
                let mut found = found.clone();
                let bound = found.remove("le").expect("a bucket has a bound");
                if found == *labels {
                    buckets.push((number(&bound), *value));
                }
            }
            buckets.sort_by(|(left, _), (right, _)| left.total_cmp(right));
            assert!(buckets.is_sorted_by(|(_, left), (_, right)| left <= right), "{buckets:?}");
            assert_eq!(buckets.last(), Some(&(f64::INFINITY, *count)), "{name} {labels:?}");
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
        && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

fn number(text: &str) -> f64 {
    if text == "+Inf" {
        return f64::INFINITY;
    }
    text.parse().unwrap_or_else(|_| panic!("no number: {text}"))
}

/// `name{label="value",…} number`
fn sample(line: &str) -> (String, Labels, f64) {
    let (name, mut rest) = line.split_once('{').unwrap_or_else(|| panic!("no labels: {line}"));
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    loop {
        let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
        assert!(is_name(label), "{line}");
        let mut value = String::new();
        let mut chars = after.chars();
        loop {
            match chars.next().unwrap_or_else(|| panic!("a value without end: {line}")) {
                '"' => break,
                '\\' => value.push(match chars.next() {
                    Some('n') => '\n',
                    Some(char @ ('"' | '\\')) => char,
                    other => panic!("no escape: {other:?}: {line}"),
                }),
                char => value.push(char),
            }
        }
        assert!(labels.insert(label.to_owned(), value).is_none(), "a label twice: {line}");
        rest = chars.as_str();
        match rest.split_at_checked(1) {
            Some((",", more)) => rest = more,
            Some(("}", value)) => {
                let value = value.strip_prefix(' ').unwrap_or_else(|| panic!("{line}"));
                return (name.to_owned(), labels, number(value));
            }
            _ => panic!("{line}"),
        }
    }
}
