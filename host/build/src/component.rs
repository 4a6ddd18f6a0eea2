//! From what toolchains make to a component that says what it is.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasm_metadata::{AddMetadata, AddMetadataField, Authors, Description, Licenses, Version};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{Resolve, WorldId};

use crate::BuildError;
use crate::contract::Contract;
use crate::project::{Kind, Project};

/// The worlds, from `wit/`, and one that has HTTP for each of them: `http-transformer` and so on.
pub(crate) fn worlds() -> Result<Resolve, BuildError> {
    Ok(Contract::with(Some(("http-worlds.wit", &worlds_with_http())))?.resolve)
}

/// WIT of the worlds that have HTTP too, in the package of the contract.
pub(crate) fn worlds_with_http() -> String {
    let worlds = Kind::ALL.map(|kind| {
        let name = kind.name();
        format!("world http-{name} {{\n    include {name};\n    import http;\n}}\n")
    });
    format!("package wasmill:plugin@0.1.0;\n\n{}", worlds.join("\n"))
}

/// The name of the world that a project is for.
pub(crate) fn world(kind: Kind, http: bool) -> String {
    format!("{}{}", if http { "http-" } else { "" }, kind.name())
}

/// A world by its name.
pub(crate) fn world_id(resolve: &Resolve, world: &str) -> Result<WorldId, BuildError> {
    let package = resolve.packages.iter().find(|(_, package)| package.name.name == "plugin");
    let (package, _) = package.ok_or_else(|| refused(&"wit/ has no package `plugin`"))?;
    resolve.select_world(&[package], Some(world)).map_err(|error| refused(&error))
}

/// A component of a core module that was compiled for WASI 0.1 and the world `world`. Imports that it does not use are left out.
pub(crate) fn of_module(mut module: Vec<u8>, world: &str) -> Result<Vec<u8>, BuildError> {
    let resolve = worlds()?;
    let world = world_id(&resolve, world)?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| refused(&error))?;
    encoded(&module)
}

/// A component of a core module that says itself which world it is for.
pub(crate) fn encoded(module: &[u8]) -> Result<Vec<u8>, BuildError> {
    let encode = || {
        ComponentEncoder::default()
            .module(module)?
            .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?
            .validate(true)
            .encode()
    };
    encode().map_err(|error| refused(&format!("{error:#}")))
}

/// The component, with the name, version, authors and licence of the project in it.
///
/// # Errors
///
/// When it is none.
pub fn described(component: &[u8], project: &Project) -> Result<Vec<u8>, BuildError> {
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(project.name.clone());
    metadata.version = AddMetadataField::Set(Version::new(project.version.clone()));
    metadata.description = AddMetadataField::Set(Description::new(project.summary.clone()));
    metadata.language = vec![(project.language.title().to_owned(), String::new())];
    metadata.processed_by = vec![("wasmill".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    if !project.authors.is_empty() {
        metadata.authors = AddMetadataField::Set(Authors::new(project.authors.join(", ")));
    }
    if let Some(license) = &project.license {
        let license = Licenses::new(license).map_err(|error| {
            BuildError::manifest(
                &project.manifest,
                format!("`{license}` is no SPDX licence: {error}"),
            )
        })?;
        metadata.licenses = AddMetadataField::Set(license);
    }
    metadata.to_wasm(component).map_err(|error| refused(&error))
}

/// What a component says of who made it, and in which language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MadeBy {
    pub language: Option<String>,
    pub authors: Option<String>,
    pub license: Option<String>,
}

/// What a component says of itself; nothing where it says nothing, or is no component.
pub fn made_by(component: &[u8]) -> MadeBy {
    let Ok(payload) = wasm_metadata::Payload::from_binary(component) else {
        return MadeBy::default();
    };
    let metadata = payload.metadata();
    let languages = metadata.producers.as_ref().and_then(|producers| {
        let languages = producers.get("language")?;
        Some(languages.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(", "))
    });
    MadeBy {
        language: languages.filter(|languages| !languages.is_empty()),
        authors: metadata.authors.as_ref().map(ToString::to_string),
        license: metadata.licenses.as_ref().map(ToString::to_string),
    }
}

/// What a component imports and exports, as WIT.
///
/// # Errors
///
/// When it is no component.
pub fn wit(component: &[u8]) -> Result<String, BuildError> {
    let decoded =
        wit_component::decode(component).map_err(|error| refused(&format!("{error:#}")))?;
    let mut printer = wit_component::WitPrinter::default();
    let nested: Vec<_> = decoded
        .resolve()
        .packages
        .iter()
        .map(|(id, _)| id)
        .filter(|id| *id != decoded.package())
        .collect();
    printer
        .print(decoded.resolve(), decoded.package(), &nested)
        .map_err(|error| refused(&error))?;
    Ok(printer.output.to_string())
}

pub(crate) fn refused(error: &dyn std::fmt::Display) -> BuildError {
    BuildError::Component { message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_world_for_each_kind_with_and_without_http() {
        let resolve = worlds().unwrap();
        let (package, _) =
            resolve.packages.iter().find(|(_, package)| package.name.name == "plugin").unwrap();
        for kind in Kind::ALL {
            for http in [false, true] {
                let id = resolve.select_world(&[package], Some(&world(kind, http))).unwrap();
                let imports = format!(
                    "{:?}",
                    resolve.worlds[id]
                        .imports
                        .keys()
                        .map(|key| resolve.name_world_key(key))
                        .collect::<Vec<_>>()
                );
                assert_eq!(imports.contains("wasmill:plugin/http"), http, "{imports}");
            }
        }
    }
}
