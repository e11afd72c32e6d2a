use std::io::{self, Read as _, Write as _};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use jiff::Timestamp;

use super::args::{self, Loudness};
use super::beside;
use super::error::CliError;
use super::exit::Exit;
use super::screen::{err, out};
use super::show::text::{bytes, count};
use super::signals::Signals;
use crate::collection::garbage::{Account, Deleted, FinalPlan, Outcome, Seal, Wanted};
use crate::collection::{Listening, Stored};
use crate::collector::{Collector, CollectorError, Registry, Task, Verify};
use crate::storage::{Location, configured, serving, unsuitable};

/// What compressed bytes begin with.
const GZIP: u8 = 0x1f;
/// The longest root directory that an account tells, in bytes.
const LONGEST_ROOT: usize = 300;

/// Collects a registry's garbage beside its storage, and tells what was done.
pub(super) async fn run(args: &args::Collector, loudness: &Loudness) -> Result<Exit, CliError> {
    let now = super::now();
    let signals = Signals::listen(|| {})?;
    let quiet = loudness.quiet;
    let tell = |step: &str| {
        if !quiet {
            err(step);
        }
    };
    let (account, exit) = match prepare(args, &signals).await {
        Ok(Prepared { registry, location, wanted, serving }) => {
            tell(&format!("{location}, by Distribution {}", registry.release()));
            let (registry, location, wanted) = (&registry, &location, &wanted);
            let stop = signals.stop.clone();
            let mut account =
                Collector { registry, location, wanted, task: task(args, now)?, now, stop, tell: &tell }.run().await;
            if args.dry_run {
                account.serving = Some(serving);
                account.stored = stored(location);
            }
            let exit = exit(&account);
            (account, exit)
        }
        Err(refused) => (refused.account(), refused.exit()),
    };
    if let Some(path) = &args.report {
        let written = std::fs::write(path, format!("{}\n", account.to_line()));
        written.map_err(|why| {
            CliError::Unwritten(format!("{}: the result could not be written: {why}", path.display()))
        })?;
    }
    if args.log {
        show(&account, |line| err(line));
        let line = format!("{}\n", account.to_line());
        // Where even this cannot be written, the exit code tells.
        let written = io::stdout().lock().write_all(line.as_bytes()).and_then(|()| io::stdout().lock().flush());
        written.map_err(|why| CliError::Unwritten(format!("the result could not be written: {why}")))?;
    } else if matches!(account.outcome, Outcome::Collected | Outcome::Previewed) {
        show(&account, |line| out(line));
    } else {
        show(&account, |line| err(line));
    }
    Ok(signals.came().filter(|_| account.reason == CollectorError::Stopped.reason()).unwrap_or(exit))
}

/// What has to be known before anything is read.
struct Prepared {
    registry: Registry,
    location: Location,
    wanted: Wanted,
    serving: Listening,
}

/// Why it is not known. Nothing was done.
enum Unprepared {
    Cli(CliError),
    Collector(CollectorError),
    /// By the registry's configuration, with its stable code.
    Configuration(&'static str, String),
}

impl From<CliError> for Unprepared {
    fn from(error: CliError) -> Self {
        Self::Cli(error)
    }
}

impl From<CollectorError> for Unprepared {
    fn from(error: CollectorError) -> Self {
        Self::Collector(error)
    }
}

impl Unprepared {
    fn account(&self) -> Account {
        let (reason, why) = match self {
            Self::Cli(error) => (error.reason(), error.to_string()),
            Self::Collector(error) => (error.reason(), error.to_string()),
            Self::Configuration(reason, why) => (*reason, why.clone()),
        };
        Account::of(Outcome::Refused, reason, format!("{why}; nothing was deleted"))
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Cli(error) => error.exit(),
            Self::Collector(_) | Self::Configuration("ConfigurationUnreadable", _) => Exit::Usage,
            Self::Configuration(..) => Exit::Registry,
        }
    }
}

async fn prepare(args: &args::Collector, signals: &Signals) -> Result<Prepared, Unprepared> {
    let environment = beside::environment();
    let path = beside::chosen_file(args.configuration.as_ref(), &environment)?;
    let unreadable = |why: &dyn std::fmt::Display| {
        Unprepared::Configuration("ConfigurationUnreadable", format!("{}: {why}", path.display()))
    };
    let yaml = std::fs::read_to_string(&path).map_err(|why| unreadable(&why))?;
    if let Some(why) = unsuitable(&yaml, environment.clone()).map_err(|why| unreadable(&why))? {
        return Err(Unprepared::Configuration(why.reason(), why.to_string()));
    }
    let serving = serving(&yaml, environment.clone()).map_err(|why| unreadable(&why))?;
    let location = configured(&yaml, environment).map_err(|why| unreadable(&why))?;
    beside::must_lie_in(args.volumes.as_deref(), &location)?;
    let wanted = wanted(args)?;
    let folders = std::env::var_os("PATH");
    let mut stop = signals.stop.clone();
    let registry = Registry::find(args.executable.as_deref(), folders.as_deref(), path, &mut stop).await?;
    Ok(Prepared { registry, location, wanted, serving })
}

/// Where the registry stores, through links, if that fits into the account.
fn stored(location: &Location) -> Option<Stored> {
    let Location::Filesystem(root) = location else { return Some(Stored::Bucket) };
    let root = root.canonicalize().ok()?.into_os_string().into_string().ok()?;
    (root.len() <= LONGEST_ROOT).then_some(Stored::Folder(root))
}

