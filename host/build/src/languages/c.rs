//! C: `zig cc` compiles the plugin, the SDK and the bindings into one core module, which becomes a component.
//!
//! The bindings are made here, by wit-bindgen as a library, into a temporary folder; so are the few lines that tell the SDK what
//! the project is called. Compiled objects are kept in Zig's own cache, so a second build compiles only what has changed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use wit_bindgen_core::Files;

use crate::{BuildError, Kind, Project, Tools, component, embedded};

/// Clang and LLD, with a C library for WASI that is compiled when it is first needed.
const ZIG: &str = "ziglang==0.16.0";

/// How everything is compiled and linked.
const FLAGS: [&str; 10] = [
    "-target",
    "wasm32-wasi",
    "-mexec-model=reactor",
    "-mcpu=generic+simd128",
    "-O2",
    // Zig leaves assertions out of whatever is optimised; C does not, and a mistake should end in a message.
    "-UNDEBUG",
    // Arrow buffers are bytes that are seen as numbers.
    "-fno-strict-aliasing",
    "-fno-sanitize=undefined",
    // Zig puts the stack below all data, so that endless recursion ends in a trap, not in somebody else's memory.
    "-Wl,-z,stack-size=524288",
    "-Wl,--gc-sections",
];

/// With line tables the host says in which line a plugin failed. Without, there are names of functions; those of the C library
/// have line tables of their own, which are many times as large as the plugin.
const WITH_LINES: &str = "-gline-tables-only";
const WITHOUT_LINES: &str = "-Wl,--strip-debug";

/// Warnings that are worth an author's time; the SDK is compiled without.
const WARNINGS: [&str; 2] = ["-Wall", "-Wextra"];

pub(super) fn build(project: &Project, tools: &Tools<'_>) -> Result<Vec<u8>, BuildError> {
    let kind =
        project.kind.ok_or_else(|| BuildError::manifest(&project.manifest, "`kind` is missing"))?;
    // Imports that are not used are left out, so every plugin may as well have HTTP.
    let world = component::world(kind, true);
    let sources = sources(project)?;
    let packages = tools.python_packages(&[ZIG])?;
    let cache = tools.folder("zig-cache-0.16.0", |_| Ok(()))?;
    let sdk = sdk(tools)?;
    let work = tempfile::tempdir().map_err(BuildError::io(&std::env::temp_dir()))?;
    let work = work.path();
    write_bindings(&world, work)?;
    write(&work.join("descriptor.c"), &descriptor(project))?;

    let module = work.join("module.wasm");
    let mut zig = tools.python()?;
    zig.args(["-m", "ziglang", "cc"]).args(FLAGS).args(WARNINGS);
    zig.arg(if tools.keeps_lines() { WITH_LINES } else { WITHOUT_LINES });
    zig.env("PYTHONPATH", &packages).env("ZIG_GLOBAL_CACHE_DIR", &cache);
    zig.env("ZIG_LOCAL_CACHE_DIR", &cache).current_dir(&project.folder);
    zig.arg("-I").arg(sdk.join("include")).arg("-I").arg(sdk.join("src")).arg("-I").arg(work);
    zig.arg(format!("-ffile-prefix-map={}=.", project.folder.display()));
    zig.arg(format!("-ffile-prefix-map={}=wasmill", sdk.display()));
    zig.arg(format!("-ffile-prefix-map={}=wasmill", work.display()));
    zig.args(&sources).args(sdk_sources(&sdk, kind));
    zig.arg(work.join("plugin.c")).arg(work.join("descriptor.c")).arg("-o").arg(&module);
    tools.run("zig cc", &mut zig, &project.folder)?;
    let module = fs::read(&module).map_err(BuildError::io(&module))?;
    component::of_module(module, &world)
}

