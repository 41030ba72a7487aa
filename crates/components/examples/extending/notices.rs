//! Notices that go to everybody who is on a list: the module of `docs/extending.md`.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use byname_components::{BoxError, Made, Prepared, Registrar, Reloads, all};
use byname_registry::{Policy, Registry, Subscription};
use tokio::task::JoinSet;

/// Sends notices to the outlets that are on a topic's list.
pub struct Notices {
    /// By topic: a list that is replaced, and never changed.
    lists: Registry<List>,
    /// By the names of their services. They do not change.
    outlets: BTreeMap<Arc<str>, Arc<dyn Outlet>>,
}

/// The outlets of a topic.
pub type List = Arc<[Arc<dyn Outlet>]>;

/// What a notice goes out by: mail, a log, a call.
pub trait Outlet: Send + Sync {
    /// Sends one notice.
    fn send(&self, notice: Arc<[u8]>) -> Sending;
}

/// A notice that is under way.
pub type Sending = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// The names of outlets by topic, as the file has them.
pub type Lists = BTreeMap<String, Vec<String>>;

impl Notices {
    /// Replaces the lists of these topics, all in one revision, which is returned.
    ///
    /// # Errors
    ///
    /// If a name is that of no outlet; then nothing has changed.
    pub fn subscribe(&self, lists: &Lists) -> Result<u64, BoxError> {
        Ok(self.lists.put_all(self.resolve(lists)?)?)
    }

    /// Finds the outlets that are meant, and changes nothing.
    fn resolve(&self, lists: &Lists) -> Result<Vec<(String, List)>, BoxError> {
        let list = |(topic, names): (&String, &Vec<String>)| {
            let outlets = names.iter().map(|name| {
                let outlet = self.outlets.get(name.as_str()).map(Arc::clone);
                outlet.ok_or_else(|| format!("topic `{topic}`: there is no outlet `{name}`"))
            });
            Ok((topic.clone(), outlets.collect::<Result<List, String>>()?))
        };
        lists.iter().map(list).collect()
    }
}

impl Notices {
    /// Hears of every change of the lists from now on, in order.
    #[must_use]
    pub fn changes(&self) -> Subscription<List> {
        self.lists.subscribe(Policy::DropOldest).1
    }
}

impl Notices {
    /// Sends a notice to all outlets of a topic at the same time, and waits for all of them. Returns
    /// how many there were.
    ///
    /// # Errors
    ///
    /// Of the outlets that failed or panicked the first one's error; the others have the notice.
    pub async fn publish(&self, topic: &str, notice: &[u8]) -> Result<usize, BoxError> {
        let Some(list) = self.lists.read(topic, Arc::clone) else {
            return Ok(0);
        };
        let notice: Arc<[u8]> = notice.into();
        let mut sending = JoinSet::new();
        for outlet in &*list {
            sending.spawn(outlet.send(Arc::clone(&notice)));
        }
        let mut first = Ok(list.len());
        while let Some(sent) = sending.join_next().await {
            if let Err(error) = sent.map_err(BoxError::from).flatten() {
                first = first.and(Err(error));
            }
        }
        first
    }
}

/// The settings of a service of the type `notices`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
pub struct NoticesSettings {
    /// The names of outlets by topic.
    lists: Lists,
}

async fn notices(
    settings: NoticesSettings,
    outlets: Vec<(Arc<str>, Arc<dyn Outlet>)>,
) -> Result<Made<Notices>, BoxError> {
    let notices = Arc::new(Notices {
        lists: Registry::new(),
        outlets: outlets.into_iter().collect(),
    });
    notices.subscribe(&settings.lists)?;
    let [reloading, ending] = [Arc::clone(&notices), Arc::clone(&notices)];
    let reloads = Reloads::new(move |settings: NoticesSettings| {
        let notices = Arc::clone(&reloading);
        async move {
            let lists = notices.resolve(&settings.lists)?;
            Ok(Prepared::new(move || async move {
                notices.lists.put_all(lists)?;
                Ok(())
            }))
        }
    });
    Ok(Made::new(notices)
        .reloads(reloads)
        .on_drain(move || async move {
            ending.publish("service", b"going down").await?;
            Ok(())
        }))
}

/// Registers the factory `notices`, which needs all outlets that there are.
pub fn module(registrar: &mut Registrar<'_>) {
    registrar.factory("notices", (all::<dyn Outlet>(),), notices);
}
