//! How registries are reached: logins and certificates, read once.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::args;
use super::error::CliError;
use super::show::Notice;
use super::source::{Resource, Secrets};
use crate::registry::{self, Client, ClientCertificate, Credentials, DockerConfig, Endpoint, Tls};

/// The largest password that is read.
const MAX_PASSWORD_BYTES: u64 = 64 * 1024;

/// What the command line gives to reach registries with.
pub(super) struct Access {
    login: Login,
    tls: Tls,
    /// What the command line says itself.
    given: Secrets,
}

enum Login {
    Given(Credentials),
    Docker(PathBuf, DockerConfig),
    None,
}

impl Access {
    /// Reads whatever is named. `file` is where the resources come from, `registries` how many they name.
    pub(super) fn read(args: &args::Access, file: Option<&Path>, registries: usize) -> Result<Self, CliError> {
        if args.password_stdin && file.is_some_and(super::source::is_stdin) {
            let why = "--password-stdin and -f - both read standard input; put the resources into a file";
            return Err(CliError::Usage(why.into()));
        }
        if args.username.is_some() && registries > 1 {
            let why = format!(
                "--username is a login for one registry, and the file names {registries}; give their logins in a docker \
                 configuration, or say which one with --registry URL"
            );
            return Err(CliError::Usage(why));
        }
        let login = match &args.username {
            Some(username) => Login::Given(Credentials::Basic { username: username.clone(), password: password()? }),
            None => docker(args.docker_config.as_deref())?,
        };
        let client = match (&args.cert, &args.key) {
            (Some(certificate), Some(key)) => {
                Some(ClientCertificate { certificate: pem(certificate)?, key: pem(key)? })
            }
            _ => None,
        };
        let login_given = args.username.is_some() || args.docker_config.is_some();
        let given = Secrets { login: login_given, certificates: args.ca.is_some() || client.is_some() };
        Ok(Self { login, tls: Tls { ca: args.ca.as_deref().map(pem).transpose()?, client }, given })
    }

    /// Which of `resources` name Secrets that only the operator reads, where the command line has nothing in their place.
    pub(super) fn notices(&self, resources: &[Resource]) -> Option<Notice> {
        let lacks = |secrets: Secrets| {
            (secrets.login && !self.given.login) || (secrets.certificates && !self.given.certificates)
        };
        let names: Vec<String> =
            resources.iter().filter(|it| lacks(it.secrets)).map(|resource| resource.name.clone()).collect();
        (!names.is_empty()).then_some(Notice::SecretsUnread(names))
    }

    /// A client of the registry at `endpoint`.
    pub(super) fn client(&self, endpoint: &Endpoint) -> Result<Client, CliError> {
        let credentials = match &self.login {
            Login::Given(credentials) => credentials.clone(),
            Login::None => Credentials::Anonymous,
            Login::Docker(path, config) => {
                let found = config.credentials(endpoint, "");
                found.map_err(|why| CliError::Usage(format!("{}: {why}", path.display())))?.unwrap_or_default()
            }
        };
        Ok(Client::new(endpoint.clone(), registry::Access { credentials, tls: self.tls.clone() })?)
    }
}

fn password() -> Result<String, CliError> {
    let mut password = String::new();
    let read = io::stdin().lock().take(MAX_PASSWORD_BYTES).read_to_string(&mut password);
    read.map_err(|why| CliError::Usage(format!("the password cannot be read from standard input: {why}")))?;
    let password = without_newline(&password);
    if password.is_empty() {
        return Err(CliError::Usage("standard input holds no password (--password-stdin)".into()));
    }
    Ok(password.to_owned())
}

fn without_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// Docker's own file, if there is one; a file that was named must be there.
fn docker(given: Option<&Path>) -> Result<Login, CliError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let usual = || {
        let folder = set("DOCKER_CONFIG").or_else(|| set("HOME").map(|home| home.join(".docker")));
        folder.map(|folder| folder.join("config.json"))
    };
    let Some(path) = given.map(Path::to_owned).or_else(usual) else { return Ok(Login::None) };
    let wrong = |why: String| CliError::Usage(format!("{}: {why}", path.display()));
    match fs::read(&path) {
        Ok(json) => {
            let config = DockerConfig::parse(&json).map_err(|why| wrong(why.to_string()))?;
            Ok(Login::Docker(path, config))
        }
        Err(why) if why.kind() == io::ErrorKind::NotFound && given.is_none() => Ok(Login::None),
        Err(why) => Err(wrong(format!("cannot be read: {why}"))),
    }
}

fn pem(path: &Path) -> Result<Vec<u8>, CliError> {
    fs::read(path).map_err(|why| CliError::Usage(format!("{}: cannot be read: {why}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_newline_at_the_end_of_a_password_does_not_count() {
        for (text, password) in [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a ")] {
            assert_eq!(without_newline(text), password);
        }
    }
}
