//! What must hold for the project as a whole.

use std::collections::BTreeMap;

use wasmill_tests::root;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Two versions of Arrow would have the same type names and not fit together.
#[test]
fn engines_that_share_batches_share_versions() {
    let lock: toml::Table = read("Cargo.lock").parse().unwrap();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        let text = |key: &str| package[key].as_str().unwrap();
        versions.entry(text("name")).or_default().push(text("version"));
    }
    for (name, major) in
        [("arrow-array", "59."), ("parquet", "59."), ("datafusion", "55."), ("wasmtime", "48.")]
    {
        let found = &versions[name];
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(found[0].starts_with(major), "{name}: {found:?}");
    }
    // Earlier ones sent no Host header.
    let patch: u32 = versions["wasmtime"][0].rsplit('.').next().unwrap().parse().unwrap();
    assert!(patch >= 8, "{:?}", versions["wasmtime"]);
}

#[test]
fn the_plugin_in_the_readme_is_the_one_that_is_tested() {
    let plugin = read("tests/guests/gross/rust/src/lib.rs");
    assert!(read("README.md").contains(plugin.trim_end()));
    assert!(plugin.lines().count() <= 32, "it is to be short");
}

#[test]
fn the_pipeline_file_in_the_readme_is_valid() {
    let readme = read("README.md");
    let start = readme.find("[pipeline]").expect("a pipeline file");
    let text = readme[start..].split("```").next().unwrap();
    let workspace = wasmill_tests::workspace::Workspace::new();
    let rows = "amount,day\n1.5,31/12/2025\n2.5,31/12/2025\n";
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, rows.as_bytes()).unwrap();
    workspace.write("data/orders/1.csv.gz", encoder.finish().unwrap());
    std::os::unix::fs::symlink(root().join("dist"), workspace.path("dist")).unwrap();
    workspace.write("pipeline.toml", text);
    let events = workspace.run();
    assert_eq!(events.last().unwrap()["sinks"][0]["rows"], 1);
}
