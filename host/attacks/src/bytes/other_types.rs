//! Exports the functions of a transformer, all of them without parameters and results.

use wasm_encoder::{
    Alias, CanonicalFunctionSection, CodeSection, ComponentAliasSection, ComponentExportKind,
    ComponentExportSection, ComponentInstanceSection, ComponentSection as _, ComponentTypeSection,
    ExportKind, ExportSection, Function, FunctionSection, InstanceSection, Module, ModuleSection,
    TypeSection,
};
use wasmill_sandbox::limits::Limits;

use super::base::{PREAMBLE, TRANSFORMER};

pub fn component(_honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut component = PREAMBLE.to_vec();
    let mut nothing = Function::new([]);
    nothing.instructions().end();
    ModuleSection(&with_export(&nothing)).append_to_component(&mut component);
    let mut core_instances = InstanceSection::new();
    core_instances.instantiate::<_, &str>(0, []);
    core_instances.append_to_component(&mut component);
    let mut aliases = ComponentAliasSection::new();
    aliases.alias(Alias::CoreInstanceExport { instance: 0, kind: ExportKind::Func, name: "f" });
    aliases.append_to_component(&mut component);
    let mut types = ComponentTypeSection::new();
    types.function().params::<[(&str, wasm_encoder::ComponentValType); 0], _>([]).result(None);
    types.append_to_component(&mut component);
    let mut functions = CanonicalFunctionSection::new();
    functions.lift(0, 0, []);
    functions.append_to_component(&mut component);
    let mut instances = ComponentInstanceSection::new();
    let names = ["describe", "bind", "open", "process", "finish"];
    instances.export_items(names.map(|name| (name, ComponentExportKind::Func, 0)));
    instances.append_to_component(&mut component);
    let mut exports = ComponentExportSection::new();
    exports.export(TRANSFORMER, ComponentExportKind::Instance, 0, None);
    exports.append_to_component(&mut component);
    component
}

/// A core module that exports this function as `f`.
fn with_export(function: &Function) -> Module {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut exports = ExportSection::new();
    exports.export("f", ExportKind::Func, 0);
    let mut code = CodeSection::new();
    code.function(function);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&exports).section(&code);
    module
}
