//! Where a guest was when it failed: the functions of its stack, with source lines where these are known.
//!
//! WebAssembly itself knows functions and offsets, and these are taken down in this process. Source lines come from
//! debug information of the component, which is as hostile as the rest of it and much harder to read: they are added
//! later, by [`crate::locate`], from another process.
//!
//! All text here is the guest's. It is cut, and nothing of it can end a line or command a terminal.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use wasmtime::{FrameInfo, WasmBacktrace};

/// How many frames of a guest's stack are kept.
/// A Rust program that panics has a dozen before its own.
pub(crate) const MAX_FRAMES: usize = 32;
/// Longer names and paths are cut, in characters.
const MAX_NAME_CHARS: usize = 256;

/// One function of a guest's stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The function's name, demangled; `function 12` where it has none.
    pub function: String,
    /// Its index in its core module.
    pub index: u32,
    /// The instruction: bytes from the start of the component.
    pub offset: Option<u32>,
    /// Whether the compiler of the guest put this function into the next one of the stack.
    #[serde(default)]
    pub inlined: bool,
    /// The source line, where it is known.
    #[serde(default)]
    pub location: Option<Location>,
}

/// A place in a guest's source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// As its compiler called it, without the folders of the machine where it was built; see [`Location::new`].
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1; 0 where only the line is known.
    pub column: u32,
}

impl Location {
    /// Takes off what says where something was built and not what it is: folders up to a registry's packages, or up to
    /// the sources of Rust and of its C library. Other paths stay.
    pub fn new(file: &str, line: u32, column: u32) -> Self {
        Self { file: one_line(without_machine(file), MAX_NAME_CHARS), line, column }
    }

    /// Whether the source is that of a published package or of the language, rather than the plugin's own.
    pub fn is_of_library(&self) -> bool {
        let (first, _) = self.file.split_once('/').unwrap_or((&self.file, ""));
        matches!(first, "library" | "wasi-libc") || is_package(first)
    }
}

/// Whether a folder is called like an unpacked package, such as `serde-1.0.228`.
fn is_package(folder: &str) -> bool {
    folder.match_indices('-').any(|(dash, _)| {
        let mut numbers = folder[dash + 1..].splitn(3, '.');
        let mut is_number = || {
            numbers
                .next()
                .is_some_and(|part| part.bytes().next().is_some_and(|b| b.is_ascii_digit()))
        };
        is_number() && is_number() && is_number()
    })
}

fn without_machine(file: &str) -> &str {
    // …/registry/src/INDEX/PACKAGE-VERSION/…
    if let Some((_, rest)) = file.rsplit_once("/registry/src/")
        && let Some((_, rest)) = rest.split_once('/')
    {
        return rest;
    }
    // wasisdk://VERSION/src/wasi-libc/…
    if let Some(rest) = file.strip_prefix("wasisdk://")
        && let Some((_, rest)) = rest.split_once("/src/")
    {
        return rest;
    }
    // /rustc/COMMIT/library/…, and where Rust's sources are installed beside it.
    if let Some(rest) = file.strip_prefix("/rustc/")
        && let Some((_, rest)) = rest.split_once('/')
    {
        return rest;
    }
    file.rsplit_once("/lib/rustlib/src/rust/").map_or(file, |(_, rest)| rest)
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)?;
        if self.column > 0 {
            write!(formatter, ":{}", self.column)?;
        }
        Ok(())
    }
}

impl Frame {
    fn new(frame: &FrameInfo) -> Self {
        let index = frame.func_index();
        Self {
            function: match frame.func_name() {
                Some(name) => function_name(name),
                None => format!("function {index}"),
            },
            index,
            offset: frame.module_offset().and_then(|offset| u32::try_from(offset).ok()),
            inlined: false,
            location: None,
        }
    }

