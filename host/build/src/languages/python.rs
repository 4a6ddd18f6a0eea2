//! Python: one interpreter for all plugins that are scripts, and components of their own for those that are more.
//!
//! CPython is 20 MB of WebAssembly, and most plugins are a few lines. So a project without dependencies becomes a *script*: a component
//! without code that holds the sources and the digest of its interpreter, in the custom section [`SCRIPT_SECTION`]. The interpreter
//! is built once, with the standard library and the SDK in it, and kept in the cache.
//!
//! A project with dependencies, or with `standalone = true`, becomes a component of its own. It starts somewhat faster, as its modules
//! are imported while it is built.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use wasm_encoder::{Component, CustomSection};

use crate::complaint::Complaint;
use crate::project::{Kind, Project};
use crate::{BuildError, Interpreter, Language, Tools, component, embedded, kernels};

const COMPONENTIZE: &str = "componentize-py==0.25.1";
/// The rules of time zones, which plugins cannot read from files.
const TZDATA: &str = "tzdata==2025.2";
/// The module that a component is made of. Not to be taken for one of the project's.
const APP: &str = "wasmill_app";
/// The section that makes a component a script.
const SCRIPT_SECTION: &str = "wasmill:script";
/// Folders that hold no part of a plugin.
const LEFT_OUT: [&str; 9] = [
    "__pycache__",
    "build",
    "dist",
    "env",
    "node_modules",
    "site-packages",
    "test",
    "tests",
    "venv",
];

pub(super) fn build(
    project: &Project,
    tools: &Tools<'_>,
) -> Result<(Vec<u8>, Option<Interpreter>), BuildError> {
    let root = root(project);
    let (file, _) = entry(project, &root)?;
    if project.is_standalone || !project.dependencies.is_empty() {
        return Ok((standalone(project, &root, tools)?, None));
    }
    let interpreter = interpreter(tools)?;
    Ok((script(project, &root, &file, &interpreter)?, Some(interpreter)))
}

/// Where modules are imported from: the project's folder, or `src` in it.
fn root(project: &Project) -> PathBuf {
    let src = project.folder.join("src");
    if module_file(&src, &project.entry[0]).is_some() { src } else { project.folder.clone() }
}

/// The file that the plugin begins with, and its module.
fn entry<'a>(project: &'a Project, root: &Path) -> Result<(String, &'a str), BuildError> {
    let module = project.entry[0].as_str();
    let file = module_file(root, module).ok_or_else(|| {
        let path = module.replace('.', "/");
        let message = format!(
            "there is neither {path}.py nor {path}/__init__.py; `module` in [tool.wasmill] says which module the plugin is in"
        );
        BuildError::manifest(&project.manifest, message)
    })?;
    Ok((file, module))
}

fn module_file(root: &Path, module: &str) -> Option<String> {
    let path = module.replace('.', "/");
    [format!("{path}.py"), format!("{path}/__init__.py")]
        .into_iter()
        .find(|file| root.join(file).is_file())
}

// ---- scripts ---------------------------------------------------------------------------------------------------

/// What the section holds, as JSON.
#[derive(Serialize)]
struct Script<'a> {
    /// `sha256:` and the digest of the interpreter's component, in hexadecimal.
    interpreter: &'a str,
    language: &'a str,
    kind: &'a str,
    name: &'a str,
    version: &'a str,
    summary: &'a str,
    http: bool,
    /// The one that the plugin begins with first.
    files: Vec<File>,
}

#[derive(Serialize)]
struct File {
    path: String,
    content: String,
}

fn script(
    project: &Project,
    root: &Path,
    first: &str,
    interpreter: &Interpreter,
) -> Result<Vec<u8>, BuildError> {
    let mut files = Vec::new();
    // Of a plugin that is one file, what lies beside it is not its own.
    if project.manifest.extension().is_none_or(|extension| extension != "py") {
        gather(root, "", &mut files)?;
    } else {
        files.push(first.to_owned());
    }
    files.sort_by_key(|path| (path != first, path.clone()));
    let files = files.into_iter().map(|path| {
        let content =
            fs::read_to_string(root.join(&path)).map_err(BuildError::io(&root.join(&path)))?;
        Ok(File { path, content })
    });
    let script = Script {
        interpreter: &interpreter.digest,
        language: "python",
        kind: kind(project)?.name(),
        name: &project.name,
        version: &project.version,
        summary: &project.summary,
        http: project.http,
        files: files.collect::<Result<_, BuildError>>()?,
    };
    let data = serde_json::to_vec(&script).expect("texts");
    let mut component = Component::new();
    component.section(&CustomSection { name: SCRIPT_SECTION.into(), data: data.into() });
    Ok(component.finish())
}

