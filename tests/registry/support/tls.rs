use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};

/// A certificate authority of a test's own.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key (PKCS #8).
    pub key: String,
}

impl Authority {
    /// A new authority, trusted by nobody yet.
    pub fn new() -> Self {
        let mut params = named("test authority", []);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a self-signed certificate") }
    }

    /// Its own certificate, `ca.crt`.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// What a server on 127.0.0.1 shows.
    pub fn server(&self) -> Identity {
        self.server_at(["127.0.0.1".to_owned()])
    }

    /// What a server shows that goes by these names and addresses.
    pub fn server_at<const N: usize>(&self, names: [String; N]) -> Identity {
        self.sign(named("test server", names), ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// Puts into a folder what a server of these names reads: `ca.crt`, `tls.crt` and `tls.key`.
    pub fn write_server<const N: usize>(&self, folder: &Path, names: [String; N]) {
        let Identity { certificate, key } = self.server_at(names);
        for (file, text) in [("ca.crt", self.certificate()), ("tls.crt", certificate), ("tls.key", key)] {
            fs::write(folder.join(file), text).expect("it is written");
        }
    }

    /// What a client shows to a server that asks for a certificate.
    pub fn client(&self) -> Identity {
        self.sign(named("test client", []), ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(&self, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) -> Identity {
        params.insert_extended_key_usage(usage);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a signed certificate");
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Identity {
    /// Certificate and key in one text, as `reqwest::Identity::from_pem` reads them.
    pub fn pem(&self) -> String {
        format!("{}{}", self.certificate, self.key)
    }
}

fn named<const N: usize>(name: &str, addresses: [String; N]) -> CertificateParams {
    let mut params = CertificateParams::new(addresses).expect("valid addresses");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
