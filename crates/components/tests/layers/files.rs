//! Files, what they include, and what lies over them.

use byname_components::Severity;

use super::{covered, expect, folder, layers, origin, text, told, write};

#[test]
fn maps_are_merged_by_key_and_everything_else_is_replaced() {
    let folder = folder(&[
        (
            "a.yaml",
            "m: {x: 1, y: {z: 1, w: 1}}\nl: [1, 2]\nn: 1\nk: 1",
        ),
        ("b.yaml", "m: {y: {z: 2}, v: 2}\nl: [3]\nn: null"),
    ]);
    let layers = layers(&folder).file("a.yaml").file("b.yaml");
    expect(
        &layers,
        &[
            ("m.x", "1"),
            ("m.y.z", "2"),
            ("m.y.w", "1"),
            ("m.v", "2"),
            ("l[0]", "3"),
            ("n", "null"),
            ("k", "1"),
        ],
    );
    let config = layers.load().unwrap();
    assert_eq!(origin(&config, "m.y.z"), "b.yaml:1:12");
    assert_eq!(covered(&config, "m.y.z"), ["a.yaml:1:18"]);
    assert_eq!(covered(&config, "l"), ["a.yaml:2:4"]);
    assert_eq!(covered(&config, "k"), [""; 0]);
    assert!(config.warnings().is_empty());
}

#[test]
fn every_layer_lies_above_the_ones_before_it_and_what_it_covers_is_kept() {
    let folder = folder(&[
        ("app.yaml", "include: [base.yaml]\nv: app"),
        ("base.yaml", "v: base"),
        ("app.prod.yaml", "v: prod"),
    ]);
    let all = layers(&folder)
        .set("v=1")
        .set("v=2")
        .variables([("BYNAME__V", "variable")])
        .environment(Some("prod"))
        .file("app.yaml")
        .default_text("shop", "v: default");
    let config = all.load().unwrap();
    assert_eq!(origin(&config, "v"), "--set v=…");
    assert_eq!(
        covered(&config, "v"),
        [
            "environment variable BYNAME__V",
            "app.prod.yaml:1:4",
            "app.yaml:2:4",
            "base.yaml:1:4",
            "default of shop:1:4",
        ]
    );
    expect(&all, &[("v", "2")]);
}

#[test]
fn a_file_that_two_include_is_read_once_and_below_both() {
    let folder = folder(&[
        ("app.yaml", "include: [x/b.yaml, x/c.yaml]"),
        ("x/b.yaml", "include: d.yaml\nv: b\nw: b"),
        ("x/c.yaml", "include: [d.yaml]\nw: c"),
        ("x/d.yaml", "v: d\nw: d"),
    ]);
    let layers = layers(&folder).file("app.yaml");
    expect(&layers, &[("v", "b"), ("w", "c")]);
    let config = layers.load().unwrap();
    assert_eq!(covered(&config, "w"), ["x/b.yaml:3:4", "x/d.yaml:2:4"]);
    let files: Vec<_> = ["app.yaml", "x/b.yaml", "x/c.yaml", "x/d.yaml"]
        .map(|name| folder.path().join(name))
        .into();
    assert!(config.files().iter().eq(&files), "{:?}", config.files());
}

#[test]
fn files_that_include_one_another_are_told_with_their_path() {
    let folder = folder(&[
        ("app.yaml", "include: [a.yaml]"),
        ("a.yaml", "x: 1\ninclude: [b.yaml]"),
        ("b.yaml", "include: [./a.yaml]"),
        ("self.yaml", "include: self.yaml"),
    ]);
    let layers = layers(&folder).file("app.yaml").file("self.yaml");
    assert_eq!(
        told(&layers),
        [
            (
                "files include one another: a.yaml -> b.yaml -> a.yaml".to_owned(),
                "b.yaml:1:11".to_owned()
            ),
            (
                "files include one another: self.yaml -> self.yaml".to_owned(),
                "self.yaml:1:10".to_owned()
            ),
        ]
    );
}

