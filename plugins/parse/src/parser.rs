//! What takes text apart: one implementation for each format.

use std::borrow::Cow;

use wasmill_plugin_sdk::Result;
use wasmill_plugin_values::config::{TypeConfig, TypeName, TypeOptions};

/// The value of a part; none where the text does not have it.
pub type Piece<'t> = Option<Cow<'t, str>>;

/// Takes text apart.
pub trait Parser {
    /// Writes the values of the fields that were asked for to `pieces`, which are all none before. False where the text is not
    /// of the format.
    fn parse<'t>(&mut self, text: &'t str, pieces: &mut [Piece<'t>]) -> bool;

    /// The rule by which text is rejected that is not of the format.
    fn rule(&self) -> &'static str;

    /// What such a text is not, for messages.
    fn expected(&self) -> &'static str;
}

/// A format whose pattern was compiled, before it is known which fields are asked for.
pub trait Format {
    /// The parts that become columns unless others are asked for; empty where they have to be named.
    fn fields(&self) -> Vec<Part>;

    /// The parser that finds these parts. An error names the part that there is not, by its index.
    fn parser(self: Box<Self>, from: &[&str]) -> std::result::Result<Box<dyn Parser>, Unknown>;
}

/// A part that a format has.
#[derive(Debug, Clone)]
pub struct Part {
    pub name: String,
    pub data_type: TypeConfig,
}

/// A field that a format does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    pub index: usize,
    pub message: String,
}

impl Part {
    pub fn text(name: &str) -> Self {
        Self::of(name, TypeName::Utf8)
    }

    pub fn of(name: &str, data_type: TypeName) -> Self {
        Self { name: name.to_owned(), data_type: TypeConfig(TypeOptions::plain(data_type)) }
    }
}

/// Where each of `from` is among `parts`.
pub fn places(parts: &[Part], from: &[&str]) -> std::result::Result<Vec<usize>, Unknown> {
    let place = |(index, wanted): (usize, &&str)| {
        parts.iter().position(|part| part.name == *wanted).ok_or_else(|| {
            let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
            let message = format!("is {wanted:?}; there are {}", names.join(", "));
            Unknown { index, message }
        })
    };
    from.iter().enumerate().map(place).collect()
}

/// Finds all parts of a text; none where it is not of the format.
pub type Split<const PARTS: usize> = Box<dyn for<'t> Fn(&'t str) -> Option<[Piece<'t>; PARTS]>>;

/// A fixed list of parts, of which a function finds all at once.
pub struct Fixed<const PARTS: usize> {
    pub parts: Vec<Part>,
    pub split: Split<PARTS>,
    pub rule: &'static str,
    pub expected: &'static str,
}

struct FixedParser<const PARTS: usize> {
    format: Fixed<PARTS>,
    places: Vec<usize>,
}

impl<const PARTS: usize> Format for Fixed<PARTS> {
    fn fields(&self) -> Vec<Part> {
        self.parts.clone()
    }

    fn parser(self: Box<Self>, from: &[&str]) -> std::result::Result<Box<dyn Parser>, Unknown> {
        let places = places(&self.parts, from)?;
        Ok(Box::new(FixedParser { format: *self, places }))
    }
}

impl<const PARTS: usize> Parser for FixedParser<PARTS> {
    fn parse<'t>(&mut self, text: &'t str, pieces: &mut [Piece<'t>]) -> bool {
        let Some(mut parts) = (self.format.split)(text) else { return false };
        for (index, (piece, place)) in pieces.iter_mut().zip(&self.places).enumerate() {
            // A part can be asked for twice, under two types.
            let is_last_use = !self.places[index + 1..].contains(place);
            *piece = if is_last_use { parts[*place].take() } else { parts[*place].clone() };
        }
        true
    }

    fn rule(&self) -> &'static str {
        self.format.rule
    }

    fn expected(&self) -> &'static str {
        self.format.expected
    }
}

/// The character that a text of the configuration consists of.
pub fn one_ascii(text: &str, pointer: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => {
            let message = format!("is {text:?}; give one ASCII character, no quote or line break");
            Err(wasmill_plugin_sdk::Error::bad_config(pointer, message))
        }
    }
}
