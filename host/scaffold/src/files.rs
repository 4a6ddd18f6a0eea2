//! The files of a project, of templates.
//!
//! What is below these folders of `templates` makes up a project, and a file that several of them have consists of all of theirs, one
//! after another:
//!
//! | Folder | Is for |
//! |---|---|
//! | `common` | every project |
//! | `LANGUAGE/shared`, for a script `python/script` | all kinds in this language: the file that describes the project |
//! | `kinds/KIND` | this kind in all languages: the cases of `wasmill test` |
//! | `LANGUAGE/KIND` | the plugin |
//!
//! Beside them are texts that only become parts of files: `kinds/KIND/summary.txt` and `use.md`, `LANGUAGE/files.md`.
//! A file `gitignore` becomes `.gitignore`, which would mean something here too. These words are replaced, in texts and in
//! names of files:
//!
//! | Word | Becomes |
//! |---|---|
//! | `@NAME@` | the plugin's name, such as `gross-price` |
//! | `@MODULE@` | the file that it is in, without its extension, such as `gross_price` |
//! | `@KIND@`, `@LANGUAGE@`, `@SUMMARY@` | what it is, in what, and what it does |
//! | `@HTTP@` | `true` or `false`: whether it sends HTTP |
//! | `@SOURCE@` | what is built: `.`, or the file of a script |
//! | `@FILES@`, `@USE@` | of the README: which files there are, and a pipeline |

use crate::{Form, Project};

/// The templates, with their paths.
const TEMPLATES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// Templates that are parts of others.
const PARTS: [&str; 2] = ["summary.txt", "use.md"];

/// A file of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Within the project, with `/`.
    pub path: String,
    pub text: String,
}

/// The files of a project, without the SDK.
pub fn of(project: &Project) -> Vec<File> {
    let (kind, language) = (project.kind.name(), project.form.folder());
    let shared = match project.form {
        Form::PythonScript => "python/script/".to_owned(),
        _ => format!("{language}/shared/"),
    };
    let layers =
        ["common/".to_owned(), shared, format!("kinds/{kind}/"), format!("{language}/{kind}/")];
    let mut files: Vec<File> = Vec::new();
    for layer in &layers {
        for (path, text) in below(layer) {
            if PARTS.contains(&path) {
                continue;
            }
            let path = filled(path, project).replace("gitignore", ".gitignore");
            let text = filled(text, project);
            match files.iter_mut().find(|file| file.path == path) {
                Some(file) => file.text.push_str(&text),
                None => files.push(File { path, text }),
            }
        }
    }
    files
}

fn below(layer: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    TEMPLATES.iter().filter_map(move |(path, text)| Some((path.strip_prefix(layer)?, *text)))
}

fn part(path: &str) -> &'static str {
    let found = TEMPLATES.iter().find(|(name, _)| *name == path);
    found.expect("each kind and each language has this part").1.trim_end()
}

/// A text with what the words stand for. Parts come first, as they have words in them.
fn filled(text: &str, project: &Project) -> String {
    let (kind, language) = (project.kind.name(), project.form.folder());
    let files = match project.form {
        Form::PythonScript => "python/script.md".to_owned(),
        _ => format!("{language}/files.md"),
    };
    text.replace("@FILES@", part(&files))
        .replace("@USE@", part(&format!("kinds/{kind}/use.md")))
        .replace("@SUMMARY@", part(&format!("kinds/{kind}/summary.txt")))
        .replace("@KIND@", kind)
        .replace("@LANGUAGE@", project.form.title())
        .replace("@HTTP@", if crate::sends_http(project.kind) { "true" } else { "false" })
        .replace("@SOURCE@", &project.source())
        .replace("@MODULE@", &project.name.module(project.form))
        .replace("@NAME@", project.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn projects() -> impl Iterator<Item = Project> {
        Form::ALL.into_iter().flat_map(|form| {
            Kind::ALL.map(|kind| Project { name: "gross-price".parse().unwrap(), kind, form })
        })
    }

    /// Words between two `@`, as the templates have them.
    fn placeholders(text: &str) -> Vec<&str> {
        let parts: Vec<&str> = text.split('@').collect();
        let inner = parts.get(1..parts.len() - 1).unwrap_or_default();
        let is_word =
            |part: &&&str| !part.is_empty() && part.chars().all(|char| char.is_ascii_uppercase());
        inner.iter().filter(is_word).copied().collect()
    }

    #[test]
    fn nothing_is_left_to_be_filled_in() {
        assert_eq!(placeholders("a @NAME@ b@c.d @X"), ["NAME"]);
        for project in projects() {
            for File { path, text } in of(&project) {
                assert_eq!(placeholders(&path), Vec::<&str>::new(), "{project:?}: {path}");
                assert_eq!(placeholders(&text), Vec::<&str>::new(), "{project:?}: {path}");
                assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{project:?}: {path}");
            }
        }
    }

    #[test]
    fn every_project_has_what_it_needs() {
        for project in projects() {
            let kind = project.kind.name();
            let files = of(&project);
            let describes = match project.form {
                Form::Rust => "Cargo.toml",
                Form::Python => "pyproject.toml",
                Form::PythonScript => "gross_price.py",
                Form::JavaScript | Form::TypeScript => "package.json",
                Form::C | Form::Go => "plugin.toml",
            };
            for path in [describes, "README.md", ".gitignore", &format!("tests/{kind}.toml")] {
                let file = files.iter().find(|file| file.path == path);
                assert!(file.is_some_and(|file| !file.text.is_empty()), "{project:?}: {path}");
            }
            let describes = files.iter().find(|file| file.path == describes).unwrap();
            assert!(describes.text.contains("gross-price"), "{project:?}");
        }
    }

    #[test]
    fn what_has_a_grammar_is_valid() {
        for project in projects() {
            for File { path, text } in of(&project) {
                if path.ends_with(".toml") {
                    let table: toml::Table = text.parse().unwrap();
                    let cases = table.get("case").and_then(toml::Value::as_array);
                    assert_eq!(cases.is_some(), path.starts_with("tests/"), "{project:?}: {path}");
                } else if path.ends_with(".json") {
                    serde_json::from_str::<serde_json::Value>(&text).unwrap();
                }
            }
        }
    }

    #[test]
    fn cases_have_names_of_their_own() {
        for project in projects() {
            let path = format!("tests/{}.toml", project.kind.name());
            let file = of(&project).into_iter().find(|file| file.path == path).unwrap();
            let table: toml::Table = file.text.parse().unwrap();
            let cases = table["case"].as_array().unwrap();
            let mut names: Vec<&str> =
                cases.iter().map(|case| case["name"].as_str().unwrap()).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert!(count >= 2 && names.len() == count, "{names:?}");
        }
    }

    #[test]
    fn the_readme_shows_a_pipeline() {
        for project in projects() {
            let readme = of(&project).into_iter().find(|file| file.path == "README.md").unwrap();
            let pipeline = readme.text.split("```toml\n").nth(1).unwrap();
            let pipeline: toml::Table = pipeline.split("```").next().unwrap().parse().unwrap();
            assert!(pipeline.contains_key("pipeline"), "{project:?}");
            let source = project.source();
            assert!(readme.text.contains(&format!("wasmill build {source} ")), "{project:?}");
        }
    }
}
