//! The contract in `wit/` as data: what a component must have, and what a later version of the contract must keep.
//!
//! Types are compared by structure, as the Component Model does: names of records do not matter, names of their fields do.

use std::fmt;

use semver::Version;
use wit_component::{DecodedWasm, WitPrinter};
use wit_parser::{
    Function, Interface, PackageId, Resolve, SourceMap, Type, TypeDefKind, TypeId, WorldItem,
    WorldKey,
};

use crate::component::refused;
use crate::{BuildError, embedded, reference};

/// The interfaces that plugins export. The others they import.
const EXPORTED: [&str; 5] = ["extract", "transform", "validate", "load", "notify"];
/// How much of a type is shown.
const SHOWN_DEPTH: usize = 3;

/// One version of the contract.
pub struct Contract {
    pub(crate) resolve: Resolve,
    package: PackageId,
}

impl Contract {
    /// What this program was built with.
    ///
    /// # Errors
    ///
    /// Never, once the tests have passed.
    pub fn current() -> Result<Self, BuildError> {
        Self::with(None)
    }

    /// The same, with a file more.
    pub(crate) fn with(file: Option<(&str, &str)>) -> Result<Self, BuildError> {
        let mut resolve = Resolve::default();
        let mut own = SourceMap::new();
        for (path, text) in embedded::below("wit") {
            let text = std::str::from_utf8(text).map_err(|error| refused(&error))?;
            if path.starts_with("deps/") {
                resolve.push_str(path, text).map_err(|error| refused(&error))?;
            } else {
                own.push_str(path, text);
            }
        }
        if let Some((path, text)) = file {
            own.push_str(path, text);
        }
        let group = own.parse().map_err(|(_, error)| refused(&error))?;
        let package = resolve.push_group(group).map_err(|error| refused(&error))?;
        Ok(Self { resolve, package })
    }

    /// What [`Contract::wit`] printed.
    ///
    /// # Errors
    ///
    /// When it is no WIT.
    pub fn parse(name: &str, text: &str) -> Result<Self, BuildError> {
        let mut resolve = Resolve::default();
        let package = resolve.push_str(name, text).map_err(|error| refused(&error))?;
        Ok(Self { resolve, package })
    }

    /// Such as 0.1.0.
    ///
    /// # Panics
    ///
    /// Where the package has no version.
    pub fn version(&self) -> &Version {
        let name = &self.resolve.packages[self.package].name;
        name.version.as_ref().expect("the contract has a version")
    }

    /// All of it as one text, the packages that it uses below it.
    ///
    /// # Errors
    ///
    /// Never, once the tests have passed.
    pub fn wit(&self) -> Result<String, BuildError> {
        let others = self.resolve.packages.iter().map(|(id, _)| id);
        let others: Vec<_> = others.filter(|id| *id != self.package).collect();
        let mut printer = WitPrinter::default();
        printer.print(&self.resolve, self.package, &others).map_err(|error| refused(&error))?;
        Ok(printer.output.to_string())
    }

    /// All of it for people, in Markdown.
    pub fn document(&self) -> String {
        reference::document(&self.resolve, self.package)
    }

    /// What of this contract `later` does not have, or has otherwise. A later version may have more of what plugins import; one of the
    /// same number may not.
    pub fn broken_by(&self, later: &Self) -> Vec<Difference> {
        let may_grow = self.version() != later.version();
        let mut differences = Vec::new();
        for (name, id) in &self.resolve.packages[self.package].interfaces {
            let found = later.interface(name);
            let mut comparison = Comparison {
                expected: &self.resolve,
                found: &later.resolve,
                interface: format!("{}/{name}", self.resolve.packages[self.package].name.name),
                differences: &mut differences,
            };
            match found {
                None => comparison.differs("", "an interface", "nothing"),
                Some(found) => {
                    let expected = &self.resolve.interfaces[*id];
                    comparison.functions(expected, found);
                    if !may_grow || EXPORTED.contains(&name.as_str()) {
                        comparison.no_more_functions(expected, found);
                    }
                    comparison.types(expected, found);
                }
            }
        }
        for (name, id) in &self.resolve.packages[self.package].worlds {
            let names = |contract: &Self, id| {
                let world = &contract.resolve.worlds[id];
                let unversioned = |key: &WorldKey| {
                    let name = contract.resolve.name_world_key(key);
                    name.split_once('@').map_or(name.clone(), |(name, _)| name.to_owned())
                };
                (
                    world.imports.keys().map(unversioned).collect::<Vec<_>>(),
                    world.exports.keys().map(unversioned).collect::<Vec<_>>(),
                )
            };
            let expected = names(self, *id);
            let later_id = later.resolve.packages[later.package].worlds.get(name);
            let found = later_id.map(|id| names(later, *id));
            if found.as_ref() != Some(&expected) {
                let shown = |(imports, exports): &(Vec<String>, Vec<String>)| {
                    format!("import {}; export {}", imports.join(", "), exports.join(", "))
                };
                differences.push(Difference {
                    place: format!("world {name}"),
                    expected: shown(&expected),
                    found: found.as_ref().map_or_else(|| "nothing".to_owned(), shown),
                });
            }
        }
        differences
    }

