//! Gives the host memory that does not exist, for the arguments of the next call.

use crate::allocator::{Trick, arm_next_allocation};

pub fn strike() {
    arm_next_allocation(Trick::Lie);
}
