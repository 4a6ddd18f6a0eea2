//! Traps on batches that hold the value 13, and on no others.

use crate::honest::Input;

pub fn process(input: &Input) {
    assert!(!input.values.contains(&13), "13 is bad luck");
}
