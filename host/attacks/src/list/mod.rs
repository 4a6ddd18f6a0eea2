//! All attacks.

mod anywhere;
mod bytes;
mod extractor;
mod loader;
mod transformer;
mod validator;

use wasmill_sandbox::component::PluginKind;

use crate::attack::{Attack, Contained, Means, Size};

/// All attacks, by all kinds of plugins.
pub fn all() -> Vec<Attack> {
    let mut all = anywhere::attacks();
    all.extend(transformer::attacks());
    all.extend(validator::attacks());
    all.extend(extractor::attacks());
    all.extend(loader::attacks());
    all.extend(bytes::attacks());
    all
}

/// An attack that only plugins of one kind can make.
fn of(
    kind: PluginKind,
    name: &'static str,
    what: &'static str,
    size: Size,
    contained: Contained,
) -> Attack {
    let means = Means::Order { attack: name, size, payload: None };
    Attack { name, kind, export: None, what, contained: vec![contained], means }
}
