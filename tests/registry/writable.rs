//! One process of a registry, asked at its own address whether it takes writes.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use registry_retention::collection::marks::{READ_ONLY, READ_ONLY_VALUE};
use registry_retention::collection::protocol::Answer;
use registry_retention::collection::{Auth, Serving};
use registry_retention::registry::{Access, ClientCertificate, Credentials as Login, Tls, ask};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Authority, Credentials, Registry, TokenServer, Version, both_versions};

both_versions![
    it_says_whether_it_takes_writes,
    it_is_asked_with_a_login,
    it_is_asked_with_a_token_that_permits_nothing,
    its_certificate_is_of_its_name_or_of_the_one_authority,
    it_may_want_a_certificate,
    it_may_lie_below_a_prefix,
];

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn serving(port: u16) -> Serving {
    Serving { port, tls: false, prefix: String::new(), auth: Auth::None, read_only: false }
}

fn served_by(registry: &Registry) -> Serving {
    let tls = registry.url().starts_with("https:");
    Serving { tls, ..serving(registry.host().split_once(':').expect("a port").1.parse().expect("a number")) }
}

fn with_login(user: &str, password: &str) -> Access {
    Access { credentials: Login::Basic { username: user.into(), password: password.into() }, tls: Tls::default() }
}

fn trusting(authority: &Authority) -> Access {
    let ca = Some(authority.certificate().into_bytes());
    Access { credentials: Login::Anonymous, tls: Tls { ca, client: None } }
}

/// What it answers, or the code of why it does not.
async fn asked(serving: &Serving, host: Option<&str>, access: &Access) -> Result<Answer, &'static str> {
    asked_at(HERE, serving, host, access).await
}

async fn asked_at(
    address: IpAddr,
    serving: &Serving,
    host: Option<&str>,
    access: &Access,
) -> Result<Answer, &'static str> {
    ask(address, serving, host, access).await.map_err(|why| {
        let said = format!("{why} {why:?}");
        // `cm9ib3Q6czNjcmU` is how the login travels.
        assert!(!said.contains("s3cre") && !said.contains("cm9ib3Q6"), "{said}");
        why.reason()
    })
}

/// Hands connections at another address of this machine on to a registry. It ends with the test.
async fn forward(from: &str, registry: &Registry) -> (IpAddr, Serving) {
    let listener = TcpListener::bind((from, 0)).await.expect("an address of this machine");
    let address = listener.local_addr().expect("an address");
    let to = Arc::new(registry.host());
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let to = Arc::clone(&to);
            tokio::spawn(async move {
                let mut to = TcpStream::connect(to.as_str()).await?;
                tokio::io::copy_bidirectional(&mut from, &mut to).await
            });
        }
    });
    (address.ip(), Serving { port: address.port(), ..served_by(registry) })
}

async fn it_says_whether_it_takes_writes(version: Version) {
    let registry = Registry::start(version).await;
    let (serving, anyone) = (served_by(&registry), Access::default());
    let before = registry.store().files();
    assert_eq!(asked(&serving, None, &anyone).await, Ok(Answer::Writable));
    // By its own address, whatever its name leads to.
    assert_eq!(asked(&serving, Some("registry.invalid"), &anyone).await, Ok(Answer::Writable));
    let (address, sixth) = forward("::1", &registry).await;
    assert_eq!(asked_at(address, &sixth, None, &anyone).await, Ok(Answer::Writable));
    registry.restart_as(|it| it.env(READ_ONLY, READ_ONLY_VALUE)).await;
    assert_eq!(asked(&serving, None, &anyone).await, Ok(Answer::ReadOnly));
    assert_eq!(registry.store().files(), before);
    registry.kill();
    assert_eq!(asked(&serving, None, &anyone).await, Err("ProbeUnreachable"));
    let encrypted = Serving { tls: true, ..serving };
    assert_eq!(asked(&encrypted, Some("registry.invalid"), &anyone).await, Err("ProbeUnreachable"));
}

async fn it_is_asked_with_a_login(version: Version) {
    let registry = Registry::builder(version).basic_auth(&Credentials::new("robot", "s3cret")).start().await;
    let serving = served_by(&registry);
    for access in [Access::default(), with_login("robot", "s3cre7"), with_login("nobody", "s3cret")] {
        assert_eq!(asked(&serving, None, &access).await, Err("ProbeUnauthorized"));
    }
    let access = with_login("robot", "s3cret");
    assert_eq!(asked(&serving, None, &access).await, Ok(Answer::Writable));
    registry.restart_as(|it| it.read_only(true)).await;
    assert_eq!(asked(&serving, None, &access).await, Ok(Answer::ReadOnly));
    assert_eq!(asked(&serving, None, &Access::default()).await, Err("ProbeUnauthorized"));
}

