use crate::file::document::{Document, Sealed, check::check};

/// The worked example of the description of the format.
#[test]
fn example_of_the_description() {
    let page = include_str!("../../../../../../docs/format.md");
    let (_, rest) = page.split_once("```json\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    check(example.as_bytes());
    let parsed = Document::parse(example.as_bytes(), None).unwrap();
    let rendered = parsed.document.render();
    assert_eq!(parsed.sealed, Sealed::Right(rendered.checksum));
    assert_eq!(str::from_utf8(&rendered.bytes).unwrap(), example);
    let zeroed = example.replace(&format!("{:016x}", rendered.checksum), &"0".repeat(16));
    assert_eq!(
        xxhash_rust::xxh3::xxh3_64(zeroed.as_bytes()),
        rendered.checksum
    );
    // What the page says of it.
    let length = example.len();
    let checksum = rendered.checksum;
    for said in [format!("{length} bytes"), format!("`{checksum:016x}`")] {
        assert!(page.contains(&said), "the page does not say {said}");
    }
}
