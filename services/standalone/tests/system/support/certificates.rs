//! Certificates made for a test.

use std::{fs, path::Path};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

/// An authority, and what it vouches for.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self {
            pem: params.self_signed(&key).expect("a certificate").pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Writes its own certificate: `ca.pem`.
    pub(crate) fn write(&self, folder: &Path) {
        fs::write(folder.join("ca.pem"), &self.pem).expect("a file");
    }

    /// Writes the certificate and the key of a program on this machine: `NAME.pem`, `NAME.key`.
    pub(crate) fn vouch(&self, folder: &Path, name: &str) {
        self.vouch_as(folder, name, &params(name));
    }

    /// The same, of a certificate that is over.
    pub(crate) fn vouch_long_ago(&self, folder: &Path, name: &str) {
        let mut params = params(name);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.vouch_as(folder, name, &params);
    }

    fn vouch_as(&self, folder: &Path, name: &str, params: &CertificateParams) {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer);
        let pem = certificate.expect("a certificate").pem();
        fs::write(folder.join(format!("{name}.pem")), pem).expect("a file");
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).expect("a file");
    }
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned(), "127.0.0.1".to_owned()]).expect("names")
}
