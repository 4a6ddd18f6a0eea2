//! What a plugin is granted, and the refusal of what it is not.
//!
//! A component states what it wants by what it imports. An import that is neither part of the base set nor
//! granted is refused by name before anything of the component runs.

use crate::capability::http::HttpGrant;

/// What a plugin may reach. Nothing by default.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    /// Named connections for HTTP.
    pub http: HttpGrant,
    /// The real clocks instead of virtual ones.
    pub real_clocks: bool,
    /// Real randomness instead of a virtual stream.
    pub real_randomness: bool,
    /// Refuses even the base set of WASI that language runtimes import whether they use it or not.
    pub pure: bool,
}

/// An import that was not granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the component imports {import}, {reason}")]
pub struct NotGranted {
    /// The import's full name, such as `wasi:http/outgoing-handler@0.2.0`.
    pub import: String,
    /// Why not, as the end of a sentence.
    pub reason: &'static str,
    /// What the operator can do.
    pub hint: &'static str,
}

/// Imports that are always there: they lead nowhere, or to what is virtual.
const BASE: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];
/// Imports that belong to the contract itself.
const CONTRACT: [&str; 3] =
    ["wasmill:plugin/types@", "wasi:logging/logging@", "wasi:config/store@"];
/// Imports of those who are granted a connection: the contract's own HTTP, and the standard's, which leads through the same
/// connections. What serves requests is not among them.
const HTTP: [&str; 3] =
    ["wasmill:plugin/http@", "wasi:http/types@0.2.", "wasi:http/outgoing-handler@0.2."];

/// Whether a connection has to be granted for the import.
pub fn needs_connection(import: &str) -> bool {
    HTTP.iter().any(|prefix| import.starts_with(prefix))
}

impl Grants {
    /// Whether all of `imports` are granted; otherwise the first that is not.
    pub fn check(&self, imports: &[String]) -> Result<(), NotGranted> {
        imports.iter().try_for_each(|import| self.check_one(import))
    }

    fn check_one(&self, import: &str) -> Result<(), NotGranted> {
        let starts_with =
            |prefixes: &[&str]| prefixes.iter().any(|prefix| import.starts_with(prefix));
        let refused = |reason, hint| NotGranted { import: import.to_owned(), reason, hint };
        if starts_with(&CONTRACT) {
            Ok(())
        } else if starts_with(&BASE) {
            if !self.pure {
                return Ok(());
            }
            Err(refused(
                "and the step is to be pure",
                "remove `pure = true` from the step's grants, or build the plugin without WASI",
            ))
        } else if needs_connection(import) {
            if !self.http.is_empty() {
                return Ok(());
            }
            Err(refused(
                "but no connection is granted to it",
                "declare a [connections.NAME] and grant it: grants = { http = [\"NAME\"] }",
            ))
        } else {
            Err(refused(
                "which no grant can give it",
                "build the plugin against the worlds of wasmill:plugin; `wasmill inspect` lists its imports",
            ))
        }
    }
}
