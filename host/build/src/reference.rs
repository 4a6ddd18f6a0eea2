//! The contract as a document: every world, interface, function and type of `wit/`, with the words that are there.
//!
//! `cargo xtask contract` writes it to `docs/plugins/contract.md`; a test refuses one that is not of the `wit/` beside it.

use std::fmt::Write as _;

use wit_parser::{
    Docs, Function, InterfaceId, PackageId, Resolve, Type, TypeDefKind, TypeId, TypeOwner,
    WorldItem,
};

/// In the order in which somebody reads them who writes a plugin: what plugins export, then what they import.
const INTERFACES: [&str; 8] =
    ["transform", "validate", "extract", "load", "notify", "types", "http", "script"];

const BEGIN: &str = "\
<!-- Made of wit/ by `cargo xtask contract`; a change here is lost. -->

# The contract, function by function

What plugins export and import, in the notation of [WIT](https://component-model.bytecodealliance.org/design/wit.html); the text is that of
[`wit/`](../../wit). SDKs give each of it a form that their language is used to. [What a plugin can rely on](../contract.md) tells which of it may
change, [What crosses](../plugins.md#what-crosses) and [What is checked](../plugins.md#what-is-checked) what the host does with it.
";

/// The document.
pub(crate) fn document(resolve: &Resolve, package: PackageId) -> String {
    let mut text = BEGIN.to_owned();
    let package = &resolve.packages[package];
    let name = &package.name;
    writeln!(text, "\n## The package `{name}`\n\n{}", paragraphs(&package.docs)).expect("a text");
    text.push_str("| World | Exports | Imports | |\n|---|---|---|---|\n");
    for (name, id) in &package.worlds {
        let world = &resolve.worlds[*id];
        let exports = interfaces(resolve, world.exports.values());
        let imports = interfaces(resolve, world.imports.values());
        let docs = cell(&world.docs);
        writeln!(text, "| `{name}` | {exports} | {imports} | {docs} |").expect("a text");
    }
    let known = INTERFACES.iter().filter_map(|name| package.interfaces.get(*name));
    let others = package.interfaces.iter().filter(|(name, _)| !INTERFACES.contains(&name.as_str()));
    for id in known.chain(others.map(|(_, id)| id)) {
        interface(resolve, *id, &mut text);
    }
    text
}

/// Those of the contract as links, others by name.
fn interfaces<'a>(resolve: &Resolve, items: impl Iterator<Item = &'a WorldItem>) -> String {
    let mut names = Vec::new();
    for item in items {
        let WorldItem::Interface { id, .. } = item else { continue };
        let name = resolve.id_of(*id).expect("interfaces of worlds have names");
        names.push(match name.strip_prefix("wasmill:plugin/") {
            Some(own) => {
                let own = own.split('@').next().unwrap_or_default();
                format!("[`{own}`](#{own})")
            }
            None => format!("`{name}`"),
        });
    }
    names.join(", ")
}

fn interface(resolve: &Resolve, id: InterfaceId, text: &mut String) {
    let interface = &resolve.interfaces[id];
    let name = interface.name.as_deref().expect("the contract's interfaces have names");
    writeln!(text, "\n## `{name}`\n\n{}", paragraphs(&interface.docs).trim_end()).expect("a text");
    for (function_name, function) in &interface.functions {
        let (signature, used) = signature(resolve, function);
        write!(text, "\n### `{name}.{function_name}`\n\n`{function_name}: {signature}`\n")
            .expect("a text");
        if !used.is_empty() {
            let links: Vec<String> = used.iter().map(|id| link(resolve, *id)).collect();
            writeln!(text, "\nTypes: {}", links.join(", ")).expect("a text");
        }
        let docs = paragraphs(&function.docs);
        if !docs.is_empty() {
            write!(text, "\n{docs}").expect("a text");
        }
    }
    for (type_name, id) in &interface.types {
        // `use types.{batch}` is explained where it is from.
        if !matches!(resolve.types[*id].kind, TypeDefKind::Type(_)) {
            write!(text, "\n### `{name}.{type_name}`\n").expect("a text");
            definition(resolve, *id, text);
        }
    }
}

fn definition(resolve: &Resolve, id: TypeId, text: &mut String) {
    let definition = &resolve.types[id];
    let (kind, head) = match &definition.kind {
        TypeDefKind::Record(_) => ("A record.", "| Field | Type | |\n|---|---|---|\n"),
        TypeDefKind::Variant(_) => ("One of:", "| Case | With | |\n|---|---|---|\n"),
        TypeDefKind::Enum(_) => ("One of:", "| Case | |\n|---|---|\n"),
        other => (other.as_str(), ""),
    };
    let docs = paragraphs(&definition.docs);
    let docs = if docs.is_empty() { docs } else { format!("\n{docs}") };
    write!(text, "{docs}\n{kind}\n\n{head}").expect("a text");
    let mut row = |name: &str, with: Option<Option<Type>>, docs: &Docs| {
        let with = match with {
            None => String::new(),
            Some(None) => " |".to_owned(),
            Some(Some(part)) => format!(" {} |", linked(resolve, part)),
        };
        writeln!(text, "| `{name}` |{with} {} |", cell(docs)).expect("a text");
    };
    match &definition.kind {
        TypeDefKind::Record(record) => {
            record
                .fields
                .iter()
                .for_each(|field| row(&field.name, Some(Some(field.ty)), &field.docs));
        }
        TypeDefKind::Variant(variant) => {
            variant.cases.iter().for_each(|case| row(&case.name, Some(case.ty), &case.docs));
        }
        TypeDefKind::Enum(cases) => {
            cases.cases.iter().for_each(|case| row(&case.name, None, &case.docs));
        }
        _ => {}
    }
}

/// As WIT has it, and the types of the contract in it.
fn signature(resolve: &Resolve, function: &Function) -> (String, Vec<TypeId>) {
    let mut used = Vec::new();
    let mut parameters = Vec::new();
    for parameter in &function.params {
        parameters.push(format!("{}: {}", parameter.name, shown(resolve, parameter.ty, &mut used)));
    }
    let result = function.result.map(|part| format!(" -> {}", shown(resolve, part, &mut used)));
    (format!("func({}){}", parameters.join(", "), result.unwrap_or_default()), used)
}

/// A type, as a link where it leads to one of the contract.
fn linked(resolve: &Resolve, part: Type) -> String {
    let mut used = Vec::new();
    let text = shown(resolve, part, &mut used);
    match used.as_slice() {
        [id] => format!("[`{text}`](#{})", anchor(resolve, *id)),
        _ => format!("`{text}`"),
    }
}

fn link(resolve: &Resolve, id: TypeId) -> String {
    let name = resolve.types[id].name.as_deref().expect("it is shown by its name");
    format!("[`{name}`](#{})", anchor(resolve, id))
}

/// What the heading of a type is called as a link.
fn anchor(resolve: &Resolve, id: TypeId) -> String {
    let definition = &resolve.types[id];
    let TypeOwner::Interface(owner) = definition.owner else {
        unreachable!("types of the contract are in interfaces")
    };
    let interface = resolve.interfaces[owner].name.as_deref().unwrap_or_default();
    format!("{interface}{}", definition.name.as_deref().unwrap_or_default())
}

/// A type as WIT has it. Types with names are added to `used`, by where they are from.
fn shown(resolve: &Resolve, part: Type, used: &mut Vec<TypeId>) -> String {
    let Type::Id(mut id) = part else { return format!("{part:?}").to_lowercase() };
    while let TypeDefKind::Type(Type::Id(behind)) = resolve.types[id].kind {
        id = behind;
    }
    let definition = &resolve.types[id];
    if let Some(name) = &definition.name {
        if !used.contains(&id) {
            used.push(id);
        }
        return name.clone();
    }
    let mut or_none =
        |part: Option<Type>| part.map_or_else(|| "_".to_owned(), |part| shown(resolve, part, used));
    match &definition.kind {
        TypeDefKind::Option(part) => format!("option<{}>", or_none(Some(*part))),
        TypeDefKind::List(part) => format!("list<{}>", or_none(Some(*part))),
        TypeDefKind::Tuple(tuple) => {
            let parts: Vec<String> = tuple.types.iter().map(|part| or_none(Some(*part))).collect();
            format!("tuple<{}>", parts.join(", "))
        }
        TypeDefKind::Result(result) => {
            format!("result<{}, {}>", or_none(result.ok), or_none(result.err))
        }
        other => other.as_str().to_owned(),
    }
}

/// What is said of something, with a line end.
fn paragraphs(docs: &Docs) -> String {
    match docs.contents.as_deref().map(str::trim_end) {
        None | Some("") => String::new(),
        Some(contents) => format!("{contents}\n"),
    }
}

/// The same in a cell of a table.
fn cell(docs: &Docs) -> String {
    let contents = docs.contents.as_deref().unwrap_or_default();
    contents.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::contract::Contract;

    #[test]
    fn the_document_is_of_the_contract_beside_it() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugins/contract.md");
        let document = std::fs::read_to_string(path).unwrap();
        assert!(
            document == Contract::current().unwrap().document(),
            "wit/ has changed: `cargo xtask contract` makes docs/plugins/contract.md anew"
        );
    }
}
