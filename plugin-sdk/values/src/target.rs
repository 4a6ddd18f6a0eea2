//! What a column is parsed into: `types` of the configuration, checked.

use wasmill_plugin_sdk::bindings::types::{DataType, DecimalType, TimeUnit, TimestampType};
use wasmill_plugin_sdk::prelude::*;

use crate::config::{TypeConfig, TypeName, TypeOptions};
use crate::decimal::{DecimalFormat, MAX_PRECISION};
use crate::format::Format;
use crate::iso8601::take_offset;
use crate::temporal::{DateFormats, TimestampFormats};

/// The format of dates, unless others are given.
const DATE_FORMAT: &str = "%Y-%m-%d";
/// The same for timestamps: ISO 8601.
const TIMESTAMP_FORMAT: &str = "%+";

/// A type, and how its values are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub kind: TargetKind,
    /// The rule by which rows with bad values are rejected, such as `bad-date`.
    pub rule: String,
    /// What bad values are not, for messages.
    pub expected: String,
}

/// A type with its parser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetKind {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float32,
    Float64,
    Utf8,
    Decimal { precision: u8, scale: u8, format: DecimalFormat },
    Date(DateFormats),
    Timestamp(TimestampFormats),
}

impl Target {
    /// The Arrow type of the parsed column.
    pub fn arrow_type(&self) -> DataType {
        match &self.kind {
            TargetKind::Boolean => DataType::Boolean,
            TargetKind::Int8 => DataType::Int8,
            TargetKind::Int16 => DataType::Int16,
            TargetKind::Int32 => DataType::Int32,
            TargetKind::Int64 => DataType::Int64,
            TargetKind::UInt8 => DataType::Uint8,
            TargetKind::UInt16 => DataType::Uint16,
            TargetKind::UInt32 => DataType::Uint32,
            TargetKind::UInt64 => DataType::Uint64,
            TargetKind::Float32 => DataType::Float32,
            TargetKind::Float64 => DataType::Float64,
            TargetKind::Utf8 => DataType::Utf8,
            TargetKind::Decimal { precision, scale, .. } => {
                let scale = i8::try_from(*scale).expect("a scale is at most 38");
                DataType::Decimal128(DecimalType { precision: *precision, scale })
            }
            TargetKind::Date(_) => DataType::Date32,
            TargetKind::Timestamp(_) => DataType::Timestamp(TimestampType {
                unit: TimeUnit::Microsecond,
                zone: Some("UTC".to_owned()),
            }),
        }
    }

    /// How far the clocks of texts without a zone are ahead of UTC.
    pub fn zone_seconds(&self) -> i32 {
        match &self.kind {
            TargetKind::Timestamp(timestamp) => timestamp.zone_seconds,
            _ => 0,
        }
    }
}

impl TypeConfig {
    /// # Errors
    ///
    /// [`Error::BadConfig`] below `pointer`, where this type is.
    pub fn check(&self, pointer: &str) -> Result<Target> {
        let options = &self.0;
        options.check_belonging(pointer)?;
        let kind = match options.name {
            TypeName::Boolean => TargetKind::Boolean,
            TypeName::Int8 => TargetKind::Int8,
            TypeName::Int16 => TargetKind::Int16,
            TypeName::Int32 => TargetKind::Int32,
            TypeName::Int64 => TargetKind::Int64,
            TypeName::UInt8 => TargetKind::UInt8,
            TypeName::UInt16 => TargetKind::UInt16,
            TypeName::UInt32 => TargetKind::UInt32,
            TypeName::UInt64 => TargetKind::UInt64,
            TypeName::Float32 => TargetKind::Float32,
            TypeName::Float64 => TargetKind::Float64,
            TypeName::Utf8 => TargetKind::Utf8,
            TypeName::Decimal => options.decimal(pointer)?,
            TypeName::Date => options.date(pointer)?,
            TypeName::Timestamp => options.timestamp(pointer)?,
        };
        let rule = format!("bad-{}", options.name.text());
        Ok(Target { kind, rule, expected: options.expected() })
    }
}

impl TypeName {
    fn text(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::UInt8 => "uint8",
            Self::UInt16 => "uint16",
            Self::UInt32 => "uint32",
            Self::UInt64 => "uint64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Utf8 => "utf8",
            Self::Decimal => "decimal",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
        }
    }
}

