//! One reload: look, compare, prepare, commit, publish.

use std::fmt;
use std::sync::Arc;

use super::{Act, CONFIG, Counting, Prepared, Reloads};
use crate::app::{Checked, Definition};
use crate::config::{Change, Config, Node, Path};
use crate::factory::FactoryEntry;
use crate::life::{Phase, StepError, Within, step};
use crate::problem::{Problem, Problems};
use crate::running::{Makes, Running};

/// What became of a changed configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReloadOutcome {
    /// It says what it said before.
    Unchanged,
    /// It counts from now on.
    Applied,
    /// It is wrong, or a service refused it: nothing has changed.
    Refused,
    /// A service failed to take it after others had: what those had taken was taken back where that
    /// is possible, and the former configuration counts.
    RolledBack,
}

/// What became of the change of one service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PartOutcome {
    /// It works with the new settings.
    Took,
    /// It has not been built yet, and will be with the new settings.
    NextBuild,
    /// It goes on as it is: only a restart of the application brings the change.
    NeedsRestart,
    /// It is not there yet: only a restart of the application brings it.
    AddedByRestart,
    /// It goes on although the configuration has it no longer: only a restart of the application takes it
    /// away.
    RemovedByRestart,
    /// It could take them, and others could not.
    NotAsked,
    /// It refused them, before anything was changed.
    Refused(StepError),
    /// It failed to take them.
    Failed(StepError),
    /// It had taken them, and has taken that back.
    RolledBack,
    /// It had taken them and cannot take that back: it works with the new settings, or half.
    NotRolledBack(Option<StepError>),
}

/// A service that a change concerns.
#[derive(Clone, Debug)]
pub struct PartReport {
    /// The service; or the smallest part of the configuration that is no service's, as
    /// `middleware.limit` or `life.parallel`.
    pub name: Arc<str>,
    /// What became of it.
    pub outcome: PartOutcome,
}

/// What came of a reload.
#[derive(Clone, Debug)]
pub struct ReloadReport {
    pub(crate) outcome: ReloadOutcome,
    pub(crate) revision: u64,
    pub(crate) parts: Vec<PartReport>,
    pub(crate) problems: Problems,
}

impl ReloadReport {
    /// Returns what became of the configuration.
    #[must_use]
    pub fn outcome(&self) -> ReloadOutcome {
        self.outcome
    }

    /// Returns the revision of the configuration that counts now: 1 is that of the start.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the services that the change concerns, each after those that it needs.
    #[must_use]
    pub fn parts(&self) -> &[PartReport] {
        &self.parts
    }

    /// Returns what is wrong with the new configuration.
    #[must_use]
    pub fn problems(&self) -> &Problems {
        &self.problems
    }
}

impl fmt::Display for PartReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.name)?;
        match &self.outcome {
            PartOutcome::Took => f.write_str("took its new settings"),
            PartOutcome::NextBuild => f.write_str("will be built with its new settings"),
            PartOutcome::NeedsRestart => f.write_str("goes on as it is until a restart"),
            PartOutcome::AddedByRestart => f.write_str("is added by a restart"),
            PartOutcome::RemovedByRestart => f.write_str("is taken away by a restart"),
            PartOutcome::NotAsked => f.write_str("was left as it is"),
            PartOutcome::Refused(error) => write!(f, "refused its new settings: it {error}"),
            PartOutcome::Failed(error) => write!(f, "did not take its new settings: it {error}"),
            PartOutcome::RolledBack => f.write_str("took its new settings back"),
            PartOutcome::NotRolledBack(None) => f.write_str("cannot take its new settings back"),
            PartOutcome::NotRolledBack(Some(error)) => {
                write!(f, "did not take its new settings back: it {error}")
            }
        }
    }
}

impl fmt::Display for ReloadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (revision {})",
            match self.outcome {
                ReloadOutcome::Unchanged => "the configuration says what it said before",
                ReloadOutcome::Applied => "the new configuration counts",
                ReloadOutcome::Refused => "the new configuration is refused, nothing has changed",
                ReloadOutcome::RolledBack => "the new configuration is taken back",
            },
            self.revision
        )?;
        for part in &self.parts {
            write!(f, "\n  {part}")?;
        }
        if !self.problems.is_empty() {
            write!(f, "\n{}", self.problems)?;
        }
        Ok(())
    }
}

