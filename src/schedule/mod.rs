//! When a run is due: cron lines in time zones, and what a resource asks for. Pure; `now` is handed in.
//!
//! - `cron`: [`Schedule`], a cron line and the zone in which it is read
//! - `due`: [`due`], what is to be done for a resource now, or when it is to be asked again

mod cron;
mod due;

pub use cron::{Schedule, ScheduleError};
pub use due::{Asks, Due, Failures, History, Turn, due};
