//! What only loaders can lie about: `tests/guests/hostile-loader`.

use wasmill_sandbox::component::PluginKind::Loader;
use wasmill_sandbox::fault::FaultKind::Contract;

use super::of;
use crate::attack::{Attack, Contained};

pub fn attacks() -> Vec<Attack> {
    let write = |name, what| of(Loader, name, what, None, Contained::Fault("write", Contract));
    let finish = |name, what| of(Loader, name, what, None, Contained::Fault("finish", Contract));
    vec![
        of(
            Loader,
            "read-missing",
            "reads a column that does not exist",
            None,
            Contained::Fault("bind", Contract),
        ),
        write("refuse-out-of-range", "refuses a row that does not exist"),
        write("refuse-unordered", "refuses rows out of order"),
        write("refuse-nothing", "refuses no row, for a reason"),
        of(
            Loader,
            "refuse-flood",
            "refuses one row a hundred thousand times",
            Some(|_| 100_001),
            Contained::Fault("write", Contract),
        ),
        finish("receipt-rows", "gives a receipt for more rows than there are"),
        finish("receipt-short", "gives a receipt for no rows"),
        of(
            Loader,
            "receipt-long",
            "gives a receipt as long as a call may return",
            Some(|limits| (limits.output_bytes / 2).min(limits.memory / 8)),
            Contained::Fault("finish", Contract),
        ),
    ]
}
