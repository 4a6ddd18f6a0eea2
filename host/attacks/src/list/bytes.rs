//! Attacks by the bytes of a component: [`crate::bytes`].

use wasmill_sandbox::component::PluginKind::Transformer;
use wasmill_sandbox::fault::FaultKind::{Contract, Deadline, Fuel, Memory, Stack, Trap};
use wasmill_sandbox::limits::Limits;

use crate::attack::{Attack, Contained, Means};
use crate::bytes;

/// Writes a component, given an honest one.
type Make = fn(&[u8], &Limits) -> Vec<u8>;

/// Faults come while the component is instantiated.
const EXPORT: &str = "instantiate";

pub fn attacks() -> Vec<Attack> {
    let attack = |name, what, make: Make, contained: &[Contained]| Attack {
        name,
        kind: Transformer,
        export: None,
        what,
        contained: contained.to_vec(),
        means: Means::Bytes(make),
    };
    let fault = |kind| Contained::Fault(EXPORT, kind);
    let not_loaded = Contained::NotLoaded;
    // How far a compiler gets, before a limit or to the end, depends on the machine.
    let compiling = [
        Contained::NotLoaded("compile"),
        Contained::NotLoaded("compiler-process"),
        Contained::Harmless,
    ];
    vec![
        attack(
            "start-spins",
            "loops for ever when instantiated",
            bytes::start_spins::component,
            &[fault(Fuel), fault(Deadline)],
        ),
        attack(
            "start-traps",
            "traps when instantiated",
            bytes::start_traps::component,
            &[fault(Trap)],
        ),
        attack(
            "start-recurses",
            "calls itself without end when instantiated",
            bytes::start_recurses::component,
            &[fault(Stack)],
        ),
        attack(
            "start-grows-memory",
            "grows its memory without end when instantiated",
            bytes::start_grows_memory::component,
            &[fault(Memory)],
        ),
        attack(
            "start-grows-table",
            "grows a table without end when instantiated",
            bytes::start_grows_table::component,
            &[fault(Memory), fault(Fuel), fault(Deadline)],
        ),
        attack(
            "memory-at-start",
            "wants a memory beyond the limit from the start",
            bytes::memory_at_start::component,
            &[fault(Memory)],
        ),
        attack(
            "memory64",
            "wants a memory of sixteen exbibytes",
            bytes::memory64::component,
            &[not_loaded("compile")],
        ),
        attack(
            "table-at-start",
            "wants a table of four billion elements from the start",
            bytes::table_at_start::component,
            &[not_loaded("compile"), fault(Memory)],
        ),
        attack(
            "many-memories",
            "has forty memories",
            bytes::many_memories::component,
            &[not_loaded("compile")],
        ),
        attack(
            "many-tables",
            "has ninety tables",
            bytes::many_tables::component,
            &[not_loaded("compile")],
        ),
        attack(
            "many-core-instances",
            "is made of a thousand core instances",
            bytes::many_core_instances::component,
            &[not_loaded("compile")],
        ),
        attack(
            "many-core-modules",
            "is made of a hundred thousand core modules",
            bytes::many_core_modules::component,
            &[not_loaded("compile")],
        ),
        attack(
            "many-exports",
            "exports a hundred thousand instances",
            bytes::many_exports::component,
            &[not_loaded("compile"), fault(Contract)],
        ),
        attack(
            "many-imports",
            "imports ten thousand interfaces that nobody has",
            bytes::many_imports::component,
            &[not_loaded("compile"), Contained::NotLinked],
        ),
        attack(
            "import-made-up",
            "imports an interface that nobody has",
            bytes::import_made_up::component,
            &[Contained::NotLinked],
        ),
        attack(
            "import-http",
            "imports HTTP, granted or not",
            bytes::import_http::component,
            &[Contained::NotLinked, fault(Contract)],
        ),
        attack(
            "several-worlds",
            "is a transformer and a validator at once",
            bytes::several_worlds::component,
            &[not_loaded("several-worlds")],
        ),
        attack(
            "other-contract",
            "speaks another version of the contract",
            bytes::other_contract::component,
            &[not_loaded("contract-version")],
        ),
        attack(
            "empty-world",
            "is a transformer without a function",
            bytes::empty_world::component,
            &[fault(Contract)],
        ),
        attack(
            "other-types",
            "is a transformer by functions of other types",
            bytes::other_types::component,
            &[fault(Contract)],
        ),
        attack(
            "garbage-section",
            "carries sixteen mebibytes of garbage",
            bytes::garbage_section::component,
            &[Contained::Harmless],
        ),
        attack(
            "symbol-names",
            "carries garbage where tools look for names",
            bytes::symbol_names::component,
            &[Contained::Harmless],
        ),
        attack(
            "not-utf8-name",
            "exports a name that is not UTF-8",
            bytes::not_utf8_name::component,
            &[not_loaded("compile")],
        ),
        attack(
            "not-wasm",
            "is a program for another machine",
            bytes::not_wasm::component,
            &[not_loaded("not-wasm")],
        ),
        attack(
            "core-module",
            "is a core module",
            bytes::core_module::component,
            &[not_loaded("core-module")],
        ),
        attack(
            "truncated",
            "is the first half of a component",
            bytes::truncated::component,
            &[not_loaded("compile")],
        ),
        attack(
            "section-lengths",
            "has a section that ends behind its end",
            bytes::section_lengths::component,
            &[not_loaded("compile")],
        ),
        attack(
            "huge-component",
            "is a byte larger than a component may be",
            bytes::huge_component::component,
            &[not_loaded("too-large")],
        ),
        attack(
            "huge-function",
            "has a function of seven mebibytes",
            bytes::huge_function::component,
            &compiling,
        ),
        attack(
            "many-functions",
            "has a million functions",
            bytes::many_functions::component,
            &compiling,
        ),
        attack(
            "many-locals",
            "has a billion variables in few bytes",
            bytes::many_locals::component,
            &compiling,
        ),
        attack(
            "deep-blocks",
            "has a million blocks within each other",
            bytes::deep_blocks::component,
            &compiling,
        ),
        attack(
            "nested-components",
            "holds components ten thousand deep",
            bytes::nested_components::component,
            &[not_loaded("compile"), not_loaded("compiler-process")],
        ),
        attack(
            "type-bomb",
            "declares types that would take a terabyte",
            bytes::type_bomb::component,
            &[not_loaded("compile")],
        ),
    ]
}
