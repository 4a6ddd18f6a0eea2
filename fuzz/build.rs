//! Makes, of each world in wit/, what `src/smith.rs` wraps random core modules in.
//!
//! - `WORLD.shape.wasm`: a core module with the imports and exports that a guest of this world has, and no behaviour.
//! - `WORLD.head` and `WORLD.tail`: the bytes of a component around such a module. Any module of the same shape fits between
//!   them, because a module in a component is a section by itself:
//!   <https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md>.
//!
//! This is done here because the crates that do it would make Cargo build wasmtime with other features if they were
//! dependencies of the targets.

use std::error::Error;
use std::fs;
use std::path::Path;

use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function as Body, FunctionSection,
    ImportSection, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::WasmType;
use wit_parser::{
    Function, LiftLowerAbi, ManglingAndAbi, Resolve, WasmExport, WasmExportKind, WasmImport,
    WorldId, WorldItem, WorldKey,
};

const WORLDS: [&str; 5] = ["extractor", "transformer", "validator", "loader", "notifier"];
const ABI: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
/// The id of a section that is a core module.
const MODULE_SECTION: u8 = 1;
/// Magic number and version.
const PREAMBLE_BYTES: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../wit");
    let folder = std::env::var("OUT_DIR")?;
    let folder = Path::new(&folder);
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path("../wit")?;
    for name in WORLDS {
        let world = resolve.select_world(&[package], Some(name))?;
        let shape = shape(&resolve, world);
        let mut module = shape.clone();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
        let component = ComponentEncoder::default().module(&module)?.validate(true).encode()?;
        let (head, tail) = around_guest(&component).ok_or("a component without its module")?;
        fs::write(folder.join(format!("{name}.shape.wasm")), shape)?;
        fs::write(folder.join(format!("{name}.head")), head)?;
        fs::write(folder.join(format!("{name}.tail")), tail)?;
    }
    Ok(())
}

/// A module of the world's imports and exports, all of whose functions trap.
fn shape(resolve: &Resolve, world: WorldId) -> Vec<u8> {
    let mut shape = Shape::default();
    let world = &resolve.worlds[world];
    for (interface, function) in functions(resolve, world.imports.iter()) {
        let signature = resolve.wasm_signature(ABI.import_variant(), function);
        let import = WasmImport::Func { interface: Some(interface), func: function };
        let (module, name) = resolve.wasm_import_name(ABI, import);
        shape.import(&module, &name, &signature.params, &signature.results);
    }
    let export_name = |export| resolve.wasm_export_name(ABI, export);
    for (interface, function) in functions(resolve, world.exports.iter()) {
        let signature = resolve.wasm_signature(ABI.export_variant(), function);
        let name = |kind| {
            export_name(WasmExport::Func { interface: Some(interface), func: function, kind })
        };
        shape.export(&name(WasmExportKind::Normal), &signature.params, &signature.results);
        // Told where the result lies, when the host has read it.
        shape.export(&name(WasmExportKind::PostReturn), &signature.results, &[]);
    }
    let pointer = WasmType::I32;
    shape.export(&export_name(WasmExport::Realloc), &[pointer; 4], &[pointer]);
    shape.export(&export_name(WasmExport::Initialize), &[], &[]);
    shape.exports.export(&export_name(WasmExport::Memory), ExportKind::Memory, 0);
    shape.finish()
}

/// The functions of all interfaces among the items.
fn functions<'a>(
    resolve: &'a Resolve,
    items: impl Iterator<Item = (&'a WorldKey, &'a WorldItem)>,
) -> Vec<(&'a WorldKey, &'a Function)> {
    let mut functions = Vec::new();
    for (key, item) in items {
        if let WorldItem::Interface { id, .. } = item {
            let interface = &resolve.interfaces[*id];
            functions.extend(interface.functions.values().map(|function| (key, function)));
        }
    }
    functions
}

#[derive(Default)]
struct Shape {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    exports: ExportSection,
    code: CodeSection,
}

impl Shape {
    fn import(&mut self, module: &str, name: &str, params: &[WasmType], results: &[WasmType]) {
        let signature = self.signature(params, results);
        self.imports.import(module, name, EntityType::Function(signature));
    }

    /// All imports come before.
    fn export(&mut self, name: &str, params: &[WasmType], results: &[WasmType]) {
        let signature = self.signature(params, results);
        let function = self.imports.len() + self.functions.len();
        self.functions.function(signature);
        let mut body = Body::new([]);
        body.instructions().unreachable().end();
        self.code.function(&body);
        self.exports.export(name, ExportKind::Func, function);
    }

    fn signature(&mut self, params: &[WasmType], results: &[WasmType]) -> u32 {
        let values = |types: &[WasmType]| types.iter().map(value_type).collect::<Vec<_>>();
        self.types.ty().function(values(params), values(results));
        self.types.len() - 1
    }

    fn finish(self) -> Vec<u8> {
        let memory = MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        };
        let mut memories = MemorySection::new();
        memories.memory(memory);
        let mut module = Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions);
        module.section(&memories).section(&self.exports).section(&self.code);
        module.finish()
    }
}

fn value_type(value: &WasmType) -> ValType {
    match value {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    }
}

/// What comes before and after the section of the guest's module. The other modules, which wit-component adds, do not export
/// a function that allocates.
fn around_guest(component: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut start = PREAMBLE_BYTES;
    loop {
        let (id, rest) = component.get(start..)?.split_first()?;
        let (size, size_bytes) = leb128(rest)?;
        let content = start + 1 + size_bytes;
        let end = content.checked_add(size)?;
        let is_guest = |module: &[u8]| module.windows(12).any(|name| name == b"cabi_realloc");
        if *id == MODULE_SECTION && is_guest(component.get(content..end)?) {
            return Some((&component[..start], &component[end..]));
        }
        start = end;
    }
}

/// An unsigned number of variable length, and how many bytes it takes.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}
