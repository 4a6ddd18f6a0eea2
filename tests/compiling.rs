//! Components are compiled in a process of their own. Whatever becomes of that process, this one lives, and goes on.

use std::sync::Arc;
use std::time::Duration;

use wasmill_sandbox::cache::ComponentCache;
use wasmill_sandbox::compiler::{CompileLimits, Compiler, CompilerProcess};
use wasmill_sandbox::component::{LoadError, PluginKind};
use wasmill_sandbox::engine::{Profile, Sandbox, SandboxOptions};
use wasmill_tests::component;
use wasmill_tests::workspace::wasmill_program;

fn process() -> CompilerProcess {
    CompilerProcess::new(wasmill_program(), ["compile-component".into()])
}

fn sandbox(profile: Profile, compiler: Compiler) -> Sandbox {
    Sandbox::with_options(SandboxOptions { profile, compiler, ..SandboxOptions::new(2) }).unwrap()
}

/// What stopped the compiler.
async fn stopped(limits: CompileLimits) -> String {
    let compiler = Compiler::new().in_process(process().limits(limits));
    let sandbox = sandbox(Profile::Metered, compiler);
    match sandbox.load(component("gross-js")).await {
        Err(LoadError::CompilerProcess { message }) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_another_process_compiled_runs_here() {
    for profile in [Profile::Metered, Profile::Guarded] {
        let sandbox = sandbox(profile, Compiler::new().in_process(process()));
        let plugin = sandbox.load(component("gross")).await.unwrap();
        assert_eq!(plugin.kind(), PluginKind::Transformer);
    }
}

/// The process that compiled is not asked again: here it is one that does not exist.
#[tokio::test]
async fn what_was_compiled_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Arc::new(ComponentCache::open(folder.path().join("cache")).unwrap());
    let compiler = Compiler::new().cached_in(cache);
    let first = sandbox(Profile::Metered, compiler.clone().in_process(process()));
    first.load(component("gross")).await.unwrap();
    let missing = CompilerProcess::new("no/such/program".into(), []);
    let second = sandbox(Profile::Metered, compiler.in_process(missing));
    second.load(component("gross")).await.unwrap();
    match second.load(component("gross-js")).await {
        Err(LoadError::CompilerProcess { message }) => {
            assert!(message.contains("cannot run no/such/program"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn time_is_limited() {
    let time = Duration::from_millis(20);
    let message = stopped(CompileLimits { time, ..CompileLimits::default() }).await;
    assert_eq!(message, "it took longer than 0.02 s, which is the limit");
}

#[tokio::test]
async fn memory_is_limited() {
    let memory = 192 << 20;
    let message = stopped(CompileLimits { memory, ..CompileLimits::default() }).await;
    assert!(message.contains("192 MiB"), "{message}");
}

/// Programs in the place of the compiler: killed by a signal, gone without a word, and one that says what no compiler does.
#[tokio::test]
async fn a_compiler_that_crashes_is_an_error_about_the_component() {
    for (script, expected) in [
        ("kill -SEGV $$", "signal"),
        ("exit 101", "101"),
        // What begins like compiled code is looked at before it is run.
        ("cat > /dev/null; printf '\\000nonsense'", ""),
        ("printf '\\001because'", "because"),
    ] {
        let compiler = CompilerProcess::new("/bin/sh".into(), ["-c".into(), script.into()]);
        let broken = sandbox(Profile::Metered, Compiler::new().in_process(compiler));
        let error = broken.load(component("gross")).await.unwrap_err();
        assert!(
            matches!(error, LoadError::CompilerProcess { .. } | LoadError::Compile { .. }),
            "{script}: {error:?}"
        );
        assert!(error.to_string().contains(expected), "{script}: {error}");
    }
    // This process lives, and so does another sandbox.
    let sandbox = sandbox(Profile::Metered, Compiler::new().in_process(process()));
    sandbox.load(component("gross")).await.unwrap();
}

#[tokio::test]
async fn a_refusal_has_a_reason() {
    let sandbox = sandbox(Profile::Metered, Compiler::new().in_process(process()));
    // The preamble of a component, and a section that there is not.
    let broken = b"\0asm\x0d\0\x01\0\xff\x01\0".as_slice();
    match sandbox.load(broken.into()).await {
        Err(LoadError::Compile { message }) => assert!(message.contains("section"), "{message}"),
        other => panic!("{other:?}"),
    }
    // It goes on with others.
    sandbox.load(component("gross")).await.unwrap();
}
