//! What a change of a configuration is about, by the smallest names that there are.

use std::sync::Arc;

use crate::config::{Change, Config, Map, Node, Path, Value};

impl Config {
    /// Returns the parts of two configurations that differ, each by the path of the smallest thing that has
    /// a name, and what became of it: a middleware (`middleware.limit`), a client, a router
    /// (`routers.site`), a server that came or went (`servers.main`), a setting of one, of the life or of
    /// the health (`servers.main.publish`, `life.parallel`). A setting that came or went is
    /// [`Changed`](Change::Changed).
    ///
    /// Services and values are no such parts, nor are listeners, which are services by themselves; nor
    /// is what stands at the paths `of_services`.
    #[must_use]
    pub fn parts_changed(old: &Self, new: &Self, of_services: &[Path]) -> Vec<(Path, Change)> {
        let mut parts = Parts {
            of_services,
            found: Vec::new(),
        };
        for (key, old, new) in keys(Some(old.root()), Some(new.root())) {
            let path = Path::root().key(Arc::clone(&key));
            match &*key {
                "services" | "values" => {}
                "name" => parts.setting(path, old, new),
                "life" | "health" => parts.settings(&path, old, new, &[]),
                "servers" => parts.servers(&path, old, new),
                "deployments" => parts.each(&path, old, new, |parts, path, old, new| {
                    parts.settings(path, old, new, &["servers", "values"]);
                    let of =
                        |node: Option<&Node>| node.and_then(|node| node.get("servers")).cloned();
                    parts.servers(&path.key("servers"), of(old).as_ref(), of(new).as_ref());
                }),
                _ => parts.each(&path, old, new, |parts, path, old, new| {
                    if parts.differs(path, old, new) {
                        parts.found.push((path.clone(), Change::Changed));
                    }
                }),
            }
        }
        parts.found
    }
}

struct Parts<'a> {
    of_services: &'a [Path],
    found: Vec<(Path, Change)>,
}

impl Parts<'_> {
    fn servers(&mut self, path: &Path, old: Option<&Node>, new: Option<&Node>) {
        self.each(path, old, new, |parts, path, old, new| {
            parts.settings(path, old, new, &["listeners", "values"]);
        });
    }

    /// Things that have names: what came, what went, and those that `both` have are looked at.
    fn each(
        &mut self,
        path: &Path,
        old: Option<&Node>,
        new: Option<&Node>,
        both: impl Fn(&mut Self, &Path, Option<&Node>, Option<&Node>),
    ) {
        for (key, old, new) in keys(old, new) {
            let path = path.key(key);
            match (old, new) {
                (None, _) => self.found.push((path, Change::Added)),
                (_, None) => self.found.push((path, Change::Removed)),
                (old, new) => both(self, &path, old, new),
            }
        }
    }

    /// The keys of one thing, but for some.
    fn settings(&mut self, path: &Path, old: Option<&Node>, new: Option<&Node>, but: &[&str]) {
        for (key, old, new) in keys(old, new) {
            if !but.contains(&&*key) {
                self.setting(path.key(key), old, new);
            }
        }
    }

    fn setting(&mut self, path: Path, old: Option<&Node>, new: Option<&Node>) {
        if self.differs(&path, old, new) {
            self.found.push((path, Change::Changed));
        }
    }

    /// Whether anything differs there that is not a service's.
    fn differs(&self, path: &Path, old: Option<&Node>, new: Option<&Node>) -> bool {
        if self.of_services.iter().any(|own| own.is_above(path)) {
            return false;
        }
        if let (Some(old), Some(new)) = (old, new) {
            match (&old.value, &new.value) {
                (Value::Map(_), Value::Map(_)) => {
                    return keys(Some(old), Some(new))
                        .into_iter()
                        .any(|(key, old, new)| self.differs(&path.key(key), old, new));
                }
                (Value::List(one), Value::List(two)) if one.len() == two.len() => {
                    let mut pairs = one.iter().zip(two).enumerate();
                    return pairs.any(|(at, (old, new))| {
                        self.differs(&path.index(at), Some(old), Some(new))
                    });
                }
                _ => {}
            }
        }
        !super::run::is_same(old, new)
    }
}