    /// Where a component's exports are not what the contract says, and where it imports what the contract does not have.
    /// Interfaces that are none of the contract are not looked at.
    ///
    /// # Errors
    ///
    /// When the bytes are no component.
    pub fn broken_by_component(&self, component: &[u8]) -> Result<Vec<Difference>, BuildError> {
        let decoded =
            wit_component::decode(component).map_err(|error| refused(&format!("{error:#}")))?;
        let DecodedWasm::Component(resolve, world) = decoded else {
            return Err(refused(&"it is a WIT package, and no component"));
        };
        let world = &resolve.worlds[world];
        let mut differences = Vec::new();
        for (items, is_export) in [(&world.exports, true), (&world.imports, false)] {
            for (key, item) in items {
                let WorldItem::Interface { id, .. } = item else { continue };
                let name = resolve.name_world_key(key);
                let Some(own) = self.interface_named(&name) else { continue };
                let theirs = &resolve.interfaces[*id];
                let (expected, found) = (&self.resolve, &resolve);
                let differences = &mut differences;
                let mut comparison = Comparison { expected, found, interface: name, differences };
                if is_export {
                    comparison.functions(own, theirs);
                } else {
                    comparison.used_functions(own, theirs);
                }
            }
        }
        Ok(differences)
    }

    fn interface(&self, name: &str) -> Option<&Interface> {
        let id = self.resolve.packages[self.package].interfaces.get(name)?;
        Some(&self.resolve.interfaces[*id])
    }

    /// By a name such as `wasmill:plugin/transform@0.1.0`, whatever the version.
    fn interface_named(&self, name: &str) -> Option<&Interface> {
        let name = name.strip_prefix("wasmill:plugin/")?;
        self.interface(name.split_once('@').map_or(name, |(name, _)| name))
    }
}

/// A place where something is not as the contract says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Such as `wasmill:plugin/transform@0.1.0#bind, result, ok, reads`.
    pub place: String,
    /// What the contract says there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, expected, found } = self;
        write!(formatter, "{place}: the contract has {expected}, here is {found}")
    }
}

/// Two versions of an interface, side by side.
struct Comparison<'a> {
    expected: &'a Resolve,
    found: &'a Resolve,
    interface: String,
    differences: &'a mut Vec<Difference>,
}

