//! `wasmill build` and `wasmill inspect`, as somebody uses them who has a folder and no checkout of Wasmill: each language from
//! sources to a row that went through the plugin, and mistakes that are shown where they are.

use std::path::Path;

use serde_json::Value;
use wasmill_build::contract::Contract;
use wasmill_tests::workspace::{Outcome, Workspace};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

/// A transformer that adds `gross` to rows with `net`, by one factor, in each language.
const SCRIPT: &str = r#"# /// script
# [tool.wasmill]
# kind = "transformer"
# version = "1.2.0"
# summary = "Adds a gross price"
# authors = ["Ada <ada@example.com>"]
# license = "MIT"
# ///
from wasmill import Transformer


class Gross(Transformer):
    def bind(self, plan):
        self.net = plan.read("net", float)
        self.gross = plan.write("gross", float)

    def process(self, batch, out):
        out[self.gross] = batch[self.net] * 1.5
"#;

fn builds(workspace: &Workspace, arguments: &[&str]) -> Value {
    let arguments = [&["build", "--output", "json"], arguments].concat();
    let outcome = workspace.wasmill(&arguments);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    outcome.events().pop().expect("a line")
}

fn refuses(workspace: &Workspace, project: &str, code: i32, says: &[&str]) -> Outcome {
    let outcome = workspace.wasmill(&["build", project]);
    assert_eq!(outcome.code, Some(code), "{outcome:#?}");
    for part in says {
        assert!(outcome.stderr.contains(part), "{part:?} is not said: {outcome:#?}");
    }
    outcome
}

