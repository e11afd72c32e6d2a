//! Whether rest is reachable from everywhere.
//!
//! Stateright's `eventually` asks whether every path ends well, and is not complete. What matters here is another question:
//! whether every state has *some* way to rest that needs no fault. That takes the whole graph and a walk backwards over it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use stateright::Model;

use super::model::{Action, Protocol};
use super::properties::is_at_rest;
use super::state::State;

/// The explored graph, as far as the question goes.
pub(crate) struct Graph {
    /// How many states there are.
    pub(crate) states: usize,
    /// How many of them have no way to rest, and how one of them is reached.
    pub(crate) stuck: usize,
    pub(crate) example: Vec<Action>,
}

impl Graph {
    pub(crate) fn explore(protocol: &Protocol) -> Self {
        let mut known: HashMap<u64, usize> = HashMap::new();
        let mut parents: Vec<Option<(usize, Action)>> = Vec::new();
        let mut rests: Vec<bool> = Vec::new();
        // Steps that are no faults, backwards.
        let mut edges: Vec<(u32, u32)> = Vec::new();
        let mut frontier = std::collections::VecDeque::new();
        for state in protocol.init_states() {
            known.insert(fingerprint(&state), 0);
            parents.push(None);
            rests.push(is_at_rest(&state));
            frontier.push_back((0, state));
        }
        while let Some((from, state)) = frontier.pop_front() {
            for (action, next) in protocol.next_steps(&state) {
                let to = *known.entry(fingerprint(&next)).or_insert_with(|| {
                    parents.push(Some((from, action)));
                    rests.push(is_at_rest(&next));
                    frontier.push_back((parents.len() - 1, next));
                    parents.len() - 1
                });
                if !action.is_fault() && to != from {
                    edges.push((index(to), index(from)));
                }
            }
        }
        let good = backwards(&rests, edges);
        let stuck = good.iter().filter(|good| !**good).count();
        let first = good.iter().position(|good| !*good);
        let example = first.map(|stuck| path(&parents, stuck)).unwrap_or_default();
        Self { states: parents.len(), stuck, example }
    }
}

fn backwards(rests: &[bool], mut edges: Vec<(u32, u32)>) -> Vec<bool> {
    edges.sort_unstable();
    let mut good = rests.to_vec();
    let mut todo: Vec<u32> = (0..index(rests.len())).filter(|state| rests[*state as usize]).collect();
    while let Some(to) = todo.pop() {
        let start = edges.partition_point(|(it, _)| *it < to);
        for (_, from) in edges[start..].iter().take_while(|(it, _)| *it == to) {
            if !std::mem::replace(&mut good[*from as usize], true) {
                todo.push(*from);
            }
        }
    }
    good
}

fn path(parents: &[Option<(usize, Action)>], mut state: usize) -> Vec<Action> {
    let mut path = Vec::new();
    while let Some((parent, action)) = parents[state] {
        path.push(action);
        state = parent;
    }
    path.reverse();
    path
}

fn index(of: usize) -> u32 {
    u32::try_from(of).expect("a graph that fits into memory")
}

fn fingerprint(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}
