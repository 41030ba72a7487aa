//! A chain of ever new names ends before the stack does.

use std::{sync::Arc, task::Poll};

use super::{
    super::{Build, BuildError, Retry, Rules},
    rig::{Task, asynchronous, cause, root, sync},
};

/// A factory that asks for an entry of a new name, whose factory does the same, and so on.
fn ever_deeper(rules: &Arc<Rules>, number: usize) -> Arc<Build> {
    let inner = Arc::clone(rules);
    sync(rules, &number.to_string(), Retry::NextAsk, move |_| {
        ever_deeper(&inner, number + 1).wait().map_err(cause)
    })
}

fn ever_deeper_in_a_task(rules: &Arc<Rules>, number: usize) -> Arc<Build> {
    let inner = Arc::clone(rules);
    asynchronous(rules, &number.to_string(), Retry::NextAsk, move |_| {
        let wait = ever_deeper_in_a_task(&inner, number + 1).wait_async();
        async move { wait.await.map_err(cause) }
    })
}

#[test]
fn a_chain_of_ever_new_names_ends_at_the_limit() {
    let rules = Arc::new(Rules {
        depth: 3,
        label: Arc::from("s"),
        ..Rules::default()
    });
    let error = ever_deeper(&rules, 0).wait().unwrap_err();
    let BuildError::TooDeep { path, limit } = root(&error) else {
        panic!("{error}")
    };
    assert_eq!(
        (path.to_string().as_str(), *limit),
        ("s/0 -> s/1 -> s/2 -> s/3", 3)
    );
    assert_eq!(
        root(&error).to_string(),
        "more than 3 builds are nested in one another: s/0 -> s/1 -> s/2 -> s/3; if this is no \
         factory that registers ever new names, raise the registry's limit"
    );
}

#[test]
fn the_limit_comes_before_the_end_of_a_thread_s_stack() {
    let rules = Arc::new(Rules::default());
    let error = ever_deeper(&rules, 0).wait().unwrap_err();
    let BuildError::TooDeep { path, limit } = root(&error) else {
        panic!("{error}")
    };
    assert_eq!((path.names().len(), *limit), (65, 64));

    let mut task = Task::of(&ever_deeper_in_a_task(&rules, 0));
    let Poll::Ready(Err(error)) = task.poll() else {
        panic!("hangs")
    };
    let BuildError::TooDeep { path, limit } = root(&error) else {
        panic!("{error}")
    };
    assert_eq!((path.names().len(), *limit), (65, 64));
}
