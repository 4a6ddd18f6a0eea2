//! Whether compiled plugins can be kept, where nobody else can look at them.

use std::path::Path;

use wasmill_pipeline::error::chain;
use wasmill_sandbox::cache::ComponentCache;

use crate::doctor::disk::{can_be_made, is_writable};
use crate::doctor::findings::Findings;
use crate::table::{bytes, counted};

const CHECK: &str = "cache";

/// Looks at the folder; where there is none yet, at whether it can be made. A cache that cannot be used makes runs slower.
pub fn look(folder: Option<&Path>, findings: &mut Findings) {
    let Some(folder) = folder else {
        findings.skipped(CHECK, "compiled plugins are not kept: --no-cache, or no home folder");
        return;
    };
    let shown = folder.display();
    let elsewhere = "name another folder with --cache or WASMILL_CACHE; until then, each run compiles its plugins anew";
    if !folder.exists() {
        match can_be_made(folder) {
            Ok(()) => findings.ok(CHECK, format!("{shown}: not there yet, the first run makes it")),
            Err(error) => {
                findings.warning(CHECK, format!("{shown} cannot be made: {error}"), elsewhere);
            }
        }
        return;
    }
    let cache = match ComponentCache::open(folder) {
        Ok(cache) => cache,
        Err(error) => {
            findings.warning(CHECK, chain(&error), elsewhere);
            return;
        }
    };
    if let Err(error) = is_writable(folder) {
        findings.warning(CHECK, format!("{shown} cannot be written: {error}"), elsewhere);
        return;
    }
    match cache.usage() {
        Ok(usage) => {
            let entries = counted(usage.entries, "compiled plugin");
            let size = bytes(usage.bytes);
            findings.ok(CHECK, format!("{shown}: {entries}, {size}, closed to others"));
        }
        Err(error) => findings.warning(CHECK, format!("{shown}: {error}"), elsewhere),
    }
}
