use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::ALLOW;
use tokio::time::timeout;

use super::error::{Problem, RegistryError};
use super::tls::{Reach, Trust, Way};
use super::token::Scope;
use super::transport::{Ask, Transport};
use super::{Access, Endpoint};
use crate::collection::protocol::Answer;
use crate::collection::{Serving, Unanswered};

/// What is asked about. It need not be there: the answer is the same.
const SUBJECT: &str = "/v2/registry-retention/probe/manifests/probe";
/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the whole may take, a login included.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks one pod of a registry, at its own address, whether it takes writes. Nothing is changed by it, and nothing is tried
/// twice: whoever asks comes again.
///
/// `OPTIONS` on a manifest is answered by Distribution's router: with the methods that it would take, which are `GET` and
/// `HEAD` alone in its read-only mode. It wants a valid login where there is any, and no right.
///
/// `host` is the name by which the registry is known, if it is: the certificate must be of that name. Where it is not
/// known, nothing says which name a pod's certificate should have; then any certificate is taken that the authority in
/// `access` signed, and that one alone: it was given for this registry, and the address is the cluster's own word. Every
/// certificate that any of the system's authorities signed would be too many; so without an authority it is refused.
///
/// # Errors
///
/// [`Unanswered`] if the pod said neither.
pub async fn ask(
    address: IpAddr,
    serving: &Serving,
    host: Option<&str>,
    access: &Access,
) -> Result<Answer, Unanswered> {
    let place = SocketAddr::new(address, serving.port);
    let asked = timeout(PATIENCE, Box::pin(exchange(place, serving, host, access))).await;
    asked
        .unwrap_or_else(|_| Err(Unanswered::Unreachable(format!("{place}: no answer within {} s", PATIENCE.as_secs()))))
}

async fn exchange(
    place: SocketAddr,
    serving: &Serving,
    host: Option<&str>,
    access: &Access,
) -> Result<Answer, Unanswered> {
    let scheme = if serving.tls { "https" } else { "http" };
    // An address cannot be looked up as a name, so that no pod can be reached by the address of another.
    let named = host.filter(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().is_err());
    let url = match named {
        Some(name) => format!("{scheme}://{name}:{}", place.port()),
        None => format!("{scheme}://{place}"),
    };
    let wrong = |_| Unanswered::Unclear(format!("{place}: {scheme} to {} is no URL", named.unwrap_or_default()));
    let endpoint: Endpoint = url.parse().map_err(wrong)?;
    let trust = match (named, &access.tls.ca) {
        _ if !serving.tls => Trust::Names,
        (Some(_), _) => Trust::Names,
        (None, Some(_)) => Trust::AuthorityAlone,
        (None, None) => {
            return Err(Unanswered::Tls(format!(
                "{place}: the registry speaks TLS, and neither the name in its certificate is known nor the authority that \
                 signed it"
            )));
        }
    };
    let reach = Reach { way: Way::At(place), connect_timeout: CONNECT_TIMEOUT, trust };
    let failed = |error: &RegistryError| unanswered(place, serving, error.problem());
    let transport = Transport::reaching(endpoint.clone(), access.clone(), &reach);
    let transport = transport.map_err(|problem| unanswered(place, serving, &problem))?;
    let url = endpoint.at(&format!("{}{SUBJECT}", serving.prefix));
    let ask = Ask::new(Method::OPTIONS, url, Scope::none());
    let answer = transport.send_logged_in(&ask).await.map_err(|error| failed(&error))?;
    if answer.status() == 200 {
        let values = answer.headers().get_all(ALLOW).iter().filter_map(|value| value.to_str().ok());
        let allowed: BTreeSet<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
        if allowed.contains("PUT") {
            return Ok(Answer::Writable);
        }
        if allowed == BTreeSet::from(["GET", "HEAD"]) {
            return Ok(Answer::ReadOnly);
        }
        return Err(Unanswered::Unclear(format!("{place}: its answer does not say which methods it takes")));
    }
    Err(failed(&answer.into_error().await))
}

/// Nothing was changed in any case, so that what is told is only what came.
fn unanswered(place: SocketAddr, serving: &Serving, problem: &Problem) -> Unanswered {
    let text = format!("{place}: {problem}");
    match problem {
        Problem::LoginMissing | Problem::Unauthorized { .. } | Problem::Forbidden { .. } | Problem::UnsafeRealm => {
            Unanswered::Unauthorized(text)
        }
        Problem::CertificateRefused(_) | Problem::TlsMisconfigured(_) => Unanswered::Tls(text),
        // A server that wants a certificate may end the connection before its words are read.
        Problem::Interrupted if serving.tls => {
            Unanswered::Tls(format!("{text}, as it does where a client's certificate is wanted"))
        }
        Problem::Unreachable => Unanswered::Unreachable(format!(
            "{place}: no connection: refused, unreachable, or not accepted within {} s",
            CONNECT_TIMEOUT.as_secs()
        )),
        Problem::UnknownHost | Problem::Interrupted | Problem::CutShort | Problem::TimedOut(_) => {
            Unanswered::Unreachable(text)
        }
        _ => Unanswered::Unclear(text),
    }
}