impl Comparison<'_> {
    fn differs(&mut self, place: &str, expected: &str, found: &str) {
        let place = format!("{}{place}", self.interface);
        let (expected, found) = (expected.to_owned(), found.to_owned());
        self.differences.push(Difference { place, expected, found });
    }

    /// Each function of the contract must be there.
    fn functions(&mut self, expected: &Interface, found: &Interface) {
        for (name, function) in &expected.functions {
            match found.functions.get(name) {
                Some(found) => self.function(function, found),
                None => {
                    let expected = signature(self.expected, function);
                    self.differs(&format!("#{name}"), &expected, "nothing");
                }
            }
        }
    }

    /// Each function that is imported must be one of the contract.
    fn used_functions(&mut self, expected: &Interface, found: &Interface) {
        for (name, used) in &found.functions {
            match expected.functions.get(name) {
                Some(expected) => self.function(expected, used),
                None => {
                    let found = signature(self.found, used);
                    self.differs(&format!("#{name}"), "nothing", &found);
                }
            }
        }
    }

    fn no_more_functions(&mut self, expected: &Interface, found: &Interface) {
        for (name, function) in &found.functions {
            if !expected.functions.contains_key(name) {
                let found = signature(self.found, function);
                self.differs(&format!("#{name}"), "nothing", &found);
            }
        }
    }

    /// Types that no function of their own interface may use.
    fn types(&mut self, expected: &Interface, found: &Interface) {
        for (name, id) in &expected.types {
            let mut place = vec![format!(".{name}")];
            match found.types.get(name) {
                Some(found) => self.same(&Type::Id(*id), &Type::Id(*found), &mut place),
                None => self.differs(&place[0], "a type", "nothing"),
            }
        }
    }

    fn function(&mut self, expected: &Function, found: &Function) {
        let place = format!("#{}", expected.name);
        let names = |function: &Function| -> Vec<String> {
            function.params.iter().map(|parameter| parameter.name.clone()).collect()
        };
        if names(expected) != names(found) || expected.result.is_some() != found.result.is_some() {
            let (expected, found) =
                (signature(self.expected, expected), signature(self.found, found));
            self.differs(&place, &expected, &found);
            return;
        }
        for (expected, found) in expected.params.iter().zip(&found.params) {
            let mut place = vec![place.clone(), format!("parameter `{}`", expected.name)];
            self.same(&expected.ty, &found.ty, &mut place);
        }
        if let (Some(expected), Some(found)) = (&expected.result, &found.result) {
            self.same(expected, found, &mut vec![place, "result".to_owned()]);
        }
    }

    /// Compares two types, and their parts as long as they are of one kind.
    fn same(&mut self, expected: &Type, found: &Type, place: &mut Vec<String>) {
        let (expected, found) = (followed(self.expected, *expected), followed(self.found, *found));
        let (Type::Id(expected_id), Type::Id(found_id)) = (expected, found) else {
            if expected != found {
                self.type_differs(&expected, &found, place);
            }
            return;
        };
        let parts = (parts(self.expected, expected_id), parts(self.found, found_id));
        let (Some(expected_parts), Some(found_parts)) = parts else {
            return self.type_differs(&expected, &found, place);
        };
        let names = |parts: &Parts| {
            let names = parts.parts.iter().map(|(name, part)| (name.clone(), part.is_some()));
            (parts.kind.clone(), names.collect::<Vec<_>>())
        };
        if names(&expected_parts) != names(&found_parts) {
            return self.type_differs(&expected, &found, place);
        }
        for ((name, expected), (_, found)) in expected_parts.parts.iter().zip(&found_parts.parts) {
            if let (Some(expected), Some(found)) = (expected, found) {
                place.push(name.clone());
                self.same(expected, found, place);
                place.pop();
            }
        }
    }

    fn type_differs(&mut self, expected: &Type, found: &Type, place: &[String]) {
        let expected = taken_apart(self.expected, expected);
        let found = taken_apart(self.found, found);
        self.differs(&place.join(", "), &expected, &found);
    }
}

/// A type with the names of its parts, where it has such.
fn taken_apart(resolve: &Resolve, part: &Type) -> String {
    let whole = shown(resolve, part, SHOWN_DEPTH);
    let Type::Id(id) = *part else { return whole };
    let kind = &resolve.types[id].kind;
    let Some(parts) = parts(resolve, id) else { return whole };
    if !matches!(
        kind,
        TypeDefKind::Record(_)
            | TypeDefKind::Variant(_)
            | TypeDefKind::Enum(_)
            | TypeDefKind::Flags(_)
    ) {
        return whole;
    }
    let names: Vec<String> = parts.parts.into_iter().map(|(name, _)| name).collect();
    format!("{whole} {{{}}}", names.join(", "))
}

/// What a type is made of: names, and the types behind them, where there are.
struct Parts {
    kind: String,
    parts: Vec<(String, Option<Type>)>,
}

/// None of a type that no version of the contract has.
fn parts(resolve: &Resolve, id: TypeId) -> Option<Parts> {
    let kind = &resolve.types[id].kind;
    let one = |name: &str, part: Type| vec![(name.to_owned(), Some(part))];
    let parts = match kind {
        TypeDefKind::Record(record) => {
            record.fields.iter().map(|field| (field.name.clone(), Some(field.ty))).collect()
        }
        TypeDefKind::Variant(variant) => {
            variant.cases.iter().map(|case| (case.name.clone(), case.ty)).collect()
        }
        TypeDefKind::Enum(cases) => {
            cases.cases.iter().map(|case| (case.name.clone(), None)).collect()
        }
        TypeDefKind::Flags(flags) => {
            flags.flags.iter().map(|flag| (flag.name.clone(), None)).collect()
        }
        TypeDefKind::Tuple(tuple) => {
            let numbered = tuple.types.iter().enumerate();
            numbered.map(|(index, part)| (index.to_string(), Some(*part))).collect()
        }
        TypeDefKind::Option(part) => one("some", *part),
        TypeDefKind::List(part) => one("item", *part),
        TypeDefKind::Result(result) => {
            vec![("ok".to_owned(), result.ok), ("error".to_owned(), result.err)]
        }
        _ => return None,
    };
    Some(Parts { kind: kind.as_str().to_owned(), parts })
}

/// Through aliases to what they stand for.
fn followed(resolve: &Resolve, mut followed: Type) -> Type {
    while let Type::Id(id) = followed
        && let TypeDefKind::Type(behind) = resolve.types[id].kind
    {
        followed = behind;
    }
    followed
}

