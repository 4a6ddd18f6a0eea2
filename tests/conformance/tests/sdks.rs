//! The unit tests of each SDK, and of the standard plugins that are written with it, in the test runner of its language. Those in Rust
//! are among the tests of the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use wasmill_build::Tools;

fn sdk(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-sdk").join(language)
}

fn plugin(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins").join(name)
}

fn passes(command: &mut Command) {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&said));
}

#[test]
fn python() {
    // Nothing is written into the source tree.
    let mut python = Command::new("python3");
    python.args(["-B", "-m", "unittest", "discover", "-s", "tests"]);
    passes(python.current_dir(sdk("python")));
}

#[test]
fn javascript() {
    passes(Command::new("node").args(["--test", "test/"]).current_dir(sdk("js")));
}

#[test]
fn c() {
    let folder = tempfile::tempdir().unwrap();
    let build = format!("BUILD={}", folder.path().display());
    passes(Command::new("make").args(["test", &build]).current_dir(sdk("c")));
}

#[test]
fn go() {
    let tools = Tools::new(wasmill_build::default_cache().expect("a cache folder"), &());
    let mut go = wasmill_build::go(&tools).unwrap_or_else(|error| panic!("{error}"));
    passes(go.args(["test", "./..."]).current_dir(sdk("go")));
}

#[test]
fn dedupe_identity_in_python() {
    let path = std::env::join_paths([plugin("dedupe-identity").join("src"), sdk("python")]);
    let mut python = Command::new("python3");
    python
        .args(["-B", "-m", "unittest", "discover", "-s", "tests"])
        .env("PYTHONPATH", path.expect("no path has a separator in it"));
    passes(python.current_dir(plugin("dedupe-identity")));
}

#[test]
fn rollup_in_go() {
    let tools = Tools::new(wasmill_build::default_cache().expect("a cache folder"), &());
    let mut go = wasmill_build::go(&tools).unwrap_or_else(|error| panic!("{error}"));
    passes(go.args(["test", "."]).current_dir(plugin("rollup")));
}

#[test]
fn sessionize_in_typescript() {
    // A copy, as npm and the compiler write beside the sources; the SDK is where it is in the repository.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("plugins/sessionize");
    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    passes(Command::new("cp").arg("-r").arg(plugin("sessionize")).arg(&copy));
    let sdks = sdk("js").join("..").canonicalize().unwrap();
    std::os::unix::fs::symlink(sdks, folder.path().join("plugin-sdk")).unwrap();
    let mut install = Command::new("npm");
    install.args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
    passes(install.current_dir(&copy));
    passes(Command::new("npm").arg("test").current_dir(&copy));
}

#[test]
fn packages_are_what_their_registries_expect() {
    let folder = tempfile::tempdir().unwrap();
    // Built from a copy, as building writes beside the sources.
    let copy = folder.path().join("python");
    passes(Command::new("cp").arg("-r").arg(sdk("python")).arg(&copy));
    let wheels = folder.path().join("wheels");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]).arg(&wheels).arg(&copy);
    passes(&mut pip);
    let mut imports = Command::new("python3");
    imports.args(["-c", "import wasmill, wasmill.rows, wasmill.kernels; print(wasmill.__file__)"]);
    passes(
        imports
            .env("PYTHONPATH", wheels.join("wasmill-0.1.0-py3-none-any.whl"))
            .current_dir(&folder),
    );

    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", "--pack-destination"]).arg(folder.path()).current_dir(sdk("js"));
    passes(&mut npm);
    let package = folder.path().join("wasmill-plugin-0.1.0.tgz");
    passes(Command::new("tar").arg("-xzf").arg(package).current_dir(&folder));
    let mut node = Command::new("node");
    node.args([
        "--input-type=module",
        "-e",
        "import { transformer } from './package/src/index.js'; transformer({})",
    ]);
    passes(node.current_dir(&folder));

    let destination = format!("DESTDIR={}", folder.path().display());
    passes(
        Command::new("make").args(["install", &destination, "PREFIX=/usr"]).current_dir(sdk("c")),
    );
    let description = folder.path().join("usr/lib/pkgconfig/wasmill.pc");
    let description = std::fs::read_to_string(description).unwrap();
    assert!(description.contains("prefix=/usr\n"), "{description}");
    assert!(folder.path().join("usr/include/wasmill.h").is_file());

    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "package",
        "--list",
        "--allow-dirty",
        "--package",
        "wasmill-plugin-sdk",
        "--manifest-path",
    ]);
    passes(cargo.arg(manifest));
}
