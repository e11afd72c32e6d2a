use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;

use super::*;
use crate::registry::Tls;

/// Serves an empty list of tags over TLS; the URL, and the certificate in PEM.
fn serve() -> (String, Vec<u8>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![cert.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = rustls::StreamOwned::new(rustls::ServerConnection::new(config.clone()).unwrap(), stream);
            let answered = stream.read(&mut [0; 4096]).is_ok();
            if answered {
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\nconnection: close\r\n\r\n{\"tags\": []}");
                let _ = stream.flush();
            }
        }
    });
    (url, cert.pem().into_bytes())
}

#[tokio::test]
async fn an_unknown_authority_is_refused_and_a_given_one_is_trusted() {
    let (url, pem) = serve();
    let client = |ca| {
        let tls = Tls { ca, client: None };
        Client::new(url.parse().unwrap(), Access { tls, ..Access::default() }).unwrap()
    };
    assert_eq!(client(Some(pem)).tags(&app()).await.unwrap(), []);
    let (_, foreign) = serve();
    let error = client(Some(foreign)).tags(&app()).await.unwrap_err();
    assert_eq!(error.reason(), "CertificateRefused", "{error}");
}

#[tokio::test]
async fn https_to_a_plain_port_is_named() {
    let double = Double::start(|_| ok("")).await;
    let (_, ca) = serve();
    let url = double.url.replace("http://", "https://").parse().unwrap();
    let client = Client::new(url, Access { tls: Tls { ca: Some(ca), client: None }, ..Access::default() }).unwrap();
    assert_eq!(client.tags(&app()).await.unwrap_err().reason(), "TlsMisconfigured");
}
