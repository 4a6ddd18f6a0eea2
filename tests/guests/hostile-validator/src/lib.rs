//! A validator that attacks its host: `{ "attack": NAME }`, one attack a file. What others can do too is in
//! `hostile-anywhere`.

mod attack;
mod honest;

mod conclusion_extremes;
mod conclusion_flood;
mod huge_partial;
mod huge_state;
mod read_flood;
mod read_missing;
mod violation_escapes;
mod violation_flood;
mod violation_of_nothing;
mod violation_out_of_range;
mod violation_unordered;

use hostile_anywhere::order::{lie, order};
use hostile_anywhere::{OrderConfig, strike};
use wasmill_plugin_sdk::bindings::types::{Batch, Descriptor, Failure, Schema};
use wasmill_plugin_sdk::bindings::validate::{Binding, Conclusion, Guest, Verdict};

use crate::attack::Attack;

/// The export that does the work.
const WORK: &str = "check";

struct Hostile;

impl Guest for Hostile {
    fn describe() -> Descriptor {
        // There is no way to fail here.
        drop(strike("describe", WORK));
        wasmill_plugin_sdk::__describe!(OrderConfig)
    }

    fn bind(_config: String, _input: Schema) -> Result<Binding, Failure> {
        strike("bind", WORK)?;
        let binding = honest::binding();
        Ok(match lie()? {
            Attack::ReadFlood => read_flood::lie(binding, order()),
            Attack::ReadMissing => read_missing::lie(binding),
            _ => binding,
        })
    }

    fn open(_config: String, _input: Schema) -> Result<(), Failure> {
        strike("open", WORK)
    }

    fn check(batch: Batch) -> Result<Verdict, Failure> {
        strike("check", WORK)?;
        let verdict = honest::verdict(&batch);
        Ok(match lie()? {
            Attack::HugePartial => huge_partial::lie(verdict, order()),
            Attack::ViolationEscapes => violation_escapes::lie(verdict),
            Attack::ViolationFlood => violation_flood::lie(verdict, order()),
            Attack::ViolationOfNothing => violation_of_nothing::lie(verdict),
            Attack::ViolationOutOfRange => violation_out_of_range::lie(verdict),
            Attack::ViolationUnordered => violation_unordered::lie(verdict),
            _ => verdict,
        })
    }

    fn merge(partials: Vec<Vec<u8>>) -> Result<Vec<u8>, Failure> {
        strike("merge", WORK)?;
        Ok(match lie()? {
            Attack::HugeState => huge_state::lie(order()),
            _ => honest::merge(&partials),
        })
    }

    fn conclude(state: Vec<u8>) -> Result<Conclusion, Failure> {
        strike("conclude", WORK)?;
        Ok(match lie()? {
            Attack::ConclusionExtremes => conclusion_extremes::lie(),
            Attack::ConclusionFlood => conclusion_flood::lie(order()),
            _ => honest::conclusion(&state),
        })
    }
}

wasmill_plugin_sdk::bindings::validator::export_validator!(
    Hostile with_types_in wasmill_plugin_sdk::bindings::validator
);
