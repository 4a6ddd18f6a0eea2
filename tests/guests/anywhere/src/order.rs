//! What a hostile plugin is ordered to do: its configuration, as every export can ask for it.
//!
//! Exports such as `describe` and `finish` are not passed a configuration, so it is taken from `wasi:config`.

use std::cell::OnceCell;

use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use serde::{Deserialize, de};
use wasmill_plugin_sdk::bindings::transformer::wasi::config::store;
use wasmill_plugin_sdk::bindings::types::{ConfigError, Failure};
use wasmill_plugin_sdk::config;

/// Which attack to make.
#[config]
pub struct OrderConfig {
    /// The name of the attack; `none` for none.
    pub attack: String,
    /// The export in which to make an attack that can be made in any. By default the one that does the plugin's work.
    pub export: Option<String>,
    /// How many bytes, rows or entries, where the attack has a size.
    pub size: Option<u64>,
    /// Bytes to return, in hexadecimal, where the attack is to return some.
    pub payload: Option<String>,
}

/// The configuration, with defaults.
pub struct Order {
    pub attack: String,
    export: Option<String>,
    size: Option<u64>,
    payload: String,
}

impl Order {
    /// Whether an attack that can be made in any export is to be made in this one, of a plugin that works in `work`.
    pub(crate) fn is_for(&self, export: &str, work: &str) -> bool {
        self.export.as_deref().unwrap_or(work) == export
    }

    /// The size that was ordered; `default` where none was.
    pub fn size(&self, default: usize) -> usize {
        self.size.map_or(default, |size| usize::try_from(size).unwrap_or(usize::MAX))
    }

    /// The bytes that are to be returned.
    pub fn payload(&self) -> Vec<u8> {
        let (pairs, _) = self.payload.as_bytes().as_chunks::<2>();
        let byte = |pair: &[u8; 2]| {
            let text = std::str::from_utf8(pair).expect("hexadecimal digits");
            u8::from_str_radix(text, 16).expect("hexadecimal digits")
        };
        pairs.iter().map(byte).collect()
    }
}

thread_local! {
    static ORDER: OnceCell<&'static Order> = const { OnceCell::new() };
}

/// What this plugin is to do.
pub fn order() -> &'static Order {
    ORDER.with(|order| *order.get_or_init(|| Box::leak(Box::new(read()))))
}

fn read() -> Order {
    let get = |key: &str| store::get(key).expect("the configuration can be read");
    Order {
        attack: get("attack").unwrap_or_else(|| "none".to_owned()),
        export: get("export"),
        size: get("size").map(|size| size.parse().expect("a size is a number")),
        payload: get("payload").unwrap_or_default(),
    }
}

/// Which lie was ordered, of those that one kind of plugin can tell; the default where the attack is none of them.
///
/// # Errors
///
/// When nobody knows the attack: it would otherwise pass for one that was survived.
pub fn lie<L: for<'a> Deserialize<'a> + Default>() -> Result<L, Failure> {
    let attack = &order().attack;
    if crate::is_known(attack) {
        return Ok(L::default());
    }
    let name: StrDeserializer<'_, de::value::Error> = attack.as_str().into_deserializer();
    L::deserialize(name).map_err(|error| {
        Failure::BadConfig(ConfigError {
            pointer: "/attack".to_owned(),
            message: error.to_string(),
        })
    })
}
