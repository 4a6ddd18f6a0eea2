//! What `cargo xtask contract` runs: `contract OUT` writes the contract as a document.

#![allow(clippy::print_stderr, reason = "this is a command line")]

use std::process::ExitCode;

use wasmill_build::contract::Contract;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out] = &arguments[..] else {
        eprintln!("usage: contract OUT");
        return ExitCode::from(2);
    };
    let contract = Contract::current().expect("the program was built with it");
    std::fs::write(out, contract.document()).expect("the file can be written");
    ExitCode::SUCCESS
}
