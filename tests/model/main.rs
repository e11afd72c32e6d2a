//! The protocol of a collection, explored exhaustively: `step` and `keep` themselves, against an API server that loses,
//! delays and doubles requests, controllers that take their time, and people who edit.
//!
//! Stateright checks what holds in every state, and tells the shortest way to where it does not. Whether rest is reachable
//! from everywhere is asked of the whole graph; see `rest`.
//!
//! - `scenarios`: what may go wrong, in which worlds
//! - `state`, `server`, `nature`, `people`: the world, and what becomes of it
//! - `view`: what the operator and a keeper see of it
//! - `model`: all of that, one action at a time
//! - `properties`, `rest`: what must hold
//! - `mutants`: protocols that are wrong, each of which must be caught

mod model;
mod mutants;
mod nature;
mod people;
mod properties;
mod rest;
mod scenarios;
mod server;
mod state;
mod view;

use model::{Protocol, Scenario};
use mutants::{MUTANTS, Mutant};
use properties::{COLLECTS, RESTS};
use rest::Graph;
use stateright::{Checker, HasDiscoveries, Model};

fn explore(scenario: Scenario) -> usize {
    let graph = Graph::explore(&Protocol { scenario, mutant: None });
    println!("{}: {} states", scenario.name, graph.states);
    assert_eq!(graph.stuck, 0, "{}: no way to rest after {:?}", scenario.name, graph.example);
    let checker = Protocol { scenario, mutant: None }.checker().threads(2).spawn_bfs().join();
    for (property, path) in checker.discoveries() {
        assert_eq!(property, COLLECTS, "{}: {property} fails after {:?}", scenario.name, path.into_actions());
    }
    checker.assert_properties();
    assert_eq!(checker.unique_state_count(), graph.states, "{}: both explored the same", scenario.name);
    graph.states
}

fn explore_all(scenarios: &[(Scenario, usize)]) -> usize {
    for (scenario, states) in scenarios {
        assert_eq!(explore(*scenario), *states, "{}", scenario.name);
    }
    scenarios.iter().map(|(_, states)| states).sum()
}

/// Two scenarios more take minutes each: `MODEL=large cargo test --test model`.
#[test]
fn the_protocol_holds_in_every_state_with_a_guard() {
    assert!(explore_all(scenarios::GUARDED) >= 100_000);
    if std::env::var("MODEL").is_ok_and(|which| which == "large") {
        explore_all(scenarios::LARGE);
    }
}

#[test]
fn the_protocol_holds_in_every_state_without_a_guard() {
    assert!(explore_all(scenarios::NOT_GUARDED) >= 100_000);
}

/// Whether the mutant breaks what it is said to break.
fn is_caught(mutant: &'static Mutant) -> Result<usize, String> {
    let protocol = || Protocol { scenario: mutant.scenario, mutant: Some(mutant) };
    if mutant.breaks == RESTS {
        let graph = Graph::explore(&protocol());
        return if graph.stuck > 0 { Ok(graph.example.len()) } else { Err("rest is reachable from everywhere".into()) };
    }
    let enough = HasDiscoveries::AnyOf([mutant.breaks].into());
    let checker = protocol().checker().threads(2).finish_when(enough).spawn_bfs().join();
    let found = checker.discoveries();
    if mutant.breaks == COLLECTS {
        return if found.contains_key(COLLECTS) { Err("a run collects".into()) } else { Ok(0) };
    }
    match found.get(mutant.breaks) {
        Some(path) => Ok(path.clone().into_actions().len()),
        None => Err(format!("only {:?} fail", found.keys())),
    }
}

#[test]
fn each_mutant_is_caught() {
    let mut missed = Vec::new();
    for mutant in MUTANTS {
        match is_caught(mutant) {
            Ok(steps) => println!("{}: {} fails after {steps} actions", mutant.name, mutant.breaks),
            Err(why) => missed.push(format!("{}: {why}", mutant.name)),
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}
