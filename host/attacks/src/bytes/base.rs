//! What is added to an honest component, and where.
//!
//! A component is a preamble and sections, each an id, a length and its content:
//! <https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md>.

use wasm_encoder::{
    CodeSection, ComponentExportKind, ComponentExportSection, ComponentImportSection,
    ComponentInstanceSection, ComponentSection, ComponentTypeRef, ComponentTypeSection, Function,
    FunctionSection, InstanceSection, InstanceType, MemorySection, MemoryType, Module,
    ModuleSection, StartSection, TableSection, TableType, TypeSection,
};

/// The preamble of a component.
pub const PREAMBLE: [u8; 8] = *b"\0asm\x0d\0\x01\0";
/// What a transformer exports.
pub const TRANSFORMER: &str = "wasmill:plugin/transform@0.1.0";
/// The section that holds a core module.
const CORE_MODULE: u8 = 1;

/// The component with a core module added, of which there is an instance as soon as there is one of the component.
pub fn with_instance(honest: &[u8], module: &Module) -> Vec<u8> {
    with_instances(honest, module, 1)
}

/// The same, with so many instances.
pub fn with_instances(honest: &[u8], module: &Module, count: usize) -> Vec<u8> {
    let index = core_modules(honest);
    let mut component = honest.to_vec();
    ModuleSection(module).append_to_component(&mut component);
    let mut instances = InstanceSection::new();
    for _ in 0..count {
        instances.instantiate::<_, &str>(index, []);
    }
    instances.append_to_component(&mut component);
    component
}

/// The component with a section added.
pub fn with_section(honest: &[u8], section: &impl ComponentSection) -> Vec<u8> {
    let mut component = honest.to_vec();
    section.append_to_component(&mut component);
    component
}

/// A core module that does this as soon as it is instantiated.
pub fn starting(body: Function, memory: Option<MemoryType>, table: Option<TableType>) -> Module {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([], []);
    module.section(&types);
    let mut functions = FunctionSection::new();
    functions.function(0);
    module.section(&functions);
    if let Some(table) = table {
        let mut tables = TableSection::new();
        tables.table(table);
        module.section(&tables);
    }
    if let Some(memory) = memory {
        let mut memories = MemorySection::new();
        memories.memory(memory);
        module.section(&memories);
    }
    module.section(&StartSection { function_index: 0 });
    let mut code = CodeSection::new();
    code.function(&body);
    module.section(&code);
    module
}

/// A core module of these functions without parameters, which nobody calls.
pub fn of_functions(bodies: impl IntoIterator<Item = Function>) -> Module {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    for body in bodies {
        functions.function(0);
        code.function(&body);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    module
}

/// A core module with nothing but a memory.
pub fn of_memory(pages: u64) -> Module {
    let mut memories = MemorySection::new();
    memories.memory(memory(pages));
    let mut module = Module::new();
    module.section(&memories);
    module
}

/// A memory of at least so many pages, of 64 KiB.
pub fn memory(pages: u64) -> MemoryType {
    MemoryType {
        minimum: pages,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    }
}

/// A table of at least so many references to functions.
pub fn table(elements: u64) -> TableType {
    TableType {
        element_type: wasm_encoder::RefType::FUNCREF,
        table64: false,
        minimum: elements,
        maximum: None,
        shared: false,
    }
}

/// A component that exports an empty instance under each of these names.
pub fn exporting<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut component = PREAMBLE.to_vec();
    let mut instances = ComponentInstanceSection::new();
    instances.export_items::<&str, _>([]);
    instances.append_to_component(&mut component);
    let mut exports = ComponentExportSection::new();
    for name in names {
        exports.export(name, ComponentExportKind::Instance, 0, None);
    }
    exports.append_to_component(&mut component);
    component
}

/// A transformer by its exports that imports an instance of each of these names. It has no functions: that is not found out
/// where the imports are refused.
pub fn importing<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut component = PREAMBLE.to_vec();
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    types.append_to_component(&mut component);
    let mut imports = ComponentImportSection::new();
    for name in names {
        imports.import(name, ComponentTypeRef::Instance(0));
    }
    let world = imports.len();
    imports.append_to_component(&mut component);
    let mut instances = ComponentInstanceSection::new();
    instances.export_items::<&str, _>([]);
    instances.append_to_component(&mut component);
    let mut exports = ComponentExportSection::new();
    exports.export(TRANSFORMER, ComponentExportKind::Instance, world, None);
    exports.append_to_component(&mut component);
    component
}

/// How many core modules a component holds: the index of the next.
fn core_modules(component: &[u8]) -> u32 {
    let mut rest = component.get(PREAMBLE.len()..).unwrap_or_default();
    let mut modules = 0;
    while let Some((&id, after)) = rest.split_first() {
        let (length, after) = read_length(after);
        modules += u32::from(id == CORE_MODULE);
        rest = after.get(length..).unwrap_or_default();
    }
    modules
}

/// A number in LEB128, and what follows it.
fn read_length(bytes: &[u8]) -> (usize, &[u8]) {
    let mut number = 0;
    for (index, &byte) in bytes.iter().enumerate().take(5) {
        number |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return (number, &bytes[index + 1..]);
        }
    }
    (0, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_modules_are_counted() {
        let none = exporting(["a:b/c"]);
        assert_eq!(core_modules(&none), 0);
        let one = with_instance(&none, &of_memory(1));
        assert_eq!(core_modules(&one), 1);
        // A section whose length takes more than one byte.
        let two = with_instances(&one, &of_functions((0..100).map(|_| Function::new([]))), 3);
        assert_eq!(core_modules(&two), 2);
    }
}
