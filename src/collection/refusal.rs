/// Why no pod can do its work beside a registry. Nothing was changed, and only a person can help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The container that is named is not there.
    #[error("Deployment {deployment} has no container {container}; name one of {}", others.join(", "))]
    ContainerNotFound {
        /// The Deployment's name.
        deployment: String,
        /// What was named.
        container: String,
        /// What is there.
        others: Vec<String>,
    },
    /// Which container is the registry's was not said.
    #[error(
        "Deployment {deployment} has several containers ({}) and none of them is named registry; say which one is the \
         registry's",
        containers.join(", ")
    )]
    ContainerUnclear {
        /// The Deployment's name.
        deployment: String,
        /// What is there.
        containers: Vec<String>,
    },
    /// The registry is started in a way that does not tell its configuration.
    #[error(
        "how Deployment {deployment} starts the registry is not understood: command and args of the container {container} \
         are not of the form EXECUTABLE serve FILE; start it like that, or say its configuration file"
    )]
    EntryPointUnknown {
        /// The Deployment's name.
        deployment: String,
        /// The registry's container.
        container: String,
    },
    /// The storage is the pod's own.
    #[error(
        "the storage of Deployment {deployment} is on its volume {volume}, which no other pod can have as well ({kind}); put \
         it on a PersistentVolumeClaim or into an object store"
    )]
    StoreNotShared {
        /// The Deployment's name.
        deployment: String,
        /// The volume's name.
        volume: String,
        /// What it is, as the field of the volume is called.
        kind: &'static str,
    },
    /// The storage can be mounted by one pod alone, and the registry's is that one.
    #[error(
        "the claim {claim} of Deployment {deployment} is ReadWriteOncePod: no second pod can have it while the registry \
         runs; use ReadWriteOnce, or collect with strategy ScaleToZero"
    )]
    StoreOfOnePod {
        /// The Deployment's name.
        deployment: String,
        /// The claim's name.
        claim: String,
    },
    /// A claim is not there.
    #[error("the claim {claim} of Deployment {deployment} is not there; see kubectl get persistentvolumeclaims")]
    ClaimNotFound {
        /// The Deployment's name.
        deployment: String,
        /// The claim's name.
        claim: String,
    },
    /// On which node the storage is, only a running pod tells.
    #[error(
        "the volume {volume} of Deployment {deployment} is a hostPath, so that every node has another one, and its pods run \
         on {}; it takes exactly one node",
        if nodes.is_empty() { "none".to_owned() } else { nodes.join(", ") }
    )]
    NodeUnclear {
        /// The Deployment's name.
        deployment: String,
        /// The volume's name.
        volume: String,
        /// Where pods of it run.
        nodes: Vec<String>,
    },
}

impl Refusal {
    /// The stable code.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ContainerNotFound { .. } | Self::ContainerUnclear { .. } => "ContainerUnclear",
            Self::EntryPointUnknown { .. } => "EntryPointUnknown",
            Self::StoreNotShared { .. } => "StoreNotShared",
            Self::StoreOfOnePod { .. } => "StoreOfOnePod",
            Self::ClaimNotFound { .. } => "ClaimNotFound",
            Self::NodeUnclear { .. } => "NodeUnclear",
        }
    }
}
