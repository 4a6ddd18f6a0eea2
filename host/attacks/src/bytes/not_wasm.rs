//! Is a program for another machine.

use wasmill_sandbox::limits::Limits;

pub fn component(_honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut program = b"\x7fELF\x02\x01\x01".to_vec();
    program.resize(4_096, 0);
    program
}
