//! `wasmill inspect`.

use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use wasmill_pipeline::error::chain;
use wasmill_sandbox::capability::http::HttpGrant;
use wasmill_sandbox::component::{LinkError, Plugin, PluginKind};
use wasmill_sandbox::engine::{Sandbox, SandboxOptions};
use wasmill_sandbox::extractor::Extractor;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::grants::Grants;
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
    let component = std::fs::read(path).map_err(|error| {
        let exit_code = if error.kind() == ErrorKind::NotFound { 66 } else { 74 };
        Failure::new(exit_code, format!("cannot read {}: {error}", path.display()))
    })?;
    let options = SandboxOptions { compiler: compiling.compiler(), ..SandboxOptions::new(1) };
    let sandbox =
        Sandbox::with_options(options).map_err(|error| Failure::from_error(70, &error))?;
    let plugin = sandbox.load(component.into()).await.map_err(|error| {
        Failure::new(78, format!("{} is no plugin: {}", path.display(), chain(&error)))
    })?;
    let descriptor = describe(&plugin).await.map_err(|message| Failure::new(70, message))?;
    if output == Output::Json {
        json_lines::print(&json!({
            "name": descriptor.name,
            "version": descriptor.version,
            "summary": descriptor.summary,
            "kind": plugin.kind(),
            "digest": plugin.digest().to_string(),
            "bytes": plugin.size(),
            "imports": plugin.imports(),
            "config_schema": descriptor.config_schema,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    say!("{} {}: {}", descriptor.name, descriptor.version, descriptor.summary);
    say!("kind     {}", plugin.kind());
    say!("digest   {}", plugin.digest());
    say!("size     {}", bytes(plugin.size() as u64));
    say!("imports  {}", plugin.imports().join("\n         "));
    say!("config   {:#}", descriptor.config_schema);
    Ok(ExitCode::SUCCESS)
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
    described.map_err(|fault| chain(&fault))
}
