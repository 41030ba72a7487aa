//! Which server of which deployment this process is.

use std::fmt;
use std::sync::Arc;

use byname_registry::{Place, Registry, nearest};

use crate::problem::{Problem, Problems};

/// The name of a server of a deployment, written `DEPLOYMENT.SERVER`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName {
    /// The deployment.
    pub deployment: Arc<str>,
    /// The server.
    pub server: Arc<str>,
}

impl ServerName {
    /// Makes a name.
    #[must_use]
    pub fn new(deployment: impl Into<Arc<str>>, server: impl Into<Arc<str>>) -> Self {
        Self {
            deployment: deployment.into(),
            server: server.into(),
        }
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.deployment, self.server)
    }
}

/// The one entry of the registry of choices.
const CURRENT: &str = "server";

/// Which server this process is: chosen once it is known which ones there are, and read back at any
/// time. A clone is another name for the same choice.
///
/// # Examples
///
/// ```
/// use byname_components::{Place, ServerChoice, ServerName};
///
/// let declared = [
///     (ServerName::new("shop", "main"), Place::new("app.yaml:8:7")),
///     (ServerName::new("shop", "jobs"), Place::new("app.yaml:9:7")),
/// ];
/// let choice = ServerChoice::new();
/// choice.choose(&declared, Some("jobs"))?;
/// assert_eq!(choice.current().expect("chosen").to_string(), "shop.jobs");
/// let error = choice.choose(&declared, Some("shop.jibs")).unwrap_err();
/// assert_eq!(
///     error.iter().next().expect("one problem").message(),
///     "there is no server `shop.jibs`; did you mean `shop.jobs`?",
/// );
/// # Ok::<(), byname_components::Problems>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServerChoice(Registry<ServerName>);

impl Default for ServerChoice {
    fn default() -> Self {
        Self::new()
    }
}

impl ServerChoice {
    /// Makes one where nothing has been chosen.
    #[must_use]
    pub fn new() -> Self {
        Self(Registry::<()>::builder().label("current server").build())
    }

    /// Returns what was chosen last.
    #[must_use]
    pub fn current(&self) -> Option<ServerName> {
        self.0.read(CURRENT, Clone::clone)
    }

    /// The registry of the one choice: to list and observe.
    #[cfg(feature = "http")]
    pub(crate) fn registry(&self) -> &Registry<ServerName> {
        &self.0
    }

    /// Chooses of the servers that are declared, each with its place. `asked` is `DEPLOYMENT.SERVER`;
    /// or `SERVER`, where only one deployment has a server of that name; or nothing, where there is only
    /// one server. Returns `None` where none is declared and none was asked for.
    ///
    /// # Errors
    ///
    /// A problem with the candidates, their places and the nearest names, if there is no such server or
    /// more than one could be meant. What was chosen before stays.
    pub fn choose(
        &self,
        declared: &[(ServerName, Place)],
        asked: Option<&str>,
    ) -> Result<Option<ServerName>, Problems> {
        let chosen = match (asked, declared) {
            (None, []) => None,
            (None, [(only, _)]) => Some(only),
            (None, several) => {
                return Err(problem(
                    Problem::error(format!(
                        "there are {} servers, and nothing says which one this process is",
                        several.len()
                    )),
                    &several.iter().collect::<Vec<_>>(),
                )
                .into());
            }
            (Some(asked), declared) => Some(named(declared, asked)?),
        };
        let stored = match chosen {
            Some(server) => self.0.put(CURRENT, server.clone()).map(drop),
            None => match self.0.remove(CURRENT) {
                Err(byname_registry::ChangeError::Absent { .. }) => Ok(()),
                removed => removed.map(drop),
            },
        };
        match stored {
            Ok(()) => Ok(chosen.cloned()),
            Err(error) => Err(Problem::error(format!(
                "the choice of a server could not be kept: {error}"
            ))
            .into()),
        }
    }
}

fn named<'a>(declared: &'a [(ServerName, Place)], asked: &str) -> Result<&'a ServerName, Problem> {
    let find = |is: &dyn Fn(&ServerName) -> bool| -> Vec<&'a (ServerName, Place)> {
        declared.iter().filter(|(server, _)| is(server)).collect()
    };
    // Compared as they are written: a name may have dots of its own.
    let mut found = find(&|server| server.to_string() == asked);
    if found.is_empty() {
        found = find(&|server| &*server.server == asked);
    }
    match found[..] {
        [(server, _)] => Ok(server),
        [] => {
            let mut names: Vec<_> = declared
                .iter()
                .map(|(server, _)| server.to_string())
                .collect();
            let mut likely = nearest(names.iter(), asked);
            if likely.is_empty() {
                // A server's own name may be near where the whole one is not.
                let like = nearest(declared.iter().map(|(server, _)| &server.server), asked);
                names.retain(|name| {
                    like.iter()
                        .any(|server| name.ends_with(&format!(".{server}")))
                });
                names.truncate(3);
                likely = names;
            }
            let problem_of = Problem::error(format!("there is no server `{asked}`"));
            Err(problem(
                problem_of.nearest(&likely),
                &declared.iter().collect::<Vec<_>>(),
            ))
        }
        ref several => Err(problem(
            Problem::error(format!(
                "`{asked}` is the name of {} servers",
                several.len()
            )),
            several,
        )),
    }
}

/// Adds who could be meant.
fn problem(mut problem: Problem, candidates: &[&(ServerName, Place)]) -> Problem {
    let mut names = Vec::new();
    for (server, place) in candidates {
        problem = problem.at(place.clone(), format!("`{server}` is declared here"));
        names.push(server.to_string());
    }
    if names.is_empty() {
        problem.help("no servers are declared; leave the choice out, or declare them")
    } else {
        problem.help(format!("choose one with --server: {}", names.join(", ")))
    }
}
