//! Regular expressions, as operators write them or as grok makes them.
//!
//! A pattern has to fit from end to end, unless it is to be searched for. Of several patterns the first that fits counts. A part
//! can be named in several of them, or in several branches of one; its value is that of the first group that took part.

use std::borrow::Cow;

use regex::{CaptureLocations, Regex, RegexBuilder};
use wasmill_plugin_sdk::prelude::*;

use crate::grok::Expanded;
use crate::parser::{Format, Parser, Part, Piece, Unknown, places};

/// What one compiled pattern may take, in bytes: patterns that say `{1,1000}` of much are larger.
const SIZE_LIMIT: usize = 4 << 20;

/// Patterns that were compiled, in the order in which they are tried.
pub struct Patterns {
    is_search: bool,
    patterns: Vec<Pattern>,
    parts: Vec<Part>,
}

struct Pattern {
    regex: Regex,
    /// The parts by number of their groups, as places in the list of all parts.
    groups: Vec<(usize, usize)>,
}

impl Patterns {
    pub fn new(is_search: bool) -> Self {
        Self { is_search, patterns: Vec::new(), parts: Vec::new() }
    }

    /// # Errors
    ///
    /// [`Error::BadConfig`] at `pointer`, where the pattern is no regular expression.
    pub fn add_regex(&mut self, pattern: &str, pointer: &str) -> Result<()> {
        // Compiled as it is first: messages show the pattern that was written.
        compile(pattern, pointer)?;
        let regex = compile(&self.anchored(pattern), pointer)?;
        let named: Vec<(usize, Part)> = regex
            .capture_names()
            .enumerate()
            .filter_map(|(group, name)| Some((group, Part::text(name?))))
            .collect();
        self.add(regex, named);
        Ok(())
    }

    /// # Errors
    ///
    /// [`Error::BadConfig`] at `pointer`, where the pattern is no regular expression.
    pub fn add_grok(&mut self, expanded: &Expanded, pointer: &str) -> Result<()> {
        let regex = compile(&self.anchored(&expanded.regex), pointer)?;
        let mut named = Vec::new();
        for (group, name) in regex.capture_names().enumerate() {
            let Some(name) = name else { continue };
            let part = match expanded.fields.iter().find(|field| field.group == name) {
                Some(field) => Part::of(&field.name, field.data_type),
                None => Part::text(name),
            };
            named.push((group, part));
        }
        self.add(regex, named);
        Ok(())
    }

    fn anchored(&self, pattern: &str) -> String {
        if self.is_search { pattern.to_owned() } else { format!(r"\A(?:{pattern})\z") }
    }

    fn add(&mut self, regex: Regex, named: Vec<(usize, Part)>) {
        let mut groups = Vec::new();
        for (group, part) in named {
            let known = self.parts.iter().position(|other| other.name == part.name);
            let place = known.unwrap_or_else(|| {
                self.parts.push(part);
                self.parts.len() - 1
            });
            groups.push((group, place));
        }
        self.patterns.push(Pattern { regex, groups });
    }
}

fn compile(pattern: &str, pointer: &str) -> Result<Regex> {
    RegexBuilder::new(pattern).size_limit(SIZE_LIMIT).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            let message = format!(
                "takes more than {limit} bytes once compiled; repeat less, or use \\d instead of classes of Unicode"
            );
            Error::bad_config(pointer, message)
        }
        other => Error::bad_config(pointer, other.to_string()),
    })
}

impl Format for Patterns {
    fn fields(&self) -> Vec<Part> {
        self.parts.clone()
    }

    fn parser(self: Box<Self>, from: &[&str]) -> std::result::Result<Box<dyn Parser>, Unknown> {
        let places = places(&self.parts, from)?;
        let matcher = |pattern: Pattern| {
            let asked = |(field, place): (usize, &usize)| {
                let groups = pattern.groups.iter().filter(move |(_, other)| other == place);
                groups.map(move |(group, _)| (*group, field)).collect::<Vec<_>>()
            };
            let groups: Vec<_> = places.iter().enumerate().flat_map(asked).collect();
            let locations = pattern.regex.capture_locations();
            Matcher { regex: pattern.regex, groups, locations }
        };
        let matchers = self.patterns.into_iter().map(matcher).collect();
        Ok(Box::new(Matchers(matchers)))
    }
}

/// One pattern with the fields that its groups are for.
struct Matcher {
    regex: Regex,
    groups: Vec<(usize, usize)>,
    locations: CaptureLocations,
}

struct Matchers(Vec<Matcher>);

impl Parser for Matchers {
    fn parse<'t>(&mut self, text: &'t str, pieces: &mut [Piece<'t>]) -> bool {
        for matcher in &mut self.0 {
            if matcher.regex.captures_read(&mut matcher.locations, text).is_none() {
                continue;
            }
            for &(group, field) in &matcher.groups {
                if pieces[field].is_none()
                    && let Some((start, end)) = matcher.locations.get(group)
                {
                    pieces[field] = Some(Cow::Borrowed(&text[start..end]));
                }
            }
            return true;
        }
        false
    }

    fn rule(&self) -> &'static str {
        "no-match"
    }

    fn expected(&self) -> &'static str {
        "text that the pattern fits"
    }
}
