//! `wasmill inspect`.

use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use wasmill_build::contract::Contract;
use wasmill_pipeline::error::chain;
use wasmill_sandbox::capability::http::HttpGrant;
use wasmill_sandbox::component::{LinkError, Plugin, PluginKind};
use wasmill_sandbox::engine::{Sandbox, SandboxOptions};
use wasmill_sandbox::extractor::Extractor;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::grants::{Grants, needs_connection};
use wasmill_sandbox::loader::Loader;
use wasmill_sandbox::notifier::Notifier;
use wasmill_sandbox::transformer::Transformer;
use wasmill_sandbox::validator::Validator;
use wasmill_sandbox::{Descriptor, Environment};

use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::table::bytes;
use crate::{Output, json_lines};

/// Shows what a component is.
pub async fn inspect(
    path: &Path,
    output: Output,
    compiling: &CompileArgs,
) -> Result<ExitCode, Failure> {
    let component: Arc<[u8]> = read(path)?.into();
    let made = wasmill_build::component::made_by(&component);
    let (plugin, descriptor) = inspected(path, component, compiling).await?;
    let needs = plugin.resources();
    if output == Output::Json {
        json_lines::print(&json!({
            "name": descriptor.name,
            "version": descriptor.version,
            "summary": descriptor.summary,
            "kind": plugin.kind(),
            "digest": plugin.digest().to_string(),
            "bytes": plugin.size(),
            "contract": plugin.contract(),
            "language": made.language,
            "authors": made.authors,
            "license": made.license,
            "imports": plugin.imports(),
            "grants": grants(&plugin),
            "memory_bytes": needs.memory_bytes,
            "table_elements": needs.table_elements,
            "interpreter": plugin.interpreter().map(|digest| digest.to_string()),
            "config_schema": descriptor.config_schema,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    say!("{} {}: {}", descriptor.name, descriptor.version, descriptor.summary);
    let shown = |name: &str, text: Option<String>| {
        if let Some(text) = text {
            say!("{name:<8} {text}");
        }
    };
    shown("kind", Some(format!("{}, contract {}", plugin.kind(), plugin.contract())));
    shown("language", made.language);
    shown("authors", made.authors);
    shown("license", made.license);
    shown("digest", Some(plugin.digest().to_string()));
    shown("runs in", plugin.interpreter().map(|digest| digest.to_string()));
    shown("size", Some(bytes(plugin.size() as u64)));
    let tables = format!("{} table elements", needs.table_elements);
    shown(
        "needs",
        Some(format!("{} of memory to begin with, {tables}", bytes(needs.memory_bytes))),
    );
    let grants = grants(&plugin);
    shown("grants", Some(if grants.is_empty() { "none".to_owned() } else { grants.join(", ") }));
    shown("imports", Some(plugin.imports().join("\n         ")));
    say!("config   {:#}", descriptor.config_schema);
    Ok(ExitCode::SUCCESS)
}

/// Prints what a component imports and exports, as WIT.
pub fn wit(path: &Path) -> Result<ExitCode, Failure> {
    let text = wasmill_build::component::wit(&read(path)?)
        .map_err(|error| Failure::new(78, format!("{}: {error}", path.display())))?;
    say!("{}", text.trim_end());
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        let exit_code = if error.kind() == ErrorKind::NotFound { 66 } else { 74 };
        Failure::new(exit_code, format!("cannot read {}: {error}", path.display()))
    })
}

/// The plugin that a component is, and what it says of itself.
pub async fn inspected(
    path: &Path,
    component: Arc<[u8]>,
    compiling: &CompileArgs,
) -> Result<(Plugin, Descriptor), Failure> {
    let options = SandboxOptions { compiler: compiling.compiler(), ..SandboxOptions::new(1) };
    let sandbox =
        Sandbox::with_options(options).map_err(|error| Failure::from_error(70, &error))?;
    let loaded = sandbox.load_beside(Arc::clone(&component), path.parent()).await;
    let plugin = loaded.map_err(|error| {
        Failure::new(78, format!("{} is no plugin: {}", path.display(), chain(&error)))
    })?;
    conforms(path, &component)?;
    let descriptor = describe(&plugin).await.map_err(|message| Failure::new(70, message))?;
    Ok((plugin, descriptor))
}

/// Refuses a component whose functions have other types than those of the contract, and says which.
fn conforms(path: &Path, component: &[u8]) -> Result<(), Failure> {
    let contract = Contract::current().map_err(|error| Failure::from_error(70, &error))?;
    let differences = contract
        .broken_by_component(component)
        .map_err(|error| Failure::new(78, format!("{}: {error}", path.display())))?;
    if differences.is_empty() {
        return Ok(());
    }
    let places = differences.iter().map(|difference| format!("\n  {difference}"));
    let message = format!(
        "{} does not fit the contract {}:{}",
        path.display(),
        contract.version(),
        places.collect::<String>()
    );
    Err(Failure::new(78, message))
}

/// What an operator has to grant, beyond the base set.
fn grants(plugin: &Plugin) -> Vec<String> {
    let mut grants = Vec::new();
    for import in plugin.imports() {
        if Grants::default().check(std::slice::from_ref(import)).is_ok() {
            continue;
        }
        let grant = if needs_connection(import) { "http".to_owned() } else { import.clone() };
        // One grant is for several imports.
        if !grants.contains(&grant) {
            grants.push(grant);
        }
    }
    grants
}

async fn describe(plugin: &Plugin) -> Result<Descriptor, String> {
    // To be asked what it is, a component may import whatever can be granted; nothing leads anywhere.
    let grants =
        Grants { http: HttpGrant::new(["nowhere".to_owned()], Arc::new(())), ..Grants::default() };
    let environment = Environment { grants, ..Environment::default() };
    let link = |error: LinkError| error.to_string();
    let described: Result<Descriptor, Fault> = match plugin.kind() {
        PluginKind::Extractor => {
            Extractor::new(plugin, environment).map_err(link)?.describe().await
        }
        PluginKind::Transformer => {
            Transformer::new(plugin, environment).map_err(link)?.describe().await
        }
        PluginKind::Validator => {
            Validator::new(plugin, environment).map_err(link)?.describe().await
        }
        PluginKind::Loader => Loader::new(plugin, environment).map_err(link)?.describe().await,
        PluginKind::Notifier => Notifier::new(plugin, environment).map_err(link)?.describe().await,
    };
    // What it wrote last says more than that it trapped: a traceback, for one.
    described.map_err(|fault| {
        let words = fault.last_words().iter().map(|line| format!("\n  {line}"));
        chain(&fault) + &words.collect::<String>()
    })
}
