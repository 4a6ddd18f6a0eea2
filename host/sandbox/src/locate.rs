//! Source lines for a guest's stack, from the DWARF in its component.
//!
//! ```text
//!   this process                                          the compiler process, under limits
//!   component, places ───── standard input, arguments ──▶ core modules found, DWARF read
//!   bounded again, kept ◀── standard output ───────────── JSON: for each place, functions and lines
//! ```
//!
//! Debug information is hostile input, in a format that is hard to read and easy to make endless. Here it is only known
//! whether there is any: it is read where a crash, or gigabytes, harm nobody. Whatever goes wrong there means that no
//! lines are known, and nothing else.
//!
//! How addresses in DWARF are counted: <https://yurydelendik.github.io/webassembly-dwarf/>.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, Error, LittleEndian};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use wasmparser::{Encoding, Parser, Payload, TypeRef};

use crate::compiler::CompilerProcess;
use crate::frames::{Frame, Location, MAX_FRAMES, function_name};

/// How many functions may lie inlined at one place; of more, those nearest to it are shown.
const MAX_INLINED: usize = 8;
/// How many frames a stack may have with inlined functions.
const MAX_LOCATED_FRAMES: usize = 2 * MAX_FRAMES;
/// Of how many places the lines are kept for a plugin.
const MAX_KNOWN: usize = 4_096;
/// What a section is called that says which instruction belongs to which line.
const LINE_SECTION: &str = ".debug_line";

/// An instruction of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// The index of its function in the core module.
    pub(crate) function: u32,
    /// In bytes of the component.
    pub(crate) offset: u32,
}

/// A function at a place, and where in its source: several where functions are inlined, innermost first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Symbol {
    function: Option<String>,
    location: Option<Location>,
}

/// Finds source lines for one component.
pub(crate) struct Locator {
    process: Arc<CompilerProcess>,
    component: Arc<[u8]>,
    /// What was found before, nothing included: a place is asked for once. Held while a process is at work, so that
    /// there is one for each plugin.
    known: Mutex<HashMap<Place, Vec<Symbol>>>,
}

impl Locator {
    /// None where the component has no debug information. The component must have been found valid.
    pub(crate) fn new(process: &Arc<CompilerProcess>, component: &Arc<[u8]>) -> Option<Self> {
        has_lines(component).then(|| Self {
            process: Arc::clone(process),
            component: Arc::clone(component),
            known: Mutex::default(),
        })
    }

    /// Adds source lines, and functions that were inlined, as far as they can be found.
    pub(crate) async fn locate(&self, stack: &mut Vec<Frame>) {
        if stack.iter().any(|frame| frame.location.is_some()) {
            return;
        }
        let mut known = self.known.lock().await;
        let mut unknown: Vec<Place> = stack.iter().filter_map(place).collect();
        unknown.retain(|place| !known.contains_key(place));
        if !unknown.is_empty() && known.len() + unknown.len() <= MAX_KNOWN {
            let mut found = self.ask(unknown.clone()).await.into_iter();
            for place in unknown {
                known.insert(place, found.next().unwrap_or_default());
            }
        }
        let located = stack.drain(..).flat_map(|frame| {
            let symbols = place(&frame).and_then(|place| known.get(&place));
            located(frame, symbols.map(Vec::as_slice).unwrap_or_default())
        });
        *stack = located.take(MAX_LOCATED_FRAMES).collect();
    }

    async fn ask(&self, places: Vec<Place>) -> Vec<Vec<Symbol>> {
        let (process, component) = (Arc::clone(&self.process), Arc::clone(&self.component));
        let asked = tokio::task::spawn_blocking(move || process.locate(&component, &places));
        asked.await.unwrap_or_default().into_iter().map(bounded).collect()
    }
}

fn place(frame: &Frame) -> Option<Place> {
    Some(Place { function: frame.index, offset: frame.offset? })
}

