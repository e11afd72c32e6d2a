use serde::{Deserialize, Serialize};

/// How a registry is reached at one of its pods, by its own configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Serving {
    /// The port that it listens on.
    pub port: u16,
    /// Whether it speaks TLS there.
    pub tls: bool,
    /// What comes before `/v2/`: nothing, or a path with a slash at its beginning and none at its end.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// Which login it asks for.
    pub auth: Auth,
    /// Its own configuration makes it read-only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// Which login a registry asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Auth {
    /// None.
    None,
    /// Name and password.
    Htpasswd,
    /// A token of a token service.
    Token,
    /// One that is not known here.
    Other,
}

/// Why a registry that runs cannot be reached from another pod, by its own configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unreachable {
    /// It listens on the loopback interface alone.
    Loopback,
    /// It listens on a unix socket.
    UnixSocket,
    /// Where it listens is not understood.
    AddressUnclear,
}

/// What a registry's configuration says of how it serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Listening {
    /// It can be reached.
    At(Serving),
    /// It cannot.
    Nowhere {
        /// Why.
        unreachable: Unreachable,
    },
}

/// Where a registry stores, as far as it matters to who else may write there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stored {
    /// In this folder of its container.
    Folder(String),
    /// In a bucket of an object store.
    Bucket,
}
