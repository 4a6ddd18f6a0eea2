//! What an attack is: how it is made, and how it should end.

use std::fmt;

use serde_json::{Map, Value};
use wasmill_sandbox::component::{LinkError, LoadError, PluginKind};
use wasmill_sandbox::fault::{Fault, FaultKind};
use wasmill_sandbox::limits::Limits;

/// One way to do harm, by one kind of plugin.
#[derive(Debug, Clone)]
pub struct Attack {
    /// Such as `spin`. Plugins of several kinds can make attacks of the same name.
    pub name: &'static str,
    pub kind: PluginKind,
    /// The export in which an attack is made that could be made in any.
    pub export: Option<&'static str>,
    /// One sentence.
    pub what: &'static str,
    /// The ways in which it should end.
    pub contained: Vec<Contained>,
    pub(crate) means: Means,
}

/// How a plugin comes to attack.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Means {
    /// The hostile plugin of the kind is told to by its configuration.
    Order { attack: &'static str, size: Size, payload: Option<fn() -> Vec<u8>> },
    /// Its bytes are the attack, made from those of an honest transformer.
    Bytes(fn(&[u8], &Limits) -> Vec<u8>),
}

/// How large an attack is, where it has a size: attacks are to be a little beyond the limits, whatever these are.
pub(crate) type Size = Option<fn(&Limits) -> u64>;

/// A way for an attack to end that does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contained {
    /// A call into this export ends with a fault of this kind, and the instance with it.
    Fault(&'static str, FaultKind),
    /// The bytes are not taken for a plugin, for this reason ([`Ended::NotLoaded`]).
    NotLoaded(&'static str),
    /// The plugin is not linked, since it wants what it is not granted.
    NotLinked,
    /// The whole life of the plugin goes by: what it did fits its limits.
    Harmless,
}

/// How an attack ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// By a fault, whose message names the limit or the promise that was broken.
    Fault { export: Option<&'static str>, kind: FaultKind, message: String },
    /// When its component was loaded.
    NotLoaded { reason: &'static str, message: String },
    /// When it was linked.
    NotLinked { message: String },
    /// It did not; all calls went by.
    Harmless,
    /// It did not within any time that there could be reason for.
    Hung,
    /// The host panicked.
    HostPanicked { message: String },
}

impl Attack {
    /// Which attack, by which kind of plugin and in which export: `transformer/spin@process`.
    pub fn id(&self) -> String {
        match self.export {
            Some(export) => format!("{}/{}@{export}", self.kind, self.name),
            None => format!("{}/{}", self.kind, self.name),
        }
    }

    /// Attacks of the same key do the same harm, in different places.
    pub fn key(&self) -> (Option<PluginKind>, &'static str) {
        (self.export.is_none().then_some(self.kind), self.name)
    }

    /// Whether it may take as long as the deadline allows.
    pub fn waits(&self) -> bool {
        let waits =
            |contained: &Contained| matches!(contained, Contained::Fault(_, FaultKind::Deadline));
        self.contained.iter().any(waits)
    }

    /// Whether somebody who writes this means the attack: its name, its kind, both as in [`Self::id`], or the id.
    pub fn is_meant_by(&self, text: &str) -> bool {
        let id = self.id();
        text == self.name
            || text == self.kind.name()
            || text == id
            || id.split_once('@').is_some_and(|(attack, _)| text == attack)
    }

    /// The configuration with which the hostile plugin makes this attack.
    pub(crate) fn config(&self, limits: &Limits) -> Map<String, Value> {
        let mut config = Map::new();
        let Means::Order { attack, size, payload } = self.means else { return config };
        config.insert("attack".to_owned(), attack.into());
        if let Some(export) = self.export {
            config.insert("export".to_owned(), export.into());
        }
        if let Some(size) = size {
            config.insert("size".to_owned(), size(limits).into());
        }
        if let Some(payload) = payload {
            let digits: String = payload().iter().map(|byte| format!("{byte:02x}")).collect();
            config.insert("payload".to_owned(), digits.into());
        }
        config
    }
}

impl Ended {
    pub(crate) fn fault(fault: &Fault) -> Self {
        Self::Fault { export: fault.export(), kind: fault.kind(), message: fault.explained() }
    }

    pub(crate) fn not_loaded(error: &LoadError) -> Self {
        let reason = match error {
            LoadError::NotWasm => "not-wasm",
            LoadError::CoreModule => "core-module",
            LoadError::TooLarge { .. } => "too-large",
            LoadError::Compile { .. } => "compile",
            LoadError::CompilerProcess { .. } => "compiler-process",
            LoadError::NoWorld { .. } => "no-world",
            LoadError::SeveralWorlds { .. } => "several-worlds",
            LoadError::ContractVersion { .. } => "contract-version",
            LoadError::Mismatch { .. } => "mismatch",
            LoadError::Script { .. } => "script",
            LoadError::NoInterpreter { .. } => "no-interpreter",
            LoadError::NotOfInterpreter { .. } => "not-of-interpreter",
            LoadError::Interpreter => "interpreter",
        };
        Self::NotLoaded { reason, message: error.to_string() }
    }

    pub(crate) fn not_linked(error: &LinkError) -> Self {
        Self::NotLinked { message: error.to_string() }
    }

    /// What ended it, as a word: the kind of the fault, or what else it was.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Fault { kind, .. } => kind.name(),
            Self::NotLoaded { reason, .. } => reason,
            Self::NotLinked { .. } => "not-linked",
            Self::Harmless => "harmless",
            Self::Hung => "hung",
            Self::HostPanicked { .. } => "host-panicked",
        }
    }

    pub(crate) fn is(&self, contained: Contained) -> bool {
        match (self, contained) {
            (Self::Fault { export, kind, .. }, Contained::Fault(in_export, of_kind)) => {
                *export == Some(in_export) && *kind == of_kind
            }
            (Self::NotLoaded { reason, .. }, Contained::NotLoaded(expected)) => *reason == expected,
            (Self::NotLinked { .. }, Contained::NotLinked)
            | (Self::Harmless, Contained::Harmless) => true,
            _ => false,
        }
    }

    /// Whether a limit or a grant of the conditions ended it, whatever the attack was about.
    pub(crate) fn by_limit(&self) -> bool {
        match self {
            Self::Fault { kind, .. } => matches!(
                kind,
                FaultKind::Fuel
                    | FaultKind::Deadline
                    | FaultKind::Memory
                    | FaultKind::Stack
                    | FaultKind::OutputBytes
            ),
            Self::NotLinked { .. } => true,
            _ => false,
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault { message, .. }
            | Self::NotLoaded { message, .. }
            | Self::NotLinked { message } => formatter.write_str(message),
            Self::Harmless => formatter.write_str("nothing; it did no harm"),
            Self::Hung => formatter.write_str("nothing; it does not end"),
            Self::HostPanicked { message } => write!(formatter, "the host panicked: {message}"),
        }
    }
}
