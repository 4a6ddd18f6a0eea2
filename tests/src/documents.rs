//! Documents whose code is executed: what a reader would do with them, in the order in which they are read.
//!
//! A document runs in a temporary folder of its own. Its blocks of code say what they are by what stands behind their fence:
//!
//! | Block | What is done with it |
//! |---|---|
//! | `sh` | Run line by line, in the folder that the last `cd` led to. A line that ends with a backslash goes on in the next. Each must succeed. |
//! | `sh fails=65` | The same, but the last command must end with this exit code. |
//! | `LANGUAGE PATH` | Written to the file, as seen from that folder, in place of what is there. |
//! | `LANGUAGE PATH added` | Added to the end of the file, after an empty line. |
//! | `text output` | These lines must be, one after another, in what the block of commands before printed. In a line, `…` stands for anything that varies; as a line of its own, for any lines. |
//! | `text` | Nothing: a picture or a line of output that depends on the machine. No code. |
//!
//! Anything else is refused, so that no code is left unexecuted. Fences stand at the beginning of their line.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What stands for whatever varies.
const ANYTHING: &str = "…";

/// A block of code, and the line that its fence is in.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    line: usize,
    what: What,
    text: String,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    Commands { exit_code: i32 },
    File { path: String, is_added: bool },
    Output,
    Illustration,
}

/// Where a document is not as it says.
#[derive(Debug)]
pub struct Wrong {
    document: PathBuf,
    line: usize,
    message: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { document, line, message } = self;
        write!(formatter, "{}:{line}: {message}", document.display())
    }
}

impl std::error::Error for Wrong {}

/// Does what a document says, in `folder`, with these variables of the environment. Returns how many blocks were executed.
///
/// # Errors
///
/// At the first block that is none of those above, command that ends otherwise than it should, or output that is not as shown.
pub fn execute(
    document: &Path,
    folder: &Path,
    variables: &[(&str, OsString)],
) -> Result<usize, Wrong> {
    let text = fs::read_to_string(document).map_err(|error| Wrong {
        document: document.to_owned(),
        line: 0,
        message: error.to_string(),
    })?;
    let wrong = |(line, message)| Wrong { document: document.to_owned(), line, message };
    let blocks = blocks(&text).map_err(wrong)?;
    let mut reader = Reader { folder: folder.to_owned(), variables, printed: None };
    let mut executed = 0;
    for block in &blocks {
        reader.does(block).map_err(|message| wrong((block.line, message)))?;
        executed += usize::from(block.what != What::Illustration);
    }
    Ok(executed)
}

/// Links of a document to files and headings that are not there. Those to other places are not followed.
pub fn broken_links(document: &Path) -> Vec<String> {
    let text = fs::read_to_string(document).expect("a document");
    let folder = document.parent().expect("a document lies in a folder");
    let mut broken = BTreeSet::new();
    let mut targets: Vec<&str> = Vec::new();
    for line in prose(&text) {
        targets.extend(line.split("](").skip(1).filter_map(|rest| rest.split(')').next()));
    }
    for target in targets.into_iter().filter(|target| !target.contains("://")) {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let path = if file.is_empty() { document.to_owned() } else { folder.join(file) };
        let is_there = match (path.exists(), heading) {
            (false, _) => false,
            (true, "") => true,
            (true, heading) => {
                let other = fs::read_to_string(&path).expect("headings are in documents");
                anchors(&other).contains(heading)
            }
        };
        if !is_there {
            broken.insert(target.to_owned());
        }
    }
    broken.into_iter().collect()
}

/// The lines that are in no block of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// What GitHub calls the headings of a document.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for heading in prose(text).filter(|line| line.starts_with('#')) {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
        let anchor: String = kept.map(|char| if char == ' ' { '-' } else { char }).collect();
        let again = (1..).map(|number| format!("{anchor}-{number}"));
        let mut names = std::iter::once(anchor.clone()).chain(again);
        anchors
            .insert(names.find(|name| !anchors.contains(name)).expect("there is no last number"));
    }
    anchors
}

/// The blocks of a document in their order; or the line and what is wrong with it.
fn blocks(text: &str) -> Result<Vec<Block>, (usize, String)> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    while let Some((number, line)) = lines.next() {
        if !line.starts_with("```") {
            if line.trim_start().starts_with("```") {
                return Err((number, "a fence stands at the beginning of its line".to_owned()));
            }
            continue;
        }
        let info = line.trim_start_matches('`');
        let fence = &line[..line.len() - info.len()];
        let what = what(info).map_err(|message| (number, message))?;
        let mut text = String::new();
        loop {
            let Some((_, line)) = lines.next() else {
                return Err((number, "this block does not end".to_owned()));
            };
            if line == fence {
                break;
            }
            text.push_str(line);
            text.push('\n');
        }
        if text.trim().is_empty() {
            return Err((number, "this block is empty".to_owned()));
        }
        blocks.push(Block { line: number, what, text });
    }
    Ok(blocks)
}

