//! An extractor that attacks its host: `{ "attack": NAME }`, one attack a file. What others can do too is in
//! `hostile-anywhere`.

mod attack;
mod honest;

mod bad_record_escapes;
mod bad_records_flood;
mod children_missing;
mod columns_flood;
mod cursor_escapes;
mod cursor_long;
mod decimal_beyond;
mod decimal_impossible;
mod fixed_size_huge;
mod ipc_payload;
mod json_columns;
mod json_deep;
mod json_envelope;
mod json_keys;
mod json_list;
mod json_not;
mod json_numbers;
mod json_rows;
mod json_tokens;
mod json_twice;
mod metadata_flood;
mod name_long;
mod names_twice;
mod nested_deep;
mod nodes_flood;
mod nodes_missing;
mod rows_beyond;
mod rows_counted;
mod rows_never;
mod split_long;
mod splits_flood;
mod splits_total;
mod splits_twice;
mod values_extreme;
mod zone_unknown;

use std::cell::Cell;

use hostile_anywhere::order::{lie, order};
use hostile_anywhere::{OrderConfig, strike};
use wasmill_plugin_sdk::bindings::extract::{Binding, CursorPosition, Extracted, Guest, Split};
use wasmill_plugin_sdk::bindings::types::{Descriptor, Encoding, Failure};

use crate::attack::Attack;

/// The export that does the work.
const WORK: &str = "next";
/// How many rows there are, where there are honest ones.
const ROWS: u32 = 20;

thread_local! {
    static DONE: Cell<bool> = const { Cell::new(false) };
}

struct Hostile;

impl Guest for Hostile {
    fn describe() -> Descriptor {
        // There is no way to fail here.
        drop(strike("describe", WORK));
        wasmill_plugin_sdk::__describe!(OrderConfig)
    }

    fn bind(_config: String) -> Result<Binding, Failure> {
        strike("bind", WORK)?;
        let binding = honest::binding();
        Ok(match lie()? {
            Attack::ChildrenMissing => children_missing::lie(binding),
            Attack::ColumnsFlood => columns_flood::lie(binding, order()),
            Attack::DecimalBeyond => decimal_beyond::bind(binding),
            Attack::DecimalImpossible => decimal_impossible::lie(binding),
            Attack::FixedSizeHuge => fixed_size_huge::lie(binding),
            Attack::IpcPayload => ipc_payload::bind(binding),
            Attack::JsonColumns => json_columns::bind(binding),
            Attack::JsonDeep
            | Attack::JsonEnvelope
            | Attack::JsonKeys
            | Attack::JsonList
            | Attack::JsonNot
            | Attack::JsonNumbers
            | Attack::JsonRows
            | Attack::JsonTokens
            | Attack::JsonTwice => Binding { encoding: Encoding::Json, ..binding },
            Attack::MetadataFlood => metadata_flood::lie(binding),
            Attack::NameLong => name_long::lie(binding),
            Attack::NamesTwice => names_twice::lie(binding),
            Attack::NestedDeep => nested_deep::lie(binding),
            Attack::ValuesExtreme => values_extreme::bind(binding),
            Attack::ZoneUnknown => zone_unknown::lie(binding),
            _ => binding,
        })
    }

    fn plan(_config: String, _cursors: Vec<CursorPosition>) -> Result<Vec<Split>, Failure> {
        strike("plan", WORK)?;
        Ok(match lie()? {
            Attack::SplitLong => split_long::lie(order()),
            Attack::SplitsFlood => splits_flood::lie(order()),
            Attack::SplitsTotal => splits_total::lie(),
            Attack::SplitsTwice => splits_twice::lie(),
            _ => vec![honest::split("all")],
        })
    }

    fn open(_config: String, _split: Split) -> Result<(), Failure> {
        strike("open", WORK)
    }

    fn next(max_rows: u32) -> Result<Option<Extracted>, Failure> {
        strike("next", WORK)?;
        let lie = lie()?;
        if matches!(lie, Attack::RowsNever) {
            return Ok(Some(rows_never::lie()));
        }
        if DONE.replace(true) {
            return Ok(None);
        }
        let extracted = honest::extracted(max_rows.min(ROWS));
        Ok(Some(match lie {
            Attack::BadRecordEscapes => bad_record_escapes::lie(extracted),
            Attack::BadRecordsFlood => bad_records_flood::lie(extracted, order()),
            Attack::DecimalBeyond => decimal_beyond::lie(),
            Attack::IpcPayload => ipc_payload::lie(extracted, order()),
            Attack::JsonColumns => json_columns::lie(max_rows),
            Attack::JsonDeep => json_deep::lie(extracted),
            Attack::JsonEnvelope => json_envelope::lie(extracted),
            Attack::JsonKeys => json_keys::lie(extracted),
            Attack::JsonList => json_list::lie(extracted, order()),
            Attack::JsonNot => json_not::lie(extracted),
            Attack::JsonNumbers => json_numbers::lie(extracted),
            Attack::JsonRows => json_rows::lie(extracted, order()),
            Attack::JsonTokens => json_tokens::lie(extracted, order()),
            Attack::JsonTwice => json_twice::lie(extracted),
            Attack::NodesFlood => nodes_flood::lie(extracted, order()),
            Attack::NodesMissing => nodes_missing::lie(extracted),
            Attack::RowsBeyond => rows_beyond::lie(max_rows),
            Attack::RowsCounted => rows_counted::lie(extracted),
            Attack::ValuesExtreme => values_extreme::lie(),
            _ => extracted,
        }))
    }

    fn cursor() -> Result<Option<String>, Failure> {
        strike("cursor", WORK)?;
        Ok(match lie()? {
            Attack::CursorEscapes => cursor_escapes::lie(),
            Attack::CursorLong => cursor_long::lie(order()),
            _ => None,
        })
    }
}

wasmill_plugin_sdk::bindings::extractor::export_extractor!(
    Hostile with_types_in wasmill_plugin_sdk::bindings::extractor
);