impl TypeOptions {
    /// Refuses an option of another type: it would be ignored in silence.
    fn check_belonging(&self, pointer: &str) -> Result<()> {
        const DECIMAL: &[TypeName] = &[TypeName::Decimal];
        const DATED: &[TypeName] = &[TypeName::Date, TypeName::Timestamp];
        const TIMESTAMP: &[TypeName] = &[TypeName::Timestamp];
        for (option, is_given, types, names) in [
            ("precision", self.precision.is_some(), DECIMAL, "decimal"),
            ("scale", self.scale.is_some(), DECIMAL, "decimal"),
            ("decimal_separator", self.decimal_separator.is_some(), DECIMAL, "decimal"),
            ("group_separator", self.group_separator.is_some(), DECIMAL, "decimal"),
            ("formats", self.formats.is_some(), DATED, "date and timestamp"),
            ("zone", self.zone.is_some(), TIMESTAMP, "timestamp"),
        ] {
            if is_given && !types.contains(&self.name) {
                let message =
                    format!("is an option of {names} only; remove it, or change the type");
                return Err(Error::bad_config(format!("{pointer}/{option}"), message));
            }
        }
        Ok(())
    }

    fn decimal(&self, pointer: &str) -> Result<TargetKind> {
        let Some(precision) = self.precision else {
            let message = "a decimal needs a precision and a scale, such as \
                           { type = \"decimal\", precision = 12, scale = 2 }";
            return Err(Error::bad_config(pointer, message));
        };
        if !(1..=MAX_PRECISION).contains(&precision) {
            let message = format!("is {precision}; give 1 to {MAX_PRECISION} digits");
            return Err(Error::bad_config(format!("{pointer}/precision"), message));
        }
        let scale = self.scale.unwrap_or(0);
        if scale > precision {
            let message = format!("is {scale}, more than the precision, {precision}; lower it");
            return Err(Error::bad_config(format!("{pointer}/scale"), message));
        }
        let decimal_separator = match &self.decimal_separator {
            Some(text) => separator(text, &format!("{pointer}/decimal_separator"))?,
            None => '.',
        };
        let group_separator = match &self.group_separator {
            Some(text) => Some(separator(text, &format!("{pointer}/group_separator"))?),
            None => None,
        };
        if group_separator == Some(decimal_separator) {
            let message =
                format!("is the decimal separator too ({decimal_separator:?}); change one of them");
            return Err(Error::bad_config(format!("{pointer}/group_separator"), message));
        }
        let format = DecimalFormat::new(precision, scale, decimal_separator, group_separator);
        Ok(TargetKind::Decimal { precision, scale, format })
    }

    fn date(&self, pointer: &str) -> Result<TargetKind> {
        let formats = self.compiled_formats(pointer, DATE_FORMAT)?;
        if let Some(index) = formats.iter().position(Format::has_zone) {
            let message =
                "names a zone, which a date does not have; parse into a timestamp instead";
            return Err(Error::bad_config(format!("{pointer}/formats/{index}"), message));
        }
        Ok(TargetKind::Date(DateFormats(formats)))
    }

    fn timestamp(&self, pointer: &str) -> Result<TargetKind> {
        let formats = self.compiled_formats(pointer, TIMESTAMP_FORMAT)?;
        let zone = self.zone.as_deref().unwrap_or("UTC");
        let zone_seconds = match (zone, take_offset(zone.as_bytes())) {
            ("UTC", _) => 0,
            (_, Some((seconds, []))) => seconds,
            _ => {
                let message = format!("is {zone:?}; give \"UTC\" or an offset such as \"+01:00\"");
                return Err(Error::bad_config(format!("{pointer}/zone"), message));
            }
        };
        Ok(TargetKind::Timestamp(TimestampFormats { formats, zone_seconds }))
    }

    fn compiled_formats(&self, pointer: &str, default: &str) -> Result<Vec<Format>> {
        let formats = match &self.formats {
            Some(formats) => formats.clone(),
            None => vec![default.to_owned()],
        };
        if formats.is_empty() {
            let message = format!("is empty; give a format such as \"{default}\", or remove it");
            return Err(Error::bad_config(format!("{pointer}/formats"), message));
        }
        let compile = |(index, format): (usize, &String)| {
            Format::compile(format)
                .map_err(|message| Error::bad_config(format!("{pointer}/formats/{index}"), message))
        };
        formats.iter().enumerate().map(compile).collect()
    }

