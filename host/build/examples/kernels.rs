//! What `cargo xtask kernels` runs: `kernels FOLDER MODULE OUT` writes down in a module of which sources it is.

#![allow(clippy::print_stderr, reason = "this is a command line")]

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, module, out] = &arguments[..] else {
        eprintln!("usage: kernels FOLDER MODULE OUT");
        return ExitCode::from(2);
    };
    let module = std::fs::read(module).expect("the module can be read");
    let stamped = wasmill_build::kernels::stamped(module, Path::new(folder))
        .expect("the sources can be read");
    std::fs::write(out, stamped).expect("the file can be written");
    ExitCode::SUCCESS
}