/// The SDK, unpacked into the cache: under a name that says what is in it, so that Zig finds what it compiled before.
fn sdk(tools: &Tools<'_>) -> Result<PathBuf, BuildError> {
    let digest = embedded::below("c").fold(0xcbf2_9ce4_8422_2325_u64, |digest, (path, content)| {
        let bytes = path.bytes().chain(content.iter().copied());
        bytes.fold(digest, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    });
    tools.folder(&format!("sdk/c-{digest:016x}"), |folder| embedded::unpack("c", folder))
}

/// The sources of the SDK that a plugin of this kind is made of.
fn sdk_sources(sdk: &Path, kind: Kind) -> impl Iterator<Item = PathBuf> {
    let kinds = Kind::ALL.map(|kind| format!("src/boundary/{}.c", kind.name()));
    let wanted = format!("src/boundary/{}.c", kind.name());
    let sources = embedded::below("c").map(|(path, _)| path).filter(|path| path.ends_with(".c"));
    let sources = sources.filter(|path| path.starts_with("src/"));
    let sources =
        sources.filter(move |path| *path == wanted || !kinds.iter().any(|kind| kind == path));
    sources.map(|path| sdk.join(path))
}

/// The C sources of the project, from its folder: those that it names, or those in it and in `src`.
fn sources(project: &Project) -> Result<Vec<PathBuf>, BuildError> {
    let default = ["*.c".to_owned(), "src/*.c".to_owned()];
    let patterns = if project.entry.is_empty() { &default[..] } else { &project.entry };
    let mut sources = Vec::new();
    for pattern in patterns {
        let found = matching(&project.folder, pattern)?;
        if found.is_empty() && !project.entry.is_empty() {
            let message = format!("`sources`: there is no file {pattern}");
            return Err(BuildError::manifest(&project.manifest, message));
        }
        sources.extend(found);
    }
    if sources.is_empty() {
        let message = "there is no source: neither *.c nor src/*.c";
        return Err(BuildError::manifest(&project.manifest, message));
    }
    Ok(sources)
}

/// The files that a pattern means, in the order of their names. A `*` stands for any characters of the file's name.
fn matching(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, BuildError> {
    let Some((before, after)) = pattern.split_once('*') else {
        let file = folder.join(pattern);
        return Ok(if file.is_file() { vec![PathBuf::from(pattern)] } else { Vec::new() });
    };
    let (parent, start) = before.rsplit_once('/').unwrap_or(("", before));
    let directory = folder.join(parent);
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&directory).map_err(BuildError::io(&directory))? {
        let name = entry.map_err(BuildError::io(&directory))?.file_name();
        let name = name.to_string_lossy();
        let is_long_enough = name.len() >= start.len() + after.len();
        if is_long_enough && name.starts_with(start) && name.ends_with(after) {
            found.push(Path::new(parent).join(name.as_ref()));
        }
    }
    found.sort();
    Ok(found)
}

/// Writes `plugin.h` and `plugin.c`: the world's types and functions in C.
fn write_bindings(world: &str, folder: &Path) -> Result<(), BuildError> {
    let mut resolve = component::worlds()?;
    let world = component::world_id(&resolve, world)?;
    let options = wit_bindgen_c::Opts {
        // The component gets its types from `component::of_module`.
        no_object_file: true,
        // One name for the strings and lists of all kinds.
        rename_world: Some("plugin".to_owned()),
        ..Default::default()
    };
    let mut files = Files::default();
    let generated = options.build().generate(&mut resolve, world, &mut files);
    generated.map_err(|error| BuildError::Component { message: format!("{error:#}") })?;
    for (name, content) in files.iter() {
        let file = folder.join(name);
        fs::write(&file, content).map_err(BuildError::io(&file))?;
    }
    Ok(())
}

/// What the SDK says in `describe`.
fn descriptor(project: &Project) -> String {
    let mut text = String::from("#include \"boundary/descriptor.h\"\n\n");
    let facts =
        [("name", &project.name), ("version", &project.version), ("summary", &project.summary)];
    for (what, value) in facts {
        let value = c_string(value);
        writeln!(text, "const char *const wml_plugin_{what} = {value};").expect("a string");
    }
    text
}

/// A C string literal. All but printable ASCII is written in octal, which ends after three digits.
fn c_string(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if !b"\"\\?".contains(&byte) => literal.push(char::from(byte)),
            _ => write!(literal, "\\{byte:03o}").expect("a string"),
        }
    }
    literal + "\""
}

fn write(file: &Path, text: &str) -> Result<(), BuildError> {
    fs::write(file, text).map_err(BuildError::io(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_literals_of_c() {
        assert_eq!(c_string("adds \"é\"\\1?"), r#""adds \042\303\251\042\1341\077""#);
    }

    #[test]
    fn patterns_name_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        for file in ["a.c", "b.h", "src/two.c", "src/one.c"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let cases: [(&str, &[&str]); 5] = [
            ("*.c", &["a.c"]),
            ("src/*.c", &["src/one.c", "src/two.c"]),
            ("src/t*.c", &["src/two.c"]),
            ("b.h", &["b.h"]),
            ("lib/*.c", &[]),
        ];
        for (pattern, expected) in cases {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(matching(folder.path(), pattern).unwrap(), expected, "{pattern}");
        }
    }

    #[test]
    fn each_world_has_bindings() {
        for kind in Kind::ALL {
            let folder = tempfile::tempdir().unwrap();
            write_bindings(&component::world(kind, true), folder.path()).unwrap();
            let header = fs::read_to_string(folder.path().join("plugin.h")).unwrap();
            assert!(header.contains("wasmill_plugin_http_send"), "{header}");
        }
    }
}