/// A function as WIT has it.
fn signature(resolve: &Resolve, function: &Function) -> String {
    let shown = |part: &Type| shown(resolve, part, SHOWN_DEPTH);
    let parameters = function.params.iter();
    let parameters: Vec<String> = parameters
        .map(|parameter| format!("{}: {}", parameter.name, shown(&parameter.ty)))
        .collect();
    let result =
        function.result.as_ref().map_or_else(String::new, |part| format!(" -> {}", shown(part)));
    format!("func({}){result}", parameters.join(", "))
}

/// A type as WIT has it, to a certain depth.
fn shown(resolve: &Resolve, part: &Type, depth: usize) -> String {
    let id = match followed(resolve, *part) {
        Type::Id(_) if depth == 0 => return "…".to_owned(),
        Type::Id(id) => id,
        flat => return format!("{flat:?}").to_lowercase(),
    };
    let definition = &resolve.types[id];
    if let Some(name) = &definition.name {
        return format!("{} {name}", definition.kind.as_str());
    }
    let shown = |part: &Type| shown(resolve, part, depth - 1);
    let or_none = |part: &Option<Type>| part.as_ref().map_or_else(|| "_".to_owned(), shown);
    match &definition.kind {
        TypeDefKind::Option(part) => format!("option<{}>", shown(part)),
        TypeDefKind::List(part) => format!("list<{}>", shown(part)),
        TypeDefKind::Tuple(tuple) => {
            let parts: Vec<String> = tuple.types.iter().map(shown).collect();
            format!("tuple<{}>", parts.join(", "))
        }
        TypeDefKind::Result(result) => {
            format!("result<{}, {}>", or_none(&result.ok), or_none(&result.err))
        }
        other => other.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
    use wit_parser::ManglingAndAbi;

    use super::*;

    /// A component of the contract as it would be with some text replaced.
    fn component(world: &str, replaced: &[(&str, &str)]) -> Vec<u8> {
        let mut text = Contract::current().unwrap().wit().unwrap();
        for (from, to) in replaced {
            assert!(text.contains(from), "there is no {from:?} in the contract");
            text = text.replacen(from, to, 1);
        }
        let Contract { resolve, package } = Contract::parse("contract.wit", &text).unwrap();
        let world = resolve.select_world(&[package], Some(world)).unwrap();
        let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
    }

    fn broken(world: &str, replaced: &[(&str, &str)]) -> Vec<String> {
        let broken =
            Contract::current().unwrap().broken_by_component(&component(world, replaced)).unwrap();
        broken.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn components_of_the_contract_conform() {
        for world in ["transformer", "validator", "extractor", "loader", "notifier", "interpreter"]
        {
            assert_eq!(broken(world, &[]), [""; 0], "{world}");
        }
    }

    #[test]
    fn what_does_not_conform_is_named_with_both_types() {
        let bind = "bind: func(config: string) -> result<_, failure>;";
        let wrong = "bind: func(config: u32) -> result<_, failure>;";
        assert_eq!(
            broken("notifier", &[(bind, wrong)]),
            [
                "wasmill:plugin/notify@0.1.0#bind, parameter `config`: the contract has string, here is u32"
            ]
        );
        assert_eq!(
            broken("notifier", &[(bind, "")]),
            [
                "wasmill:plugin/notify@0.1.0#bind: the contract has func(config: string) -> result<_, variant failure>, here is nothing"
            ]
        );
        let wrong = "bind: func() -> result<_, failure>;";
        assert_eq!(
            broken("notifier", &[(bind, wrong)]),
            [
                "wasmill:plugin/notify@0.1.0#bind: the contract has func(config: string) -> result<_, variant failure>, \
              here is func() -> result<_, variant failure>"
            ]
        );
        // Deep inside, and in the words of whoever wrote it.
        let broken_verdict =
            broken("validator", &[("warn,\n    /// The row", "warn,\n    fix,\n    /// The row")]);
        assert_eq!(
            broken_verdict,
            ["wasmill:plugin/validate@0.1.0#check, result, ok, violations, item, severity: \
              the contract has enum severity {warn, reject}, here is enum severity {warn, fix, reject}"]
        );
    }

    #[test]
    fn imports_that_the_contract_does_not_have_are_named() {
        let send = "send: func(";
        let more = "ping: func(host: string);\n\n  send: func(";
        assert_eq!(
            broken("interpreter", &[(send, more)]),
            [
                "wasmill:plugin/http@0.1.0#ping: the contract has nothing, here is func(host: string)"
            ]
        );
    }

    #[test]
    fn what_is_printed_is_the_same_contract() {
        let contract = Contract::current().unwrap();
        let printed = Contract::parse("contract.wit", &contract.wit().unwrap()).unwrap();
        assert_eq!(printed.version(), contract.version());
        assert_eq!(contract.broken_by(&printed), []);
        assert_eq!(printed.broken_by(&contract), []);
    }
}
