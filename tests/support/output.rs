//! What the binary printed, and how it ended.

#![allow(unreachable_pub, reason = "it is a module of several test binaries")]

use std::process::Output;

/// It ended with this code, and printed all of these.
#[track_caller]
pub fn check(output: &Output, code: i32, parts: &[&str]) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text);
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert_eq!(output.status.code(), Some(code), "{text}");
}
