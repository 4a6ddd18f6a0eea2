//! Puts a project into a folder: all of it, or nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Project, ScaffoldError, files};

/// Whether a project can be made in `folder`: it is not there, or it is empty.
pub fn is_free(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Makes the project in `folder`. `complete` adds what is not of templates, such as the SDK, to the folder that it is given.
///
/// The files are written beside `folder`, which is where they are once all of them are there.
///
/// # Errors
///
/// When there is something at `folder`, when a file cannot be written, and when `complete` fails.
pub fn create<E: From<ScaffoldError>>(
    project: &Project,
    folder: &Path,
    complete: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    if !is_free(folder) {
        return Err(ScaffoldError::Occupied { path: folder.to_owned() }.into());
    }
    let unfinished = unfinished(folder)?;
    let made = write(project, &unfinished)
        .map_err(E::from)
        .and_then(|()| complete(&unfinished))
        // An empty folder is replaced; one that somebody has filled meanwhile is not.
        .and_then(|()| {
            fs::rename(&unfinished, folder).map_err(|error| ScaffoldError::io(folder)(error).into())
        });
    if made.is_err() {
        // What is left of it would only be in the way.
        let _ = fs::remove_dir_all(&unfinished);
    }
    made
}

/// A new folder beside the project's.
fn unfinished(folder: &Path) -> Result<PathBuf, ScaffoldError> {
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(ScaffoldError::io(parent))?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = parent.join(format!(".{name}.{}.unfinished", std::process::id()));
    fs::create_dir(&unfinished).map_err(ScaffoldError::io(&unfinished))?;
    Ok(unfinished)
}

fn write(project: &Project, folder: &Path) -> Result<(), ScaffoldError> {
    for file in files::of(project) {
        let path = folder.join(&file.path);
        let parent = path.parent().expect("it is below the folder");
        fs::create_dir_all(parent).map_err(ScaffoldError::io(parent))?;
        fs::write(&path, &file.text).map_err(ScaffoldError::io(&path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Form, Kind};

    fn project() -> Project {
        Project {
            name: "gross-price".parse().unwrap(),
            kind: Kind::Transformer,
            form: Form::Python,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_project_is_made_in_a_new_folder_or_an_empty_one() {
        let parent = tempfile::tempdir().unwrap();
        for folder in ["some/new", "empty"] {
            let folder = parent.path().join(folder);
            if folder.ends_with("empty") {
                fs::create_dir(&folder).unwrap();
            }
            create::<ScaffoldError>(&project(), &folder, |folder| {
                fs::write(folder.join("more"), "").map_err(ScaffoldError::io(folder))
            })
            .unwrap();
            let expected =
                [".gitignore", "README.md", "gross_price.py", "more", "pyproject.toml", "tests"];
            assert_eq!(names(&folder), expected);
        }
        assert_eq!(names(parent.path()), ["empty", "some"]);
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("full");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("precious"), "x").unwrap();
        fs::write(parent.path().join("file"), "x").unwrap();
        for path in [folder.clone(), parent.path().join("file")] {
            assert!(!is_free(&path));
            let error = create::<ScaffoldError>(&project(), &path, |_| Ok(())).unwrap_err();
            assert!(matches!(error, ScaffoldError::Occupied { .. }), "{error}");
        }
        assert_eq!(names(&folder), ["precious"]);
        assert_eq!(names(parent.path()), ["file", "full"]);
    }

    #[test]
    fn nothing_half_written_stays() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("new");
        let fails = |folder: &Path| {
            assert!(folder.join("README.md").is_file());
            Err(ScaffoldError::io(folder)(io::Error::other("the disk is full")))
        };
        let error = create(&project(), &folder, fails).unwrap_err().to_string();
        assert!(error.contains("the disk is full"), "{error}");
        assert_eq!(names(parent.path()), Vec::<String>::new());
    }
}
