//! What must not cost an image, nor leave anything half done: edits in the middle of a run, the operator's death, rights
//! that are taken away, a list that is suddenly shorter, and the chart's upgrades.

mod chart;
mod dead_operator;
mod edits;
mod held_up;
mod in_use;
mod stage;
mod two_names;

/// Runs tests on a registry of either version, each as two tests.
macro_rules! both_versions {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn v2_8() {
                super::$name($crate::registries::Version::V2_8);
            }

            #[test]
            fn v3_1() {
                super::$name($crate::registries::Version::V3_1);
            }
        }
    )+};
}
use both_versions;