#[test]
fn a_script_is_built_inspected_and_run() {
    let workspace = Workspace::new();
    workspace.write("src/gross.py", SCRIPT);
    let built = builds(&workspace, &["src/gross.py", "--out", "plugins/gross.wasm"]);
    assert_eq!(
        (&built["name"], &built["kind"], &built["language"]),
        (&"gross".into(), &"transformer".into(), &"python".into())
    );
    assert!(built["bytes"].as_u64().is_some_and(|bytes| bytes < 100_000), "{built}");
    assert!(
        built["interpreter"].as_str().is_some_and(|digest| digest.starts_with("sha256:")),
        "{built}"
    );

    // What is in the cache is enough from then on.
    let again = builds(&workspace, &["src/gross.py", "--offline", "--out", "again.wasm"]);
    assert_eq!(again["digest"], built["digest"]);

    let outcome = workspace.wasmill(&["inspect", "plugins/gross.wasm", "--output", "json"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let inspected = &outcome.events()[0];
    assert_eq!(inspected["version"], "1.2.0");
    assert_eq!(inspected["authors"], "Ada <ada@example.com>");
    assert_eq!(inspected["license"], "MIT");
    assert_eq!(inspected["contract"], "0.1.0");
    assert_eq!(inspected["grants"], serde_json::json!([]));
    assert!(inspected["memory_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20), "{inspected}");

    workspace.write("in.jsonl", "{\"net\": 2.0}\n{\"net\": null}\n");
    workspace.pipeline(
        "[sources.prices]\ntype = \"jsonl\"\npath = \"in.jsonl\"\ntypes = { net = \"float64\" }\n\
         [transforms.gross]\nplugin = \"plugins/gross.wasm\"\ninputs = [\"prices\"]\n\
         [sinks.out]\ntype = \"jsonl\"\ninputs = [\"gross\"]\npath = \"out\"\n",
    );
    workspace.run();
    let out = std::fs::read_dir(workspace.path("out")).expect("a folder").filter_map(|entry| {
        let path = entry.expect("an entry").path();
        (path.extension().is_some_and(|extension| extension == "jsonl"))
            .then(|| std::fs::read_to_string(path).expect("text"))
    });
    let lines = out.collect::<String>();
    assert!(lines.contains("\"gross\":3.0"), "{lines}");
}

#[test]
fn a_c_plugin_outside_of_the_repository_is_built_and_prints_its_wit() {
    let workspace = Workspace::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/plugins/c/notifier");
    for entry in std::fs::read_dir(source).expect("the conformance plugin") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        workspace.write(&format!("notifier/{name}"), std::fs::read(&path).expect("a file"));
    }
    let built = builds(&workspace, &["notifier"]);
    assert_eq!(built["file"], "conformance-notifier.wasm");
    let outcome = workspace.wasmill(&["inspect", "conformance-notifier.wasm", "--output", "json"]);
    assert_eq!(outcome.events()[0]["grants"], serde_json::json!(["http"]));
    let outcome = workspace.wasmill(&["inspect", "conformance-notifier.wasm", "--wit"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert!(outcome.stdout.contains("export wasmill:plugin/notify@0.1.0;"), "{}", outcome.stdout);
}

#[test]
fn what_is_no_project_is_refused() {
    let workspace = Workspace::new();
    workspace.write("empty/readme.txt", "");
    refuses(
        &workspace,
        "empty",
        66,
        &["Cargo.toml", "pyproject.toml", "package.json", "plugin.toml"],
    );
    refuses(&workspace, "nowhere", 74, &["nowhere"]);
    workspace.write("half/plugin.toml", "[plugin]\nname = \"half\"\n");
    refuses(&workspace, "half", 78, &["plugin.toml", "`version` is missing"]);
    workspace.write("wrong/package.json", r#"{"name": "x", "wasmill": {"kind": "mover"}}"#);
    refuses(&workspace, "wrong", 78, &["mover", "transformer"]);
    workspace.write("bare.py", "print(1)\n");
    refuses(&workspace, "bare.py", 78, &["# /// script"]);
}

#[test]
fn mistakes_are_shown_with_their_lines() {
    let workspace = Workspace::new();
    let manifest =
        "[plugin]\nname = \"x\"\nversion = \"0.1.0\"\nsummary = \"S\"\nkind = \"transformer\"\n";
    workspace.write("c/plugin.toml", manifest);
    workspace.write("c/x.c", "#include <wasmill.h>\n\nint broken = wrong;\n");
    refuses(&workspace, "c", 65, &["x.c:3", "int broken = wrong;"]);
    workspace.write("go/plugin.toml", manifest);
    workspace.write("go/go.mod", "module x\n\ngo 1.24\n\nrequire wasmill.dev/plugin v0.1.0\n");
    workspace.write("go/main.go", "package main\n\nfunc main() { wrong() }\n");
    refuses(&workspace, "go", 65, &["main.go:3", "wrong()"]);
    workspace.write("js/package.json", r#"{"name": "x", "version": "0.1.0", "description": "S", "main": "x.ts", "wasmill": {"kind": "transformer"}}"#);
    workspace.write(
        "js/x.ts",
        "import { transformer } from \"@wasmill/plugin\";\n\nconst wrong: number = ;\n",
    );
    refuses(&workspace, "js", 65, &["x.ts:3", "const wrong: number = ;"]);
    // A script is run when it is asked what it is.
    workspace.write(
        "wrong.py",
        SCRIPT.replace("class Gross(Transformer):", "class Gross(Transformed):"),
    );
    let outcome = workspace.wasmill(&["build", "wrong.py"]);
    assert_eq!(outcome.code, Some(70), "{outcome:#?}");
    assert!(outcome.stderr.contains("Transformed"), "{outcome:#?}");
}

#[test]
fn a_component_that_does_not_conform_is_refused_with_both_types() {
    let workspace = Workspace::new();
    let contract = Contract::current().unwrap().wit().unwrap();
    let wrong = contract
        .replace(
            "bind: func(config: string) -> result<_, failure>;",
            "bind: func(config: u32) -> result<_, failure>;",
        )
        .replace("dedup-key: string,", "dedup-key: u64,");
    std::fs::write(workspace.path("wrong.wasm"), notifier_of(&wrong)).unwrap();
    let outcome = workspace.wasmill(&["inspect", "wrong.wasm"]);
    assert_eq!(outcome.code, Some(78), "{outcome:#?}");
    for line in [
        "wrong.wasm does not fit the contract 0.1.0:",
        "wasmill:plugin/notify@0.1.0#bind, parameter `config`: the contract has string, here is u32",
        "wasmill:plugin/notify@0.1.0#notify, parameter `event`, dedup-key: the contract has string, here is u64",
    ] {
        assert!(outcome.stderr.contains(line), "{line:?} is not said: {outcome:#?}");
    }

    std::fs::write(
        workspace.path("later.wasm"),
        notifier_of(
            &contract
                .replace("wasmill:plugin@0.1.0", "wasmill:plugin@0.2.0")
                .replace("@0.1.0}", "@0.2.0}"),
        ),
    )
    .unwrap();
    let outcome = workspace.wasmill(&["inspect", "later.wasm"]);
    assert_eq!(outcome.code, Some(78), "{outcome:#?}");
    assert!(
        outcome.stderr.contains("version 0.2.0 of the contract; this host speaks 0.1.0"),
        "{outcome:#?}"
    );
}

/// A component of the world `notifier` of a contract, whose functions do nothing.
fn notifier_of(contract: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("contract.wit", contract).expect("a contract");
    let world = resolve.select_world(&[package], Some("notifier")).expect("a world");
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("a world");
    ComponentEncoder::default()
        .module(&module)
        .and_then(ComponentEncoder::encode)
        .expect("a component")
}