/// The modules in a folder and in those below it, by their paths.
fn gather(root: &Path, below: &str, files: &mut Vec<String>) -> Result<(), BuildError> {
    let folder = root.join(below);
    for entry in fs::read_dir(&folder).map_err(BuildError::io(&folder))? {
        let entry = entry.map_err(BuildError::io(&folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if name.starts_with('.') || LEFT_OUT.contains(&name.as_str()) || name.ends_with(".egg-info")
        {
            continue;
        }
        if entry.path().is_dir() {
            gather(root, &path, files)?;
        } else if name.ends_with(".py") {
            files.push(path);
        }
    }
    Ok(())
}

fn kind(project: &Project) -> Result<Kind, BuildError> {
    project.kind.ok_or_else(|| BuildError::manifest(&project.manifest, "`kind` is missing"))
}

/// The component that runs scripts: from the cache, or built now.
///
/// What componentize-py makes is never the same twice, and a script names its interpreter by its digest. So it is built once for each
/// version of what it is made of.
///
/// # Errors
///
/// When a tool is missing and cannot be installed, or fails.
fn interpreter(tools: &Tools<'_>) -> Result<Interpreter, BuildError> {
    let name = format!("interpreters/python-{:016x}", version());
    let folder = tools.folder(&name, |folder| {
        let app = "from wasmill._component.interpreter import *\n";
        let file = folder.join("interpreter.wasm");
        componentize("interpreter", app, &[], &file, folder, tools)
    })?;
    let file = folder.join("interpreter.wasm");
    let component = fs::read(&file).map_err(BuildError::io(&file))?;
    let digest: String =
        Sha256::digest(&component).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Interpreter {
        language: Language::Python,
        digest: format!("sha256:{digest}"),
        file,
        component,
    })
}

/// Changes with all that an interpreter is made of.
fn version() -> u64 {
    let mut hasher = DefaultHasher::new();
    (COMPONENTIZE, TZDATA).hash(&mut hasher);
    for part in ["python", "wit"] {
        embedded::below(part).for_each(|file| file.hash(&mut hasher));
    }
    kernels::MODULE.hash(&mut hasher);
    hasher.finish()
}

// ---- components of their own -----------------------------------------------------------------------------------

fn standalone(project: &Project, root: &Path, tools: &Tools<'_>) -> Result<Vec<u8>, BuildError> {
    let kind = kind(project)?;
    let interface = match kind {
        Kind::Extractor => "extract",
        Kind::Transformer => "transform",
        Kind::Validator => "validate",
        Kind::Loader => "load",
        Kind::Notifier => "notify",
    };
    let class = format!("{}{}", interface[..1].to_uppercase(), &interface[1..]);
    // A text in JSON is one in Python.
    let quoted = |text: &str| serde_json::to_string(text).expect("a text");
    let app = format!(
        "from wasmill._component import single\nfrom wasmill._component.{interface} import {class}\n\n\
         single.start({}, {}, {}, {})\n",
        quoted(&project.name),
        quoted(&project.version),
        quoted(&project.summary),
        quoted(&project.entry[0]),
    );
    let mut paths = vec![root.to_owned()];
    if !project.dependencies.is_empty() {
        paths.push(dependencies(project, tools)?);
    }
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let scratch = tempfile::tempdir().map_err(BuildError::io(Path::new("a temporary folder")))?;
    let file = scratch.path().join("component.wasm");
    componentize(
        &component::world(kind, project.http),
        &app,
        &paths,
        &file,
        &project.folder,
        tools,
    )?;
    fs::read(&file).map_err(BuildError::io(&file))
}

/// A folder of the cache with what the project depends on. Only pure Python runs in a component.
fn dependencies(project: &Project, tools: &Tools<'_>) -> Result<PathBuf, BuildError> {
    let mut hasher = DefaultHasher::new();
    project.dependencies.hash(&mut hasher);
    tools.folder(&format!("python/dependencies-{:016x}", hasher.finish()), |folder| {
        let mut pip = tools.python()?;
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
        ]);
        pip.args([
            "--only-binary",
            ":all:",
            "--platform",
            "any",
            "--implementation",
            "py",
            "--abi",
            "none",
        ]);
        pip.args(["--python-version", "3.14", "--target"]).arg(folder).args(&project.dependencies);
        tools.install(&project.dependencies.join(", "), "PyPI", &mut pip)
    })
}

