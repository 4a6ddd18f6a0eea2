//! Loading a component: what it is, what it imports, compiled and ready to be instantiated.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use semver::Version;
use sha2::{Digest as _, Sha256};
use wasmtime::component::{Component, InstancePre};

use crate::engine::{EngineError, LinkedEngine, MAX_COMPONENT_BYTES, Sandbox};
use crate::fault::Fault;
use crate::grants::{Grants, NotGranted, needs_connection};
use crate::guest::GuestState;
use crate::locate::Locator;
use crate::script::{self, Interpreter, Script};

/// The contract version that this host speaks, and with it all of the same line: see [`is_spoken`].
pub const CONTRACT_VERSION: &str = "0.1.0";

/// Whether plugins of a version of the contract are loaded. Versions are semantic, and those of one line, such as 0.1, have the
/// same exports: older plugins want no more than there is, and newer ones are refused when they are linked if they do.
pub fn is_spoken(version: &str) -> bool {
    let line = |version: &Version| match version.major {
        0 => (0, version.minor),
        major => (major, 0),
    };
    let own = Version::parse(CONTRACT_VERSION).expect("the contract has a version");
    Version::parse(version)
        .is_ok_and(|version| line(&version) == line(&own) && version.pre.is_empty())
}

/// The five kinds of plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PluginKind {
    Extractor,
    Transformer,
    Validator,
    Loader,
    Notifier,
}

impl PluginKind {
    pub const ALL: [Self; 5] =
        [Self::Extractor, Self::Transformer, Self::Validator, Self::Loader, Self::Notifier];

    /// The name of the world, such as `transformer`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Extractor => "extractor",
            Self::Transformer => "transformer",
            Self::Validator => "validator",
            Self::Loader => "loader",
            Self::Notifier => "notifier",
        }
    }

    /// The interface that a component of this kind exports, without the version.
    fn interface(self) -> &'static str {
        match self {
            Self::Extractor => "wasmill:plugin/extract",
            Self::Transformer => "wasmill:plugin/transform",
            Self::Validator => "wasmill:plugin/validate",
            Self::Loader => "wasmill:plugin/load",
            Self::Notifier => "wasmill:plugin/notify",
        }
    }

    /// The name by which the export is looked for, such as `wasmill:plugin/transform@0.1.0`: that finds it in any version of the line.
    pub(crate) fn versioned_interface(self) -> String {
        format!("{}@{CONTRACT_VERSION}", self.interface())
    }
}

impl fmt::Display for PluginKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The SHA-256 of a component's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest that [`Display`](fmt::Display) writes; none where that is no digest.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?.as_bytes();
        let (pairs, []) = digits.as_chunks::<2>() else { return None };
        let byte = |pair: &[u8; 2]| {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8)
        };
        let bytes: Vec<u8> = pairs.iter().map(byte).collect::<Option<_>>()?;
        Some(Self(bytes.try_into().ok()?))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Why bytes are no plugin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("not a WebAssembly file")]
    NotWasm,
    #[error("a core WebAssembly module, not a component; build it for the target wasm32-wasip2")]
    CoreModule,
    #[error("the component has {bytes} bytes; the limit is {MAX_COMPONENT_BYTES}")]
    TooLarge { bytes: usize },
    #[error("the component does not compile: {message}")]
    Compile { message: String },
    #[error("the component could not be compiled: {message}")]
    CompilerProcess { message: String },
    #[error(
        "the component exports no interface of wasmill:plugin (it exports {})",
        if .exports.is_empty() { "nothing".to_owned() } else { .exports.join(", ") }
    )]
    NoWorld { exports: Vec<String> },
    #[error("the component is of several kinds at once: {}", .kinds.join(", "))]
    SeveralWorlds { kinds: Vec<String> },
    #[error(
        "the component speaks version {version} of the contract; this host speaks {CONTRACT_VERSION} and what is compatible with it: \
         build the component anew with the SDK of this version, or use a host of that one"
    )]
    ContractVersion { version: String },
    #[error("the component does not fit the contract: {message}")]
    Mismatch { message: String },
    #[error("the script cannot be read: {message}")]
    Script { message: String },
    #[error(
        "the script runs in an interpreter for {language} that is not there: {digest} (looked for in {}); build the script anew, or \
         copy the folder `interpreters` that lies beside where it was built",
        if .folders.is_empty() { "no folder".to_owned() } else { .folders.join(", ") }
    )]
    NoInterpreter { language: String, digest: Digest, folders: Vec<String> },
    #[error("the interpreter of the script does not run any {kind}")]
    NotOfInterpreter { kind: PluginKind },
    #[error("the component is an interpreter, and no plugin by itself: build a script for it")]
    Interpreter,
}

