//! How much processor time it takes to decide on ten thousand tags. Fails above half a second; time on the wall does
//! not count, so that a busy machine fails nothing.

#[path = "../tests/deciding/large.rs"]
mod large;

use std::process::ExitCode;
use std::time::Duration;

use large::{in_use, many_repositories, now, one_repository, policies};
use registry_retention::retention::{Inventory, Mandate, Plan, decide};

const LIMIT: Duration = Duration::from_millis(500);
/// Linux counts processor time in hundredths of a second; this many rounds make milliseconds of them.
const ROUNDS: u32 = 10;

fn main() -> ExitCode {
    let cases: [(&str, Inventory); 4] = [
        ("1 repository, 1,000 tags", one_repository(1_000)),
        ("1 repository, 10,000 tags", one_repository(10_000)),
        ("5 repositories, 200 tags each, indexes and aliases", many_repositories(5, 200)),
        ("50 repositories, 200 tags each, indexes and aliases", many_repositories(50, 200)),
    ];
    let (policies, in_use) = (policies(), in_use());
    let mut code = ExitCode::SUCCESS;
    for (what, inventory) in cases {
        let before = processor_time();
        let plans: Vec<Plan> =
            (0..ROUNDS).map(|_| decide(&inventory, &policies, &in_use, Mandate::default(), now())).collect();
        let took = processor_time().saturating_sub(before) / ROUNDS;
        let totals = plans[0].totals();
        println!("decide: {what}: {took:?} of processor time; {} kept, {} condemned", totals.kept, totals.condemned);
        if took > LIMIT {
            println!("decide: {what}: more than {LIMIT:?}");
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// What this process has used so far, in user and kernel mode (`proc_pid_stat(5)`, fields 14 and 15).
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc is mounted");
    // The second field is the program's name in parentheses, which may hold spaces.
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let ticks = |field: usize| -> u64 {
        let text = fields.split_whitespace().nth(field - 3).expect("more than 15 fields");
        text.parse().expect("a number")
    };
    Duration::from_millis((ticks(14) + ticks(15)) * 10)
}
