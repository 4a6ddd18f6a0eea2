//! What came of the calls of a cassette, and how two outcomes differ.

use serde::{Deserialize, Serialize};
use wasmill_sandbox::fault::{Fault, FaultKind};

use crate::file::secrets::Redaction;

/// What a fresh instance did with the calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What it took to create and open the instance; none where that failed.
    pub open_fuel: Option<u64>,
    /// The calls that went well, in order.
    pub passed: Vec<PassedCall>,
    /// The call that ended it; none where all went well.
    pub failed: Option<FailedCall>,
    /// A request over HTTP that was not the recorded one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
}

/// A call that went well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedCall {
    pub fuel: u64,
    /// The SHA-256 of everything that came back: rows, their positions, findings, partial states.
    pub output: String,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCall {
    /// Such as `process`; `bind` or `open` where it did not come to a call of the cassette.
    pub export: String,
    /// Which call of the cassette, counted from 0.
    pub call: Option<usize>,
    pub kind: FaultKind,
    pub message: String,
    /// What the call used up; 0 where it is not known: under `guarded`, and of `bind` and `open`.
    pub fuel: u64,
    /// Where in the plugin, innermost first.
    pub stack: Vec<String>,
    /// The last log lines, oldest first.
    pub log: Vec<String>,
}

impl FailedCall {
    pub(super) fn new(
        export: &str,
        call: Option<usize>,
        fault: &Fault,
        fuel: u64,
        log: Vec<String>,
    ) -> Self {
        Self {
            export: export.to_owned(),
            call,
            kind: fault.kind(),
            message: crate::error::chain(fault),
            fuel,
            stack: fault.stack().iter().map(ToString::to_string).collect(),
            log: if log.is_empty() { fault.last_words().to_vec() } else { log },
        }
    }

    /// Whether it fails in the same way as another: the same kind of fault at the same place, whatever the rows are. Of a trap
    /// the place is the whole stack, so that one bug is not taken for another.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.export == other.export
            && (self.kind != FaultKind::Trap || self.stack == other.stack)
    }
}

impl Outcome {
    /// Without what nobody is to see.
    pub(super) fn redacted(mut self, secrets: &Redaction) -> Self {
        if let Some(failed) = &mut self.failed {
            failed.message = secrets.apply(&failed.message);
            for text in failed.log.iter_mut().chain(&mut failed.stack) {
                *text = secrets.apply(text);
            }
        }
        self.http = self.http.map(|text| secrets.apply(&text));
        self
    }

    /// In words, such as ``a trap in `process` ``.
    pub fn in_words(&self) -> String {
        match &self.failed {
            Some(failed) => format!("{} in `{}`", failed.kind.name(), failed.export),
            None => "no fault".to_owned(),
        }
    }

    /// What is not as it was recorded. Stacks and log lines are not compared: they explain.
    ///
    /// Where the deadline ends a call, it is not the guest that decides when: its fuel is not compared either.
    pub fn differences(&self, recorded: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: String, was: String, is: String| {
            if was != is {
                found.push(format!("{what}: {is} instead of {was}"));
            }
        };
        let fuel = |fuel: Option<u64>| fuel.map_or("none".to_owned(), |fuel| fuel.to_string());
        compare("outcome".to_owned(), recorded.in_words(), self.in_words());
        compare("fuel to open".to_owned(), fuel(recorded.open_fuel), fuel(self.open_fuel));
        for (number, (was, is)) in recorded.passed.iter().zip(&self.passed).enumerate() {
            let call = number + 1;
            compare(format!("fuel of call {call}"), was.fuel.to_string(), is.fuel.to_string());
            compare(format!("output of call {call}"), was.output.clone(), is.output.clone());
        }
        if let (Some(was), Some(is)) = (&recorded.failed, &self.failed) {
            let at = |call: &FailedCall| match call.call {
                Some(call) => format!("call {}", call + 1),
                None => call.export.clone(),
            };
            compare("fails at".to_owned(), at(was), at(is));
            compare("message".to_owned(), was.message.clone(), is.message.clone());
            if was.kind != FaultKind::Deadline {
                compare("fuel".to_owned(), was.fuel.to_string(), is.fuel.to_string());
            }
        }
        if self.http != recorded.http
            && let Some(http) = &self.http
        {
            found.push(format!("HTTP: {http}"));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: FaultKind, fuel: u64) -> Outcome {
        let failed = FailedCall {
            export: "process".to_owned(),
            call: Some(1),
            kind,
            message: "no".to_owned(),
            fuel,
            stack: vec!["f".to_owned()],
            log: Vec::new(),
        };
        let passed = vec![PassedCall { fuel: 7, output: "sha256:0".to_owned() }];
        Outcome { open_fuel: Some(3), passed, failed: Some(failed), http: None }
    }

    #[test]
    fn every_difference_is_named() {
        let recorded = failed(FaultKind::Trap, 5);
        assert!(recorded.differences(&recorded).is_empty());
        let mut other = failed(FaultKind::Trap, 6);
        other.open_fuel = Some(4);
        other.passed[0] = PassedCall { fuel: 8, output: "sha256:1".to_owned() };
        other.http = Some("it asks for more".to_owned());
        assert_eq!(
            other.differences(&recorded),
            [
                "fuel to open: 4 instead of 3",
                "fuel of call 1: 8 instead of 7",
                "output of call 1: sha256:1 instead of sha256:0",
                "fuel: 6 instead of 5",
                "HTTP: it asks for more",
            ]
        );
        let passes = Outcome { failed: None, ..recorded.clone() };
        assert_eq!(
            passes.differences(&recorded),
            ["outcome: no fault instead of trap in `process`"]
        );
    }

    #[test]
    fn a_deadline_says_nothing_of_fuel() {
        let recorded = failed(FaultKind::Deadline, 5);
        assert!(failed(FaultKind::Deadline, 6).differences(&recorded).is_empty());
    }

    #[test]
    fn another_place_is_another_trap() {
        let trap = failed(FaultKind::Trap, 5).failed.unwrap();
        let elsewhere = FailedCall { stack: vec!["g".to_owned()], ..trap.clone() };
        assert!(trap.is_alike(&FailedCall { fuel: 9, message: "else".to_owned(), ..trap.clone() }));
        assert!(!trap.is_alike(&elsewhere));
        assert!(!trap.is_alike(&FailedCall { kind: FaultKind::Fuel, ..trap.clone() }));
    }
}
