//! What is done with one column of each batch.

use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_values::cells::{CellColumn, cell_column};
use wasmill_plugin_values::rejections::Rejections;

use crate::config::{
    FailurePolicy, FieldConfig, FormatName, ParseConfig, PatternConfig, StepConfig,
};
use crate::delimited::Delimited;
use crate::grok::Grok;
use crate::key_value::KeyValue;
use crate::parser::{Format, Parser, Piece, one_ascii};
use crate::pattern::Patterns;
use crate::phone;
use crate::url::Url;
use crate::user_agent;

/// Takes the texts of one column apart.
pub struct Step {
    column: String,
    input: Input<str>,
    parser: Box<dyn Parser>,
    fields: Vec<Field>,
    on_failure: FailurePolicy,
}

struct Field {
    name: String,
    rule: String,
    expected: String,
    values: Box<dyn CellColumn>,
}

impl Step {
    /// # Errors
    ///
    /// [`Error::BadConfig`] below `pointer`, and [`Error::BadSchema`] for the column.
    pub fn new(
        config: &StepConfig,
        pointer: &str,
        whole: &ParseConfig,
        plan: &mut Plan,
    ) -> Result<Self> {
        config.check_belonging(pointer)?;
        let input = plan.read(&config.column)?;
        let format = config.format(pointer, whole)?;
        let parts = format.fields();
        let asked: Vec<FieldConfig> = match &config.fields {
            Some(fields) if fields.is_empty() => {
                let message = "is empty; name the parts to make columns of, or remove it";
                return Err(Error::bad_config(format!("{pointer}/fields"), message));
            }
            Some(fields) => fields.iter().map(|field| field.0.clone()).collect(),
            None if parts.is_empty() => {
                let message = match config.format {
                    FormatName::Regex | FormatName::Grok => {
                        "has no named part; name one: (?P<name>...) in a regex, %{PATTERN:name} in grok"
                    }
                    _ => "needs fields: name the parts to make columns of, in `fields`",
                };
                let key = if config.pattern.is_some() { "/pattern" } else { "" };
                return Err(Error::bad_config(format!("{pointer}{key}"), message));
            }
            None => parts
                .iter()
                .map(|part| FieldConfig { from: part.name.clone(), name: None, data_type: None })
                .collect(),
        };
        let from: Vec<&str> = asked.iter().map(|field| field.from.as_str()).collect();
        let parser = format.parser(&from).map_err(|unknown| {
            Error::bad_config(format!("{pointer}/fields/{}", unknown.index), unknown.message)
        })?;
        let prefix = config.prefix();
        let mut fields: Vec<Field> = Vec::with_capacity(asked.len());
        for (index, field) in asked.iter().enumerate() {
            let pointer = format!("{pointer}/fields/{index}");
            let name = field.name.clone().unwrap_or_else(|| format!("{prefix}{}", field.from));
            let part = parts.iter().find(|part| part.name == field.from);
            let target = match (&field.data_type, part) {
                (Some(data_type), _) => data_type.check(&format!("{pointer}/type"))?,
                (None, Some(part)) => part.data_type.check(&pointer)?,
                (None, None) => crate::parser::Part::text("").data_type.check(&pointer)?,
            };
            let values = cell_column(&name, &target, plan);
            fields.push(Field { name, rule: target.rule, expected: target.expected, values });
        }
        Ok(Self {
            column: config.column.clone(),
            input,
            parser,
            fields,
            on_failure: config.on_failure,
        })
    }

    /// The names of the columns that the step writes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    pub fn run(&mut self, batch: &Batch, rejections: &mut Rejections) {
        let column = batch.column(self.input);
        let mut pieces: Vec<Piece> = vec![None; self.fields.len()];
        for row in 0..column.len() {
            pieces.fill(None);
            if let Some(text) = column.get(row)
                && !self.parser.parse(text, &mut pieces)
            {
                pieces.fill(None);
                if self.on_failure == FailurePolicy::Reject {
                    let (rule, expected) = (self.parser.rule(), self.parser.expected());
                    rejections.bad_value(row, &self.column, rule, expected, text);
                }
            }
            for (field, piece) in self.fields.iter_mut().zip(&mut pieces) {
                let Some(piece) = piece else {
                    field.values.push_null();
                    continue;
                };
                if !field.values.push(piece) {
                    field.values.push_null();
                    if self.on_failure == FailurePolicy::Reject {
                        rejections.bad_value(row, &field.name, &field.rule, &field.expected, piece);
                    }
                }
            }
        }
        for field in &mut self.fields {
            field.values.finish(rejections.rows);
        }
    }
}