/// What another process says is no more to be trusted than what it read.
fn bounded(symbols: Vec<Symbol>) -> Vec<Symbol> {
    let bounded = |symbol: Symbol| Symbol {
        function: symbol.function.as_deref().map(function_name),
        location: symbol
            .location
            .map(|location| Location::new(&location.file, location.line, location.column)),
    };
    symbols.into_iter().take(MAX_INLINED).map(bounded).collect()
}

/// The frame with its line, behind frames of the functions that are inlined there.
fn located(frame: Frame, symbols: &[Symbol]) -> Vec<Frame> {
    let Some(outermost) = symbols.len().checked_sub(1) else { return vec![frame] };
    let frames = symbols.iter().enumerate().map(|(position, symbol)| {
        let inlined = position < outermost;
        let function = if inlined { symbol.function.as_ref() } else { None };
        Frame {
            function: function.unwrap_or(&frame.function).clone(),
            location: symbol.location.clone(),
            inlined,
            ..frame.clone()
        }
    });
    frames.collect()
}

/// Whether some core module of the component has line tables. Reads the headers of sections, and nothing in them.
fn has_lines(component: &[u8]) -> bool {
    let payloads = Parser::new(0).parse_all(component).map_while(Result::ok);
    let mut in_module = false;
    for payload in payloads {
        match payload {
            Payload::Version { encoding, .. } => in_module = encoding == Encoding::Module,
            Payload::CustomSection(section) if in_module && section.name() == LINE_SECTION => {
                return true;
            }
            Payload::End(_) => in_module = false,
            _ => {}
        }
    }
    false
}

/// What lies at each of the places: the work of the other process. Nothing where there is no debug information, or
/// none that makes sense.
pub(crate) fn find(component: &[u8], places: &[Place]) -> Vec<Vec<Symbol>> {
    let mut found = vec![Vec::new(); places.len()];
    let mut module: Option<Module<'_>> = None;
    for payload in Parser::new(0).parse_all(component).map_while(Result::ok) {
        match payload {
            Payload::Version { encoding, .. } => {
                module = (encoding == Encoding::Module).then(Module::default);
            }
            Payload::End(_) => {
                if let Some(module) = module.take() {
                    module.find(places, &mut found);
                }
            }
            payload => {
                if let Some(module) = &mut module {
                    module.read(payload, places);
                }
            }
        }
    }
    found
}

/// A core module, as far as it matters here.
#[derive(Default)]
struct Module<'a> {
    /// The index of the next function whose body comes.
    next_function: u32,
    /// Where the content of the code section starts, in bytes of the component. DWARF counts from here.
    code: usize,
    /// Which of the places lie in it.
    asked: Vec<usize>,
    debug: HashMap<&'a str, &'a [u8]>,
}

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

impl<'a> Module<'a> {
    fn read(&mut self, payload: Payload<'a>, places: &[Place]) {
        match payload {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports().map_while(Result::ok) {
                    if matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
                        self.next_function += 1;
                    }
                }
            }
            Payload::CodeSectionStart { range, .. } => self.code = range.start,
            Payload::CodeSectionEntry(body) => {
                let here = |place: &Place| {
                    place.function == self.next_function
                        && body.range().contains(&(place.offset as usize))
                };
                let asked = places.iter().enumerate().filter(|(_, place)| here(place));
                self.asked.extend(asked.map(|(position, _)| position));
                self.next_function += 1;
            }
            Payload::CustomSection(section) if section.name().starts_with(".debug_") => {
                self.debug.entry(section.name()).or_insert(section.data());
            }
            _ => {}
        }
    }

    fn find(self, places: &[Place], found: &mut [Vec<Symbol>]) {
        if self.asked.is_empty() || !self.debug.contains_key(LINE_SECTION) {
            return;
        }
        let section = |name: &str| self.debug.get(name).copied().unwrap_or_default();
        let Ok(dwarf) =
            Dwarf::load(|id| Ok::<_, Infallible>(Bytes::new(section(id.name()), LittleEndian)));
        let Ok(context) = Context::from_dwarf(dwarf) else { return };
        for position in self.asked {
            let address = (places[position].offset as usize).saturating_sub(self.code) as u64;
            // What makes no sense has no symbols; other places may.
            found[position] = symbols(&context, address).unwrap_or_default();
        }
    }
}