/// A service that is offered new settings.
struct Offered {
    name: Arc<str>,
    reloads: Reloads,
    factory: Arc<FactoryEntry>,
    definition: Definition,
    within: Within,
}

impl Running {
    /// Reads the files of the configuration again, and takes what has changed.
    ///
    /// Everything is checked first; a bad file changes nothing. Then each service whose settings have
    /// changed and that [can take them](crate::Reloads) prepares; if one refuses, nothing changes.
    /// Then they commit, each after those that it needs; if one fails, those before it take back
    /// what they took, in the reverse order. At last the configuration and its values are published,
    /// each as one revision. A service that cannot take its change goes on as it is, which is told; so
    /// are services that were added, taken out or wired otherwise.
    ///
    /// Each step has the deadline of the service's `start`. One reload is under way at a time; who
    /// comes meanwhile waits, and then looks at the files as they are by then.
    pub async fn reload(&self) -> ReloadReport {
        // The semaphore is never closed.
        let _turn = self.0.config.turn.acquire().await;
        let mut report = ReloadReport {
            outcome: ReloadOutcome::Refused,
            revision: self.0.config.config.revision(),
            parts: Vec::new(),
            problems: Problems::new(),
        };
        if self.is_stopping() {
            report
                .problems
                .push(Problem::error("the application is stopping"));
            return report;
        }
        let current = &self.0.config;
        let (problems, checked) = current.declared.checked(&current.of_code);
        report.problems = problems;
        let Some(checked) = checked else {
            return report;
        };
        let same = self
            .0
            .config
            .counting()
            .is_some_and(|now| now.config.root().is_same(checked.config.root()));
        if same {
            report.outcome = ReloadOutcome::Unchanged;
            return report;
        }
        let offered = self.compare(&checked, &mut report.parts);
        let Some(prepared) = prepare(&offered, &mut report.parts).await else {
            return report;
        };
        if !commit(&offered, prepared, &mut report.parts).await {
            report.outcome = ReloadOutcome::RolledBack;
            return report;
        }
        self.publish(checked);
        report.revision = self.0.config.config.revision();
        report.outcome = ReloadOutcome::Applied;
        report
    }

    /// Tells what concerns whom, and returns those that are to be asked.
    fn compare(&self, checked: &Checked, parts: &mut Vec<PartReport>) -> Vec<Offered> {
        let mut offered = Vec::new();
        let mut tell = |name: &str, outcome| {
            parts.push(PartReport {
                name: name.into(),
                outcome,
            });
        };
        if let Some(now) = self.0.config.counting() {
            let own = self.own_settings(checked);
            for (path, change) in Config::parts_changed(&now.config, &checked.config, &own) {
                tell(
                    &path.to_string(),
                    match change {
                        Change::Added => PartOutcome::AddedByRestart,
                        Change::Removed => PartOutcome::RemovedByRestart,
                        Change::Changed => PartOutcome::NeedsRestart,
                    },
                );
            }
        }
        for service in self.graph().services() {
            if checked.graph.service(service.name()).is_none() {
                tell(service.name(), PartOutcome::RemovedByRestart);
            }
        }
        for service in checked.graph.services() {
            let name = service.name();
            let Some(plan) = self.0.plans.get(name) else {
                tell(name, PartOutcome::AddedByRestart);
                continue;
            };
            let Makes::Defined(before, factory) = &plan.makes else {
                if checked.elsewhere.contains(name) {
                    tell(name, PartOutcome::NeedsRestart);
                }
                continue;
            };
            let Some(after) = checked.definitions.get(name) else {
                // What was given in code is no longer another server's.
                tell(name, PartOutcome::NeedsRestart);
                continue;
            };
            if !is_wired_alike(before, after) {
                tell(name, PartOutcome::NeedsRestart);
                continue;
            }
            let settings = self.0.config.settings(before);
            if is_same(Some(&settings), Some(&crate::app::settings_of(after))) {
                continue;
            }
            let is_built = self.services().registry().get(name).is_some();
            match self.0.alive.read(name, Arc::clone) {
                None if !is_built => tell(name, PartOutcome::NextBuild),
                Some(alive) if alive.reloads.is_some() => {
                    tell(name, PartOutcome::NotAsked);
                    offered.extend(alive.reloads.clone().map(|reloads| Offered {
                        name: name.into(),
                        reloads,
                        factory: Arc::clone(factory),
                        definition: after.clone(),
                        within: before.within,
                    }));
                }
                _ => tell(name, PartOutcome::NeedsRestart),
            }
        }
        offered
    }

