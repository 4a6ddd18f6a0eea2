//! Traps while the host has it allocate memory for the arguments of the next call.

use crate::allocator::{Trick, arm_next_allocation};

pub fn strike() {
    arm_next_allocation(Trick::Trap);
}