    /// Whether this is how a Rust program panics or aborts, rather than why: such functions lie on top of each such
    /// stack.
    pub fn is_panicking(&self) -> bool {
        const WAYS: &[&str] = &[
            "abort",
            "__rust_abort",
            "rust_panic",
            "__rustc::rust_panic",
            "__rustc::rust_begin_unwind",
            "__rustc::__rust_start_panic",
            "__rustc::__rust_abort",
        ];
        const MODULES: &[&str] = &[
            "core::panicking::",
            "core::option::unwrap_failed",
            "core::option::expect_failed",
            "core::result::unwrap_failed",
            "core::slice::index::slice_",
            "core::str::slice_error_fail",
            "core::cell::panic_",
            "std::panicking::",
            "std::rt::",
            "std::process::abort",
            "std::process::exit",
            "std::sys::",
            "panic_abort::",
            "alloc::alloc::handle_alloc_error",
            "alloc::raw_vec::handle_error",
            "alloc::raw_vec::capacity_overflow",
        ];
        // Generic functions of the standard library stand in angle brackets.
        let name = self.function.trim_start_matches('<');
        WAYS.contains(&name) || MODULES.iter().any(|module| name.starts_with(module))
    }
}

impl Frame {
    /// Whether this is how a call enters a plugin: the export itself, named like `wasmill:plugin/load@0.1.0#write`, and
    /// what bindings put behind it.
    pub fn is_entry(&self) -> bool {
        let is_export = self.function.contains('#') && self.function.contains('@');
        is_export || self.function.contains("::_export_") || self.function.starts_with("_export_")
    }

    /// The function's name without the modules that it lies in.
    pub fn short_name(&self) -> &str {
        // Paths of generic functions do not end where the last `::` is; what begins with a type needs it.
        if self.function.contains('<') {
            let generic = self.function.find('<').unwrap_or_default();
            return if generic == 0 { &self.function } else { &self.function[..generic] };
        }
        let mut separators = self.function.rmatch_indices("::").map(|(position, _)| position + 2);
        let name = separators.find(|position| !self.function[*position..].starts_with('{'));
        &self.function[name.unwrap_or(0)..]
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.function)?;
        match &self.location {
            Some(location) => write!(formatter, " ({location})"),
            None => Ok(()),
        }
    }
}

/// The frame that a person should look at first: the innermost in the plugin's own source; where no lines are known,
/// the innermost that is not about panicking.
pub fn culprit(stack: &[Frame]) -> Option<usize> {
    let in_own_source = |frame: &Frame| {
        !frame.is_panicking()
            && frame.location.as_ref().is_some_and(|location| !location.is_of_library())
    };
    let position = stack.iter().position(in_own_source);
    position
        .or_else(|| stack.iter().position(|frame| !frame.is_panicking()))
        .or(if stack.is_empty() { None } else { Some(0) })
}

/// The frames of a backtrace, innermost first. Of what recurses, each place once.
pub(crate) fn frames(backtrace: &WasmBacktrace) -> Vec<Frame> {
    let mut seen = HashSet::new();
    let places = backtrace
        .frames()
        .iter()
        .filter(|frame| seen.insert((frame.func_index(), frame.module_offset())));
    places.take(MAX_FRAMES).map(Frame::new).collect()
}

/// A function's name as a person reads it.
pub(crate) fn function_name(name: &str) -> String {
    one_line(&format!("{:#}", rustc_demangle::demangle(name)), MAX_NAME_CHARS)
}

/// Text of a guest as a part of one line: cut after so many characters, and whatever ends a line, commands a
/// terminal or turns the direction of writing is escaped.
pub fn one_line(text: &str, max_chars: usize) -> String {
    let mut line = String::new();
    let mut chars = text.chars();
    for char in chars.by_ref().take(max_chars) {
        if is_unsafe_in_a_line(char) {
            line.extend(char.escape_default());
        } else {
            line.push(char);
        }
    }
    if chars.next().is_some() {
        line.push('…');
    }
    line
}

