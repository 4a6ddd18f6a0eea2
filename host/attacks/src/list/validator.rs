//! What only validators can lie about: `tests/guests/hostile-validator`.

use wasmill_sandbox::component::PluginKind::Validator;
use wasmill_sandbox::fault::FaultKind::{Contract, OutputBytes};

use super::of;
use crate::attack::{Attack, Contained};

pub fn attacks() -> Vec<Attack> {
    let check = |name, what| of(Validator, name, what, None, Contained::Fault("check", Contract));
    let harmless = |name, what| of(Validator, name, what, None, Contained::Harmless);
    vec![
        of(
            Validator,
            "read-flood",
            "reads one column a million times",
            Some(|_| 1_000_000),
            Contained::Fault("bind", Contract),
        ),
        of(
            Validator,
            "read-missing",
            "reads a column that does not exist",
            None,
            Contained::Fault("bind", Contract),
        ),
        check("violation-out-of-range", "finds a row at fault that does not exist"),
        check("violation-unordered", "finds rows at fault out of order"),
        check("violation-of-nothing", "finds something wrong with no row"),
        of(
            Validator,
            "violation-flood",
            "finds one row at fault a hundred thousand times",
            Some(|_| 100_001),
            Contained::Fault("check", Contract),
        ),
        harmless("violation-escapes", "finds fault in words that take over a terminal"),
        of(
            Validator,
            "huge-partial",
            "returns a partial state beyond output_bytes",
            Some(|limits| limits.output_bytes + 1),
            Contained::Fault("check", OutputBytes),
        ),
        of(
            Validator,
            "huge-state",
            "merges a few bytes into more than output_bytes",
            Some(|limits| limits.output_bytes + 1),
            Contained::Fault("merge", OutputBytes),
        ),
        of(
            Validator,
            "conclusion-flood",
            "concludes by as many rules as output_bytes allows",
            Some(|limits| limits.output_bytes / 400),
            Contained::Harmless,
        ),
        harmless("conclusion-extremes", "concludes by numbers that are none"),
    ]
}
