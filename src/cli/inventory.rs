use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use tempfile::NamedTempFile;

use super::args::{self, Loudness};
use super::beside;
use super::error::CliError;
use super::exit::Exit;
use super::screen::err;
use super::show::text::{bytes, count};
use crate::retention::Capacity;
use crate::storage::{Ending, Location, LogWriter, StorageError, Tally, Writer, configured, read_each, write_failure};

/// How often somebody who follows the log is told that there is more to come. API servers and what lies before them end
/// an answer that pauses for some minutes.
const BEAT: Duration = Duration::from_secs(60);

/// Reads a storage, and writes down what is there.
pub(super) async fn run(args: &args::Inventory, loudness: &Loudness) -> Result<Exit, CliError> {
    if args.log {
        let done = send(args).await;
        if let Err(error) = &done {
            // Where even this cannot be written, the exit code tells.
            let _ = write_failure(io::stdout(), error.reason(), &error.to_string());
        }
        return done.map(|()| Exit::Done);
    }
    let location = location(args)?;
    let now = super::now();
    let (ending, tally) = if let Some(path) = &args.output {
        save(&location, path, now).await?
    } else {
        let (_, ending, tally) = write(&location, BufWriter::new(io::stdout()), now).await?;
        (ending, tally)
    };
    if !loudness.quiet {
        tell(&location, &ending, &tally);
    }
    Ok(Exit::Done)
}

/// Writes the inventory as lines of a log. Something is said at once, for who follows waits for that.
async fn send(args: &args::Inventory) -> Result<(), CliError> {
    let location = location(args)?;
    err(format_args!("reading {location}"));
    let beat = tokio::spawn(async {
        loop {
            tokio::time::sleep(BEAT).await;
            err("still reading");
        }
    });
    let written = write(&location, LogWriter::new(io::stdout()), super::now()).await;
    beat.abort();
    let (log, ending, tally) = written?;
    log.end().map_err(StorageError::Unwritten)?;
    tell(&location, &ending, &tally);
    Ok(())
}

/// Where the storage is that is meant.
fn location(args: &args::Inventory) -> Result<Location, CliError> {
    let location = match &args.storage {
        Some(location) => location.clone(),
        None => configured_location(args)?,
    };
    beside::must_lie_in(args.volumes.as_deref(), &location)?;
    Ok(location)
}

fn configured_location(args: &args::Inventory) -> Result<Location, CliError> {
    let environment = beside::environment();
    let path = beside::chosen_file(args.configuration.as_ref(), &environment)?;
    let shown = path.display();
    let yaml = std::fs::read_to_string(&path)
        .map_err(|why| CliError::Usage(format!("{shown}: cannot be read: {why}; no inventory was made")))?;
    configured(&yaml, environment).map_err(|why| CliError::Usage(format!("{shown}: {why}; no inventory was made")))
}

/// Writes the inventory to a file, which is there whole or not at all; compressed if its name ends in `.gz`.
async fn save(location: &Location, path: &Path, now: Timestamp) -> Result<(Ending, Tally), CliError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |why: io::Error| {
        CliError::Unwritten(format!("{}: cannot be written: {why}; there is no inventory", path.display()))
    };
    let file = NamedTempFile::with_prefix_in(".unfinished-", folder).map_err(failed)?;
    let buffer = BufWriter::new(file);
    let (buffer, ending, tally) = if path.extension().is_some_and(|extension| extension == "gz") {
        let (encoder, ending, tally) = write(location, GzEncoder::new(buffer, Compression::fast()), now).await?;
        (encoder.finish().map_err(failed)?, ending, tally)
    } else {
        write(location, buffer, now).await?
    };
    let file = buffer.into_inner().map_err(|error| failed(error.into_error()))?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok((ending, tally))
}

async fn write<W: Write>(location: &Location, out: W, now: Timestamp) -> Result<(W, Ending, Tally), CliError> {
    let mut writer = Writer::new(out, now).map_err(StorageError::Unwritten)?;
    let ending = read_each(location, now, |entry| writer.entry(&entry)).await?;
    let (mut out, tally) = writer.end(&ending).map_err(StorageError::Unwritten)?;
    out.flush().map_err(StorageError::Unwritten)?;
    Ok((out, ending, tally))
}

/// Tells a person what was found.
fn tell(location: &Location, ending: &Ending, tally: &Tally) {
    let counted = |number: u64, one: &str| count(usize::try_from(number).unwrap_or(usize::MAX), one);
    err(format_args!(
        "{location}: {}, {}, {}, {} of {}, {}",
        counted(tally.repositories, "repository"),
        counted(tally.tags, "tag"),
        counted(tally.revisions, "manifest"),
        counted(tally.blobs, "blob"),
        bytes(tally.bytes),
        counted(tally.uploads, "open upload"),
    ));
    if let Some(Capacity { total, free }) = ending.capacity {
        err(format_args!("the filesystem holds {}, of which {} are free", bytes(total), bytes(free)));
    }
    if ending.oddities.count > 0 {
        let is = if ending.oddities.count == 1 { "is" } else { "are" };
        err(format_args!("{} {is} not the registry's, and left alone:", count(ending.oddities.count, "thing")));
        for example in ending.oddities.examples.iter().take(5) {
            err(format_args!("  {example}"));
        }
        if ending.oddities.count > 5 {
            err(format_args!("  and {} more", ending.oddities.count - 5));
        }
    }
}
