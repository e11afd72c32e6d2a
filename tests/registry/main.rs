//! Tests on real registries: Distribution 2.8 and 3.1, each a process of its own on 127.0.0.1.

#![allow(clippy::disallowed_methods, reason = "tests take the time from the clock as the terminal does")]
#![allow(unreachable_pub, reason = "a test binary exports nothing; `pub` says what other modules may use")]

mod aftermath;
#[path = "../support/api_server.rs"]
mod api_server;
mod desk;
mod support;

mod access;
mod collector;
mod crash;
mod damage;
mod full_disk;
mod harness;
mod listing;
mod modes;
mod pruning;
mod races;
mod storage;
mod terminal;
mod writable;