#[test]
fn what_is_wrong_in_any_file_is_told_at_once() {
    let folder = folder(&[
        (
            "app.yaml",
            "include: [no.yaml, a.yaml, b.yaml, {x: 1}, '${X}', '']\nv: ${UNSET}\nw: ${cfg:only.in.a}",
        ),
        ("a.yaml", "x: 1\nx: 2"),
        ("b.yaml", "- 1"),
        ("bytes.yaml", ""),
    ]);
    std::fs::write(folder.path().join("bytes.yaml"), b"a: 1\nb: \xff").unwrap();
    let layers = layers(&folder)
        .file("app.yaml")
        .file("app.yaml")
        .file("bytes.yaml")
        .set("nothing");
    let told = told(&layers);
    let places: Vec<_> = told.iter().map(|(_, place)| place.as_str()).collect();
    assert_eq!(
        places,
        [
            "app.yaml:1:11",
            "a.yaml:2:1",
            "b.yaml:1:1",
            "app.yaml:1:36",
            "app.yaml:1:44",
            "app.yaml:1:52",
            "app.yaml",
            "bytes.yaml:2:4",
            "--set nothing…",
            "app.yaml:2:4",
        ],
        "{told:?}"
    );
}

#[test]
fn an_environment_needs_an_overlay_beside_some_file() {
    let folder = folder(&[
        ("app.yaml", "v: 1"),
        ("local.yaml", "w: 1"),
        ("local.prod.yaml", "w: 2"),
    ]);
    let both = layers(&folder).file("app.yaml").file("local.yaml");
    let prod = both.clone().environment(Some("prod"));
    expect(&prod, &[("v", "1"), ("w", "2")]);
    let files = prod.load().unwrap().files().clone();
    assert_eq!(files.len(), 4);
    assert!(files.contains(&folder.path().join("app.prod.yaml")));

    expect(
        &both.clone().environment(None::<&str>),
        &[("v", "1"), ("w", "1")],
    );
    let (config, files) = both.clone().environment(Some("test")).load_with_files();
    assert_eq!(
        config.unwrap_err().to_string(),
        "error: the environment `test` was named, but no file has an overlay for it\n  \
         help: write `app.test.yaml` or `local.test.yaml`"
    );
    assert!(files.contains(&folder.path().join("local.test.yaml")));
    assert_eq!(told(&both.environment(Some("../x"))).len(), 1);
}

#[test]
fn each_load_reads_the_files_anew() {
    let folder = folder(&[("app.yaml", "v: 1")]);
    let layers = layers(&folder).file("app.yaml");
    let first = layers.load().unwrap();
    write(folder.path(), "app.yaml", "v: 2");
    expect(&layers, &[("v", "2")]);
    write(folder.path(), "app.yaml", "v: [");
    assert_eq!(told(&layers).len(), 1);
    assert_eq!(origin(&first, "v"), "app.yaml:1:4");
    assert_eq!(super::scalar(&first, "v").0, "1");
}

#[test]
fn that_a_map_takes_the_place_of_something_else_is_a_warning() {
    let layers =
        text("a: [1]\nb: {x: 1}\nc: 1\nd: null").text("above", "a: {x: 1}\nb: 1\nc: 2\nd: {y: 1}");
    let config = layers.load().unwrap();
    let warnings: Vec<_> = config.warnings().iter().collect();
    let messages: Vec<_> = warnings.iter().map(|problem| problem.message()).collect();
    assert_eq!(
        messages,
        [
            "`a` is a map that takes the place of a list as a whole",
            "`b` is a single value that takes the place of a map as a whole",
        ]
    );
    assert!(
        warnings
            .iter()
            .all(|one| one.severity() == Severity::Warning)
    );
}

#[test]
fn nothing_at_all_is_an_empty_configuration() {
    let folder = folder(&[("empty.yaml", "# nothing\n")]);
    expect(&layers(&folder), &[]);
    expect(&layers(&folder).file("empty.yaml"), &[]);
}