/// A compiled component of one of the five kinds. Cheap to clone.
#[derive(Clone)]
pub struct Plugin {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Arc<LinkedEngine>,
    digest: Digest,
    kind: PluginKind,
    contract: String,
    size: usize,
    imports: Vec<String>,
    component: Component,
    /// What the component is to run, where it is an interpreter.
    script: Option<Arc<Script>>,
    /// Where there are source lines, and a process to find them.
    locator: Option<Locator>,
}

impl Sandbox {
    /// Checks and compiles a component, or takes it from the cache. Compiling takes from milliseconds to seconds of
    /// all cores, on a blocking thread.
    pub async fn load(&self, bytes: Arc<[u8]>) -> Result<Plugin, LoadError> {
        self.load_beside(bytes, None).await
    }

    /// The same for a component that was found in `folder`: if it is a script, its interpreter is looked for in the folder
    /// [`interpreters`](crate::script::FOLDER) there first.
    pub async fn load_beside(
        &self,
        bytes: Arc<[u8]>,
        folder: Option<&Path>,
    ) -> Result<Plugin, LoadError> {
        let sandbox = self.clone();
        let beside = folder.map(|folder| folder.join(script::FOLDER));
        tokio::task::spawn_blocking(move || match Script::of(&bytes)? {
            Some(script) => sandbox.load_script(&bytes, script, beside),
            None => sandbox.load_blocking(&bytes),
        })
        .await
        .unwrap_or_else(|error| Err(LoadError::Compile { message: error.to_string() }))
    }

    fn load_script(
        &self,
        bytes: &[u8],
        script: Script,
        beside: Option<PathBuf>,
    ) -> Result<Plugin, LoadError> {
        let folders: Vec<PathBuf> =
            beside.into_iter().chain(self.compiler().interpreters().cloned()).collect();
        let compile = |component: &Arc<[u8]>| {
            check_preamble(component)?;
            let (engine, component) = self.compile(component, script.interpreter)?;
            let (imports, exports) = names(&engine, &component);
            let (imports, exports) = (imports.into(), exports.into());
            Ok(Interpreter { engine, component, imports, exports })
        };
        let interpreter = self.interpreters().get(&script, &folders, compile)?;
        let kind = script.kind;
        let contract =
            contract_of(&interpreter.exports, kind).ok_or(LoadError::NotOfInterpreter { kind })?;
        let is_of_script = |import: &&String| {
            !import.starts_with(script::IMPORT) && (script.uses_http || !needs_connection(import))
        };
        let inner = Inner {
            engine: interpreter.engine,
            digest: Digest::of(bytes),
            kind,
            contract,
            size: bytes.len(),
            imports: interpreter.imports.iter().filter(is_of_script).cloned().collect(),
            component: interpreter.component,
            script: Some(Arc::new(script)),
            locator: None,
        };
        Ok(Plugin { inner: Arc::new(inner) })
    }