/// The keys of two maps, each with what it has in them: those of the first, then those that came.
#[allow(clippy::type_complexity, reason = "said once")]
fn keys<'n>(
    old: Option<&'n Node>,
    new: Option<&'n Node>,
) -> Vec<(Arc<str>, Option<&'n Node>, Option<&'n Node>)> {
    let of = |node: Option<&'n Node>| node.and_then(Node::as_map);
    let (old, new) = (of(old), of(new));
    let before = old.into_iter().flat_map(Map::iter);
    let before = before.map(|(key, node)| {
        let after = new.and_then(|new| new.get(&key.name));
        (Arc::clone(&key.name), Some(node), after)
    });
    let came = new.into_iter().flat_map(Map::iter);
    let came = came.filter(|(key, _)| old.is_none_or(|old| old.get(&key.name).is_none()));
    let came = came.map(|(key, node)| (Arc::clone(&key.name), None, Some(node)));
    before.chain(came).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::App;

    const FILE: &str = "
name: a
values: { x: 1 }
services: { s: {} }
life: { parallel: 2 }
middleware:
  limit: { type: rate-limit, settings: { rate: 1/s } }
  request-id: {}
clients: { users: { server: other } }
routers:
  site: { routes: [{ prefix: /a, files: { root: x } }, { router: b }] }
  \"a.b\": {}
servers:
  main: { publish: [s], values: { x: 2 }, listeners: { one: { address: 127.0.0.1:1 } } }
deployments:
  d: { servers: { e: { url: http://e } } }
";

    fn told(from: &str, to: &str, of_services: &[&str]) -> Vec<String> {
        assert!(FILE.contains(from), "{from}");
        let config = |text: &str| App::from_text(text).config().unwrap();
        let (old, new) = (config(FILE), config(&FILE.replace(from, to)));
        let of_services: Vec<Path> = of_services.iter().map(|one| one.parse().unwrap()).collect();
        let parts = Config::parts_changed(&old, &new, &of_services);
        let told = |(path, change): (Path, Change)| format!("{change:?} {path}");
        parts.into_iter().map(told).collect()
    }

    #[test]
    fn the_smallest_thing_that_has_a_name_is_told() {
        for (from, to, expected) in [
            ("name: a", "name: b", &["Changed name"][..]),
            ("rate: 1/s", "rate: 2/s", &["Changed middleware.limit"]),
            ("  request-id: {}\n", "", &["Removed middleware.request-id"]),
            (
                "  request-id: {}\n",
                "  request-id: {}\n  more: {}\n",
                &["Added middleware.more"],
            ),
            (
                "server: other",
                "server: another",
                &["Changed clients.users"],
            ),
            ("router: b", "router: c", &["Changed routers.site"]),
            (", { router: b }", "", &["Changed routers.site"]),
            ("  \"a.b\": {}\n", "", &["Removed routers.\"a.b\""]),
            ("parallel: 2", "parallel: 3", &["Changed life.parallel"]),
            (
                "{ parallel: 2 }",
                "{ within: { stop: 1s } }",
                &["Changed life.parallel", "Changed life.within"],
            ),
            (
                "publish: [s]",
                "publish: [s, t]",
                &["Changed servers.main.publish"],
            ),
            ("publish: [s], ", "", &["Changed servers.main.publish"]),
            (
                "  main: {",
                "  more: {}\n  main: {",
                &["Added servers.more"],
            ),
            (
                "url: http://e",
                "url: http://f",
                &["Changed deployments.d.servers.e.url"],
            ),
            (
                "{ e: { url: http://e } }",
                "{ f: {} }",
                &[
                    "Removed deployments.d.servers.e",
                    "Added deployments.d.servers.f",
                ],
            ),
            // These are no such parts, or say the same.
            ("values: { x: 1 }", "values: { x: 3 }", &[]),
            ("values: { x: 2 }", "values: { x: 3 }", &[]),
            ("services: { s: {} }", "services: { t: {} }", &[]),
            ("address: 127.0.0.1:1", "address: 127.0.0.1:2", &[]),
            ("life: {", "health: {}\nlife: {", &[]),
        ] {
            assert_eq!(told(from, to, &[]), expected, "{from} -> {to}");
        }
    }

    #[test]
    fn what_is_of_a_service_is_no_change_of_what_it_stands_in() {
        let own = ["routers.site.routes[0].files"];
        assert_eq!(told("root: x", "root: y", &[]), ["Changed routers.site"]);
        assert_eq!(told("root: x", "root: y", &own), [""; 0]);
        assert_eq!(
            told("prefix: /a", "prefix: /b", &own),
            ["Changed routers.site"]
        );
    }
}
