//! Bytes as a component, asked what it is as `wasmill inspect` asks.
//!
//! Promises: a descriptor, or the reason why the bytes are no plugin, or a fault that is the plugin's. Never a panic; in bounded
//! time and memory: libFuzzer limits both.

use wasmill_sandbox::Descriptor;
use wasmill_sandbox::component::{LinkError, Plugin, PluginKind};
use wasmill_sandbox::extractor::Extractor;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::loader::Loader;
use wasmill_sandbox::notifier::Notifier;
use wasmill_sandbox::transformer::Transformer;
use wasmill_sandbox::validator::Validator;

use crate::host::{RUNTIME, SANDBOX, check_fault, environment};

pub fn run(bytes: &[u8]) {
    RUNTIME.block_on(async {
        let plugin = match SANDBOX.load(bytes.into()).await {
            Ok(plugin) => plugin,
            Err(error) => return assert!(!error.to_string().is_empty()),
        };
        assert_eq!(plugin.size(), bytes.len());
        match describe(&plugin).await {
            Ok(Ok(descriptor)) => assert!(descriptor.config_schema.is_object()),
            Ok(Err(fault)) => check_fault(&fault),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
}

async fn describe(plugin: &Plugin) -> Result<Result<Descriptor, Fault>, LinkError> {
    let environment = environment();
    Ok(match plugin.kind() {
        PluginKind::Extractor => Extractor::new(plugin, environment)?.describe().await,
        PluginKind::Transformer => Transformer::new(plugin, environment)?.describe().await,
        PluginKind::Validator => Validator::new(plugin, environment)?.describe().await,
        PluginKind::Loader => Loader::new(plugin, environment)?.describe().await,
        PluginKind::Notifier => Notifier::new(plugin, environment)?.describe().await,
    })
}