fn what(info: &str) -> Result<What, String> {
    let words: Vec<&str> = info.split_whitespace().collect();
    let what = match words.as_slice() {
        ["sh"] => What::Commands { exit_code: 0 },
        ["text"] => What::Illustration,
        ["text", "output"] => What::Output,
        ["sh", expected] if expected.starts_with("fails=") => {
            let number = expected.trim_start_matches("fails=");
            match number.parse() {
                Ok(exit_code) if exit_code != 0 => What::Commands { exit_code },
                _ => return Err(format!("`{number}` is no exit code of a failure")),
            }
        }
        [_, path] if is_path(path) => What::File { path: (*path).to_owned(), is_added: false },
        [_, path, "added"] if is_path(path) => {
            What::File { path: (*path).to_owned(), is_added: true }
        }
        _ => {
            return Err(format!(
                "`{info}` says nothing about what to do with this block: sh, sh fails=N, text, text output, LANGUAGE PATH, \
                 LANGUAGE PATH added"
            ));
        }
    };
    Ok(what)
}

/// Whether it is a file below the folder in hand.
fn is_path(text: &str) -> bool {
    text.contains('.') && !text.starts_with('/') && !text.contains("..")
}

/// Somebody who reads a document, and does what it says.
struct Reader<'a> {
    folder: PathBuf,
    variables: &'a [(&'a str, OsString)],
    /// By the last block of commands.
    printed: Option<String>,
}

impl Reader<'_> {
    fn does(&mut self, block: &Block) -> Result<(), String> {
        match &block.what {
            What::Illustration => Ok(()),
            What::Commands { exit_code } => self.runs(&block.text, *exit_code),
            What::File { path, is_added } => self
                .writes(path, &block.text, *is_added)
                .map_err(|error| format!("{path}: {error}")),
            What::Output => {
                let Some(printed) = &self.printed else {
                    return Err("no command comes before this output".to_owned());
                };
                if is_within(&block.text, printed) {
                    return Ok(());
                }
                Err(format!("this is not what was printed:\n{printed}"))
            }
        }
    }

    fn writes(&self, path: &str, text: &str, is_added: bool) -> std::io::Result<()> {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().expect("it is in the folder"))?;
        if !is_added {
            return fs::write(path, text);
        }
        let mut file = OpenOptions::new().append(true).open(path)?;
        write!(file, "\n{text}")
    }

    fn runs(&mut self, text: &str, exit_code: i32) -> Result<(), String> {
        let commands = text.replace("\\\n", " ");
        let commands: Vec<&str> = commands.lines().filter(|line| !line.trim().is_empty()).collect();
        let mut printed = String::new();
        for (number, command) in commands.iter().enumerate() {
            if let Some(folder) = command.strip_prefix("cd ") {
                self.folder.push(folder.split('#').next().unwrap_or_default().trim());
                if !self.folder.is_dir() {
                    return Err(format!("`{command}`: there is no such folder"));
                }
                continue;
            }
            let is_last = number + 1 == commands.len();
            let expected = if is_last { exit_code } else { 0 };
            let (code, output) =
                self.runs_one(command).map_err(|error| format!("`{command}`: {error}"))?;
            printed.push_str(&output);
            if code != Some(expected) {
                return Err(format!(
                    "`{command}` ended with {code:?}, not with {expected}:\n{output}"
                ));
            }
        }
        self.printed = Some(printed);
        Ok(())
    }

    /// Its exit code, and all that it printed, in the order of a terminal.
    fn runs_one(&self, command: &str) -> std::io::Result<(Option<i32>, String)> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("printed");
        let printed = File::create(&path)?;
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(&self.folder);
        shell.envs(self.variables.iter().map(|(name, value)| (name, value)));
        shell.stdin(Stdio::null()).stdout(printed.try_clone()?).stderr(printed);
        let status = shell.status()?;
        Ok((status.code(), String::from_utf8_lossy(&fs::read(path)?).into_owned()))
    }
}

/// Whether the lines that are expected are in those that were printed, one after another.
fn is_within(expected: &str, printed: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim_end().to_owned()).collect()
    };
    let (expected, printed) = (lines(expected), lines(printed));
    (0..=printed.len()).any(|first| begins_with(&printed[first..], &expected))
}

