//! JavaScript and TypeScript: rolldown makes one module of a plugin and the SDK, componentize-qjs a component of it, with QuickJS in it.
//!
//! Both come from npm and run in Node; the SDK's `componentize.mjs` drives them. The kind and what the plugin says of itself are
//! handed to it, so that they stand in package.json only.

use std::fs;

use serde_json::json;

use crate::{BuildError, Project, Tools, component, embedded, kernels};

/// The last one is what code with `async` is made of, of the version that rolldown needs.
const PACKAGES: [&str; 3] =
    ["componentize-qjs@0.4.5", "rolldown@1.3.2", "@oxc-project/runtime@0.158.0"];
const HINT: &str = "install Node.js 20.19 or newer, with npm (https://nodejs.org)";

pub(super) fn build(project: &Project, tools: &Tools<'_>) -> Result<Vec<u8>, BuildError> {
    let kind =
        project.kind.ok_or_else(|| BuildError::manifest(&project.manifest, "`kind` is missing"))?;
    let packages = tools.npm_packages(&PACKAGES)?;
    let work = tempfile::tempdir().map_err(BuildError::io(&std::env::temp_dir()))?;
    // Paths of sources are compared with those of the SDK, so they must not lead over links.
    let work_path = work.path().canonicalize().map_err(BuildError::io(work.path()))?;
    let (sdk, wit, out) =
        (work_path.join("sdk"), work_path.join("wit"), work_path.join("plugin.wasm"));
    embedded::unpack("js", &sdk)?;
    embedded::unpack("wit", &wit)?;
    embedded::unpack("js/wit", &wit)?;
    kernels::add_wit(&wit)?;
    let world = component::world(kind, project.http);
    for (file, text) in
        [("http-worlds.wit", component::worlds_with_http()), ("js-world.wit", js_world(&world))]
    {
        let file = wit.join(file);
        fs::write(&file, text).map_err(BuildError::io(&file))?;
    }
    let entry = project.folder.join(project.entry.first().map_or("index.js", String::as_str));
    if !entry.is_file() {
        let message =
            format!("the file that the plugin begins with, {}, is not there", entry.display());
        return Err(BuildError::manifest(&project.manifest, message));
    }
    let given = json!({
        "tools": packages, "sdk": sdk, "wit": wit, "world": format!("js-{world}"), "entry": entry, "folder": project.folder,
        "http": project.http, "out": out,
        "plugin": {
            "kind": kind.name(), "name": project.name, "version": project.version, "summary": project.summary,
        },
    });
    let arguments = work_path.join("build.json");
    fs::write(&arguments, given.to_string()).map_err(BuildError::io(&arguments))?;
    let mut node = tools.program("node", HINT)?;
    node.current_dir(&project.folder).arg(sdk.join("componentize.mjs")).arg(&arguments);
    tools.run("rolldown and componentize-qjs", &mut node, &project.folder)?;
    kernels::put_into(fs::read(&out).map_err(BuildError::io(&out))?)
}

/// WIT of the world of a plugin that is written in JavaScript: what the SDK's globals need comes on top.
fn js_world(world: &str) -> String {
    format!(
        "package wasmill:plugin@0.1.0;\n\nworld js-{world} {{\n    include {world};\n    import wasi:cli/stdout@0.2.0;\n    \
         import wasi:random/random@0.2.0;\n    import {};\n}}\n",
        kernels::IMPORT
    )
}
