//! The fuzzer: libFuzzer around the one target that `WASMILL_FUZZ_TARGET` names. `cargo xtask fuzz` builds and starts it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: wasmill_fuzz::start(),
    |bytes: &[u8]| wasmill_fuzz::run(bytes)
);
