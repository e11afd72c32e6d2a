use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::object_server::ObjectStorage;
use super::tls::{Authority, Identity};
use super::version::{hiding, with_all_drivers};
use super::{ObjectServer, Registry, TokenServer, Version};

/// A name and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl Credentials {
    /// Credentials of these texts.
    pub fn new(user: &str, password: &str) -> Self {
        Self { user: user.into(), password: password.into() }
    }
}

/// What a test registry is to be like. Without more said it is writable over plain HTTP without a login, allows
/// deletes, keeps no descriptor cache, and stores into its own temporary folder.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of the registry's own")]
pub struct Builder {
    pub(super) version: Version,
    pub(super) store: Option<PathBuf>,
    pub(super) access: Access,
    pub(super) tls: Option<Tls>,
    pub(super) deletes: bool,
    read_only: bool,
    descriptor_cache: bool,
    sparse_indexes: bool,
    upstream: Option<String>,
    bucket: Option<ObjectStorage>,
    hiding: bool,
    environment: Vec<(String, String)>,
}

/// Who is let in.
#[derive(Clone)]
pub(super) enum Access {
    Anyone,
    Basic(Credentials),
    Token(Value, String),
}

#[derive(Clone)]
pub(super) struct Tls {
    pub(super) authority: String,
    pub(super) server: Identity,
    pub(super) client: Option<Identity>,
}

impl Builder {
    pub(super) fn new(version: Version) -> Self {
        Self {
            version,
            store: None,
            access: Access::Anyone,
            tls: None,
            deletes: true,
            read_only: false,
            descriptor_cache: false,
            sparse_indexes: false,
            upstream: None,
            bucket: None,
            hiding: false,
            environment: Vec::new(),
        }
    }

    /// Whether manifests and blobs can be deleted (`REGISTRY_STORAGE_DELETE_ENABLED`).
    pub fn deletes(self, deletes: bool) -> Self {
        Self { deletes, ..self }
    }

    /// Whether every write is refused (`storage.maintenance.readonly.enabled`).
    pub fn read_only(self, read_only: bool) -> Self {
        Self { read_only, ..self }
    }

    /// With a variable of the environment, as everybody sets them in a container.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Remembers descriptors in memory, for ever, as the official images do (`storage.cache.blobdescriptor`).
    pub fn descriptor_cache(self) -> Self {
        Self { descriptor_cache: true, ..self }
    }

    /// Accepts an index some of whose children are missing (`validation`); 2.8 has no such setting.
    pub fn sparse_indexes(self) -> Self {
        Self { sparse_indexes: true, ..self }
    }

    /// A pull-through cache of `upstream` (`proxy.remoteurl`).
    pub fn cache_of(self, upstream: &Registry) -> Self {
        Self { upstream: Some(upstream.url().to_owned()), ..self }
    }

    /// Asks for name and password (`auth.htpasswd`).
    pub fn basic_auth(self, credentials: &Credentials) -> Self {
        Self { access: Access::Basic(credentials.clone()), ..self }
    }

    /// Asks for a token of `server` (`auth.token`).
    pub fn token_auth(self, server: &TokenServer) -> Self {
        Self { access: Access::Token(server.settings(), server.certificate().to_owned()), ..self }
    }

    /// Serves over TLS, with a certificate of `authority`.
    pub fn tls(self, authority: &Authority) -> Self {
        let tls = Tls { authority: authority.certificate(), server: authority.server(), client: None };
        Self { tls: Some(tls), ..self }
    }

    /// Serves over TLS, and only to who shows a certificate of `authority` (`http.tls.clientcas`).
    pub fn mutual_tls(self, authority: &Authority) -> Self {
        let client = Some(authority.client());
        let tls = Tls { authority: authority.certificate(), server: authority.server(), client };
        Self { tls: Some(tls), ..self }
    }

