//! Whether plugins can be built here. Only authors of plugins need that, so nothing of it is a problem.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::doctor::findings::Findings;

const CHECK: &str = "target";
/// What plugins in Rust are built for.
const TARGET: &str = "wasm32-wasip2";

/// Looks for the target's libraries in the folder of the Rust compiler.
pub fn look(findings: &mut Findings) {
    let answer = Command::new("rustc").args(["--print", "sysroot"]).stdin(Stdio::null()).output();
    let output = match answer {
        Ok(output) if output.status.success() => output,
        _ => {
            findings.skipped(CHECK, "there is no Rust here, which only authors of plugins need");
            return;
        }
    };
    let sysroot = String::from_utf8_lossy(&output.stdout);
    let libraries = Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).join("lib");
    if libraries.is_dir() {
        findings.ok(CHECK, format!("plugins in Rust can be built: {TARGET} is installed"));
    } else {
        findings.warning(
            CHECK,
            format!("plugins in Rust cannot be built: {TARGET} is not installed"),
            format!("`rustup target add {TARGET}`; to run plugins, it is not needed"),
        );
    }
}
