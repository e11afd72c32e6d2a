//! How a registry is reached: the login and the certificates, from the Secrets that a resource names.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};

use super::resource::Resource;
use super::trouble::Trouble;
use crate::api::SecretReference;
use crate::registry::{Access, ClientCertificate, Credentials, DockerConfig, Endpoint, Tls};

const BASIC_AUTH: &str = "kubernetes.io/basic-auth";
const DOCKER_CONFIG: &str = "kubernetes.io/dockerconfigjson";

/// Reads the Secrets of `resource`; what is in them ends up in no message.
pub(super) async fn access(client: &Client, resource: &Resource) -> Result<Access, Trouble> {
    let registry = &resource.spec.registry;
    let secrets = Secrets { client, namespace: &resource.key.namespace };
    let name = |reference: &SecretReference| reference.name.clone();
    let (login, certificates) = (registry.secret_ref.as_ref().map(name), registry.cert_secret_ref.as_ref().map(name));
    secrets.access("spec.registry", login, certificates, Some(&resource.endpoint)).await
}

/// The Secrets of a namespace.
pub(super) struct Secrets<'a> {
    pub(super) client: &'a Client,
    pub(super) namespace: &'a str,
}

impl Secrets<'_> {
    /// Reads those of these names, which the fields `secretRef` and `certSecretRef` of `block` give. A login for Docker is
    /// that for `endpoint`; where that is not known, its only one.
    pub(super) async fn access(
        &self,
        block: &str,
        login: Option<String>,
        certificates: Option<String>,
        endpoint: Option<&Endpoint>,
    ) -> Result<Access, Trouble> {
        let mut access = Access::default();
        if let Some(name) = login {
            let field = format!("{block}.secretRef");
            let secret = self.get(&field, &name).await?;
            access.credentials = credentials(&secret, endpoint).map_err(|why| self.invalid(&field, &name, &why))?;
        }
        if let Some(name) = certificates {
            let field = format!("{block}.certSecretRef");
            let secret = self.get(&field, &name).await?;
            access.tls = tls(&secret).map_err(|why| self.invalid(&field, &name, &why))?;
        }
        Ok(access)
    }

    async fn get(&self, field: &str, name: &str) -> Result<Secret, Trouble> {
        let place = format!("{field}: Secret {}/{name}", self.namespace);
        match Api::<Secret>::namespaced(self.client.clone(), self.namespace).get_opt(name).await {
            Ok(Some(secret)) => Ok(secret),
            Ok(None) => Err(Trouble::stalled("SecretNotFound", format!("{place} is not there; create it"))),
            Err(kube::Error::Api(status)) if status.is_forbidden() => {
                let why = format!(
                    "{place}: the operator may not read it; add the namespace to `namespaces` of the chart's values"
                );
                Err(Trouble::stalled("SecretForbidden", why))
            }
            Err(why) => Err(Trouble::of_api(&place, &why)),
        }
    }

    fn invalid(&self, field: &str, name: &str, why: &str) -> Trouble {
        Trouble::stalled("SecretInvalid", format!("{field}: Secret {}/{name}: {why}", self.namespace))
    }
}

fn credentials(secret: &Secret, endpoint: Option<&Endpoint>) -> Result<Credentials, String> {
    let data = secret.data.as_ref();
    match secret.type_.as_deref() {
        Some(BASIC_AUTH) => {
            let username = text(data, "username")?.filter(|name| !name.is_empty());
            let password = text(data, "password")?;
            let username = username.ok_or("the key username is missing or empty")?;
            Ok(Credentials::Basic { username, password: password.ok_or("the key password is missing")? })
        }
        Some(DOCKER_CONFIG) => {
            let json =
                data.and_then(|data| data.get(".dockerconfigjson")).ok_or("the key .dockerconfigjson is missing")?;
            let config = DockerConfig::parse(&json.0).map_err(|why| why.to_string())?;
            match endpoint {
                Some(endpoint) => {
                    let found = config.credentials(endpoint, "").map_err(|why| why.to_string())?;
                    found.ok_or_else(|| format!("it has no login for {}", endpoint.host_port()))
                }
                None => config.only().map_err(|why| why.to_string())?.ok_or_else(|| "it has not just one login".into()),
            }
        }
        other => Err(format!("its type is {}; it must be {BASIC_AUTH} or {DOCKER_CONFIG}", other.unwrap_or("Opaque"))),
    }
}

fn tls(secret: &Secret) -> Result<Tls, String> {
    let bytes = |key: &str| secret.data.as_ref().and_then(|data| data.get(key)).map(|value| value.0.clone());
    let client = match (bytes("tls.crt"), bytes("tls.key")) {
        (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
        (None, None) => None,
        _ => return Err("tls.crt and tls.key belong together, and one of them is missing".into()),
    };
    let ca = bytes("ca.crt");
    if ca.is_none() && client.is_none() {
        return Err("it has neither ca.crt nor tls.crt and tls.key".into());
    }
    Ok(Tls { ca, client })
}

fn text(data: Option<&BTreeMap<String, ByteString>>, key: &str) -> Result<Option<String>, String> {
    let Some(value) = data.and_then(|data| data.get(key)) else { return Ok(None) };
    let text = String::from_utf8(value.0.clone()).map_err(|_| format!("the key {key} is not text"))?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(kind: &str, data: &[(&str, &str)]) -> Secret {
        let data = data.iter().map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())));
        Secret { type_: Some(kind.into()), data: Some(data.collect()), ..Secret::default() }
    }

    fn basic(username: &str, password: &str) -> Credentials {
        Credentials::Basic { username: username.into(), password: password.into() }
    }

    #[test]
    fn logins_of_either_type() {
        let endpoint: Endpoint = "http://registry.registry:5000".parse().unwrap();
        let read = |kind: &str, data: &[(&str, &str)]| credentials(&secret(kind, data), Some(&endpoint));
        assert_eq!(read(BASIC_AUTH, &[("username", "me"), ("password", "p\n")]), Ok(basic("me", "p\n")));
        let config = r#"{"auths": {"registry.registry:5000": {"username": "me", "password": "secret"}}}"#;
        assert_eq!(read(DOCKER_CONFIG, &[(".dockerconfigjson", config)]), Ok(basic("me", "secret")));
        let wrong = [
            (BASIC_AUTH, vec![("password", "secret")], "username is missing"),
            (BASIC_AUTH, vec![("username", "me")], "password is missing"),
            (DOCKER_CONFIG, vec![(".dockerconfigjson", r#"{"auths": {}}"#)], "no login for registry.registry:5000"),
            (DOCKER_CONFIG, vec![(".dockerconfigjson", "secret")], ""),
            ("Opaque", vec![("username", "me")], "its type is Opaque"),
        ];
        for (kind, data, why) in wrong {
            let error = read(kind, &data).unwrap_err();
            assert!(error.contains(why) && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn certificates() {
        let pair = [("tls.crt", "c"), ("tls.key", "k")];
        assert!(tls(&secret("kubernetes.io/tls", &pair)).unwrap().client.is_some());
        assert!(tls(&secret("Opaque", &[("ca.crt", "c")])).unwrap().ca.is_some());
        assert!(tls(&secret("Opaque", &pair[..1])).is_err());
        assert!(tls(&secret("Opaque", &[])).is_err());
    }
}
