//! The data folder: where this user's registries are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::cli::FolderArguments;
use crate::failure::Failure;

/// The folder's own name.
const NAME: &str = "byname";

/// The data folder. It need not exist: the first commit to a registry in it makes it.
#[derive(Clone, Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// Where the folder is: as the command line says, or as the platform's convention is. `None`
    /// when neither says it.
    pub(crate) fn find(arguments: &FolderArguments) -> Option<Self> {
        Self::at(arguments.data.clone())
    }

    /// Where the folder is: `chosen`, or as the platform's convention is if there is one.
    pub(crate) fn at(chosen: Option<PathBuf>) -> Option<Self> {
        let path = match chosen {
            Some(path) => Some(path),
            None => conventional(|name| std::env::var_os(name), std::env::home_dir()),
        };
        path.map(|path| Self { path })
    }

    /// As [`find`](Self::find), for a command that cannot do without.
    pub(crate) fn required(arguments: &FolderArguments) -> Result<Self, Failure> {
        Self::find(arguments).ok_or_else(|| {
            Failure::new(
                "there is no data folder: the environment names no home; choose one with --data DIR",
            )
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The document of the registry `name`.
    pub(crate) fn document(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.json"))
    }
}

/// The folder for state of a program that nobody else needs, which is to outlive it.
fn conventional(
    variable: impl Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    let absolute = |path: PathBuf| Some(path).filter(|path| path.is_absolute());
    let from = |name| variable(name).map(PathBuf::from).and_then(absolute);
    let home = home.and_then(absolute);
    let below = |parts: &[&str]| {
        Some(
            parts
                .iter()
                .fold(home.clone()?, |path, part| path.join(part)),
        )
    };
    let folder = if cfg!(windows) {
        from("LOCALAPPDATA").or_else(|| below(&["AppData", "Local"]))
    } else if cfg!(target_os = "macos") {
        from("XDG_STATE_HOME").or_else(|| below(&["Library", "Application Support"]))
    } else {
        // The XDG Base Directory Specification: relative paths are invalid and are to be ignored.
        from("XDG_STATE_HOME").or_else(|| below(&[".local", "state"]))
    };
    folder.map(|folder| Path::join(&folder, NAME))
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_where_the_specification_says() {
        let home = || Some(PathBuf::from("/homes/a"));
        let with = |value: Option<&str>, home| {
            let value = value.map(OsString::from);
            conventional(
                move |name| value.clone().filter(|_| name == "XDG_STATE_HOME"),
                home,
            )
        };
        assert_eq!(with(Some("/state"), home()), Some("/state/byname".into()));
        assert_eq!(with(Some("/state"), None), Some("/state/byname".into()));
        let by_home = Some(PathBuf::from("/homes/a/.local/state/byname"));
        for ignored in [
            None,
            Some(""),
            Some("state"),
            Some("./state"),
            Some("~/state"),
        ] {
            assert_eq!(with(ignored, home()), by_home, "{ignored:?}");
        }
        assert_eq!(with(None, None), None);
        assert_eq!(with(Some("state"), Some(PathBuf::new())), None);
    }
}
