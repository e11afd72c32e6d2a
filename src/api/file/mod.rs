//! Reads files of resources.

use super::RegistryRetention;

/// x
#[derive(Debug)]
pub struct FileError;

/// x
pub fn read_resources(_text: &str) -> Result<Vec<RegistryRetention>, Vec<FileError>> {
    let _ = super::crd::schema();
    let _ = super::text::FORMS;
    let _ = super::text::DNS_SUBDOMAIN.meaning;
    Ok(vec![])
}
