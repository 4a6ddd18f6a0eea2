//! Attacks that plugins of all kinds can make, in any of their exports: one attack a file.
//!
//! Which attack a plugin makes, and in which export, is in its configuration ([`order`]). Each export of a hostile plugin
//! calls [`strike`] before it does its work. What only one kind of plugin can do, lies about what it returns mostly, is in the crate of
//! that kind, `hostile-KIND`.

mod allocator;
pub mod order;

mod abort;
mod allocate;
mod bulk_fill;
mod clock_storm;
mod config_storm;
mod endless_line;
mod endless_message;
mod exit;
mod grow_at_once;
mod huge_message;
mod import_in_post_return;
mod import_in_realloc;
mod leak_pollables;
mod leak_streams;
mod log_escapes;
mod log_flood;
mod not_utf8;
mod outside_memory;
mod poll_flood;
mod post_return_spin;
mod post_return_trap;
mod print_flood;
mod probe;
mod random_at_once;
mod random_storm;
mod realloc_lie;
mod realloc_spin;
mod realloc_trap;
mod realloc_unaligned;
mod recurse;
mod refuse_late;
mod retry_for_ever;
mod silent_log_flood;
mod sleep;
mod spin;
mod trap;
mod trap_in_drop;

use wasmill_plugin_sdk::bindings::types::Failure;

pub use crate::order::{Order, OrderConfig};

/// An attack that ends the call, or should.
type Strike = fn(&Order) -> Result<(), Failure>;

/// Attacks that return, where the host lets them, as if nothing had been.
macro_rules! silent {
    ($attack:ident) => {
        |_| {
            $attack::strike();
            Ok(())
        }
    };
}

const STRIKES: [(&str, Strike); 37] = [
    ("abort", silent!(abort)),
    ("allocate", silent!(allocate)),
    ("bulk-fill", bulk_fill::strike),
    ("clock-storm", silent!(clock_storm)),
    ("config-storm", silent!(config_storm)),
    ("endless-line", endless_line::strike),
    ("endless-message", endless_message::strike),
    ("exit", silent!(exit)),
    ("grow-at-once", silent!(grow_at_once)),
    ("huge-message", huge_message::strike),
    ("import-in-post-return", import_in_post_return::strike),
    ("import-in-realloc", silent!(import_in_realloc)),
    ("leak-pollables", silent!(leak_pollables)),
    ("leak-streams", silent!(leak_streams)),
    ("log-escapes", silent!(log_escapes)),
    ("log-flood", log_flood::strike),
    ("not-utf8", not_utf8::strike),
    ("outside-memory", outside_memory::strike),
    ("poll-flood", silent!(poll_flood)),
    ("post-return-spin", post_return_spin::strike),
    ("post-return-trap", post_return_trap::strike),
    ("print-flood", silent!(print_flood)),
    ("probe", probe::strike),
    ("random-at-once", silent!(random_at_once)),
    ("random-storm", silent!(random_storm)),
    ("realloc-lie", silent!(realloc_lie)),
    ("realloc-spin", silent!(realloc_spin)),
    ("realloc-trap", silent!(realloc_trap)),
    ("realloc-unaligned", silent!(realloc_unaligned)),
    ("recurse", silent!(recurse)),
    ("refuse-late", refuse_late::strike),
    ("retry-for-ever", retry_for_ever::strike),
    ("silent-log-flood", silent!(silent_log_flood)),
    ("sleep", silent!(sleep)),
    ("spin", silent!(spin)),
    ("trap", silent!(trap)),
    ("trap-in-drop", silent!(trap_in_drop)),
];

/// Makes the attack that was ordered, where it is one of this crate and `export` is where it is to be made. `work` is
/// the export that does the plugin's work.
///
/// # Errors
///
/// Where the attack is to fail.
pub fn strike(export: &str, work: &str) -> Result<(), Failure> {
    let order = order::order();
    if !order.is_for(export, work) {
        return Ok(());
    }
    wasmill_plugin_sdk::start_logging();
    match STRIKES.iter().find(|(name, _)| *name == order.attack) {
        Some((_, strike)) => strike(order),
        None => Ok(()),
    }
}

/// Whether an attack is one of this crate.
fn is_known(attack: &str) -> bool {
    STRIKES.iter().any(|(name, _)| *name == attack)
}
