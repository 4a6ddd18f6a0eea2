//! What a tool complains about, and where: compilers and interpreters name files and lines, each in its own way.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// How many lines of the tool's output are shown, the last ones.
const LINES: usize = 60;
/// How many places of the project are shown.
const PLACES: usize = 3;

/// A tool that failed.
#[derive(Debug)]
pub struct Complaint {
    /// What was done, such as `go build`.
    pub tool: String,
    /// The end of what it said.
    pub output: String,
    /// The lines of the project that it named.
    pub places: Vec<Place>,
}

/// A line of the project.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    /// Within the project.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    pub text: String,
}

impl Complaint {
    /// Looks for lines of files in `folder` in what `tool` said.
    pub fn new(tool: impl Into<String>, output: &str, folder: &Path) -> Self {
        let lines: Vec<&str> = output.trim_end().lines().collect();
        let mut places: Vec<Place> = Vec::new();
        for line in &lines {
            for place in named(line).filter_map(|(file, line)| place(folder, file, line)) {
                if places.len() < PLACES && !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        let output = lines[lines.len().saturating_sub(LINES)..].join("\n");
        Self { tool: tool.into(), output, places }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} failed", self.tool)?;
        for place in &self.places {
            let (file, line) = (place.file.display(), place.line);
            write!(formatter, "\n  {file}:{line}\n    {}", place.text.trim())?;
        }
        write!(formatter, "\n{}", self.output)
    }
}

impl std::error::Error for Complaint {}

/// The files and lines that a line of output names: `File "app.py", line 3` or `src/lib.rs:3:5`.
fn named(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let python = text.split_once("File \"").and_then(|(_, rest)| {
        let (file, rest) = rest.split_once("\", line ")?;
        Some((file, leading_number(rest)?))
    });
    let words = text.split(|char: char| char.is_whitespace() || "()[]'\"`".contains(char));
    let others = words.filter_map(|word| {
        let word = word.strip_prefix("file://").unwrap_or(word);
        word.match_indices(':').find_map(|(at, _)| {
            let line = leading_number(&word[at + 1..])?;
            (at > 0).then_some((&word[..at], line))
        })
    });
    python.into_iter().chain(others)
}

fn leading_number(text: &str) -> Option<usize> {
    let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok().filter(|number| *number > 0)
}

/// The line, where the file is one of the project.
fn place(folder: &Path, file: &str, line: usize) -> Option<Place> {
    let path = folder.join(file);
    let root = folder.canonicalize().ok()?;
    let path = path.canonicalize().ok()?;
    let file = path.strip_prefix(root).ok()?.to_owned();
    let text = fs::read_to_string(&path).ok()?.lines().nth(line - 1)?.to_owned();
    Some(Place { file, line, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_tools_name_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("app.py"), "import json\nfirst = wrong\n").unwrap();
        fs::write(folder.path().join("src/main.go"), "package main\n\nfunc main() { x }\n")
            .unwrap();
        let absolute = folder.path().join("app.py");
        let cases = [
            (
                format!("  File \"{}\", line 2, in <module>", absolute.display()),
                "app.py",
                2,
                "first = wrong",
            ),
            ("./src/main.go:3:15: undefined: x".to_owned(), "src/main.go", 3, "func main() { x }"),
            ("error at (src/main.go:1)".to_owned(), "src/main.go", 1, "package main"),
        ];
        for (output, file, line, text) in cases {
            let complaint = Complaint::new("tool", &output, folder.path());
            let expected = Place { file: file.into(), line, text: text.into() };
            assert_eq!(complaint.places, [expected], "{output}");
            assert!(complaint.to_string().contains(text), "{complaint}");
        }
        for other in ["/usr/lib/python3/json.py:1", "no:1", "12:30:05", "app.py:9", "a:b"] {
            assert_eq!(Complaint::new("tool", other, folder.path()).places, [], "{other}");
        }
    }
}
