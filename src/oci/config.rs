use serde::Deserialize;

/// The `created` text of an image config (OCI image-spec, config.md), as it stands there; `None` where the config is
/// not JSON or says nothing. Whether the text is a time that can be believed is for `retention` to judge.
pub fn created_of_config(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Config {
        created: Option<String>,
    }
    serde_json::from_slice::<Config>(body).ok()?.created
}
