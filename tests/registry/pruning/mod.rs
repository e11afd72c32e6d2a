//! What a prune does to a real registry: the tags that go are the ones that were to go, and everything else is whole.

mod again;
mod by_age;
mod exactly;
mod in_use;
mod multi_arch;
mod shared;
mod signed;
mod with_store;
