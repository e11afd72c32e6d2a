use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What stands for the internet between clients and an emulator: an HTTP proxy whose tunnels all end at the emulator,
/// whichever host they ask for. So a registry needs no setting that it would not have at the vendor's.
///
/// To anybody who asks for no tunnel it gives a token, as Google's login server does.
pub(super) struct Front {
    address: SocketAddr,
    task: JoinHandle<()>,
}

const TOKEN: &str = r#"{"access_token":"a-token","token_type":"Bearer","expires_in":3600}"#;

impl Front {
    pub(super) async fn start(emulator: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Whoever breaks off does not matter to the others.
                tokio::spawn(async move { serve(client, emulator).await.ok() });
            }
        });
        Self { address, task }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut client: TcpStream, emulator: SocketAddr) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    if head.starts_with(b"CONNECT ") {
        let mut server = TcpStream::connect(emulator).await?;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    let length = TOKEN.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    client.write_all(format!("{head}{TOKEN}").as_bytes()).await?;
    client.shutdown().await
}