    /// Compiles a component for the engine that it needs, or takes it from the cache.
    fn compile(
        &self,
        bytes: &Arc<[u8]>,
        digest: Digest,
    ) -> Result<(Arc<LinkedEngine>, Component), LoadError> {
        let compile = |engine| self.compiler().compile(engine, digest, bytes);
        match compile(self.plain()) {
            Ok(component) => Ok((Arc::clone(self.plain()), component)),
            // What the plain engine refuses may be what only the other one knows.
            Err(LoadError::Compile { .. }) => {
                let failed = |error: EngineError| LoadError::Compile { message: error.to_string() };
                let concurrent = self.concurrent().map_err(failed)?;
                Ok((Arc::clone(concurrent), compile(concurrent)?))
            }
            Err(error) => Err(error),
        }
    }

    fn load_blocking(&self, bytes: &Arc<[u8]>) -> Result<Plugin, LoadError> {
        check_preamble(bytes)?;
        let digest = Digest::of(bytes);
        let (engine, component) = self.compile(bytes, digest)?;
        let (imports, exports) = names(&engine, &component);
        if imports.iter().any(|import| import.starts_with(script::IMPORT)) {
            return Err(LoadError::Interpreter);
        }
        let (kind, contract) = kind_of(&exports)?;
        let size = bytes.len();
        let locator = self.compiler().locator(bytes);
        let script = None;
        let inner =
            Inner { engine, digest, kind, contract, size, imports, component, script, locator };
        Ok(Plugin { inner: Arc::new(inner) })
    }
}

impl Plugin {
    pub fn digest(&self) -> Digest {
        self.inner.digest
    }

    pub fn kind(&self) -> PluginKind {
        self.inner.kind
    }

    /// The version of the contract that the component was built for.
    pub fn contract(&self) -> &str {
        &self.inner.contract
    }

    /// Size of the component in bytes.
    pub fn size(&self) -> usize {
        self.inner.size
    }

    /// The names of the interfaces that the component imports, such as `wasi:cli/stderr@0.2.9`.
    pub fn imports(&self) -> &[String] {
        &self.inner.imports
    }

    /// The digest of the interpreter that the plugin runs in, where it is a script.
    pub fn interpreter(&self) -> Option<Digest> {
        self.inner.script.as_ref().map(|script| script.interpreter)
    }

    /// What each instance takes when it is created.
    pub fn resources(&self) -> Resources {
        const PAGE_BYTES: u64 = 64 << 10;
        let Some(required) = self.inner.component.resources_required() else {
            return Resources::default();
        };
        Resources {
            memories: required.num_memories,
            memory_bytes: required.max_initial_memory_size.unwrap_or(0) * PAGE_BYTES,
            tables: required.num_tables,
            table_elements: required.max_initial_table_size.unwrap_or(0),
        }
    }

    /// Adds source lines to a fault's stack, where the component has line tables, and the sandbox's compiler a process
    /// of its own to read them in. What cannot be found is left out. Each place is looked for once, which takes some
    /// 10 ms, and 10 s at most.
    pub async fn locate(&self, fault: &mut Fault) {
        if let (Some(locator), Some(stack)) = (&self.inner.locator, fault.stack_mut()) {
            locator.locate(stack).await;
        }
    }

    /// What the plugin's component is to run, where that is an interpreter.
    pub(crate) fn script(&self) -> Option<Arc<Script>> {
        self.inner.script.clone()
    }

    pub(crate) fn engine(&self) -> &LinkedEngine {
        &self.inner.engine
    }

    /// Links the component against what it was granted; refuses, by name, what it was not.
    pub(crate) fn link(&self, grants: &Grants) -> Result<InstancePre<GuestState>, LinkError> {
        grants.check(self.imports())?;
        self.inner
            .engine
            .linker
            .instantiate_pre(&self.inner.component)
            .map_err(|error| LinkError::Mismatch { message: format!("{error:#}") })
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plugin")
            .field("kind", &self.inner.kind)
            .field("digest", &self.inner.digest)
            .finish_non_exhaustive()
    }
}

/// What an instance takes when it is created. Of several memories, or tables, the sizes are those of the largest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resources {
    pub memories: u32,
    pub memory_bytes: u64,
    pub tables: u32,
    pub table_elements: u64,
}

