use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::configuration::{Access, Builder};
use super::pusher::{trusting, unproxied};
use super::{Collection, Pusher, Store, Version};

/// A real registry, a process of its own on 127.0.0.1. It is killed when this is dropped, and at the latest when the
/// thread that started it ends; so each test starts its own.
pub struct Registry {
    builder: Mutex<Builder>,
    // Before `home`: the process must be gone when its folder is removed.
    process: Mutex<Process>,
    home: TempDir,
    folder: PathBuf,
    port: u16,
    url: String,
}

/// How often a starting process is looked at, and how long in between: 30 seconds in all.
const TRIES: u32 = 3000;
const PAUSE: Duration = Duration::from_millis(10);

impl Registry {
    /// An open registry that allows deletes.
    pub async fn start(version: Version) -> Self {
        Self::builder(version).start().await
    }

    /// Says what the registry is to be like; then [`Builder::start`].
    pub fn builder(version: Version) -> Builder {
        Builder::new(version)
    }

    pub(super) async fn launch(builder: Builder) -> Self {
        let home = folder_of_its_own();
        let folder = builder.store.clone().unwrap_or_else(|| home.path().join("store"));
        let client = client(&builder);
        let scheme = if builder.tls.is_some() { "https" } else { "http" };
        for _ in 0..10 {
            let port = free_port();
            let url = format!("{scheme}://127.0.0.1:{port}");
            builder.write(home.path(), &folder, port).expect("the configuration is written");
            if let Some(process) = Process::start(&builder, home.path(), &client, &url).await {
                let (builder, process) = (Mutex::new(builder), Mutex::new(process));
                return Self { builder, process, home, folder, port, url };
            }
        }
        panic!("no free port in ten tries");
    }

    /// Where it answers, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `host:port`, as in an image reference.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its configuration file.
    pub fn config_path(&self) -> PathBuf {
        self.home.path().join("config.yml")
    }

    /// What it has logged since it last started.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    /// Its storage, for looking and for damage.
    pub fn store(&self) -> Store {
        Store::new(self.folder.join("docker/registry/v2"))
    }

    /// A client that knows its certificates, but no login; it follows no redirect.
    pub fn client(&self) -> reqwest::Client {
        client(&self.settings())
    }

    /// A client that pushes and looks. It is logged in where the registry asks for name and password; where it asks
    /// for a token, see [`Pusher::with_token`].
    pub fn pusher(&self) -> Pusher {
        let pusher = Pusher::new(&self.url).with_client(self.client());
        match &self.settings().access {
            Access::Basic(credentials) => pusher.with_basic(credentials),
            Access::Anyone | Access::Token(..) => pusher,
        }
    }

    /// Ends it at once (SIGKILL), whatever it is doing.
    pub fn kill(&self) {
        self.process.lock().unwrap().kill();
    }

    /// Ends it and starts it again, with the same port and store.
    pub async fn restart(&self) {
        self.restart_as(|builder| builder).await;
    }

    /// Ends it and starts it again with other settings, such as `|it| it.read_only(true)`.
    pub async fn restart_as(&self, change: impl FnOnce(Builder) -> Builder) {
        self.kill();
        let builder = change(self.settings());
        builder.write(self.home.path(), &self.folder, self.port).expect("the configuration is written");
        for _ in 0..10 {
            if let Some(process) = Process::start(&builder, self.home.path(), &client(&builder), &self.url).await {
                *self.process.lock().unwrap() = process;
                *self.builder.lock().unwrap() = builder;
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("port {} was taken while the registry was down", self.port);
    }

    /// Runs the same executable's `garbage-collect` on its configuration, and demands success.
    ///
    /// With a descriptor cache the registry must be restarted afterwards: it still believes in what is gone.
    pub async fn garbage_collect(&self) -> Collection {
        self.try_garbage_collect(&[]).await.unwrap_or_else(|failure| panic!("garbage-collect: {failure}"))
    }

    /// Runs `garbage-collect` with more options, such as `--dry-run`. Success is exit code 0 *and* the summary.
    pub async fn try_garbage_collect(&self, options: &[&str]) -> Result<Collection, String> {
        let output = tokio::process::Command::from(self.settings().command())
            .arg("garbage-collect")
            .args(options)
            .arg(self.config_path())
            .kill_on_drop(true)
            .output()
            .await
            .expect("the registry's executable runs");
        Collection::read(&output)
    }

    fn settings(&self) -> Builder {
        self.builder.lock().unwrap().clone()
    }
}

/// The registry's process; it dies with this value.
struct Process(Child);

impl Process {
    /// Starts it and waits until it answers; `None` if its port is taken.
    async fn start(builder: &Builder, home: &Path, client: &reqwest::Client, url: &str) -> Option<Self> {
        let path = home.join("log");
        let log = File::create(&path).expect("a log file");
        let child = builder
            .command()
            // By the variable, as everybody sets it in a container.
            .env("REGISTRY_STORAGE_DELETE_ENABLED", builder.deletes.to_string())
            .arg("serve")
            .arg(home.join("config.yml"))
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the registry's executable runs");
        let mut process = Self(child);
        for _ in 0..TRIES {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if let Some(status) = process.0.try_wait().expect("a child can be waited for") {
                if text.contains("address already in use") {
                    return None;
                }
                panic!("the registry ended with {status}:\n{text}");
            }
            // Its own word first: on a port that clashes, another process may answer.
            if text.contains("listening on") && client.get(format!("{url}/v2/")).send().await.is_ok() {
                return Some(process);
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("the registry does not answer:\n{}", std::fs::read_to_string(&path).unwrap_or_default());
    }

    fn kill(&mut self) {
        // An error says that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A temporary folder, in memory where there is plenty: a registry flushes each file that it writes, and tests write
/// many thousands.
pub(super) fn folder_of_its_own() -> TempDir {
    const PLENTY: u64 = 1 << 30;
    let memory = Path::new("/dev/shm");
    let base = match fs4::available_space(memory) {
        Ok(free) if free >= PLENTY => memory.to_owned(),
        _ => std::env::temp_dir(),
    };
    TempDir::with_prefix_in("registry-", base).expect("a temporary folder")
}

fn client(builder: &Builder) -> reqwest::Client {
    let client = match &builder.tls {
        Some(tls) => trusting(&tls.authority, tls.client.as_ref()),
        None => unproxied(),
    };
    client.build().expect("a client")
}

/// A port that nobody listens on. It lies below the ports that outgoing connections take, so that none of them can
/// take it while a registry restarts.
pub(super) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 10_000;
    (0..COUNT)
        .map(|_| FIRST + (std::process::id() * 61 + u32::from(NEXT.fetch_add(1, Ordering::Relaxed))) % COUNT)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}
