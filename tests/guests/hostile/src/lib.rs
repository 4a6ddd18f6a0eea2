//! A transformer that attacks its host: `{ "attack": NAME }`, one attack a file.
//!
//! It is written against the generated bindings, because the SDK does not let a plugin tell these lies. With
//! the attack `none` it does what all others pretend to do ([`honest`]).

mod attack;
mod honest;

mod amplify;
mod bad_utf8;
mod bitmap_size;
mod broken_character;
mod describe_array;
mod describe_deep;
mod describe_escapes;
mod describe_huge;
mod describe_not_json;
mod detached_count;
mod detached_keep;
mod fields_missing;
mod finding_out_of_range;
mod finding_selected;
mod finding_unordered;
mod finish_attached;
mod finish_explodes;
mod huge_binding;
mod huge_output;
mod index_out_of_range;
mod json_explodes;
mod keep_missing;
mod key_missing;
mod null_explodes;
mod odd_buffers;
mod offsets_beyond;
mod offsets_descending;
mod other_encoding;
mod poison;
mod read_missing;
mod read_twice;
mod same_name_twice;
mod too_few_columns;
mod too_many_findings;
mod too_many_nodes;
mod too_many_outputs;
mod too_many_rows;
mod validity_size;
mod wrong_length;
mod wrong_type;

use hostile_anywhere::order::{lie, order};
use hostile_anywhere::{OrderConfig, strike};
use wasmill_plugin_sdk::bindings::transform::{Binding, Guest, Output, Processed};
use wasmill_plugin_sdk::bindings::types::{Batch, Descriptor, Failure, Schema};

use crate::attack::Attack;

/// The export that does the work.
const WORK: &str = "process";

struct Hostile;

impl Guest for Hostile {
    fn describe() -> Descriptor {
        // There is no way to fail here.
        drop(strike("describe", WORK));
        let descriptor = wasmill_plugin_sdk::__describe!(OrderConfig);
        match lie() {
            Ok(Attack::DescribeArray) => describe_array::lie(descriptor),
            Ok(Attack::DescribeDeep) => describe_deep::lie(descriptor),
            Ok(Attack::DescribeEscapes) => describe_escapes::lie(descriptor),
            Ok(Attack::DescribeHuge) => describe_huge::lie(descriptor, order()),
            Ok(Attack::DescribeNotJson) => describe_not_json::lie(descriptor),
            _ => descriptor,
        }
    }

    fn bind(_config: String, _input: Schema) -> Result<Binding, Failure> {
        strike("bind", WORK)?;
        let binding = honest::binding();
        Ok(match lie()? {
            Attack::FieldsMissing => fields_missing::bind(binding),
            Attack::HugeBinding => huge_binding::bind(binding, order()),
            Attack::KeepMissing => keep_missing::bind(binding),
            Attack::KeyMissing => key_missing::bind(binding),
            Attack::ReadMissing => read_missing::bind(binding),
            Attack::ReadTwice => read_twice::bind(binding),
            Attack::SameNameTwice => same_name_twice::bind(binding),
            Attack::JsonExplodes => json_explodes::bind(binding),
            Attack::NullExplodes => null_explodes::bind(binding),
            _ => binding,
        })
    }

    fn open(_config: String, _input: Schema) -> Result<(), Failure> {
        strike("open", WORK)
    }

    fn process(batch: Batch) -> Result<Processed, Failure> {
        strike("process", WORK)?;
        let attack = lie()?;
        if attack == Attack::JsonExplodes {
            return Ok(json_explodes::lie(&batch));
        }
        if attack == Attack::NullExplodes {
            return Ok(null_explodes::lie(&batch));
        }
        let input = honest::Input::new(batch);
        let answer = honest::answer(&input);
        Ok(match attack {
            Attack::Amplify => amplify::lie(answer, &input),
            Attack::BadUtf8 => bad_utf8::lie(answer),
            Attack::BitmapSize => bitmap_size::lie(answer),
            Attack::BrokenCharacter => broken_character::lie(answer, &input),
            Attack::DetachedCount => detached_count::lie(),
            Attack::DetachedKeep => detached_keep::lie(answer),
            Attack::FindingOutOfRange => finding_out_of_range::lie(answer, &input),
            Attack::FindingSelected => finding_selected::lie(answer),
            Attack::FindingUnordered => finding_unordered::lie(answer),
            Attack::HugeOutput => huge_output::lie(answer, order()),
            Attack::IndexOutOfRange => index_out_of_range::lie(answer, &input),
            Attack::OddBuffers => odd_buffers::lie(answer),
            Attack::OffsetsBeyond => offsets_beyond::lie(answer),
            Attack::OffsetsDescending => offsets_descending::lie(answer),
            Attack::OtherEncoding => other_encoding::lie(),
            Attack::Poison => poison::lie(answer, &input),
            Attack::TooFewColumns => too_few_columns::lie(answer),
            Attack::TooManyFindings => too_many_findings::lie(answer, order()),
            Attack::TooManyNodes => too_many_nodes::lie(answer),
            Attack::TooManyOutputs => too_many_outputs::lie(order()),
            Attack::TooManyRows => too_many_rows::lie(answer, &input, order()),
            Attack::ValiditySize => validity_size::lie(answer),
            Attack::WrongLength => wrong_length::lie(answer),
            Attack::WrongType => wrong_type::lie(answer),
            // These are told elsewhere.
            _ => answer.into_processed(),
        })
    }

    fn finish() -> Result<Vec<Output>, Failure> {
        strike("finish", WORK)?;
        Ok(match lie()? {
            Attack::FinishAttached => finish_attached::lie(),
            Attack::FinishExplodes => finish_explodes::lie(),
            _ => Vec::new(),
        })
    }
}

wasmill_plugin_sdk::bindings::transformer::export_transformer!(
    Hostile with_types_in wasmill_plugin_sdk::bindings::transformer
);