/// Why a plugin cannot be used for a step.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("a {expected} is needed here; the component is a {actual}")]
    Kind { expected: PluginKind, actual: PluginKind },
    #[error(transparent)]
    NotGranted(#[from] NotGranted),
    #[error("the component does not fit the contract: {message}")]
    Mismatch { message: String },
}

/// The names of what a component imports and exports.
fn names(engine: &LinkedEngine, component: &Component) -> (Vec<String>, Vec<String>) {
    let component_type = component.component_type();
    let imports = component_type.imports(&engine.engine).map(|(name, _)| name.to_owned());
    let exports = component_type.exports(&engine.engine).map(|(name, _)| name.to_owned());
    (imports.collect(), exports.collect())
}

/// Component and module binaries start alike and differ in the layer field:
/// <https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md>.
fn check_preamble(bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.len() > MAX_COMPONENT_BYTES {
        return Err(LoadError::TooLarge { bytes: bytes.len() });
    }
    match bytes {
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(LoadError::CoreModule),
        _ => Err(LoadError::NotWasm),
    }
}

/// The kind, and the version of the contract. Language runtimes export more than the world asks for; only our own interfaces count.
fn kind_of(exports: &[String]) -> Result<(PluginKind, String), LoadError> {
    let mut found = Vec::new();
    for export in exports {
        let (interface, version) = export.split_once('@').unwrap_or((export, ""));
        if let Some(kind) = PluginKind::ALL.into_iter().find(|kind| kind.interface() == interface) {
            if !is_spoken(version) {
                return Err(LoadError::ContractVersion { version: version.to_owned() });
            }
            found.push((kind, version));
        }
    }
    match found[..] {
        [(kind, version)] => Ok((kind, version.to_owned())),
        [] => Err(LoadError::NoWorld { exports: exports.to_vec() }),
        _ => Err(LoadError::SeveralWorlds {
            kinds: found.iter().map(|(kind, _)| kind.name().to_owned()).collect(),
        }),
    }
}

/// The version of the contract in which a kind is among several exports; none where it is not.
fn contract_of(exports: &[String], kind: PluginKind) -> Option<String> {
    let versions = exports.iter().filter_map(|export| {
        let (interface, version) = export.split_once('@')?;
        (interface == kind.interface() && is_spoken(version)).then_some(version)
    });
    versions.max().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultKind;
    use crate::guest::Environment;
    use crate::notifier::Notifier;

    /// A component that defines a built-in function of concurrent components, `context.get`, and exports nothing:
    /// <https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md>.
    const CONCURRENT: &[u8] = b"\0asm\x0d\0\x01\0\x08\x04\x01\x0a\x7f\0";

    #[tokio::test]
    async fn components_of_newer_tools_have_an_engine() {
        let sandbox = Sandbox::new(1).unwrap();
        Component::from_binary(&sandbox.plain().engine, CONCURRENT).unwrap_err();
        let error = sandbox.load(CONCURRENT.into()).await.unwrap_err();
        assert!(matches!(error, LoadError::NoWorld { .. }), "it compiles: {error}");
        // What no engine knows is refused for what it is.
        let error =
            sandbox.load(b"\0asm\x0d\0\x01\0\xff\x01\0".as_slice().into()).await.unwrap_err();
        assert!(matches!(error, LoadError::Compile { .. }), "{error}");
    }

    /// A component that exports the interface of a notifier, with nothing in it.
    const EMPTY_NOTIFIER: &[u8] =
        b"\0asm\x0d\0\x01\0\x05\x03\x01\x01\0\x0b\x21\x01\0\x1bwasmill:plugin/notify@0.1.0\x05\0\0";

    #[tokio::test]
    async fn functions_that_are_missing_are_the_fault_of_the_plugin() {
        let sandbox = Sandbox::new(1).unwrap();
        let plugin = sandbox.load(EMPTY_NOTIFIER.into()).await.unwrap();
        let notifier = Notifier::new(&plugin, Environment::default()).unwrap();
        let fault = notifier.describe().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Contract);
        assert!(fault.to_string().contains("does not have export `describe`"), "{fault}");
    }
}
