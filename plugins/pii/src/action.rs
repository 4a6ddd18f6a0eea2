//! Actions on whole columns, checked: every option belongs to the action that it is given for.

use wasmill_plugin_sdk::prelude::*;

use crate::config::{ActionConfig, ActionName, ActionOptions, MaskKind};
use crate::hash::{HashStyle, MAX_HASH_LENGTH};
use crate::mask::Mask;

/// The fewest hexadecimal digits of a hash: with fewer, even small tables see different values collide.
const MIN_HASH_LENGTH: usize = 8;
const DEFAULT_HASH_LENGTH: usize = 32;

/// What to do with a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Hash(HashStyle),
    Mask(Mask),
    /// Replace each value by this text; by a null where there is none.
    Redact(Option<String>),
    Drop,
}

impl ActionConfig {
    /// # Errors
    ///
    /// [`Error::BadConfig`] below `pointer`, where this action is.
    pub fn check(&self, pointer: &str) -> Result<Action> {
        let options = &self.0;
        options.check_belonging(pointer)?;
        match options.action {
            ActionName::Hash => Ok(Action::Hash(options.hash_style(pointer)?)),
            ActionName::Mask => Ok(Action::Mask(options.mask(pointer)?)),
            ActionName::Redact => Ok(Action::Redact(options.redaction(pointer)?)),
            ActionName::Drop => Ok(Action::Drop),
        }
    }
}

impl ActionOptions {
    /// Refuses an option of another action: it would be ignored in silence.
    fn check_belonging(&self, pointer: &str) -> Result<()> {
        const HASH: &[ActionName] = &[ActionName::Hash];
        const MASK: &[ActionName] = &[ActionName::Mask];
        const REDACT: &[ActionName] = &[ActionName::Redact];
        let options = [
            ("length", self.length.is_some(), HASH, "hash"),
            ("normalize", self.normalize.is_some(), HASH, "hash"),
            ("prefix", self.prefix.is_some(), HASH, "hash"),
            ("keep_first", self.keep_first.is_some(), MASK, "mask"),
            ("keep_last", self.keep_last.is_some(), MASK, "mask"),
            (
                "with",
                self.with.is_some(),
                &[ActionName::Mask, ActionName::Redact],
                "mask and redact",
            ),
            ("kind", self.kind.is_some(), MASK, "mask"),
            ("to_null", self.to_null.is_some(), REDACT, "redact"),
        ];
        for (option, is_given, actions, names) in options {
            if is_given && !actions.contains(&self.action) {
                let message =
                    format!("is an option of {names} only; remove it, or change the action");
                return Err(Error::bad_config(format!("{pointer}/{option}"), message));
            }
        }
        Ok(())
    }

    fn hash_style(&self, pointer: &str) -> Result<HashStyle> {
        let length = self.length.unwrap_or(DEFAULT_HASH_LENGTH);
        if !(MIN_HASH_LENGTH..=MAX_HASH_LENGTH).contains(&length) {
            let message = format!("is {length}; give {MIN_HASH_LENGTH} to {MAX_HASH_LENGTH}");
            return Err(Error::bad_config(format!("{pointer}/length"), message));
        }
        Ok(HashStyle {
            length,
            normalize: self.normalize.unwrap_or(true),
            prefix: self.prefix.clone().unwrap_or_default(),
        })
    }

    fn mask(&self, pointer: &str) -> Result<Mask> {
        let with = self.with.as_deref().unwrap_or("*");
        let mut characters = with.chars();
        let (Some(character), None) = (characters.next(), characters.next()) else {
            let message =
                format!("is {with:?}; give one character, which stands for each hidden one");
            return Err(Error::bad_config(format!("{pointer}/with"), message));
        };
        let email = self.kind == Some(MaskKind::Email);
        let (default_first, default_last) = if email { (1, 0) } else { (0, 4) };
        let keep_first = self.keep_first.unwrap_or(default_first);
        let keep_last = self.keep_last.unwrap_or(default_last);
        if keep_first.checked_add(keep_last).is_none() {
            let message = "is beyond the length of any value";
            return Err(Error::bad_config(format!("{pointer}/keep_first"), message));
        }
        Ok(Mask { keep_first, keep_last, with: character, email })
    }

    fn redaction(&self, pointer: &str) -> Result<Option<String>> {
        let to_null = self.to_null.unwrap_or(false);
        match &self.with {
            Some(_) if to_null => {
                let message =
                    "is given together with to_null = true, which writes nulls; remove one of them";
                Err(Error::bad_config(format!("{pointer}/with"), message))
            }
            Some(with) => Ok(Some(with.clone())),
            None if to_null => Ok(None),
            None => Ok(Some("[redacted]".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(action: Value) -> Result<Action> {
        serde_json::from_value::<ActionConfig>(action).unwrap().check("/columns/c")
    }

    #[test]
    fn defaults() {
        let style = HashStyle { length: 32, normalize: true, prefix: String::new() };
        assert_eq!(check(json!("hash")), Ok(Action::Hash(style)));
        let mask = Mask { keep_first: 0, keep_last: 4, with: '*', email: false };
        assert_eq!(check(json!("mask")), Ok(Action::Mask(mask)));
        let mask = Mask { keep_first: 1, keep_last: 0, with: '*', email: true };
        assert_eq!(check(json!({"action": "mask", "kind": "email"})), Ok(Action::Mask(mask)));
        assert_eq!(check(json!("redact")), Ok(Action::Redact(Some("[redacted]".to_owned()))));
        assert_eq!(check(json!({"action": "redact", "to_null": true})), Ok(Action::Redact(None)));
        assert_eq!(check(json!("drop")), Ok(Action::Drop));
    }

    #[test]
    fn what_cannot_work_is_refused_at_its_place() {
        for (action, expected) in [
            (json!({"action": "hash", "length": 7}), "/columns/c/length"),
            (json!({"action": "hash", "length": 65}), "/columns/c/length"),
            (json!({"action": "hash", "keep_last": 1}), "/columns/c/keep_last"),
            (json!({"action": "hash", "with": "x"}), "/columns/c/with"),
            (json!({"action": "mask", "with": ""}), "/columns/c/with"),
            (json!({"action": "mask", "with": "xy"}), "/columns/c/with"),
            (json!({"action": "mask", "keep_first": usize::MAX}), "/columns/c/keep_first"),
            (json!({"action": "mask", "prefix": "x"}), "/columns/c/prefix"),
            (json!({"action": "redact", "with": "x", "to_null": true}), "/columns/c/with"),
            (json!({"action": "redact", "normalize": true}), "/columns/c/normalize"),
            (json!({"action": "drop", "kind": "email"}), "/columns/c/kind"),
        ] {
            match check(action.clone()) {
                Err(Error::BadConfig { pointer, .. }) => assert_eq!(pointer, expected, "{action}"),
                other => panic!("{action}: {other:?}"),
            }
        }
    }
}
