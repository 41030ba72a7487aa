//! Where a path leads: every place on the way whose change can change the file behind it.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// As many symlinks as the system itself follows before it gives up.
const MOST_LINKS: usize = 40;

/// The places that decide what a path leads to.
///
/// A path leads through names in folders: its own name, and the name of each symlink on the way.
/// A save by rename, a swapped symlink (on any part of the path), a removal and a return each
/// change one of these names, so watching `folders` for `names` misses none of them. What the
/// trail is may itself change with each of those, so it is followed anew after every one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Trail {
    /// The folders to watch.
    pub(super) folders: BTreeSet<PathBuf>,
    /// The full paths of the names in them that matter.
    pub(super) names: BTreeSet<PathBuf>,
}

impl Trail {
    /// Follows an absolute path as far as it leads.
    pub(super) fn follow(path: &Path) -> Self {
        let mut trail = Self::default();
        let mut rest: VecDeque<OsString> = parts(path);
        let mut here = root(path);
        let mut links = 0;
        while let Some(part) = rest.pop_front() {
            if part == ".." {
                here.pop();
                continue;
            }
            let next = here.join(&part);
            let Ok(metadata) = fs::symlink_metadata(&next) else {
                // The trail ends here for now; it goes on when this name appears.
                trail.note(here, next);
                break;
            };
            if metadata.is_symlink() && links < MOST_LINKS {
                links += 1;
                if let Ok(target) = fs::read_link(&next) {
                    for part in parts(&target).into_iter().rev() {
                        rest.push_front(part);
                    }
                    let after = if target.is_absolute() {
                        root(&target)
                    } else {
                        here.clone()
                    };
                    trail.note(here, next);
                    here = after;
                    continue;
                }
            }
            if rest.is_empty() {
                trail.note(here, next);
                break;
            }
            here = next;
        }
        trail
    }

    /// Adds what another trail watches.
    pub(super) fn extend(&mut self, other: Self) {
        self.folders.extend(other.folders);
        self.names.extend(other.names);
    }

    /// Says whether something that happened at `path` may concern the file.
    ///
    /// What happened to a watched folder itself (it went, it was renamed) always does.
    pub(super) fn concerns(&self, path: &Path) -> bool {
        self.names.contains(path) || self.folders.contains(path)
    }

    fn note(&mut self, folder: PathBuf, name: PathBuf) {
        self.folders.insert(folder);
        self.names.insert(name);
    }
}

/// The names and `..` of a path; what only says where it begins is left out.
fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

/// Where an absolute path begins.
fn root(path: &Path) -> PathBuf {
    path.components()
        .take_while(|part| matches!(part, Component::Prefix(_) | Component::RootDir))
        .collect()
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::slice::from_ref;

    use super::*;
    use std::os::unix::fs::symlink;

    /// A temporary folder whose own path holds no symlink.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        (folder, path)
    }

    fn trail(folders: &[PathBuf], names: &[PathBuf]) -> Trail {
        Trail {
            folders: folders.iter().cloned().collect(),
            names: names.iter().cloned().collect(),
        }
    }

    #[test]
    fn a_plain_file_is_decided_by_its_name_in_its_folder() {
        let (_folder, at) = folder();
        fs::write(at.join("a.json"), "{}").unwrap();
        let found = Trail::follow(&at.join("a.json"));
        assert_eq!(found, trail(from_ref(&at), &[at.join("a.json")]));
    }

    #[test]
    fn a_swapped_data_link_is_on_the_trail() {
        // The layout in which Kubernetes mounts a ConfigMap.
        let (_folder, at) = folder();
        fs::create_dir(at.join("..1")).unwrap();
        fs::write(at.join("..1/a.json"), "{}").unwrap();
        symlink("..1", at.join("..data")).unwrap();
        symlink("..data/a.json", at.join("a.json")).unwrap();
        let found = Trail::follow(&at.join("a.json"));
        let expected = trail(
            &[at.clone(), at.join("..1")],
            &[at.join("a.json"), at.join("..data"), at.join("..1/a.json")],
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn a_symlinked_folder_further_up_is_on_the_trail() {
        let (_folder, at) = folder();
        fs::create_dir_all(at.join("releases/1")).unwrap();
        fs::write(at.join("releases/1/a.json"), "{}").unwrap();
        symlink(at.join("releases/1"), at.join("current")).unwrap();
        let found = Trail::follow(&at.join("current/a.json"));
        let expected = trail(
            &[at.clone(), at.join("releases/1")],
            &[at.join("current"), at.join("releases/1/a.json")],
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn a_missing_part_ends_the_trail_where_it_would_appear() {
        let (_folder, at) = folder();
        let found = Trail::follow(&at.join("later/deep/a.json"));
        assert_eq!(found, trail(from_ref(&at), &[at.join("later")]));
    }

    #[test]
    fn links_in_a_circle_end() {
        let (_folder, at) = folder();
        symlink("b", at.join("a")).unwrap();
        symlink("a", at.join("b")).unwrap();
        let found = Trail::follow(&at.join("a"));
        assert_eq!(found, trail(from_ref(&at), &[at.join("a"), at.join("b")]));
    }

    #[test]
    fn a_way_up_through_a_link_leads_where_the_system_leads() {
        let (_folder, at) = folder();
        fs::create_dir_all(at.join("x/y")).unwrap();
        fs::write(at.join("x/a.json"), "{}").unwrap();
        symlink("x/y", at.join("link")).unwrap();
        let found = Trail::follow(&at.join("link/../a.json"));
        let expected = trail(
            &[at.clone(), at.join("x")],
            &[at.join("link"), at.join("x/a.json")],
        );
        assert_eq!(found, expected);
    }
}
