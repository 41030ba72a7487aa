//! What is told of the routes of a service.

use serde_json::json;

use super::notes::planned;
use crate::http::openapi::{Info, document};
use crate::service::Overrides;

#[test]
fn the_document_says_what_each_method_takes_and_answers() {
    let routes = planned(&Overrides::default()).descriptions();
    let places: Vec<String> = routes.iter().map(|route| route.place.to_string()).collect();
    assert!(
        places.iter().all(|place| place.contains("notes.rs:")),
        "{places:?}"
    );
    let routes = routes.into_iter().map(|route| {
        let method = route.method.expect("a method");
        (method, route.path.to_string(), route.operation)
    });
    let info = Info {
        title: "Notes".into(),
        version: "1".into(),
        description: None,
    };
    let document = document(info, routes);
    let read = &document["paths"]["/notes/{id}"]["get"];
    assert_eq!(read["operationId"], "Notes.read");
    assert_eq!(read["summary"], "Reads a note, if it is there.");
    assert_eq!(read["description"], "It is there once it was written.");
    assert_eq!(read["parameters"][0]["name"], "id");
    let statuses: Vec<&String> = read["responses"]
        .as_object()
        .expect("answers")
        .keys()
        .collect();
    assert!(
        statuses.contains(&&"200".to_owned()) && statuses.contains(&&"204".to_owned()),
        "{read}"
    );
    let write = &document["paths"]["/notes/{id}"]["put"];
    let body = &write["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["additionalProperties"], json!(false), "{write}");
    assert!(body["properties"]["mark"].is_object(), "{body}");
    assert_eq!(write["requestBody"]["required"], json!(false), "{write}");
    let header = write["parameters"].as_array().expect("parameters").iter();
    let header = header
        .clone()
        .find(|one| one["in"] == "header")
        .expect("a header field");
    assert_eq!(
        (&header["name"], &header["required"]),
        (&json!("x-text"), &json!(true))
    );
}
