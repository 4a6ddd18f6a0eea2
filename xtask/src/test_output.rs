//! Reads what `cargo test` prints: counts tests, and finds the suites that never came to a result.
//!
//! Its lines come in this order for each suite, stdout and stderr being one stream:
//!
//! ```text
//!      Running unittests src/lib.rs (target/debug/deps/wasmill_ledger-0123456789abcdef)
//! test outbox::tests::keeps_the_order ... FAILED
//! test result: FAILED. 11 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.21s
//! ```
//!
//! A suite that ends without its result line has crashed. Doc tests may print several result lines.

/// What has been read so far.
#[derive(Debug, Default)]
pub struct TestOutput {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were left out, by `#[ignore]`.
    pub ignored: u64,
    /// Which tests failed: suite and name.
    pub failed_tests: Vec<String>,
    /// Suites that could not be built, or ended without a result: one sentence each.
    pub broken: Vec<String>,
    suite: Option<Suite>,
}

#[derive(Debug)]
struct Suite {
    name: String,
    has_result: bool,
}

impl TestOutput {
    /// Reads the next line.
    pub fn line(&mut self, line: &str) {
        let line = line.trim();
        if let Some(name) = suite_name(line) {
            self.end_suite();
            self.suite = Some(Suite { name, has_result: false });
        } else if let Some(counts) = Counts::parse(line) {
            self.passed += counts.passed;
            self.failed += counts.failed;
            self.ignored += counts.ignored;
            if let Some(suite) = &mut self.suite {
                suite.has_result = true;
            }
        } else if let Some(test) = failed_test(line) {
            let suite = self.suite.as_ref().map_or("unknown suite", |suite| &suite.name);
            self.failed_tests.push(format!("{suite}: {test}"));
        } else if let Some(what) = not_built(line) {
            self.broken.push(format!("{what} could not be built"));
        }
    }

    /// To be called after the last line.
    pub fn end(&mut self) {
        self.end_suite();
    }

    fn end_suite(&mut self) {
        if let Some(suite) = self.suite.take()
            && !suite.has_result
        {
            self.broken.push(format!("{} ended without a result", suite.name));
        }
    }
}

/// The numbers of a result line.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Counts {
    fn parse(line: &str) -> Option<Self> {
        let result = line.strip_prefix("test result: ")?;
        let (_, counts) = result.split_once(". ")?;
        let count = |what: &str| -> Option<u64> {
            counts.split("; ").find_map(|part| part.strip_suffix(what)?.trim_end().parse().ok())
        };
        Some(Self {
            passed: count("passed")?,
            failed: count("failed")?,
            ignored: count("ignored")?,
        })
    }
}

/// The name of the suite whose start the line announces, such as `wasmill_ledger (unittests src/lib.rs)`.
fn suite_name(line: &str) -> Option<String> {
    if let Some(library) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{library} (doc tests)"));
    }
    let (source, executable) =
        line.strip_prefix("Running ")?.strip_suffix(')')?.split_once(" (")?;
    let file = executable.rsplit(['/', '\\']).next()?;
    let (name, _hash) = file.rsplit_once('-')?;
    Some(format!("{name} ({source})"))
}

/// The name of the test that the line says has failed.
fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

/// What the line says could not be built, such as `` `wasmill-ledger` (lib test) ``.
fn not_built(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("error: could not compile ")
        .or_else(|| line.strip_prefix("error: could not document "))
        .or_else(|| line.strip_prefix("error: failed to run custom build command for "))?;
    let end = rest.find(" due to ").unwrap_or(rest.len());
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> TestOutput {
        let mut output = TestOutput::default();
        lines.lines().for_each(|line| output.line(line));
        output.end();
        output
    }

    #[test]
    fn suites_and_doc_tests_are_added_up() {
        let output = read(
            "     Running unittests src/lib.rs (target/debug/deps/wasmill_ledger-0123456789abcdef)

running 3 tests
test a ... ok
test b ... ignored
test c ... ok

test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.20s

   Doc-tests wasmill_plugin_sdk

running 1 test
test plugin-sdk/rust/src/lib.rs - (line 9) ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

running 1 test
test plugin-sdk/rust/src/lib.rs - (line 40) - compile fail ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.31s

all doctests ran in 0.80s; merged doctests compilation took 0.40s",
        );
        assert_eq!((output.passed, output.failed, output.ignored), (4, 0, 1));
        assert_eq!(output.failed_tests, [] as [&str; 0]);
        assert_eq!(output.broken, [] as [&str; 0]);
    }

    #[test]
    fn failed_tests_are_named_once() {
        let output = read(
            "     Running plugins.rs (/cache/my target (2)/debug/deps/plugins-0123456789abcdef)

running 2 tests
test clean ... FAILED
test pii ... ok

failures:

---- clean stdout ----
thread 'clean' panicked at tests/plugins.rs:44:61:

failures:
    clean

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s

error: test failed, to rerun pass `-p wasmill-tests --test plugins`
error: 1 target failed:
    `-p wasmill-tests --test plugins`",
        );
        assert_eq!((output.passed, output.failed), (1, 1));
        assert_eq!(output.failed_tests, ["plugins (plugins.rs): clean"]);
        assert_eq!(output.broken, [] as [&str; 0]);
    }

    #[test]
    fn a_crashed_suite_is_broken_wherever_it_is() {
        let output = read(
            "     Running hostile.rs (target/debug/deps/hostile-01)
running 1 test
error: test failed, to rerun pass `-p wasmill-tests --test hostile`
Caused by:
  process didn't exit successfully: `target/debug/deps/hostile-01` (signal: 6, SIGABRT)
     Running cli.rs (target/debug/deps/cli-02)
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
     Running loader.rs (target/debug/deps/loader-03)
running 1 test",
        );
        assert_eq!(output.passed, 3);
        assert_eq!(
            output.broken,
            [
                "hostile (hostile.rs) ended without a result",
                "loader (loader.rs) ended without a result"
            ]
        );
    }

    #[test]
    fn what_cannot_be_built_is_broken() {
        let output = read(
            "error[E0308]: mismatched types
error: could not compile `wasmill-pii` (lib test) due to 1 previous error; 2 warnings emitted
error: failed to run custom build command for `ring v0.17.14`",
        );
        assert_eq!(
            output.broken,
            ["`wasmill-pii` (lib test) could not be built", "`ring v0.17.14` could not be built"]
        );
    }

    #[test]
    fn other_lines_mean_nothing() {
        for line in [
            "",
            "Running",
            "Running out of (ideas)",
            "test result: ok",
            "test result: ok. x passed",
        ] {
            assert_eq!(Counts::parse(line), None, "{line}");
            assert_eq!(suite_name(line), None, "{line}");
        }
    }
}
