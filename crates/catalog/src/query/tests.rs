use super::*;

fn offerings(names: &[&str]) -> Vec<Offering> {
    let mut all: Vec<Offering> = names
        .iter()
        .map(|name| Offering::new(name.parse().unwrap()))
        .collect();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all
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
    let page = Query::all().page(all.iter(), None);
    assert_eq!(
        names(&page),
        ["a/w", "a/x", "a/x/y", "a/x:1", "a-b/x", "a.c/y", "a0/z"]
    );
    assert_eq!(page.next, None);
}

#[test]
fn pages_of_every_size_show_each_offering_once() {
    let all = offerings(&["a/x", "a-b/x", "a/w", "a.c/y", "a0/z", "a/x/y", "a/x:1"]);
    let whole = names(&Query::all().page(all.iter(), None));
    for size in 1..=8 {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = limit(size).page(all.iter(), after.as_ref());
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
    assert_eq!(limit(2).page(all.iter(), None).next, None);
    let first = limit(1).page(all.iter(), None);
    assert_eq!(first.next, Some(Cursor::after("a/1")));
}

#[test]
fn a_cursor_holds_although_its_offering_has_gone() {
    let all = offerings(&["a/1", "a/3"]);
    let page = limit(5).page(all.iter(), Some(&Cursor::after("a/2")));
    assert_eq!(names(&page), ["a/3"]);
}

#[test]
fn filters_narrow_what_is_listed() {
    let mut all = offerings(&["a/gpt-4", "b/gpt-4", "b/x", "bb/gpt-4"]);
    all[2].name = crate::model::Fact::Known("Great GPT".to_owned());
    let query = Query::all().provider("b").containing("gPt");
    assert_eq!(names(&query.page(all.iter(), None)), ["b/gpt-4", "b/x"]);
    let none = Query::all().provider("c").page(all.iter(), None);
    assert!(none.offerings.is_empty());
    let none = Query::all().containing("b/").page(all.iter(), None);
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
        nearest(all.iter(), asked, 2)
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
