//! Calls the host while the host has it allocate memory for arguments.

use crate::allocator::{Trick, arm_next_allocation};

pub fn strike() {
    arm_next_allocation(Trick::Import);
}
