//! What the attribute says of a trait.

use byname::service::Service;

use crate::samples::Samples;

#[test]
fn a_trait_and_its_methods_are_described_with_their_places() {
    let interface = <dyn Samples as Service>::interface();
    assert_eq!((interface.name(), interface.doc()), ("Samples", "Samples."));
    let source = include_str!("samples.rs");
    let line = |of: &str| 1 + source.lines().take_while(|line| !line.contains(of)).count();
    let place = interface.place().to_string();
    assert!(
        place.ends_with(&format!("samples.rs:{}", line("trait Samples"))),
        "{place}"
    );
    for (name, arguments) in [("get_sample", 1), ("count", 0), ("type", 2)] {
        let method = interface.methods().iter().find(|one| one.name() == name);
        let method = method.expect("a method");
        assert_eq!(method.arguments().len(), arguments);
        let declared = match name {
            "type" => line("fn r#type("),
            name => line(&format!("fn {name}(")),
        };
        let place = method.place().to_string();
        assert!(
            place.ends_with(&format!("samples.rs:{declared}")),
            "{name}: {place}"
        );
    }
    let of = |name: &str| interface.methods().iter().find(|one| one.name() == name);
    let doc = of("get_sample").expect("a method").doc();
    assert_eq!(doc, "Says what it was asked for.\n\nWhatever that is.");
    assert!(of("type").is_some_and(byname::service::Method::is_idempotent));
    assert!(of("fail").is_some_and(|method| !method.is_idempotent() && !method.is_once()));
    assert!(of("count").is_some_and(byname::service::Method::is_once));
}
