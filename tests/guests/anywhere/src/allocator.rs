//! An allocator that can be armed.
//!
//! The host has the guest allocate memory for what it passes in (`cabi_realloc`), and free what it took
//! (`cabi_post_…`). Both run code of the guest at moments at which a host may not expect any.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use wasmill_plugin_sdk::bindings::logging::{Level, log};

/// What to do instead of what was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Trick {
    None,
    Spin,
    Trap,
    /// Calls the host, which a component may not do at such a moment.
    Import,
    /// Memory that does not exist.
    Lie,
    /// Memory at an odd address.
    Unaligned,
}

const TRICKS: [Trick; 6] =
    [Trick::None, Trick::Spin, Trick::Trap, Trick::Import, Trick::Lie, Trick::Unaligned];

/// What the next allocation does.
static ALLOCATION: AtomicU8 = AtomicU8::new(Trick::None as u8);
/// What freeing the armed address does.
static RELEASE: AtomicU8 = AtomicU8::new(Trick::None as u8);
static ARMED_ADDRESS: AtomicUsize = AtomicUsize::new(0);

/// The next allocation does this: that of the host, where the call in hand makes none any more.
pub fn arm_next_allocation(trick: Trick) {
    ALLOCATION.store(trick as u8, Ordering::Relaxed);
}

/// Freeing this address does this.
pub fn arm_release(address: *const u8, trick: Trick) {
    ARMED_ADDRESS.store(address.addr(), Ordering::Relaxed);
    RELEASE.store(trick as u8, Ordering::Relaxed);
}

struct Armed;

#[global_allocator]
static ALLOCATOR: Armed = Armed;

fn take(armed: &AtomicU8) -> Trick {
    TRICKS[usize::from(armed.swap(Trick::None as u8, Ordering::Relaxed))]
}

fn play(trick: Trick) {
    match trick {
        Trick::None | Trick::Lie | Trick::Unaligned => {}
        Trick::Spin => crate::spin::strike(),
        Trick::Trap => crate::abort::strike(),
        Trick::Import => log(Level::Info, "", ""),
    }
}

#[expect(unsafe_code, reason = "an allocator is unsafe; this one is to break its promises")]
// SAFETY: there is none while it is armed, which is the attack: inside of the sandbox, nothing but the guest is at risk.
unsafe impl GlobalAlloc for Armed {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let trick = take(&ALLOCATION);
        play(trick);
        // SAFETY: the caller keeps the promises of `alloc`.
        let allocated = unsafe { System.alloc(layout) };
        match trick {
            Trick::Lie => std::ptr::without_provenance_mut(0xffff_fff0),
            Trick::Unaligned => allocated.wrapping_add(1),
            _ => allocated,
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if pointer.addr() == ARMED_ADDRESS.load(Ordering::Relaxed) {
            play(take(&RELEASE));
        }
        // SAFETY: the caller keeps the promises of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}