    /// Stores into this folder, which may be another registry's or a [`super::Tmpfs`].
    pub fn store_in(self, folder: &Path) -> Self {
        Self { store: Some(folder.to_owned()), ..self }
    }

    /// Stores into a bucket of `server`, in place of a folder.
    pub fn bucket(self, server: &ObjectServer, name: &str, root: &str) -> Self {
        Self { bucket: Some(server.storage(name, root)), ..self }
    }

    /// Of release 3.1.1, whose lists hide tags on S3.
    pub fn hiding_tags(self) -> Self {
        Self { hiding: true, ..self }
    }

    /// Its executable.
    pub(super) fn command(&self) -> Command {
        let bucket = self.bucket.as_ref();
        let mut command = if bucket.is_some_and(|bucket| !bucket.is_usual(self.version)) {
            with_all_drivers()
        } else if self.hiding {
            hiding()
        } else {
            self.version.command()
        };
        command.envs(bucket.iter().flat_map(|bucket| bucket.environment.clone()));
        command.envs(self.environment.clone());
        command
    }

    /// Starts it, and returns when it answers.
    pub async fn start(self) -> Registry {
        Registry::launch(self).await
    }

    /// Writes the configuration and the files that it names into `home`.
    pub(super) fn write(&self, home: &Path, store: &Path, port: u16) -> std::io::Result<()> {
        let mut configuration = json!({
            "version": "0.1",
            "log": {"level": "info", "accesslog": {"disabled": true}},
            "storage": {
                "filesystem": {"rootdirectory": store},
                "maintenance": {"uploadpurging": {"enabled": false}, "readonly": {"enabled": self.read_only}},
            },
            // With a fixed secret an upload session outlives a restart.
            "http": {"addr": format!("127.0.0.1:{port}"), "secret": "test"},
        });
        if let Some(bucket) = &self.bucket {
            let storage = configuration["storage"].as_object_mut().expect("a section");
            storage.remove("filesystem");
            storage.insert(bucket.driver.into(), bucket.parameters.clone());
            // Tests ask the registry for blobs, not whom it would send them to.
            storage.insert("redirect".into(), json!({"disable": true}));
        }
        if self.descriptor_cache {
            configuration["storage"]["cache"] = json!({"blobdescriptor": "inmemory"});
        }
        if self.sparse_indexes {
            configuration["validation"] = json!({"manifests": {"indexes": {"platforms": "none"}}});
        }
        if let Some(upstream) = &self.upstream {
            configuration["proxy"] = json!({"remoteurl": upstream});
        }
        match &self.access {
            Access::Anyone => {}
            Access::Basic(Credentials { user, password }) => {
                // The least cost there is: this guards nothing, and each request pays for it.
                let hash = bcrypt::hash(password, 4).map_err(std::io::Error::other)?;
                let path = home.join("htpasswd");
                std::fs::write(&path, format!("{user}:{hash}\n"))?;
                configuration["auth"] = json!({"htpasswd": {"realm": "test", "path": path}});
            }
            Access::Token(settings, certificate) => {
                let path = home.join("token.crt");
                std::fs::write(&path, certificate)?;
                configuration["auth"] = json!({"token": settings});
                configuration["auth"]["token"]["rootcertbundle"] = json!(path);
            }
        }
        if let Some(tls) = &self.tls {
            let (certificate, key, authority) = (home.join("tls.crt"), home.join("tls.key"), home.join("ca.crt"));
            std::fs::write(&certificate, &tls.server.certificate)?;
            std::fs::write(&key, &tls.server.key)?;
            std::fs::write(&authority, &tls.authority)?;
            configuration["http"]["tls"] = json!({"certificate": certificate, "key": key});
            if tls.client.is_some() {
                configuration["http"]["tls"]["clientcas"] = json!([authority]);
            }
        }
        let yaml = serde_saphyr::to_string(&configuration).map_err(std::io::Error::other)?;
        std::fs::write(home.join("config.yml"), yaml)
    }
}