/// The functions at an address, innermost first.
fn symbols(context: &Context<Bytes<'_>>, address: u64) -> Result<Vec<Symbol>, Error> {
    let unit = context.find_dwarf_and_unit(address).skip_all_loads();
    // Where the compiler was started: a path below is the plugin's own.
    let folder = unit.and_then(|unit| unit.comp_dir).map(|folder| folder.to_string_lossy());
    let mut frames = context.find_frames(address).skip_all_loads()?;
    let mut symbols = Vec::new();
    while let Some(frame) = frames.next()? {
        let function = match &frame.function {
            Some(function) => Some(function_name(&function.raw_name()?)),
            None => None,
        };
        let location = frame.location.and_then(|location| {
            let file = below(location.file?, folder.as_ref());
            Some(Location::new(file, location.line?, location.column.unwrap_or(0)))
        });
        let symbol = Symbol { function, location };
        if symbols.len() == MAX_INLINED {
            // The outermost is the function that was called; it must not get lost.
            symbols.pop();
        }
        symbols.push(symbol);
    }
    Ok(symbols)
}

/// The path as seen from a folder, where it lies below.
fn below<'a>(file: &'a str, folder: Option<&Cow<'_, str>>) -> &'a str {
    let rest = folder.and_then(|folder| file.strip_prefix(&**folder));
    rest.and_then(|rest| rest.strip_prefix(['/', '\\'])).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inlined_functions_are_frames_of_their_own() {
        let frame = Frame {
            function: "outer".to_owned(),
            index: 3,
            offset: Some(40),
            inlined: false,
            location: None,
        };
        assert_eq!(located(frame.clone(), &[]), std::slice::from_ref(&frame));
        let symbol = |function: &str, line| Symbol {
            function: Some(function.to_owned()),
            location: Some(Location::new("src/lib.rs", line, 1)),
        };
        let frames = located(frame.clone(), &[symbol("inner", 5), symbol("_ZN5outer", 9)]);
        let shown: Vec<String> = frames.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["inner (src/lib.rs:5:1)", "outer (src/lib.rs:9:1)"]);
        assert_eq!(frames.iter().map(|frame| frame.inlined).collect::<Vec<_>>(), [true, false]);
        assert!(frames.iter().all(|frame| (frame.index, frame.offset) == (3, Some(40))));
    }

    #[test]
    fn answers_are_bounded_again() {
        let hostile = Symbol {
            function: Some("\u{1b}[2J\n".repeat(1_000)),
            location: Some(Location { file: "\r\n".repeat(1_000), line: 1, column: 1 }),
        };
        let symbols = bounded(vec![hostile; 1_000]);
        assert_eq!(symbols.len(), MAX_INLINED);
        let text = serde_json::to_string(&symbols).unwrap();
        assert!(text.len() < 100_000, "{} bytes", text.len());
        for symbol in symbols {
            let location = symbol.location.unwrap();
            assert!(!symbol.function.unwrap().contains(char::is_control));
            assert!(!location.file.contains(char::is_control));
        }
    }

    #[test]
    fn bytes_that_are_no_component_have_no_lines() {
        for bytes in [&b""[..], b"\0asm", b"\0asm\x0d\0\x01\0\xff\x01\0", b"\0asm\x01\0\0\0\0\x7f"]
        {
            assert!(!has_lines(bytes));
            assert_eq!(find(bytes, &[Place { function: 0, offset: 8 }]), [[]; 1]);
        }
    }
}
