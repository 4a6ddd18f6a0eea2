//! What only extractors can lie about: `tests/guests/hostile-extractor`.

use wasmill_sandbox::component::PluginKind::Extractor;
use wasmill_sandbox::fault::FaultKind::Contract;

use super::of;
use crate::attack::{Attack, Contained, Means};
use crate::ipc;

pub fn attacks() -> Vec<Attack> {
    let ends =
        |export, name, what| of(Extractor, name, what, None, Contained::Fault(export, Contract));
    let bind = |name, what| ends("bind", name, what);
    let plan = |name, what| ends("plan", name, what);
    let next = |name, what| ends("next", name, what);
    let harmless = |name, what| of(Extractor, name, what, None, Contained::Harmless);
    let mut attacks = vec![
        bind("children-missing", "announces four billion children and gives none"),
        of(
            Extractor,
            "columns-flood",
            "declares ten thousand columns",
            Some(|_| 10_000),
            Contained::Fault("bind", Contract),
        ),
        bind("decimal-impossible", "declares a decimal of more digits than there can be"),
        bind("fixed-size-huge", "declares values of four gigabytes each"),
        bind("metadata-flood", "hangs a hundred thousand entries on a column"),
        bind("name-long", "names a column by a mebibyte"),
        bind("names-twice", "names two columns alike, by what takes over a terminal"),
        bind("nested-deep", "nests lists ten thousand deep"),
        bind("zone-unknown", "keeps instants in a zone that does not exist"),
        of(
            Extractor,
            "split-long",
            "describes a split by as much as a call may return",
            Some(|limits| (limits.output_bytes / 2).min(limits.memory / 8)),
            Contained::Fault("plan", Contract),
        ),
        of(
            Extractor,
            "splits-flood",
            "plans more splits than there may be",
            Some(|_| 100_001),
            Contained::Fault("plan", Contract),
        ),
        harmless("splits-total", "estimates more rows than can be counted"),
        plan("splits-twice", "gives two splits one id"),
        harmless("bad-record-escapes", "returns a bad record in words that take over a terminal"),
        of(
            Extractor,
            "bad-records-flood",
            "returns as many bad records as output_bytes allows",
            Some(|limits| limits.output_bytes / 200),
            Contained::Harmless,
        ),
        next("json-columns", "makes four thousand columns of objects without keys"),
        next("json-deep", "returns JSON of great depth"),
        of(
            Extractor,
            "json-tokens",
            "returns as many keys as output_bytes allows",
            Some(|limits| (limits.output_bytes / 6).min(limits.memory / 32)),
            Contained::Fault("next", Contract),
        ),
        of(
            Extractor,
            "json-list",
            "returns as many numbers as output_bytes allows, where one was declared",
            Some(|limits| (limits.output_bytes / 3).min(limits.memory / 12)),
            Contained::Fault("next", Contract),
        ),
        next("decimal-beyond", "returns decimals of more digits than it declared"),
        next("json-envelope", "returns JSON that closes what the host puts around it"),
        next("json-keys", "returns a row of a hundred thousand unknown keys"),
        next("json-not", "returns something else than JSON"),
        next("json-numbers", "returns numbers that no column can hold"),
        of(
            Extractor,
            "json-rows",
            "returns as many empty rows as output_bytes allows",
            Some(|limits| (limits.output_bytes / 4).min(limits.memory / 16)),
            Contained::Fault("next", Contract),
        ),
        harmless("json-twice", "returns a row that has one key a hundred thousand times"),
        of(
            Extractor,
            "nodes-flood",
            "returns as many empty nodes as output_bytes allows",
            Some(|limits| limits.output_bytes / 100),
            Contained::Fault("next", Contract),
        ),
        next("nodes-missing", "returns no column"),
        next("rows-beyond", "returns a row more than it was asked for"),
        next("rows-counted", "says that there are four billion rows"),
        next("rows-never", "returns batches without rows, and never comes to an end"),
        harmless("values-extreme", "returns values that no calendar and no number knows"),
        harmless("cursor-escapes", "ends at a position that takes over a terminal"),
        of(
            Extractor,
            "cursor-long",
            "ends at a position as long as a call may return",
            Some(|limits| (limits.output_bytes / 2).min(limits.memory / 8)),
            Contained::Fault("cursor", Contract),
        ),
    ];
    attacks.extend(ipc::PAYLOADS.iter().map(|&(name, what, payload)| Attack {
        means: Means::Order { attack: "ipc-payload", size: None, payload: Some(payload) },
        ..next(name, what)
    }));
    attacks
}
