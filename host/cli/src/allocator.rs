//! The allocator, set up for batches.
//!
//! Buffers of batches are large, and are made and freed all the time. As it comes, glibc gives the memory of large ones back to
//! the system at once, and takes it anew for the next batch, page by page: a fifth of the time of a step that makes much text.

/// What is free at the end of the heap is kept up to this size.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT_BYTES: i32 = 256 << 20;
/// Smaller allocations come from the heap; it is the largest size that glibc accepts.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const FROM_HEAP_BYTES: i32 = 32 << 20;

/// Lets the process keep memory that it will need again. To be called before there are threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "a setting of the C library")]
pub fn keep_freed_memory() {
    // SAFETY: no other thread allocates yet. A setting that is refused leaves things as they were.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_BYTES);
        libc::mallopt(libc::M_MMAP_THRESHOLD, FROM_HEAP_BYTES);
    }
}

/// Other allocators do well enough as they come.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_freed_memory() {}