/// Makes a component of an app: its text, and where what it imports is found.
fn componentize(
    world: &str,
    app: &str,
    paths: &[&Path],
    output: &Path,
    folder: &Path,
    tools: &Tools<'_>,
) -> Result<(), BuildError> {
    let packages = tools.python_packages(&[COMPONENTIZE])?;
    let zones = tools.python_packages(&[TZDATA])?;
    let scratch = tempfile::tempdir().map_err(BuildError::io(Path::new("a temporary folder")))?;
    let (wit, sdk, own) =
        (scratch.path().join("wit"), scratch.path().join("sdk"), scratch.path().join("app"));
    embedded::unpack("wit", &wit)?;
    embedded::unpack("python", &sdk)?;
    fs::create_dir_all(&own).map_err(BuildError::io(&own))?;
    kernels::add_wit(&wit)?;
    for (file, text) in [
        (wit.join("http-worlds.wit"), component::worlds_with_http().as_str()),
        (wit.join("python-world.wit"), python_world(world).as_str()),
        (own.join(format!("{APP}.py")), app),
    ] {
        fs::write(&file, text).map_err(BuildError::io(&file))?;
    }
    let mut python = tools.python()?;
    // Its program is a script of the machine that installed it; this works wherever the folder is.
    python.args(["-c", "import sys; from componentize_py import script; sys.exit(script())"]);
    python.arg("--quiet").arg("--wit-path").arg(&wit);
    python.args(["--world", &format!("python-{world}"), "componentize"]);
    let paths = [&[own.as_path(), sdk.as_path(), zones.as_path()], paths].concat();
    for path in &paths {
        python.arg("--python-path").arg(path);
    }
    python.arg("--output").arg(output).arg(APP);
    python.env("PYTHONPATH", &packages).env_remove("VIRTUAL_ENV").current_dir(folder);
    match tools.run("componentize-py", &mut python, folder) {
        Ok(_) => {
            let component = fs::read(output).map_err(BuildError::io(output))?;
            fs::write(output, kernels::put_into(component)?).map_err(BuildError::io(output))
        }
        Err(BuildError::Tool(complaint)) => {
            let said = with_paths(&complaint.output, &paths);
            Err(BuildError::Tool(Box::new(Complaint::new("componentize-py", &said, folder))))
        }
        Err(error) => Err(error),
    }
}

/// WIT of the world of what is written in Python: the kernels come on top, and are inside in the end.
fn python_world(world: &str) -> String {
    format!(
        "package wasmill:plugin@0.1.0;\n\nworld python-{world} {{\n    include {world};\n    import {};\n}}\n",
        kernels::IMPORT
    )
}

/// What componentize-py said: it runs the modules where their folders are called `/0`, `/1` and so on.
fn with_paths(said: &str, paths: &[&Path]) -> String {
    let numbered = paths.iter().enumerate();
    numbered.fold(said.to_owned(), |said, (number, path)| {
        said.replace(&format!("File \"/{number}/"), &format!("File \"{}/", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_those_of_the_project() {
        let said = "  File \"/3/app.py\", line 2, in <module>";
        let paths = ["/a", "/b", "/c", "/home/me/plugin"].map(Path::new);
        assert_eq!(
            with_paths(said, &paths),
            "  File \"/home/me/plugin/app.py\", line 2, in <module>"
        );
    }

    #[test]
    fn a_script_holds_its_modules_the_first_one_first() {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in [
            (
                "pyproject.toml",
                "[project]\nname = \"wasmill-x\"\nversion = \"1.0.0\"\ndescription = \"Does\"\n[tool.wasmill]\nkind = \"loader\"\n",
            ),
            ("a/b.py", ""),
            ("tests/test_x.py", ""),
            ("x.py", "import a.b\n"),
        ] {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let project = Project::find(folder.path(), None).unwrap();
        let root = root(&project);
        let (first, module) = entry(&project, &root).unwrap();
        assert_eq!((first.as_str(), module), ("x.py", "x"));
        let interpreter = Interpreter {
            language: Language::Python,
            digest: "sha256:00".into(),
            file: PathBuf::new(),
            component: Vec::new(),
        };
        let component = script(&project, &root, &first, &interpreter).unwrap();
        let text = String::from_utf8_lossy(&component);
        let (a, x, test) = (text.find("a/b.py"), text.find("\"x.py\""), text.find("test_x"));
        assert!(x.is_some() && x < a && test.is_none(), "{text}");
    }
}
