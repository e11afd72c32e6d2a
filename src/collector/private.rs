//! The registry's own program as a process of ours: it serves the same storage, on a unix socket that nobody else knows,
//! and deletes whatever the registry itself is told.

use std::env;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::Child;

use super::listening::listens_on_tcp;
use super::process::{Words, remember};
use super::sweep::complaint;
use super::{CollectorError, Registry};
use crate::registry::Client;
use crate::storage::{private_configuration, reaches_private};

/// How long it may take to answer, and how often that is tried.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);
/// How long it may take to end before it is killed.
const FAREWELL: Duration = Duration::from_secs(10);

/// Where such a process lives: a folder that only we can enter, with its configuration. It goes when this is dropped.
#[derive(Debug)]
pub(super) struct Home {
    /// The program with that configuration and what of the environment may reach it.
    pub(super) registry: Registry,
    socket: PathBuf,
    _folder: TempDir,
}

/// Such a process, which answers.
pub(super) struct Private {
    pub(super) client: Client,
    child: Child,
    socket: PathBuf,
    words: Words,
}

impl Home {
    /// Makes one in the folder `scratch`. `yaml` is the registry's own configuration.
    pub(super) fn make(registry: &Registry, yaml: &str, scratch: &Path) -> Result<Self, CollectorError> {
        let failed = |why: &dyn std::fmt::Display| CollectorError::Private(format!("{}: {why}", scratch.display()));
        let folder = tempfile::Builder::new().prefix("private-").tempdir_in(scratch).map_err(|why| failed(&why))?;
        let socket = folder.path().join("socket");
        let address = socket.to_str().ok_or_else(|| failed(&"no name in UTF-8"))?;
        let storage = env::var_os("REGISTRY_STORAGE").map(OsString::into_string).transpose();
        let storage = storage.map_err(|_| failed(&"REGISTRY_STORAGE is no text"))?;
        let text = private_configuration(yaml, storage.as_deref(), address).map_err(|why| failed(&why))?;
        let configuration = folder.path().join("config.yml");
        // It may hold the keys of a bucket.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&configuration);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|why| failed(&why))?;
        let names = env::vars_os().map(|(name, _)| name);
        let hidden = names.filter(|name| !reaches_private(&name.to_string_lossy())).collect();
        let registry = Registry { configuration, hidden, ..registry.clone() };
        Ok(Self { registry, socket, _folder: folder })
    }

    /// Starts the process, and returns when it answers. It is killed when the result is dropped.
    pub(super) async fn start(&self) -> Result<Private, CollectorError> {
        let failed = |why: String| CollectorError::Private(why);
        let mut command = self.registry.command_beneath();
        command.arg("serve").arg(&self.registry.configuration);
        // 3.x sends traces unless it is told not to.
        command.env("OTEL_TRACES_EXPORTER", "none").env_remove("OTEL_METRICS_EXPORTER");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|why| failed(format!("it cannot be run: {why}")))?;
        let words = Words::default();
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(remember(stderr, Arc::clone(&words)));
        }
        let client = Client::at_socket(&self.socket).map_err(|why| failed(why.to_string()))?;
        let mut private = Private { client, child, socket: self.socket.clone(), words };
        let began = Instant::now();
        loop {
            if let Ok(Some(status)) = private.child.try_wait() {
                // What it says comes by another way.
                tokio::time::sleep(PAUSE).await;
                return Err(failed(format!("it ended with {status} at once{}", private.complaint())));
            }
            match UnixStream::connect(&self.socket) {
                Ok(_) => return Ok(private),
                Err(why) if began.elapsed() >= PATIENCE => {
                    return Err(failed(format!("it does not listen on its socket: {why}{}", private.complaint())));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

impl Private {
    /// Refuses one that anybody else can reach.
    pub(super) fn must_be_alone(&self) -> Result<(), CollectorError> {
        let unknown = |why: &dyn std::fmt::Display| {
            CollectorError::Private(format!("whether anybody else can reach it is not known: {why}"))
        };
        let id = self.child.id().ok_or_else(|| unknown(&"it has ended"))?;
        match listens_on_tcp(&Path::new("/proc").join(id.to_string())) {
            Ok(false) => Ok(()),
            Ok(true) => Err(CollectorError::Private("it listens on TCP, where anybody could push to it".to_owned())),
            Err(why) => Err(unknown(&why)),
        }
    }

    /// Ends it, and returns when it is gone.
    pub(super) async fn end(mut self) -> Result<(), CollectorError> {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(pid) = pid {
            // An error says that it has ended already.
            let _ = kill_process(pid, Signal::TERM);
        }
        if !matches!(tokio::time::timeout(FAREWELL, self.child.wait()).await, Ok(Ok(_))) {
            let killed = self.child.kill().await;
            killed.map_err(|why| CollectorError::Private(format!("it cannot be ended: {why}")))?;
        }
        match fs::remove_file(&self.socket) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => {
                Err(CollectorError::Private(format!("its socket cannot be removed: {why}")))
            }
            _ => Ok(()),
        }
    }

    fn complaint(&self) -> String {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        complaint(&*words).map_or_else(String::new, |said| format!(": {said}"))
    }
}
