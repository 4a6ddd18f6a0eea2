//! Names of plugins, and what they are called where a language has rules of its own.

use std::fmt;
use std::str::FromStr;

use crate::{Form, ScaffoldError};

/// The longest name, in characters.
pub const LONGEST: usize = 64;

/// The crates of the SDK for Rust, without `wasmill-`: a plugin cannot be called as what it depends on.
const CRATES: [&str; 2] = ["plugin-sdk", "plugin-sdk-macros"];

/// Python's own words, and modules of its standard library and of the SDK that plugins import: a file of the same name would hide them.
#[rustfmt::skip]
const PYTHON: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except", "finally", "for",
    "from", "global", "if", "import", "in", "is", "lambda", "match", "nonlocal", "not", "or", "pass", "raise", "return", "try", "type",
    "while", "with", "yield",
    "abc", "argparse", "array", "ast", "asyncio", "base64", "bisect", "builtins", "calendar", "cmath", "codecs", "collections",
    "componentize", "configparser", "contextlib", "copy", "csv", "dataclasses", "datetime", "decimal", "difflib", "dis", "email", "enum",
    "errno", "fnmatch", "fractions", "functools", "graphlib", "hashlib", "heapq", "hmac", "html", "http", "importlib", "inspect", "io",
    "ipaddress", "itertools", "json", "keyword", "linecache", "locale", "logging", "math", "mimetypes", "numbers", "operator", "os",
    "pickle", "pprint", "queue", "quopri", "random", "re", "secrets", "shlex", "site", "statistics", "string", "struct", "sys",
    "textwrap", "threading", "time", "token", "tokenize", "tomllib", "traceback", "types", "typing", "unicodedata", "urllib", "uuid",
    "warnings", "wasmill", "weakref", "xml", "zipfile", "zoneinfo",
];

/// The name of a plugin: lower-case words with hyphens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the file or module is called that the plugin is in.
    pub(crate) fn module(&self, form: Form) -> String {
        let module = self.0.replace('-', "_");
        let is_python = matches!(form, Form::Python | Form::PythonScript);
        if is_python && PYTHON.contains(&module.as_str()) {
            return format!("{module}_plugin");
        }
        module
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = ScaffoldError;

    fn from_str(name: &str) -> Result<Self, ScaffoldError> {
        let is_letter = |char: char| char.is_ascii_lowercase();
        let is_allowed = |char: char| is_letter(char) || char.is_ascii_digit() || char == '-';
        let why = if name.is_empty() {
            "it is empty"
        } else if name.contains(['/', '\\']) {
            "it is a path (`--in` says in which folder the project is made)"
        } else if name.chars().any(|char| char.is_ascii_uppercase()) {
            "it has capitals"
        } else if name.contains('_') {
            "it has `_`, where a hyphen belongs"
        } else if !name.chars().all(is_allowed) {
            "it has other characters than are allowed"
        } else if !name.starts_with(is_letter) {
            "it does not begin with a letter"
        } else if name.ends_with('-') || name.contains("--") {
            "it has a hyphen that separates nothing"
        } else if name.len() > LONGEST {
            "it is too long"
        } else if name.starts_with("wasmill-") {
            "it begins with `wasmill-`, which the names of packages do, and those of plugins do not"
        } else if CRATES.contains(&name) {
            "the SDK is called so"
        } else {
            return Ok(Self(name.to_owned()));
        };
        Err(ScaffoldError::Name { name: name.to_owned(), why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_modules() {
        let module = |name: &str, form| name.parse::<Name>().unwrap().module(form);
        assert_eq!(module("gross-price", Form::C), "gross_price");
        assert_eq!(module("gross-price", Form::Python), "gross_price");
        assert_eq!(module("csv", Form::PythonScript), "csv_plugin");
        assert_eq!(module("import", Form::Python), "import_plugin");
        assert_eq!(module("csv", Form::C), "csv");
    }

    #[test]
    fn what_is_no_name_is_refused_and_it_says_why() {
        let long = "x".repeat(LONGEST + 1);
        let cases = [
            ("", "empty"),
            ("plugins/gross", "--in"),
            ("..", "other characters"),
            ("Gross", "capitals"),
            ("gross_price", "hyphen belongs"),
            ("gross price", "other characters"),
            ("größe", "other characters"),
            ("@name@", "other characters"),
            ("3d", "begin with a letter"),
            ("-x", "begin with a letter"),
            ("x-", "separates nothing"),
            ("x--y", "separates nothing"),
            (&long, "too long"),
            ("wasmill-gross", "wasmill-"),
            ("plugin-sdk", "the SDK"),
        ];
        for (name, says) in cases {
            let error = name.parse::<Name>().unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("gross-price"), "{name}: {error}");
        }
        for name in ["x", "x2", "gross-price", "a-1-b", "import", &long[1..]] {
            assert_eq!(name.parse::<Name>().unwrap().as_str(), name);
        }
    }
}
