//! An allocator that ends the process when somebody asks for very much at once.
//!
//! Inputs have 64 KiB at most, and the targets' limits are some megabytes. Whoever asks for 256 MiB then believes a number
//! that a plugin made up. libFuzzer sees such an allocation only once its pages are used, and many are not.

use std::alloc::{GlobalAlloc, Layout, System};

/// More than any input is worth.
const MOST_BYTES: usize = 256 << 20;

#[global_allocator]
static ALLOCATOR: Guarded = Guarded;

struct Guarded;

fn check(bytes: usize) {
    if bytes > MOST_BYTES {
        refuse(bytes);
    }
}

#[cold]
#[expect(clippy::print_stderr, reason = "libFuzzer reports there too")]
fn refuse(bytes: usize) -> ! {
    eprintln!("an allocation of {bytes} bytes: no input warrants more than {MOST_BYTES}");
    // An allocator must not panic.
    std::process::abort();
}

#[expect(unsafe_code, reason = "allocators are")]
// SAFETY: everything is done by the system's allocator, with the same arguments.
unsafe impl GlobalAlloc for Guarded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        check(bytes);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, bytes) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}
