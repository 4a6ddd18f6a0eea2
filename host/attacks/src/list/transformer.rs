//! What only transformers can lie about: `tests/guests/hostile`.

use wasmill_sandbox::component::PluginKind::Transformer;
use wasmill_sandbox::fault::FaultKind::{Contract, OutputBytes};

use super::of;
use crate::attack::{Attack, Contained};

pub fn attacks() -> Vec<Attack> {
    let describe =
        |name, what| of(Transformer, name, what, None, Contained::Fault("describe", Contract));
    let bind = |name, what| of(Transformer, name, what, None, Contained::Fault("bind", Contract));
    let process =
        |name, what| of(Transformer, name, what, None, Contained::Fault("process", Contract));
    let finish =
        |name, what| of(Transformer, name, what, None, Contained::Fault("finish", Contract));
    vec![
        describe("describe-array", "describes its configuration by an array"),
        describe("describe-deep", "describes its configuration by JSON of great depth"),
        of(
            Transformer,
            "describe-escapes",
            "has a name that takes over a terminal",
            None,
            Contained::Harmless,
        ),
        of(
            Transformer,
            "describe-huge",
            "describes its configuration by as much as a call may return",
            Some(|limits| (limits.output_bytes / 2).min(limits.memory / 8)),
            Contained::Fault("describe", Contract),
        ),
        describe("describe-not-json", "describes its configuration by something else than JSON"),
        bind("fields-missing", "announces a million children and gives one"),
        of(
            Transformer,
            "huge-binding",
            "declares ten thousand columns",
            Some(|_| 10_000),
            Contained::Fault("bind", Contract),
        ),
        bind("keep-missing", "keeps a column that does not exist"),
        bind("key-missing", "wants rows by a key and names none"),
        bind("read-missing", "reads a column that does not exist"),
        bind("read-twice", "reads one column a million times"),
        bind("same-name-twice", "gives two columns one name"),
        of(Transformer, "amplify", "repeats rows as often as it may", None, Contained::Harmless),
        process("bad-utf8", "returns a text column that is not UTF-8"),
        process("bitmap-size", "selects rows by a bitmap of the wrong size"),
        process("broken-character", "cuts a character in two"),
        process("detached-count", "returns four billion rows without values"),
        process("detached-keep", "keeps columns in rows that come from nowhere"),
        process("finding-out-of-range", "reports a row bad that does not exist"),
        process("finding-selected", "reports a row bad and passes it on"),
        process("finding-unordered", "reports rows bad out of order"),
        of(
            Transformer,
            "huge-output",
            "returns more than output_bytes",
            Some(|limits| limits.output_bytes + 1),
            Contained::Fault("process", OutputBytes),
        ),
        process("index-out-of-range", "selects a row that does not exist"),
        process("json-explodes", "makes four thousand columns of objects without keys"),
        of(
            Transformer,
            "null-explodes",
            "makes four thousand columns of nulls",
            None,
            Contained::Harmless,
        ),
        of(
            Transformer,
            "odd-buffers",
            "returns buffers longer than needed, by a part of a value",
            None,
            Contained::Harmless,
        ),
        process("offsets-beyond", "returns offsets beyond the text"),
        process("offsets-descending", "returns offsets that fall"),
        process("other-encoding", "returns JSON where columns were announced"),
        process("too-few-columns", "returns fewer columns than it declared"),
        of(
            Transformer,
            "too-many-findings",
            "reports one row bad a hundred thousand times",
            Some(|_| 100_001),
            Contained::Fault("process", Contract),
        ),
        process("too-many-nodes", "returns a node more than a type has"),
        of(
            Transformer,
            "too-many-outputs",
            "returns more outputs than one call may",
            Some(|_| 2_000),
            Contained::Fault("process", Contract),
        ),
        of(
            Transformer,
            "too-many-rows",
            "returns a row more than output_rows_per_row allows",
            Some(|limits| limits.output_rows_per_row.min(100_000)),
            Contained::Fault("process", Contract),
        ),
        process("validity-size", "returns a validity bitmap of the wrong size"),
        process("wrong-length", "returns a value less than there are rows"),
        process("wrong-type", "returns values of another width"),
        finish("finish-attached", "returns rows of an input that is gone"),
        finish("finish-explodes", "returns four billion rows at the end"),
    ]
}
