//! Parses the command line and dispatches; nothing else.

fn main() {}
