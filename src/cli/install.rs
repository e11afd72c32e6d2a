use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

use super::args;
use super::error::CliError;
use super::exit::Exit;

/// What the program is called there.
const NAME: &str = "registry-retention";
/// Whoever a registry runs as may run it.
const MODE: u32 = 0o755;

/// Copies this program into a folder, where it is there whole or not at all.
pub(super) fn run(args: &args::Install) -> Result<Exit, CliError> {
    let path = args.folder.join(NAME);
    install(&args.folder, &path).map_err(|why| {
        CliError::Unwritten(format!("{}: the program cannot be copied there: {why}; it was not", path.display()))
    })?;
    Ok(Exit::Done)
}

fn install(folder: &Path, path: &Path) -> io::Result<()> {
    // Whatever became of the file that it was started from.
    let mut this = File::open("/proc/self/exe")?;
    let mut copy = NamedTempFile::with_prefix_in(".unfinished-", folder)?;
    io::copy(&mut this, &mut copy)?;
    copy.as_file().set_permissions(fs::Permissions::from_mode(MODE))?;
    copy.as_file().sync_all()?;
    copy.persist(path)?;
    File::open(folder)?.sync_all()
}
