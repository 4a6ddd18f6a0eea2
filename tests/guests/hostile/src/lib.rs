//! A transformer that attacks its host: `{ "attack": NAME }`, one attack a file.
//!
//! It is written against the generated bindings, because the SDK does not let a plugin tell these lies. With
//! the attack `none` it does what all others pretend to do ([`honest`]).

mod attack;
mod honest;

mod abort;
mod allocate;
mod amplify;
mod bad_utf8;
mod bitmap_size;
mod broken_character;
mod detached_keep;
mod exit;
mod fields_missing;
mod finding_out_of_range;
mod finding_selected;
mod finding_unordered;
mod finish_attached;
mod grow_at_once;
mod huge_message;
mod huge_output;
mod index_out_of_range;
mod keep_missing;
mod log_flood;
mod odd_buffers;
mod offsets_beyond;
mod offsets_descending;
mod other_encoding;
mod poison;
mod print_flood;
mod read_missing;
mod recurse;
mod same_name_twice;
mod silent_log_flood;
mod sleep;
mod spin;
mod too_few_columns;
mod too_many_nodes;
mod too_many_outputs;
mod too_many_rows;
mod trap;
mod validity_size;
mod wrong_length;
mod wrong_type;

use std::cell::Cell;

use wasmill_plugin_sdk::bindings::transform::{Binding, Guest, Output, Processed};
use wasmill_plugin_sdk::bindings::types::{Batch, Descriptor, Failure, Schema};

use crate::attack::{Attack, HostileConfig};

thread_local! {
    static ATTACK: Cell<Attack> = const { Cell::new(Attack::None) };
}

struct Hostile;

fn attack(config: &str) -> Result<Attack, Failure> {
    Ok(wasmill_plugin_sdk::parse_config::<HostileConfig>(config)?.attack)
}

impl Guest for Hostile {
    fn describe() -> Descriptor {
        wasmill_plugin_sdk::__describe!(HostileConfig)
    }

    fn bind(config: String, _input: Schema) -> Result<Binding, Failure> {
        let binding = honest::binding();
        Ok(match attack(&config)? {
            Attack::FieldsMissing => fields_missing::bind(binding),
            Attack::KeepMissing => keep_missing::bind(binding),
            Attack::ReadMissing => read_missing::bind(binding),
            Attack::SameNameTwice => same_name_twice::bind(binding),
            _ => binding,
        })
    }

    fn open(config: String, _input: Schema) -> Result<(), Failure> {
        wasmill_plugin_sdk::start_logging();
        ATTACK.set(attack(&config)?);
        Ok(())
    }

    fn process(batch: Batch) -> Result<Processed, Failure> {
        let input = honest::Input::new(batch);
        let answer = honest::answer(&input);
        match ATTACK.get() {
            // These end the call, or should.
            Attack::Abort => abort::process(),
            Attack::Allocate => allocate::process(),
            Attack::Exit => exit::process(),
            Attack::GrowAtOnce => grow_at_once::process(),
            Attack::HugeMessage => return Err(huge_message::failure()),
            Attack::LogFlood => log_flood::process(),
            Attack::Poison => poison::process(&input),
            Attack::PrintFlood => print_flood::process(),
            Attack::Recurse => recurse::process(),
            Attack::SilentLogFlood => silent_log_flood::process(),
            Attack::Sleep => sleep::process(),
            Attack::Spin => spin::process(),
            Attack::Trap => trap::process(),
            // These return lies.
            Attack::Amplify => return Ok(amplify::lie(answer, &input)),
            Attack::BadUtf8 => return Ok(bad_utf8::lie(answer)),
            Attack::BitmapSize => return Ok(bitmap_size::lie(answer)),
            Attack::BrokenCharacter => return Ok(broken_character::lie(answer, &input)),
            Attack::DetachedKeep => return Ok(detached_keep::lie(answer)),
            Attack::FindingOutOfRange => return Ok(finding_out_of_range::lie(answer, &input)),
            Attack::FindingSelected => return Ok(finding_selected::lie(answer)),
            Attack::FindingUnordered => return Ok(finding_unordered::lie(answer)),
            Attack::HugeOutput => return Ok(huge_output::lie(answer)),
            Attack::IndexOutOfRange => return Ok(index_out_of_range::lie(answer, &input)),
            Attack::OddBuffers => return Ok(odd_buffers::lie(answer)),
            Attack::OffsetsBeyond => return Ok(offsets_beyond::lie(answer)),
            Attack::OffsetsDescending => return Ok(offsets_descending::lie(answer)),
            Attack::OtherEncoding => return Ok(other_encoding::lie()),
            Attack::TooFewColumns => return Ok(too_few_columns::lie(answer)),
            Attack::TooManyNodes => return Ok(too_many_nodes::lie(answer)),
            Attack::TooManyOutputs => return Ok(too_many_outputs::lie()),
            Attack::TooManyRows => return Ok(too_many_rows::lie(answer, &input)),
            Attack::ValiditySize => return Ok(validity_size::lie(answer)),
            Attack::WrongLength => return Ok(wrong_length::lie(answer)),
            Attack::WrongType => return Ok(wrong_type::lie(answer)),
            // These do nothing here.
            Attack::None
            | Attack::FieldsMissing
            | Attack::FinishAttached
            | Attack::KeepMissing
            | Attack::ReadMissing
            | Attack::SameNameTwice => {}
        }
        Ok(answer.into_processed())
    }

    fn finish() -> Result<Vec<Output>, Failure> {
        Ok(match ATTACK.get() {
            Attack::FinishAttached => finish_attached::lie(),
            _ => Vec::new(),
        })
    }
}

wasmill_plugin_sdk::bindings::transformer::export_transformer!(
    Hostile with_types_in wasmill_plugin_sdk::bindings::transformer
);
