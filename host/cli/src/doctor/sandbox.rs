//! Whether plugins can be compiled, run and stopped here.

use wasmill_pipeline::Needs;
use wasmill_pipeline::error::chain;
use wasmill_sandbox::engine::{Sandbox, SandboxOptions};
use wasmill_sandbox::self_test::SelfTestError;

use crate::compiling;
use crate::doctor::findings::Findings;
use crate::doctor::limits;

const CHECK: &str = "sandbox";
/// Room for a few plugin steps for each worker, as a pipeline would have them.
const STEPS: u32 = 4;

/// Compiles, runs and stops a component of the program's own, as `wasmill run` does with plugins.
pub async fn look(needs: Option<&Needs>, findings: &mut Findings) {
    let workers = u32::try_from(limits::workers(needs)).unwrap_or(u32::MAX);
    let instances = workers.saturating_mul(STEPS);
    let options = SandboxOptions { compiler: compiling::fresh(), ..SandboxOptions::new(instances) };
    let tested = match Sandbox::with_options(options) {
        Ok(sandbox) => sandbox.self_test().await,
        Err(error) => Err(error.into()),
    };
    match tested {
        Ok(test) => {
            let ms = test.compiled_in.as_millis();
            findings.ok(CHECK, format!("plugins are compiled (in {ms} ms), run, and stopped"));
            if !test.has_pool {
                findings.warning(
                    CHECK,
                    "there is no pool of instances: creating them is slower",
                    "give the process more address space (`ulimit -v unlimited`): the pool reserves 4 GiB for each memory",
                );
            }
        }
        Err(error) => findings.problem(CHECK, chain(&error), advice(&error)),
    }
}

fn advice(error: &SelfTestError) -> &'static str {
    match error {
        SelfTestError::Engine(_) => {
            "give the process more address space (`ulimit -v unlimited`), and allow executable memory"
        }
        SelfTestError::Load(_) => {
            "this program starts itself to compile: it must be executable, with 4 GiB of address space and some processor time"
        }
        SelfTestError::Fault(_) | SelfTestError::Wrong(_) | SelfTestError::NotStopped { .. } => {
            "do not run plugins on this machine; a processor or a kernel that wasmtime does not know may be the cause"
        }
    }
}
