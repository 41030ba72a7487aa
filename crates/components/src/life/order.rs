//! Doing something for each of several services, each after others.

use tokio::task::JoinSet;

/// Calls `work` for each of `count`, each after all of those that `after` gives for it, and at most
/// `parallel` at a time; those that are free go in the order of their numbers. What is not done
/// because `work` says to stop is left out; what is under way is waited for.
///
/// Returns, in the order in which they ended, the number and the outcome of each that was done.
pub(crate) async fn in_order<T, F>(
    count: usize,
    after: impl Fn(usize) -> Vec<usize>,
    parallel: usize,
    stop_at: impl Fn(&T) -> bool,
    work: impl Fn(usize) -> F,
) -> Vec<(usize, T)>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut left = vec![0; count];
    let mut followers = vec![Vec::new(); count];
    for (at, left) in left.iter_mut().enumerate() {
        for before in after(at) {
            *left += 1;
            followers[before].push(at);
        }
    }
    let mut free: std::collections::BTreeSet<usize> =
        (0..count).filter(|at| left[*at] == 0).collect();
    let mut tasks = JoinSet::new();
    let mut done = Vec::with_capacity(count);
    let mut stopped = false;
    loop {
        while !stopped
            && tasks.len() < parallel.max(1)
            && let Some(at) = free.pop_first()
        {
            let work = work(at);
            tasks.spawn(async move { (at, work.await) });
        }
        let Some(ended) = tasks.join_next().await else {
            return done;
        };
        // `work` takes its steps in tasks of their own, and does not panic itself.
        let Ok((at, outcome)) = ended else { continue };
        stopped |= stop_at(&outcome);
        done.push((at, outcome));
        for follower in &followers[at] {
            left[*follower] -= 1;
            if left[*follower] == 0 {
                free.insert(*follower);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::in_order;

    #[tokio::test]
    async fn each_comes_after_those_before_it_and_as_many_as_may_at_once() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let done = in_order(
            10,
            |at| if at >= 5 { vec![at - 5] } else { vec![] },
            3,
            |()| false,
            |_| {
                let (now, most) = (Arc::clone(&now), Arc::clone(&most));
                async move {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    for _ in 0..5 {
                        tokio::task::yield_now().await;
                    }
                    now.fetch_sub(1, Ordering::SeqCst);
                }
            },
        )
        .await;
        let at = |number| done.iter().position(|(done, ())| *done == number);
        assert_eq!(done.len(), 10);
        assert!((5..10).all(|number| at(number) > at(number - 5)));
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn after_a_stop_nothing_begins_and_what_is_under_way_is_waited_for() {
        let done = in_order(
            10,
            |_| vec![],
            2,
            |number| *number == 1,
            |at| async move { at },
        )
        .await;
        let mut done: Vec<_> = done.into_iter().map(|(at, _)| at).collect();
        done.sort_unstable();
        assert!(done.starts_with(&[0, 1]) && done.len() <= 3, "{done:?}");
    }
}
