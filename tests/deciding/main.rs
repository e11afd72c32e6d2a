//! `retention::decide` against an oracle that reads the design by brute force, and against what must hold of any plan.

mod cases;
mod oracle;
mod oracle_rules;
mod policies;
mod the_oracle_agrees;
mod versions;
mod world;
