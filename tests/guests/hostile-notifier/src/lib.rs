//! A notifier that attacks its host: `{ "attack": NAME }`. It returns nothing that it could lie about; all that it can do
//! is in `hostile-anywhere`.

use hostile_anywhere::order::lie;
use hostile_anywhere::{OrderConfig, strike};
use serde::Deserialize;
use wasmill_plugin_sdk::bindings::notify::{Event, Guest};
use wasmill_plugin_sdk::bindings::types::{Descriptor, Failure};

/// The export that does the work.
const WORK: &str = "notify";

/// There are no lies of its own.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Attack {
    #[default]
    None,
}

struct Hostile;

impl Guest for Hostile {
    fn describe() -> Descriptor {
        // There is no way to fail here.
        drop(strike("describe", WORK));
        wasmill_plugin_sdk::__describe!(OrderConfig)
    }

    fn bind(_config: String) -> Result<(), Failure> {
        strike("bind", WORK)?;
        let Attack::None = lie()?;
        Ok(())
    }

    fn notify(_config: String, _event: Event) -> Result<(), Failure> {
        strike("notify", WORK)
    }
}

wasmill_plugin_sdk::bindings::notifier::export_notifier!(
    Hostile with_types_in wasmill_plugin_sdk::bindings::notifier
);