    /// The type for messages, such as `date (%d/%m/%Y)`.
    fn expected(&self) -> String {
        let name = self.name.text();
        match (self.name, &self.formats) {
            (TypeName::Decimal, _) => {
                format!("decimal({}, {})", self.precision.unwrap_or(0), self.scale.unwrap_or(0))
            }
            (_, Some(formats)) => format!("{name} ({})", formats.join(" or ")),
            (TypeName::Date, None) => format!("{name} ({DATE_FORMAT})"),
            (TypeName::Timestamp, None) => format!("{name} (ISO 8601)"),
            _ => name.to_owned(),
        }
    }
}

fn separator(text: &str, pointer: &str) -> Result<char> {
    let mut characters = text.chars();
    let (Some(character), None) = (characters.next(), characters.next()) else {
        return Err(Error::bad_config(pointer, format!("is {text:?}; give one character")));
    };
    if character.is_ascii_digit() || matches!(character, '+' | '-') {
        let message = format!("is {text:?}, which is part of a number; give another character");
        return Err(Error::bad_config(pointer, message));
    }
    Ok(character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(config: Value) -> Result<Target> {
        serde_json::from_value::<TypeConfig>(config).unwrap().check("/types/c")
    }

    #[test]
    fn defaults() {
        let plain = Format::compile("%Y-%m-%d").unwrap();
        let date = check(json!("date")).unwrap();
        assert_eq!(date.kind, TargetKind::Date(DateFormats(vec![plain])));
        assert_eq!((date.rule.as_str(), date.expected.as_str()), ("bad-date", "date (%Y-%m-%d)"));
        let timestamp = check(json!("timestamp")).unwrap();
        let iso = TimestampFormats { formats: vec![Format::Iso8601], zone_seconds: 0 };
        assert_eq!(timestamp.kind, TargetKind::Timestamp(iso));
        let decimal = check(json!({"type": "decimal", "precision": 9})).unwrap();
        let format = DecimalFormat::plain(9, 0);
        assert_eq!(decimal.kind, TargetKind::Decimal { precision: 9, scale: 0, format });
    }

    #[test]
    fn zones_are_utc_or_offsets() {
        for (zone, expected) in
            [("UTC", 0), ("Z", 0), ("+01:00", 3_600), ("-0530", -19_800), ("+02", 7_200)]
        {
            let target = check(json!({"type": "timestamp", "zone": zone})).unwrap();
            assert_eq!(target.zone_seconds(), expected, "{zone}");
        }
    }

    #[test]
    fn what_cannot_work_is_refused_at_its_place() {
        for (config, expected) in [
            (json!("decimal"), "/types/c"),
            (json!({"type": "decimal", "precision": 0}), "/types/c/precision"),
            (json!({"type": "decimal", "precision": 39}), "/types/c/precision"),
            (json!({"type": "decimal", "precision": 2, "scale": 3}), "/types/c/scale"),
            (
                json!({"type": "decimal", "precision": 2, "decimal_separator": ""}),
                "/types/c/decimal_separator",
            ),
            (
                json!({"type": "decimal", "precision": 2, "group_separator": "-"}),
                "/types/c/group_separator",
            ),
            (
                json!({"type": "decimal", "precision": 2, "group_separator": "."}),
                "/types/c/group_separator",
            ),
            (json!({"type": "int64", "scale": 2}), "/types/c/scale"),
            (json!({"type": "int64", "formats": ["%F"]}), "/types/c/formats"),
            (json!({"type": "date", "zone": "UTC"}), "/types/c/zone"),
            (json!({"type": "date", "formats": []}), "/types/c/formats"),
            (json!({"type": "date", "formats": ["%F", "%Q"]}), "/types/c/formats/1"),
            (json!({"type": "date", "formats": ["%F%z"]}), "/types/c/formats/0"),
            (json!({"type": "date", "formats": ["%+"]}), "/types/c/formats/0"),
            (json!({"type": "timestamp", "formats": ["%T"]}), "/types/c/formats/0"),
            (json!({"type": "timestamp", "zone": "Europe/Berlin"}), "/types/c/zone"),
            (json!({"type": "timestamp", "zone": "+01:00 "}), "/types/c/zone"),
        ] {
            match check(config.clone()) {
                Err(Error::BadConfig { pointer, .. }) => assert_eq!(pointer, expected, "{config}"),
                other => panic!("{config}: {other:?}"),
            }
        }
    }
}