impl StepConfig {
    /// Refuses an option of another format: it would be ignored in silence.
    fn check_belonging(&self, pointer: &str) -> Result<()> {
        use FormatName::{Csv, Grok, KeyValue, Phone, Regex, Url};
        for (option, is_given, formats, names) in [
            ("pattern", self.pattern.is_some(), &[Regex, Grok][..], "regex and grok"),
            ("search", self.search.is_some(), &[Regex, Grok], "regex and grok"),
            ("pair_separator", self.pair_separator.is_some(), &[KeyValue], "key_value"),
            ("key_separator", self.key_separator.is_some(), &[KeyValue], "key_value"),
            ("delimiter", self.delimiter.is_some(), &[Csv], "csv"),
            ("relative", self.relative.is_some(), &[Url], "url"),
            ("country", self.country.is_some(), &[Phone], "phone"),
        ] {
            if is_given && !formats.contains(&self.format) {
                let message =
                    format!("is an option of {names} only; remove it, or change the format");
                return Err(Error::bad_config(format!("{pointer}/{option}"), message));
            }
        }
        Ok(())
    }

    fn prefix(&self) -> String {
        match (&self.prefix, self.format) {
            (Some(prefix), _) => prefix.clone(),
            (None, FormatName::Url | FormatName::UserAgent | FormatName::Phone) => {
                format!("{}_", self.column)
            }
            (None, _) => String::new(),
        }
    }

    fn format(&self, pointer: &str, whole: &ParseConfig) -> Result<Box<dyn Format>> {
        Ok(match self.format {
            FormatName::Regex => {
                let is_search = self.search.unwrap_or(false);
                let mut patterns = Patterns::new(is_search);
                for (pattern, pointer) in self.patterns(pointer)? {
                    patterns.add_regex(pattern, &pointer)?;
                }
                Box::new(patterns)
            }
            FormatName::Grok => {
                let grok = Grok::new(&whole.patterns);
                let mut patterns = Patterns::new(self.search.unwrap_or(false));
                for (pattern, pointer) in self.patterns(pointer)? {
                    let expanded = grok
                        .expand(pattern)
                        .map_err(|message| Error::bad_config(pointer.as_str(), message))?;
                    patterns.add_grok(&expanded, &pointer)?;
                }
                Box::new(patterns)
            }
            FormatName::KeyValue => Box::new(KeyValue::new(
                self.pair_separator.as_deref(),
                self.key_separator.as_deref(),
                pointer,
            )?),
            FormatName::Csv => {
                let delimiter = self.delimiter.as_deref().unwrap_or(",");
                Box::new(Delimited::new(one_ascii(delimiter, &format!("{pointer}/delimiter"))?))
            }
            FormatName::Url => Box::new(Url { accepts_relative: self.relative.unwrap_or(false) }),
            FormatName::UserAgent => Box::new(user_agent::format()),
            FormatName::Phone => {
                let pointer = format!("{pointer}/country");
                let country = match self.country.as_deref() {
                    Some(country) => Some(
                        phone::country(country)
                            .map_err(|message| Error::bad_config(pointer, message))?,
                    ),
                    None => None,
                };
                Box::new(phone::format(country))
            }
        })
    }

    /// The patterns, each with the place where it is.
    fn patterns(&self, pointer: &str) -> Result<Vec<(&str, String)>> {
        let pointer = format!("{pointer}/pattern");
        match &self.pattern {
            Some(PatternConfig::One(pattern)) => Ok(vec![(pattern, pointer)]),
            Some(PatternConfig::Several(patterns)) if !patterns.is_empty() => Ok(patterns
                .iter()
                .enumerate()
                .map(|(index, pattern)| (pattern.as_str(), format!("{pointer}/{index}")))
                .collect()),
            _ => Err(Error::bad_config(pointer, "is missing; give a pattern, or a list of them")),
        }
    }
}
