//! `wasmill new`.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use dialoguer::theme::ColorfulTheme;
use dialoguer::{Input, Select};
use wasmill_build::{Language, local};
use wasmill_scaffold::{Form, Kind, Name, Project, ScaffoldError, create, is_free};

use crate::failure::Failure;

pub const EXAMPLES: &str = "\
What is made: a folder NAME with a small plugin that works, cases that test it (tests/*.toml), a README with a pipeline that uses it, and
the SDK for editors. What NAME, --kind and --lang leave open is asked for, on a terminal.

    extractor     reads orders from an HTTP API, page after page, and goes on there in the next run
    transformer   adds a column, and rejects rows
    validator     judges rows, and the table
    loader        stages rows in an HTTP API, and commits them
    notifier      posts events

Examples:
    wasmill new                         asks for everything
    wasmill new gross-price --kind transformer --lang rust
    wasmill new gross-price --kind transformer --lang python --script     one file, without pyproject.toml
    wasmill new orders-api --kind extractor --lang ts --in plugins";

#[derive(Debug, Args)]
pub struct NewArgs {
    /// The plugin's name, lower-case words with hyphens, such as gross-price.
    name: Option<String>,
    /// What the plugin is.
    #[arg(long, value_enum)]
    kind: Option<KindName>,
    /// The language.
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// A Python plugin that is one file: its first lines say what pyproject.toml would.
    #[arg(long)]
    script: bool,
    /// The folder in which the project's folder is made.
    #[arg(long = "in", value_name = "FOLDER", default_value = ".")]
    parent: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindName {
    Extractor,
    Transformer,
    Validator,
    Loader,
    Notifier,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Extractor => Self::Extractor,
            KindName::Transformer => Self::Transformer,
            KindName::Validator => Self::Validator,
            KindName::Loader => Self::Loader,
            KindName::Notifier => Self::Notifier,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lang {
    Rust,
    Python,
    Js,
    Ts,
    C,
    Go,
}

/// Makes the project of a plugin.
pub fn new(args: &NewArgs) -> Result<ExitCode, Failure> {
    let project = project(args)?;
    let folder = args.parent.join(project.name.as_str());
    create(&project, &folder, |folder| {
        local::make(folder, language(project.form))
            .map_err(|error| Failure::new(74, error.to_string()))
    })?;
    let (kind, title) = (project.kind.name(), project.form.title());
    let source = match project.source().as_str() {
        "." => String::new(),
        file => format!(" {file}"),
    };
    let article = if project.kind == Kind::Extractor { "an" } else { "a" };
    say!("{}: {article} {kind} in {title}, in {}\n", project.name, folder.display());
    say!("    cd {}", quoted(&folder));
    say!("    wasmill test{source}");
    say!("    wasmill build{source}");
    Ok(ExitCode::SUCCESS)
}

/// What the arguments say, and what is asked for where they do not.
fn project(args: &NewArgs) -> Result<Project, Failure> {
    let name = args.name.as_deref().map(str::parse::<Name>).transpose()?;
    if let Some(name) = &name {
        let folder = args.parent.join(name.as_str());
        if !is_free(&folder) {
            return Err(ScaffoldError::Occupied { path: folder }.into());
        }
    }
    let kind = args.kind.map(Kind::from);
    let form = form(args.lang, args.script)?;
    let mut missing = Vec::new();
    missing.extend(name.is_none().then_some("NAME"));
    missing.extend(kind.is_none().then_some("--kind"));
    missing.extend(form.is_none().then_some("--lang"));
    let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !missing.is_empty() && !can_ask {
        let message =
            format!("nothing can be asked without a terminal; missing: {}", missing.join(", "));
        let hint = "wasmill new gross-price --kind transformer --lang rust; `wasmill new --help` lists kinds and languages";
        return Err(Failure::new(2, message).hint(hint));
    }
    let name = name.map_or_else(|| ask_name(&args.parent), Ok)?;
    let kind = kind.map_or_else(|| ask("Kind", &Kind::ALL, described), Ok)?;
    let form = form.map_or_else(|| ask("Language", &Form::ALL, titled), Ok)?;
    Ok(Project { name, kind, form })
}

fn form(lang: Option<Lang>, is_script: bool) -> Result<Option<Form>, Failure> {
    let form = match lang {
        None | Some(Lang::Python) if is_script => Form::PythonScript,
        Some(_) if is_script => {
            return Err(Failure::new(
                2,
                "only a Python plugin can be one file: --script is for --lang python",
            ));
        }
        None => return Ok(None),
        Some(Lang::Rust) => Form::Rust,
        Some(Lang::Python) => Form::Python,
        Some(Lang::Js) => Form::JavaScript,
        Some(Lang::Ts) => Form::TypeScript,
        Some(Lang::C) => Form::C,
        Some(Lang::Go) => Form::Go,
    };
    Ok(Some(form))
}

/// Of which language the SDK is.
fn language(form: Form) -> Language {
    match form {
        Form::Rust => Language::Rust,
        Form::Python | Form::PythonScript => Language::Python,
        Form::JavaScript | Form::TypeScript => Language::Js,
        Form::C => Language::C,
        Form::Go => Language::Go,
    }
}

fn ask_name(parent: &Path) -> Result<Name, Failure> {
    let text: String = Input::with_theme(&ColorfulTheme::default())
        .with_prompt("Name")
        .validate_with(|name: &String| {
            let name: Name = name.parse()?;
            let path = parent.join(name.as_str());
            if is_free(&path) { Ok(()) } else { Err(ScaffoldError::Occupied { path }) }
        })
        .interact_text()
        .map_err(not_asked)?;
    Ok(text.parse::<Name>()?)
}

fn ask<T: Copy>(prompt: &str, choices: &[T], shown: impl Fn(T) -> String) -> Result<T, Failure> {
    let lines: Vec<String> = choices.iter().map(|choice| shown(*choice)).collect();
    let chosen = Select::with_theme(&ColorfulTheme::default())
        .with_prompt(prompt)
        .items(&lines)
        .default(0)
        .interact()
        .map_err(not_asked)?;
    Ok(choices[chosen])
}

fn described(kind: Kind) -> String {
    let does = match kind {
        Kind::Extractor => "reads rows from somewhere",
        Kind::Transformer => "changes, filters and rejects rows",
        Kind::Validator => "judges rows, and the table",
        Kind::Loader => "stages rows somewhere, and commits them",
        Kind::Notifier => "tells somebody how a run ended",
    };
    format!("{:<12} {does}", kind.name())
}

fn titled(form: Form) -> String {
    match form {
        Form::PythonScript => "Python, one file".to_owned(),
        form => form.title().to_owned(),
    }
}

/// An answer that did not come: the terminal is gone, or somebody pressed Ctrl-C.
fn not_asked(error: dialoguer::Error) -> Failure {
    let dialoguer::Error::IO(error) = error;
    let exit_code = if error.kind() == io::ErrorKind::Interrupted { 130 } else { 74 };
    Failure::new(exit_code, format!("nothing was made: {error}"))
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path).display().to_string();
    let is_plain = |char: char| char.is_alphanumeric() || "/._-+".contains(char);
    if path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

impl From<ScaffoldError> for Failure {
    fn from(error: ScaffoldError) -> Self {
        let exit_code = match error {
            ScaffoldError::Name { .. } | ScaffoldError::Occupied { .. } => 2,
            ScaffoldError::Io { .. } => 74,
        };
        Self::new(exit_code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_wants_it() {
        assert_eq!(quoted(Path::new("./gross-price")), "gross-price");
        assert_eq!(quoted(Path::new("my plugins/it's")), r"'my plugins/it'\''s'");
    }
}
