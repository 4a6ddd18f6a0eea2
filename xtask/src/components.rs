//! Building components from Rust, and installing components to `dist/plugins/`.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::process;
use crate::workspace::Workspace;

/// The target of components.
pub const TARGET: &str = "wasm32-wasip2";

/// A crate of this workspace that is a component.
pub struct RustComponent {
    /// The name of the package.
    pub package: String,
    /// The name under which the component is installed.
    pub name: String,
}

/// Builds the components and installs them.
///
/// # Errors
///
/// When the target is missing and cannot be installed, a build fails, or a file cannot be written.
pub fn build(workspace: &Workspace, components: &[RustComponent]) -> Result<(), String> {
    build_as(workspace, "plugin", components)
}

/// Builds the components with line tables, and installs them.
///
/// # Errors
///
/// See [`build`].
pub fn build_with_lines(workspace: &Workspace, components: &[RustComponent]) -> Result<(), String> {
    build_as(workspace, "plugin-lines", components)
}

fn build_as(
    workspace: &Workspace,
    profile: &str,
    components: &[RustComponent],
) -> Result<(), String> {
    ensure_target(workspace, TARGET)?;
    let mut cargo = workspace.cargo(["build", "--profile", profile, "--target", TARGET]);
    for component in components {
        cargo.args(["--package", &component.package]);
    }
    process::run(&mut cargo)?;
    for component in components {
        let file = format!("{}.wasm", component.package.replace('-', "_"));
        let built = workspace.target.join(TARGET).join(profile).join(file);
        install(workspace, &built, &component.name)?;
    }
    Ok(())
}

/// Installs the component `built` as `dist/plugins/NAME.wasm`.
///
/// A file that would not change is left alone, so that whoever keeps its compiled form may go by its time.
/// One that does is replaced as a whole: a run that starts meanwhile reads the old one or the new one.
///
/// # Errors
///
/// When `built` cannot be read, or `dist/plugins/` cannot be written.
pub fn install(workspace: &Workspace, built: &Path, name: &str) -> Result<(), String> {
    let folder = workspace.installed_plugins();
    let installed = folder.join(format!("{name}.wasm"));
    let bytes = fs::read(built)
        .map_err(|error| format!("{} was built but cannot be read: {error}", built.display()))?;
    if fs::read(&installed).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    let temporary = folder.join(format!(".{name}.{}.partial", std::process::id()));
    let replaced = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&temporary, &bytes))
        .and_then(|()| fs::rename(&temporary, &installed));
    replaced.map_err(|error| {
        // What is left of it, if anything, would only be in the way.
        let _ = fs::remove_file(&temporary);
        format!("{} cannot be written: {error}", installed.display())
    })?;
    println!("installed {} ({} KiB)", workspace.relative(&installed), bytes.len().div_ceil(1024));
    Ok(())
}

/// Makes sure that there is a standard library for a target, whether it came from rustup or from elsewhere.
///
/// # Errors
///
/// When it is missing and cannot be installed.
pub fn ensure_target(workspace: &Workspace, target: &str) -> Result<(), String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut rustc = Command::new(rustc);
    rustc.args(["--print", "target-libdir", "--target", target]).current_dir(&workspace.root);
    if Path::new(&process::output(&mut rustc)?).is_dir() {
        return Ok(());
    }
    println!("the target {target} is missing: rustup installs it");
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", target]).current_dir(&workspace.root);
    match rustup.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(process::failed(&rustup, status)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!(
            "the standard library for {target} is missing, and so is rustup, which would install it; \
             install rustup (https://rustup.rs), or the package of your system that holds it"
        )),
        Err(error) => Err(format!("rustup cannot be started: {error}")),
    }
}
