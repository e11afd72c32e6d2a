//! Tests in a real cluster: etcd, API server, controllers, scheduler, kubelet and containerd, one node, made by
//! `scripts/cluster`. They need root. Each test has a cluster of its own; they run one at a time.

#![allow(clippy::disallowed_methods, reason = "tests take the time from the clock as the terminal does")]
#![allow(unreachable_pub, reason = "a test binary exports nothing; `pub` says what other modules may use")]

/// What tests on registries outside of a cluster are made of; much of it serves here as well.
#[path = "../registry/support/mod.rs"]
#[allow(dead_code, unused_macros, reason = "the other tests use the rest")]
mod registries;
mod support;

mod collecting;
mod disruptions;
mod harness;
mod operator;
mod storage;
