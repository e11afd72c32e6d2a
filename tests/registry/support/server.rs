use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use tokio::net::TcpStream;

/// A process that listens on 127.0.0.1 and logs into a file. It is killed when this is dropped.
pub(super) struct Server {
    process: Child,
    log: PathBuf,
}

impl Server {
    /// Starts one, and returns when somebody can connect to `address`.
    pub(super) async fn start(mut command: Command, home: &Path, address: SocketAddr) -> Self {
        let log = home.join("log");
        let file = File::create(&log).expect("a log file");
        let process = command
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .spawn()
            .expect("the server's executable runs");
        let mut server = Self { process, log };
        for _ in 0..3000 {
            let ended = server.process.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "{command:?} ended:\n{}", server.log());
            if TcpStream::connect(address).await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{command:?} does not answer:\n{}", server.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
