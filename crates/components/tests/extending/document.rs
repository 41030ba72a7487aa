//! The document shows the code of the example, to the letter.

/// Each block of the document, and the language that it is in.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    page.split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
        .collect()
}

#[test]
fn each_block_of_the_document_stands_in_the_example() {
    let sources = [
        include_str!("../../examples/extending/notices.rs"),
        include_str!("../../examples/extending/main.rs"),
        include_str!("../../examples/extending/app.yaml"),
        include_str!("concurrent.rs"),
        include_str!("../../../../examples/guests/app.yaml"),
        include_str!("../../../../examples/guests/src/main.rs"),
        include_str!("../../../../examples/guests/src/router.rs"),
        include_str!("../../../../examples/guests/src/kind.rs"),
        include_str!("../../../../examples/guests/src/layer.rs"),
        include_str!("../../../../examples/guests/src/guests.rs"),
        include_str!("../../../../examples/guests/src/convention.rs"),
    ];
    let page = include_str!("../../../../docs/extending.md");
    let mut shown = [false; 11];
    for (language, block) in blocks(page) {
        if language == "sh" {
            continue;
        }
        let found = sources.iter().position(|source| source.contains(block));
        let Some(found) = found else {
            panic!("docs/extending.md shows what stands in no file of the examples:\n{block}");
        };
        shown[found] = true;
    }
    assert_eq!(shown, [true; 11], "something of each file is shown");
}
