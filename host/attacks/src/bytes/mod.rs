//! Components that no compiler would write: one attack a file, deterministic.
//!
//! Where an attack needs a plugin of a real world, it is an honest transformer with something added behind it ([`base`]): sections
//! of a component can come in any order, and what is added is compiled, linked and instantiated with the rest.

pub(crate) mod base;

pub(crate) mod core_module;
pub(crate) mod deep_blocks;
pub(crate) mod empty_world;
pub(crate) mod garbage_section;
pub(crate) mod huge_component;
pub(crate) mod huge_function;
pub(crate) mod import_http;
pub(crate) mod import_made_up;
pub(crate) mod many_core_instances;
pub(crate) mod many_core_modules;
pub(crate) mod many_exports;
pub(crate) mod many_functions;
pub(crate) mod many_imports;
pub(crate) mod many_locals;
pub(crate) mod many_memories;
pub(crate) mod many_tables;
pub(crate) mod memory64;
pub(crate) mod memory_at_start;
pub(crate) mod nested_components;
pub(crate) mod not_utf8_name;
pub(crate) mod not_wasm;
pub(crate) mod other_contract;
pub(crate) mod other_types;
pub(crate) mod section_lengths;
pub(crate) mod several_worlds;
pub(crate) mod start_grows_memory;
pub(crate) mod start_grows_table;
pub(crate) mod start_recurses;
pub(crate) mod start_spins;
pub(crate) mod start_traps;
pub(crate) mod symbol_names;
pub(crate) mod table_at_start;
pub(crate) mod truncated;
pub(crate) mod type_bomb;
