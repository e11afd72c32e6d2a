//! The Helm chart, rendered by Helm, and the plain manifests that are made from it.

mod deployment;
mod files;
mod guard;
mod helm;
mod rights;
mod values;