fn begins_with(printed: &[String], expected: &[String]) -> bool {
    match expected.split_first() {
        None => true,
        Some((line, rest)) if line == ANYTHING => {
            (0..=printed.len()).any(|skipped| begins_with(&printed[skipped..], rest))
        }
        Some((line, rest)) => match printed.split_first() {
            Some((first, others)) => is_like(first, line) && begins_with(others, rest),
            None => false,
        },
    }
}

/// Whether a line is as expected, where some of it may vary.
fn is_like(line: &str, expected: &str) -> bool {
    match expected.split_once(ANYTHING) {
        None => line == expected,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            let ends = rest.char_indices().map(|(index, _)| index).chain([rest.len()]);
            ends.into_iter().any(|end| is_like(&rest[end..], after))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn executed(text: &str) -> Result<usize, String> {
        let folder = tempfile::tempdir().unwrap();
        let document = folder.path().join("document.md");
        fs::write(&document, text).unwrap();
        let work = folder.path().join("work");
        fs::create_dir(&work).unwrap();
        let result = execute(&document, &work, &[("GREETING", "hello".into())]);
        result.map_err(|wrong| {
            wrong.to_string().replace(&format!("{}", document.display()), "document.md")
        })
    }

    #[test]
    fn commands_files_and_output_are_those_of_a_reader() {
        let text = "# Title\n```text\na ──▶ b\n```\n```sh\nmkdir -p a/b\ncd a  # there\n```\n```python b/x.py\n1\n```\n\
                    ```python b/x.py added\n2\n```\n```sh\necho $GREETING \\\n  world; cat b/x.py >&2\n```\n\
                    ```text output\nhel…ld\n1\n…\n2\n```\n```sh fails=3\ntrue\nexit 3\n```\n";
        assert_eq!(executed(text), Ok(6));
    }

    #[test]
    fn whatever_is_not_as_it_says_is_refused_with_its_line() {
        let cases = [
            ("```rust\nfn main() {}\n```\n", "document.md:1: `rust` says nothing"),
            ("text\n  ```sh\n", "document.md:2: a fence stands at the beginning"),
            ("```sh\ntrue\n", "document.md:1: this block does not end"),
            ("```sh\n\n```\n", "document.md:1: this block is empty"),
            ("```toml /etc/x.toml\na\n```\n", "document.md:1: `toml /etc/x.toml` says nothing"),
            ("```toml x.toml added\na\n```\n", "document.md:1: x.toml: "),
            ("```sh fails=0\ntrue\n```\n", "document.md:1: `0` is no exit code of a failure"),
            ("```sh\ntrue\nfalse\n```\n", "document.md:1: `false` ended with Some(1), not with 0"),
            (
                "```sh fails=65\ntrue\n```\n",
                "document.md:1: `true` ended with Some(0), not with 65",
            ),
            ("```sh fails=1\nfalse\nfalse\n```\n", "document.md:1: `false` ended with Some(1)"),
            ("```sh\ncd nowhere\n```\n", "document.md:1: `cd nowhere`: there is no such folder"),
            ("```text output\na\n```\n", "document.md:1: no command comes before"),
            ("```sh\necho a\n```\n```text output\nb\n```\n", "document.md:4: this is not what was"),
        ];
        for (text, expected) in cases {
            let wrong = executed(text).unwrap_err();
            assert!(wrong.starts_with(expected), "{text:?}: {wrong}");
        }
    }

    #[test]
    fn output_may_vary_only_where_it_says_so() {
        for (expected, printed) in [
            ("b\nc", "a\nb\nc\nd"),
            ("a\n…\nd", "a\nb\nc\nd"),
            ("in … s, … rows", "in 1.5 s, 3 rows"),
        ] {
            assert!(is_within(expected, printed), "{expected:?} in {printed:?}");
        }
        for (expected, printed) in
            [("a\nc", "a\nb\nc"), ("b", "ab"), ("a…", "b"), ("a…c", "ab"), ("…\ne", "a\nb")]
        {
            assert!(!is_within(expected, printed), "{expected:?} in {printed:?}");
        }
    }

    #[test]
    fn links_lead_somewhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a.md"), "# One `two`, three\n## x\n## x\n").unwrap();
        let text = "[a](a.md) [b](a.md#one-two-three) [c](a.md#x-1) [d](b.md) [e](#here) [f](https://x.y/z)\n\
                    [g](a.md#four)\n```sh\necho '](no.md)'\n```\n# Here\n";
        fs::write(path("c.md"), text).unwrap();
        assert_eq!(broken_links(&path("c.md")), ["a.md#four", "b.md"]);
    }
}