async fn it_is_asked_with_a_token_that_permits_nothing(version: Version) {
    let tokens = TokenServer::start(&Credentials::new("robot", "s3cret")).await;
    let registry = Registry::builder(version).token_auth(&tokens).start().await;
    let (serving, access) = (served_by(&registry), with_login("robot", "s3cret"));
    assert_eq!(asked(&serving, None, &access).await, Ok(Answer::Writable));
    assert!(tokens.requests().iter().all(|request| request.logged_in && request.scopes.is_empty()));
    for access in [Access::default(), with_login("robot", "s3cre7")] {
        assert_eq!(asked(&serving, None, &access).await, Err("ProbeUnauthorized"));
    }
    // The login goes unencrypted to the registry's own host alone, which is now another.
    assert_eq!(asked(&serving, Some("registry.invalid"), &access).await, Err("ProbeUnauthorized"));
}

async fn its_certificate_is_of_its_name_or_of_the_one_authority(version: Version) {
    let authority = Authority::new();
    let registry = Registry::builder(version).tls(&authority).start().await;
    let (ours, others, none) = (trusting(&authority), trusting(&Authority::new()), Access::default());
    // Its certificate is of 127.0.0.1.
    let (address, serving) = forward("127.0.0.2", &registry).await;
    let at = async |host, access| asked_at(address, &serving, host, access).await;
    assert_eq!(at(None, &ours).await, Ok(Answer::Writable), "of whatever name");
    assert_eq!(at(Some("127.0.0.1"), &ours).await, Ok(Answer::Writable), "an address is no name");
    for (host, access) in [
        (None, &others),
        (None, &none),
        (Some("127.0.0.1"), &none),
        (Some("registry.invalid"), &none),
        (Some("registry.invalid"), &others),
        (Some("registry.invalid"), &ours),
    ] {
        assert_eq!(at(host, access).await, Err("ProbeTls"), "{host:?}");
    }
    let plain = Serving { tls: false, ..serving.clone() };
    assert_eq!(asked_at(address, &plain, None, &ours).await, Err("ProbeUnclear"));
    let unencrypted = Registry::start(version).await;
    let encrypted = Serving { tls: true, ..served_by(&unencrypted) };
    assert_eq!(asked(&encrypted, None, &ours).await, Err("ProbeTls"));
}

async fn it_may_want_a_certificate(version: Version) {
    let authority = Authority::new();
    let registry = Registry::builder(version).mutual_tls(&authority).start().await;
    let (serving, mut access) = (served_by(&registry), trusting(&authority));
    assert_eq!(asked(&serving, None, &access).await, Err("ProbeTls"));
    let identity = authority.client();
    let (certificate, key) = (identity.certificate.into(), identity.key.into());
    access.tls.client = Some(ClientCertificate { certificate, key });
    assert_eq!(asked(&serving, None, &access).await, Ok(Answer::Writable));
    access.tls.client = Some(ClientCertificate { certificate: b"s3cret".to_vec(), key: b"s3cret".to_vec() });
    assert_eq!(asked(&serving, None, &access).await, Err("ProbeTls"));
}

async fn it_may_lie_below_a_prefix(version: Version) {
    let registry = Registry::builder(version).env("REGISTRY_HTTP_PREFIX", "/my/path/").start().await;
    let (serving, anyone) = (served_by(&registry), Access::default());
    assert_eq!(asked(&serving, None, &anyone).await, Err("ProbeUnclear"));
    let below = Serving { prefix: "/my/path".into(), ..serving };
    assert_eq!(asked(&below, None, &anyone).await, Ok(Answer::Writable));
}

/// Something takes the connection and says nothing: it is not waited for.
#[tokio::test]
async fn who_does_not_answer_is_unreachable() {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let silent = serving(listener.local_addr().unwrap().port());
    assert_eq!(asked(&silent, None, &Access::default()).await, Err("ProbeUnreachable"));
}

/// What an answer says in whichever of its lines counts; an answer that says half of it does not.
#[tokio::test]
async fn an_answer_that_is_no_registrys_is_unclear() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    for (head, expected) in [
        ("200 OK\r\nAllow: GET, HEAD", Ok(Answer::ReadOnly)),
        ("200 OK\r\nAllow: HEAD\r\nAllow: GET", Ok(Answer::ReadOnly)),
        ("200 OK\r\nAllow: DELETE,GET,HEAD,PUT", Ok(Answer::Writable)),
        ("200 OK\r\nAllow: GET", Err("ProbeUnclear")),
        ("200 OK\r\nAllow: GET, HEAD, OPTIONS", Err("ProbeUnclear")),
        ("200 OK\r\nServer: other", Err("ProbeUnclear")),
        ("204 No Content\r\nAllow: GET, HEAD", Err("ProbeUnclear")),
        ("302 Found\r\nLocation: /", Err("ProbeUnclear")),
        ("403 Forbidden\r\nAllow: GET, HEAD", Err("ProbeUnauthorized")),
        ("503 Service Unavailable\r\nAllow: GET, HEAD", Err("ProbeUnclear")),
    ] {
        let listener = TcpListener::bind((HERE, 0)).await.unwrap();
        let serving = serving(listener.local_addr().unwrap().port());
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            assert!(request[..length].starts_with(b"OPTIONS /v2/"));
            let answer = format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            // A second try would find nobody, and change the answer.
        });
        assert_eq!(asked(&serving, None, &Access::default()).await, expected, "{head}");
        answering.await.unwrap();
    }
}