/// Control characters, separators of lines and paragraphs, and what is invisible: marks of direction and of width.
fn is_unsafe_in_a_line(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, location: Option<Location>) -> Frame {
        Frame { function: function.to_owned(), index: 1, offset: None, inlined: false, location }
    }

    #[test]
    fn paths_say_what_and_not_where() {
        let cases = [
            ("plugins/clean/src/case.rs", "plugins/clean/src/case.rs", false),
            (
                "/home/a/.cargo/registry/src/index.crates.io-19f/memchr-2.7.4/src/lib.rs",
                "memchr-2.7.4/src/lib.rs",
                true,
            ),
            ("/rustc/59807616e1fa/library/core/src/option.rs", "library/core/src/option.rs", true),
            (
                "/home/a/.rustup/toolchains/x/lib/rustlib/src/rust/library/std/src/panic.rs",
                "library/std/src/panic.rs",
                true,
            ),
            (
                "wasisdk://v30.0/src/wasi-libc/libc-bottom-half/sources/abort.c",
                "wasi-libc/libc-bottom-half/sources/abort.c",
                true,
            ),
            ("/build/plugin/main.go", "/build/plugin/main.go", false),
            ("my-plugin/src/lib.rs", "my-plugin/src/lib.rs", false),
            ("a-1/src/lib.rs", "a-1/src/lib.rs", false),
        ];
        for (file, expected, of_library) in cases {
            let location = Location::new(file, 7, 0);
            assert_eq!(location.file, expected);
            assert_eq!(location.is_of_library(), of_library, "{file}");
            assert_eq!(location.to_string(), format!("{expected}:7"));
        }
    }

    #[test]
    fn the_culprit_is_in_the_plugins_own_source() {
        let own = Location::new("src/lib.rs", 3, 9);
        let library = Location::new("/rustc/1/library/core/src/option.rs", 1, 1);
        let stack = [
            frame("__rustc::rust_panic", None),
            frame("core::option::unwrap_failed", Some(library.clone())),
            frame("core::option::Option<T>::unwrap", Some(library)),
            frame("mine::step", Some(own)),
        ];
        assert_eq!(culprit(&stack), Some(3));
        assert_eq!(stack[3].to_string(), "mine::step (src/lib.rs:3:9)");
        let without_lines =
            [frame("core::panicking::panic", None), frame("a", None), frame("b", None)];
        assert_eq!(culprit(&without_lines), Some(1));
        assert_eq!(culprit(&without_lines[..1]), Some(0));
        assert_eq!(culprit(&[]), None);
    }

    #[test]
    fn short_names_are_functions() {
        for (name, short, is_entry) in [
            ("clean::email::normalise", "normalise", false),
            ("clean::email::normalise::{closure#0}", "normalise::{closure#0}", false),
            ("normalise", "normalise", false),
            (
                "<clean::Clean as Transformer>::process",
                "<clean::Clean as Transformer>::process",
                false,
            ),
            (
                "wasmill:plugin/transform@0.1.0#process",
                "wasmill:plugin/transform@0.1.0#process",
                true,
            ),
            ("process<clean::Clean, alloc::string::String>", "process", false),
            ("sdk::transform::_export_process_cabi", "_export_process_cabi", true),
        ] {
            let frame = frame(name, None);
            assert_eq!(frame.short_name(), short);
            assert_eq!(frame.is_entry(), is_entry, "{name}");
        }
    }

    #[test]
    fn names_are_one_line_whatever_they_hold() {
        let name = function_name("a\u{1b}[2J\nerror: all is well\r\u{202e}\u{2028}b");
        assert_eq!(name, r"a\u{1b}[2J\nerror: all is well\r\u{202e}\u{2028}b");
        let long = function_name(&"x".repeat(100_000));
        assert_eq!(long.chars().count(), MAX_NAME_CHARS + 1);
        assert_eq!(function_name("_ZN4mine4step17h0123456789abcdefE"), "mine::step");
    }
}
