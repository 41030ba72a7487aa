use super::*;
use crate::catalog::{Catalog, Offerings};
use crate::model::Fact;

fn offerings(names: &[&str]) -> Offerings {
    let catalog: Catalog = names
        .iter()
        .map(|name| Offering::new(name.parse().unwrap()))
        .collect();
    catalog.offerings()
}

fn names(page: &Page<'_>) -> Vec<String> {
    page.offerings
        .iter()
        .map(|offering| offering.key.name().to_owned())
        .collect()
}

fn limit(limit: usize) -> Query {
    Query::all().limit(NonZeroUsize::new(limit).unwrap())
}

#[test]
fn the_order_is_that_of_provider_then_id() {
    // As names, `a-b/x` comes before `a/x`: `-` is less than `/`.
    let all = offerings(&["a/x", "a-b/x", "a/w", "a.c/y", "a0/z", "a/x/y", "a/x:1"]);
    let page = all.page(&Query::all(), None);
    assert_eq!(
        names(&page),
        ["a/w", "a/x", "a/x/y", "a/x:1", "a-b/x", "a.c/y", "a0/z"]
    );
    assert_eq!(page.next, None);
}

#[test]
fn pages_of_every_size_show_each_offering_once() {
    let all = offerings(&["a/x", "a-b/x", "a/w", "a.c/y", "a0/z", "a/x/y", "a/x:1"]);
    let whole = names(&all.page(&Query::all(), None));
    for size in 1..=8 {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = all.page(&limit(size), after.as_ref());
            assert!(page.offerings.len() <= size);
            seen.extend(names(&page));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, whole, "pages of {size}");
    }
}

#[test]
fn a_full_last_page_says_that_it_is_the_last() {
    let all = offerings(&["a/1", "a/2"]);
    assert_eq!(all.page(&limit(2), None).next, None);
    let first = all.page(&limit(1), None);
    assert_eq!(first.next, Some(Cursor::after("a/1")));
}

#[test]
fn a_cursor_holds_although_its_offering_has_gone() {
    let all = offerings(&["a/1", "a/3"]);
    let page = all.page(&limit(5), Some(&Cursor::after("a/2")));
    assert_eq!(names(&page), ["a/3"]);
}

#[test]
fn filters_narrow_what_is_listed() {
    let named = ["a/gpt-4", "b/gpt-4", "b/x", "bb/gpt-4"].map(|name| {
        let mut offering = Offering::new(name.parse().unwrap());
        if name == "b/x" {
            offering.name = Fact::Known("Great GPT".to_owned());
        }
        offering
    });
    let all = named.into_iter().collect::<Catalog>().offerings();
    let query = Query::all().provider("b").containing("gPt");
    assert_eq!(names(&all.page(&query, None)), ["b/gpt-4", "b/x"]);
    let none = all.page(&Query::all().provider("c"), None);
    assert!(none.offerings.is_empty());
    let all = offerings(&["a/b/c"]);
    let none = all.page(&Query::all().provider("a/b"), None);
    assert!(
        none.offerings.is_empty(),
        "a provider is not the beginning of a name"
    );
    let none = all.page(&Query::all().containing("a/b"), None);
    assert!(none.offerings.is_empty(), "a provider is not part of an id");
}

#[test]
fn the_nearest_names_come_first() {
    let all = offerings(&[
        "openai/gpt-4o",
        "openai/gpt-4o-mini",
        "or/openai/gpt-4o",
        "x/claude",
    ]);
    let near = |asked| -> Vec<String> {
        all.nearest(asked, 2)
            .into_iter()
            .map(|key| key.name().to_owned())
            .collect()
    };
    assert_eq!(near("gtp-4o"), ["openai/gpt-4o", "or/openai/gpt-4o"]);
    assert_eq!(near("openai/gpt4o"), ["openai/gpt-4o", "or/openai/gpt-4o"]);
    assert_eq!(near("MINI"), ["openai/gpt-4o-mini"]);
    assert!(near("zzzzzzzz").is_empty());
    assert!(near("").is_empty());
}

#[test]
fn the_distance_counts_single_slips() {
    assert_eq!(distance("abc", "abc", 0), Some(0));
    assert_eq!(distance("abc", "axc", 1), Some(1));
    assert_eq!(distance("abc", "abcd", 1), Some(1));
    assert_eq!(distance("kitten", "sitting", 3), Some(3));
    assert_eq!(distance("kitten", "sitting", 2), None);
}
