use k8s_openapi::api::core::v1::{Container, EnvVar};

/// The variables under `storage` that name no driver.
const NO_DRIVERS: [&str; 5] = ["CACHE", "DELETE", "MAINTENANCE", "REDIRECT", "TAG"];
const ROOT_DIRECTORY: &str = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY";
const CONFIGURATION: &str = "REGISTRY_CONFIGURATION_PATH";
/// Where the official images have their configuration: of 2.x, and of 3.x.
const OFFICIAL: [&str; 2] = ["/etc/docker/registry/config.yml", "/etc/distribution/config.yml"];
/// The root directory in it.
const OFFICIAL_ROOT: &str = "/var/lib/registry";

/// How a registry is started, as far as its template tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPoint {
    /// The program; absent: `registry` or `docker-registry` in the image's `PATH`.
    pub executable: Option<String>,
    /// The configuration file; absent: to be found in the image.
    pub configuration: Option<String>,
    /// The root directory of the driver `filesystem`, where the template tells it.
    root: Option<String>,
}

impl EntryPoint {
    /// Reads `command` and `args` of the registry's container: `EXECUTABLE serve FILE`; `serve FILE`, or `FILE` alone,
    /// which the entry point of the official images understands; or nothing. `None` for anything else, unless somebody
    /// says the `configuration`.
    pub(super) fn of(container: &Container, configuration: Option<&str>) -> Option<Self> {
        let words = |words: &'_ Option<Vec<String>>| words.clone().unwrap_or_default();
        let (command, arguments) = (words(&container.command), words(&container.args));
        let all: Vec<&str> = command.iter().chain(&arguments).map(String::as_str).collect();
        let own = |word: &str| Some(word.to_owned());
        let (executable, file) = match (command.is_empty(), all.as_slice()) {
            (true, []) => (None, None),
            (true, [file]) if is_yaml(file) => (None, own(file)),
            (true, ["serve", file]) if is_file(file) => (None, own(file)),
            (_, [executable, "serve", file]) if is_file(file) && !executable.starts_with('-') => {
                (own(executable), own(file))
            }
            // Then the registry takes the variable.
            (_, [executable, "serve"]) if variable(container, CONFIGURATION).is_some() => (own(executable), None),
            _ if configuration.is_some() => (None, None),
            _ => return None,
        };
        let configuration = configuration.map(str::to_owned).or(file);
        let root = root(container, configuration.as_deref());
        Some(Self { executable, configuration, root })
    }

    /// The root directory of the driver `filesystem`, where the template tells it.
    pub(super) fn root(&self) -> Option<&str> {
        self.root.as_deref()
    }
}

fn is_file(word: &str) -> bool {
    !word.is_empty() && !word.starts_with('-')
}

/// `*.yaml | *.yml` in the entry point of the official images.
fn is_yaml(word: &str) -> bool {
    is_file(word) && [".yaml", ".yml"].iter().any(|end| word.ends_with(end))
}

/// A variable of the container, whatever it is set to. The last of several of one name holds.
fn variable<'a>(container: &'a Container, name: &str) -> Option<&'a EnvVar> {
    container.env.iter().flatten().rfind(|variable| variable.name == name)
}

/// What a variable says, or, if nothing else can say it, the file of the official images.
fn root(container: &Container, configuration: Option<&str>) -> Option<String> {
    if let Some(variable) = variable(container, ROOT_DIRECTORY) {
        let plain = variable.value.clone().filter(|value| !value.is_empty() && !value.contains("$("));
        return plain;
    }
    let says_driver = |name: &str| {
        let rest = name.strip_prefix("REGISTRY_STORAGE");
        rest.is_some_and(|rest| {
            !NO_DRIVERS.iter().any(|part| rest.strip_prefix('_').is_some_and(|it| it.starts_with(part)))
        })
    };
    let from_elsewhere = container.env_from.as_ref().is_some_and(|sources| !sources.is_empty());
    let says_more = container.env.iter().flatten().any(|it| says_driver(&it.name) || it.name == CONFIGURATION);
    let is_official = configuration.is_none_or(|file| OFFICIAL.contains(&file));
    let is_covered = container.volume_mounts.iter().flatten().any(|mount| {
        let file = |path: &&str| path.starts_with(mount.mount_path.trim_end_matches('/'));
        OFFICIAL.iter().any(file)
    });
    let is_of_image = is_official && !is_covered && !from_elsewhere && !says_more;
    is_of_image.then(|| OFFICIAL_ROOT.to_owned())
}
