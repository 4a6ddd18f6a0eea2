//! The five plugins of a language: built, or read from files, and loaded.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use wasmill_build::{BuildError, Kind, Language, Tools};
use wasmill_sandbox::Environment;
use wasmill_sandbox::capability::http::HttpGrant;
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::engine::Sandbox;
use wasmill_sandbox::extractor::Extractor;
use wasmill_sandbox::grants::Grants;
use wasmill_sandbox::loader::Loader;
use wasmill_sandbox::notifier::Notifier;
use wasmill_sandbox::script::FOLDER;
use wasmill_sandbox::transformer::Transformer;
use wasmill_sandbox::validator::Validator;

use crate::log::Lines;
use crate::server::Server;

/// A component of each kind, by the names of the kinds.
#[derive(Debug)]
pub struct Components {
    bytes: BTreeMap<&'static str, Vec<u8>>,
    /// Where interpreters of scripts are.
    interpreters: Option<PathBuf>,
}

impl Components {
    /// Reads `transformer.wasm` and so on.
    ///
    /// # Errors
    ///
    /// When one cannot be read.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let read = |kind: Kind| {
            let file = folder.join(kind.name()).with_extension("wasm");
            let named = |error| io::Error::other(format!("{}: {error}", file.display()));
            Ok((kind.name(), std::fs::read(&file).map_err(named)?))
        };
        let bytes = Kind::ALL.into_iter().map(read).collect::<io::Result<_>>()?;
        Ok(Self { bytes, interpreters: Some(folder.to_owned()) })
    }

    /// Builds the projects `transformer` and so on.
    ///
    /// # Errors
    ///
    /// When one cannot be built.
    pub fn build(
        projects: &Path,
        language: Language,
        tools: &Tools<'_>,
    ) -> Result<Self, BuildError> {
        let mut bytes = BTreeMap::new();
        let mut interpreters = None;
        for kind in Kind::ALL {
            let project = projects.join(kind.name());
            let built = wasmill_build::build(&project, Some(language), tools)?;
            bytes.insert(kind.name(), built.component);
            if let Some(interpreter) = built.interpreter {
                let folder = std::env::temp_dir().join("wasmill-conformance");
                interpreter.put_into(&folder.join(FOLDER))?;
                interpreters = Some(folder);
            }
        }
        Ok(Self { bytes, interpreters })
    }

    /// Writes `transformer.wasm` and so on.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        for (kind, bytes) in &self.bytes {
            std::fs::write(folder.join(kind).with_extension("wasm"), bytes)?;
        }
        Ok(())
    }

    /// The component of a kind.
    pub fn bytes(&self, kind: Kind) -> &[u8] {
        &self.bytes[kind.name()]
    }
}

/// The five, compiled.
#[derive(Debug)]
pub struct Plugins {
    plugins: BTreeMap<&'static str, Plugin>,
}

/// The surroundings of a step, beside its configuration.
#[derive(Default, Clone)]
pub struct Around {
    pub server: Option<Server>,
    pub lines: Lines,
}

impl Plugins {
    /// Compiles all five.
    ///
    /// # Errors
    ///
    /// When one is no plugin, with its kind.
    pub async fn load(sandbox: &Sandbox, components: &Components) -> Result<Self, String> {
        let mut plugins = BTreeMap::new();
        let beside = components.interpreters.as_deref();
        for (kind, bytes) in &components.bytes {
            let loaded = sandbox.load_beside(bytes.as_slice().into(), beside).await;
            let plugin = loaded.map_err(|error| format!("the {kind} is no plugin: {error}"))?;
            if plugin.kind().name() != *kind {
                return Err(format!("the {kind} is a {}", plugin.kind()));
            }
            plugins.insert(*kind, plugin);
        }
        Ok(Self { plugins })
    }

    pub fn plugin(&self, kind: Kind) -> &Plugin {
        &self.plugins[kind.name()]
    }

    /// Whether it asks for HTTP: then it gets the connection in all cases.
    fn environment(&self, kind: Kind, config: Value, around: &Around) -> Environment {
        let imports = self.plugin(kind).imports();
        let wants_http = imports.iter().any(|import| import.starts_with("wasmill:plugin/http@"));
        let server = around.server.clone();
        let server = server.or_else(|| wants_http.then(|| Server::answering(200, &[], "")));
        let http = server.map_or_else(HttpGrant::default, |server| server.grant());
        let Value::Object(config) = config else { unreachable!("a configuration is an object") };
        Environment {
            config: Arc::new(config),
            grants: Grants { http, ..Grants::default() },
            logs: Arc::new(around.lines.clone()),
            ..Environment::default()
        }
    }

    /// The transformer with a configuration.
    ///
    /// # Errors
    ///
    /// When it cannot be linked.
    pub fn transformer(&self, config: Value) -> Result<Transformer, String> {
        self.transformer_in(config, &Around::default())
    }

    /// The transformer with a configuration and surroundings.
    ///
    /// # Errors
    ///
    /// When it cannot be linked.
    pub fn transformer_in(&self, config: Value, around: &Around) -> Result<Transformer, String> {
        let environment = self.environment(Kind::Transformer, config, around);
        Transformer::new(self.plugin(Kind::Transformer), environment)
            .map_err(|error| error.to_string())
    }

    /// The validator with a configuration.
    ///
    /// # Errors
    ///
    /// When it cannot be linked.
    pub fn validator(&self, config: Value) -> Result<Validator, String> {
        let environment = self.environment(Kind::Validator, config, &Around::default());
        Validator::new(self.plugin(Kind::Validator), environment).map_err(|error| error.to_string())
    }

    /// The extractor with a configuration.
    ///
    /// # Errors
    ///
    /// When it cannot be linked.
    pub fn extractor(&self, config: Value) -> Result<Extractor, String> {
        let environment = self.environment(Kind::Extractor, config, &Around::default());
        Extractor::new(self.plugin(Kind::Extractor), environment).map_err(|error| error.to_string())
    }

    /// The loader with a configuration and a server.
    ///
    /// # Errors
    ///
    /// When it cannot be linked.
    pub fn loader(&self, config: Value, server: &Server) -> Result<Loader, String> {
        let around = Around { server: Some(server.clone()), ..Around::default() };
        let environment = self.environment(Kind::Loader, config, &around);
        Loader::new(self.plugin(Kind::Loader), environment).map_err(|error| error.to_string())
    }

    /// The notifier with a configuration and a server.
    ///
    /// # Errors
    ///
    /// When it cannot be linked.
    pub fn notifier(&self, config: Value, server: &Server) -> Result<Notifier, String> {
        let around = Around { server: Some(server.clone()), ..Around::default() };
        let environment = self.environment(Kind::Notifier, config, &around);
        Notifier::new(self.plugin(Kind::Notifier), environment).map_err(|error| error.to_string())
    }
}
