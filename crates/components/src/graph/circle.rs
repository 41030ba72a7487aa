//! Finding circles of services that need each other to be built.

use std::collections::VecDeque;

use super::{Circle, Service, before};

/// Gives the shortest circle of each knot (a set of services of which each leads to each), in the
/// order of names.
pub(super) fn circles(nodes: &[Service]) -> Vec<Circle> {
    let knots = knots(nodes);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (at, knot) in knots.iter().enumerate() {
        members[*knot].push(at);
    }
    let mut circles: Vec<Circle> = members
        .iter()
        .filter_map(|members| shortest(nodes, &knots, members))
        .collect();
    circles.sort_by_key(|circle| circle.first().map(|(at, _)| nodes[*at].name.clone()));
    circles
}

/// Numbers the knot of each service: Tarjan's algorithm, without recursion.
fn knots(nodes: &[Service]) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let mut seen = vec![UNSEEN; nodes.len()];
    let mut low = vec![0; nodes.len()];
    let mut knot = vec![UNSEEN; nodes.len()];
    let (mut open, mut count, mut found) = (Vec::new(), 0, 0);
    for start in 0..nodes.len() {
        if seen[start] != UNSEEN {
            continue;
        }
        // A service, and how many of its edges have been followed.
        let mut path = vec![(start, 0)];
        while let Some((at, followed)) = path.last_mut() {
            let at = *at;
            if *followed == 0 {
                seen[at] = count;
                low[at] = count;
                count += 1;
                open.push(at);
            }
            let next = before(&nodes[at]).nth(*followed).map(|edge| edge.to);
            *followed += 1;
            match next {
                Some(to) if seen[to] == UNSEEN => path.push((to, 0)),
                Some(to) if knot[to] == UNSEEN => low[at] = low[at].min(seen[to]),
                Some(_) => {}
                None => {
                    path.pop();
                    if let Some((from, _)) = path.last() {
                        low[*from] = low[*from].min(low[at]);
                    }
                    if low[at] == seen[at] {
                        while let Some(member) = open.pop() {
                            knot[member] = found;
                            if member == at {
                                break;
                            }
                        }
                        found += 1;
                    }
                }
            }
        }
    }
    knot
}

/// The shortest circle within a knot, which begins with its least name.
fn shortest(nodes: &[Service], knots: &[usize], members: &[usize]) -> Option<Circle> {
    let mut best: Option<Circle> = None;
    for start in members {
        let found = back_to(nodes, knots, *start);
        if let Some(found) = found
            && best.as_ref().is_none_or(|best| found.len() < best.len())
        {
            best = Some(found);
        }
        // No circle is shorter than one that needs itself, or two that need each other; and in a
        // large knot any circle will do.
        if best
            .as_ref()
            .is_some_and(|best| best.len() <= 2 || members.len() > 100)
        {
            break;
        }
    }
    let mut best = best?;
    let least = (0..best.len()).min_by_key(|at| &nodes[best[*at].0].name)?;
    best.rotate_left(least);
    Some(best)
}

/// The shortest way from a service back to itself, within its knot.
fn back_to(nodes: &[Service], knots: &[usize], start: usize) -> Option<Circle> {
    let mut came: Vec<Option<(usize, usize)>> = vec![None; nodes.len()];
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for (number, edge) in nodes[at].edges.iter().enumerate() {
            if !edge.kind.is_built_before() || knots[edge.to] != knots[start] {
                continue;
            }
            if edge.to == start {
                let mut circle = vec![(at, edge.clone())];
                let mut here = at;
                while here != start {
                    let (from, number) = came[here]?;
                    circle.push((from, nodes[from].edges[number].clone()));
                    here = from;
                }
                circle.reverse();
                return Some(circle);
            }
            if came[edge.to].is_none() {
                came[edge.to] = Some((at, number));
                queue.push_back(edge.to);
            }
        }
    }
    None
}