/// What stays besides what tags link. A list that is missing or cut would let something go.
fn wanted(args: &args::Collector) -> Result<Wanted, Unprepared> {
    let mut wanted = Wanted::default();
    for path in &args.keep {
        let incomplete = |why: &dyn std::fmt::Display| {
            Unprepared::Configuration("KeepListIncomplete", format!("{}: {why}", path.display()))
        };
        let text = std::fs::read_to_string(path).map_err(|why| incomplete(&why))?;
        wanted.extend(Wanted::read(&text).map_err(|why| incomplete(&why))?);
    }
    for digest in &args.in_use {
        wanted.add(digest.clone(), "");
    }
    if let (Some(folder), Some(pieces), Some(hash)) = (&args.plan, args.plan_pieces, &args.plan_hash) {
        let seal = Seal { pieces, hash: hash.clone() };
        let plan = final_plan(folder, &seal).map_err(|why| {
            let text = format!("{}: the final plan cannot be used: {why}", folder.display());
            Unprepared::Configuration("PlanIncomplete", text)
        })?;
        if !plan.deletions.is_empty() {
            let count = plan.deletions.len();
            let text = format!("the final plan deletes {count} manifests, and this collector deletes none itself");
            return Err(Unprepared::Configuration("DeletionsUnsupported", text));
        }
        wanted.extend(plan.keep);
    }
    Ok(wanted)
}

/// Reads the pieces of a final plan, each of which may be compressed.
fn final_plan(folder: &Path, seal: &Seal) -> Result<FinalPlan, Box<dyn std::error::Error>> {
    let mut pieces = Vec::new();
    // One more would be a piece that nobody sealed.
    for number in 0..=seal.pieces {
        match std::fs::read(folder.join(number.to_string()).join("plan")) {
            Ok(piece) => pieces.push(piece),
            Err(why) if why.kind() == io::ErrorKind::NotFound => break,
            Err(why) => return Err(why.into()),
        }
    }
    seal.check(&pieces)?;
    let mut text = String::new();
    for piece in &pieces {
        match piece.first() {
            Some(&GZIP) => MultiGzDecoder::new(piece.as_slice()).read_to_string(&mut text)?,
            _ => piece.as_slice().read_to_string(&mut text)?,
        };
    }
    Ok(FinalPlan::read(&text)?)
}

fn task(args: &args::Collector, now: Timestamp) -> Result<Task, CliError> {
    if args.dry_run {
        return Ok(Task::Preview);
    }
    let stale_before = match &args.stale_uploads_older_than {
        None => None,
        Some(age) => {
            let before = now.checked_sub(age.duration());
            Some(before.map_err(|_| CliError::Usage(format!("--stale-uploads-older-than {age}: before all time")))?)
        }
    };
    let verify = match args.verify {
        args::CollectorVerify::References => Verify::References,
        args::CollectorVerify::Content => Verify::Content,
        args::CollectorVerify::None => Verify::None,
    };
    Ok(Task::Collect { stale_before, verify })
}

fn exit(account: &Account) -> Exit {
    match account.outcome {
        Outcome::Collected | Outcome::Previewed => Exit::Done,
        Outcome::Refused => Exit::Registry,
        Outcome::Incomplete => Exit::Incomplete,
        Outcome::Damaged => Exit::Damaged,
    }
}

/// Tells a person.
fn show(account: &Account, say: impl Fn(&str)) {
    let counted = |number: u64, one: &str| count(usize::try_from(number).unwrap_or(usize::MAX), one);
    let of = |it: Deleted| format!("{} of {}", counted(it.blobs, "blob"), bytes(it.bytes));
    if let Some(stays) = account.stays {
        say(&format!(
            "stays:      {}, {}, {}",
            counted(stays.tags, "tag"),
            counted(stays.manifests, "manifest"),
            counted(stays.blobs, "other blob")
        ));
        if stays.dangling_tags + stays.broken_tags > 0 {
            say(&format!(
                "            {} without a manifest, {} with a broken link",
                counted(stays.dangling_tags, "tag"),
                stays.broken_tags
            ));
        }
    }
    if let Some(uploads) = account.stale_uploads {
        let left = if uploads.left > 0 { format!("; {} left", uploads.left) } else { String::new() };
        say(&format!(
            "uploads:    {} of {} removed{left}",
            counted(uploads.removed, "stale upload"),
            bytes(uploads.bytes)
        ));
    }
    if account.mended_links > 0 {
        say(&format!(
            "mended:     {} to manifests, which a full disk left empty",
            counted(account.mended_links, "link")
        ));
    }
    if let Some(predicted) = account.predicted {
        say(&format!("unneeded:   {}", of(predicted)));
    }
    if let Some(deleted) = account.deleted {
        say(&format!("deleted:    {}", of(deleted)));
    }
    if let Some(free) = account.free {
        say(&format!("free:       {} before, {} after", bytes(free.before), bytes(free.after)));
    }
    let seconds = &account.seconds;
    say(&format!(
        "took:       {:.1} s reading, {:.1} s uploads, {:.1} s dry run, {:.1} s collecting, {:.1} s verifying",
        seconds.reading, seconds.uploads, seconds.dry_run, seconds.collecting, seconds.verifying
    ));
    if let (Some(seconds), Outcome::Previewed) = (account.predicted_seconds, account.outcome) {
        say(&format!("would take: {seconds:.1} s"));
    }
    say(&format!("{:?} ({}): {}", account.outcome, account.reason, account.message));
}