    /// Where the settings are of services that are there before and after: what changes in them is told of
    /// the service.
    fn own_settings(&self, checked: &Checked) -> Vec<Path> {
        let both = self.0.plans.iter().filter_map(|(name, plan)| {
            checked.graph.service(name)?;
            let Makes::Defined(before, _) = &plan.makes else {
                return None;
            };
            let after = checked.definitions.get(name)?;
            Some([before.settings_path.clone(), after.settings_path.clone()])
        });
        both.flatten().collect()
    }

    fn publish(&self, checked: Checked) {
        let Checked { config, values, .. } = checked;
        let before = self.0.config.counting();
        let followed = match &before {
            Some(before) => self.registries().values.follow(&before.values, &values),
            None => Ok(()),
        };
        if let Err(error) = followed {
            tracing::warn!("the configuration values could not be published: {error}");
        }
        // A name that is one.
        let _ = self
            .0
            .config
            .config
            .put(CONFIG, Counting { config, values });
    }
}

/// Whether two nodes say the same; an empty map says nothing.
pub(super) fn is_same(before: Option<&Node>, after: Option<&Node>) -> bool {
    let says = |node: Option<&Node>| {
        node.is_some_and(|node| node.as_map().is_none_or(|map| !map.is_empty()))
    };
    match (before, after) {
        (Some(before), Some(after)) if says(Some(before)) || says(Some(after)) => {
            before.is_same(after)
        }
        (before, after) => !says(before) && !says(after),
    }
}

fn is_wired_alike(before: &Definition, after: &Definition) -> bool {
    let needs = |definition: &Definition| -> Vec<_> {
        let needs = definition.needs.iter();
        needs
            .map(|(need, (to, _))| (Arc::clone(need), Arc::clone(to)))
            .collect()
    };
    before.factory == after.factory
        && before.lazy == after.lazy
        && before.within == after.within
        && needs(before) == needs(after)
}

fn set(parts: &mut [PartReport], name: &str, outcome: PartOutcome) {
    if let Some(part) = parts.iter_mut().find(|part| &*part.name == name) {
        part.outcome = outcome;
    }
}

/// Lets all prepare; `None` if one refuses.
async fn prepare(offered: &[Offered], parts: &mut [PartReport]) -> Option<Vec<Prepared>> {
    let mut prepared = Vec::with_capacity(offered.len());
    for one in offered {
        let (reloads, factory) = (one.reloads.clone(), Arc::clone(&one.factory));
        let definition = one.definition.clone();
        let preparing = async move {
            let settings = crate::app::settings_of(&definition);
            let read = factory.read(&settings, &definition.settings_path)?;
            reloads.prepare(read.value).await
        };
        match step(one.within.of(Phase::Start), preparing).await {
            Ok(ready) => prepared.push(ready),
            Err(error) => {
                set(parts, &one.name, PartOutcome::Refused(error));
                return None;
            }
        }
    }
    Some(prepared)
}

/// Lets all commit; if one fails, those before it roll back, and it is false.
async fn commit(offered: &[Offered], prepared: Vec<Prepared>, parts: &mut [PartReport]) -> bool {
    let mut done: Vec<(&Offered, Option<Act>)> = Vec::new();
    for (one, Prepared { commit, rollback }) in offered.iter().zip(prepared) {
        let within = one.within.of(Phase::Start);
        match step(within, async move { commit().await }).await {
            Ok(()) => {
                set(parts, &one.name, PartOutcome::Took);
                done.push((one, rollback));
            }
            Err(error) => {
                set(parts, &one.name, PartOutcome::Failed(error));
                for (one, rollback) in done.into_iter().rev() {
                    let within = one.within.of(Phase::Start);
                    let outcome = match rollback {
                        None => PartOutcome::NotRolledBack(None),
                        Some(rollback) => match step(within, async move { rollback().await }).await
                        {
                            Ok(()) => PartOutcome::RolledBack,
                            Err(error) => PartOutcome::NotRolledBack(Some(error)),
                        },
                    };
                    set(parts, &one.name, outcome);
                }
                return false;
            }
        }
    }
    true
}
