//! Where the certificates lie that the configuration names, and when each of them ends. Files that cannot be read have
//! been told.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tls::{Certificates, ClientCertificates, Ending, Life, Speaks};
use web::siem::{SyslogTls, SyslogWay};
use web::witness::Roots;

use super::{Cure, Row, named};
use crate::certificates::Subject;
use crate::config::Checked;
use crate::config::checked::{ClientsPlan, Identity, PairFiles, Way};
use crate::material::Material;

/// Where the certificates of a listener lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerFiles {
    speaks: Speaks,
    own: PathBuf,
    cure: Cure,
    authorities: Option<PathBuf>,
    revocations: Option<PathBuf>,
}

impl ListenerFiles {
    /// Those of the listeners over TLS, with the folder of what the gateway makes and obtains.
    pub fn of(checked: &Checked, tls: &Path) -> Vec<Self> {
        let https = (&checked.https.identity, &checked.https.clients);
        let mut found = vec![Self::one(Speaks::Http, https, tls)];
        if let Some(plan) = &checked.smpp
            && let Some(identity) = &plan.identity
        {
            found.push(Self::one(Speaks::Smpp, (identity, &plan.clients), tls));
        }
        found
    }

    fn one(speaks: Speaks, (identity, clients): (&Identity, &ClientsPlan), tls: &Path) -> Self {
        let (own, cure) = match identity {
            Identity::Files(files) => (files.certificate.clone(), Cure::Reload),
            Identity::Obtained => (tls.join("acme.pem"), Cure::Asked),
            Identity::Generated => (Subject::Gateway.files(tls).certificate, Cure::Itself),
        };
        Self {
            speaks,
            own,
            cure,
            authorities: clients.ca_file.clone(),
            revocations: clients.crl_file.clone(),
        }
    }

    /// Whose they are.
    pub const fn speaks(&self) -> Speaks {
        self.speaks
    }

    /// Whether its own is one that the gateway makes itself.
    pub fn is_made(&self) -> bool {
        self.cure == Cure::Itself
    }

    /// With their files, what was found of them.
    pub fn rows(&self, endings: Vec<Ending>) -> Vec<Row> {
        let row = |ending: Ending| {
            let (file, cure) = match ending.of {
                of if of.ends_with("-ca") => (self.authorities.clone(), Cure::Reload),
                of if of.ends_with("-crl") => (self.revocations.clone(), Cure::Reload),
                _ => (Some(self.own.clone()), self.cure),
            };
            Row { ending, file, cure }
        };
        endings.into_iter().map(row).collect()
    }

    /// Of a gateway that does not run.
    fn unserved(&self, own: Option<&Certificates>, clients: &ClientCertificates) -> Vec<Row> {
        let own = own.and_then(Certificates::validity);
        let own = own.or_else(|| first(&self.own));
        self.rows(Ending::of_listener(self.speaks, own, clients))
    }
}

/// Those of the listeners, for a gateway that does not run.
pub fn of_listeners(checked: &Checked, material: &Material) -> Vec<Row> {
    let listeners = ListenerFiles::of(checked, &checked.data_folder.join("tls"));
    let rows = listeners.iter().map(|files| match files.speaks {
        Speaks::Http => files.unserved(material.https.as_ref(), &material.clients),
        Speaks::Smpp => files.unserved(material.smpp.as_ref(), &material.esme_clients),
    });
    rows.flatten().collect()
}

/// What the gateway shows to others, and whom it trusts there, where that is not whom the system trusts.
pub fn outgoing(checked: &Checked) -> Vec<Row> {
    let mut found = Found::default();
    for link in &checked.carriers {
        if let Way::Tls(tls) = &link.way {
            let name = link.name.to_string().into();
            found.own("carrier", &name, tls.client.as_ref());
            found.trusted(("carrier-ca", Some(&name)), tls.ca_file.as_deref());
        }
    }
    for link in &checked.providers {
        let name = link.plan.name.to_string().into();
        found.roots(("carrier-ca", Some(&name)), &link.plan.roots);
    }
    for stream in &checked.streams {
        if let SyslogWay::Tls(tls) = &stream.way {
            let name = stream.name.as_str().into();
            found.own("siem", &name, shown(tls).as_ref());
            found.roots(("siem-ca", Some(&name)), &tls.roots);
        }
    }
    for witness in &checked.ledger.witnesses {
        let name = witness.name.as_str().into();
        found.roots(("witness-ca", Some(&name)), &witness.roots);
    }
    found.roots(("webhook-ca", None), &checked.webhooks.roots);
    if let Some(plan) = &checked.risk {
        found.roots(("risk-ca", None), &plan.place.roots);
    }
    if let Some(plan) = &checked.acme {
        found.roots(("acme-ca", None), &plan.place.roots);
    }
    found.0
}

fn shown(tls: &SyslogTls) -> Option<PairFiles> {
    tls.client.as_ref().map(|files| PairFiles {
        certificate: files.chain.clone(),
        key: files.key.clone(),
    })
}

/// Whose it is, by sort and name.
type Whose<'w> = (&'static str, Option<&'w Arc<str>>);

#[derive(Default)]
struct Found(Vec<Row>);

impl Found {
    /// What we show.
    fn own(&mut self, of: &'static str, name: &Arc<str>, files: Option<&PairFiles>) {
        if let Some(files) = files {
            let life = first(&files.certificate);
            self.add((of, Some(name)), &files.certificate, life);
        }
    }

    fn roots(&mut self, whose: Whose<'_>, roots: &Roots) {
        if let Roots::File(file) = roots {
            self.trusted(whose, Some(file));
        }
    }

    /// Whom we trust: of several authorities the first to end.
    fn trusted(&mut self, whose: Whose<'_>, file: Option<&Path>) {
        if let Some(file) = file {
            self.add(whose, file, soonest(file));
        }
    }

    fn add(&mut self, (of, name): Whose<'_>, file: &Path, life: Option<Life>) {
        let Some(life) = life else { return };
        self.0.push(Row {
            ending: name.map_or_else(|| Ending::new(of, life), |name| named(of, name, life)),
            file: Some(file.to_path_buf()),
            cure: Cure::Restart,
        });
    }
}

/// The life of the first certificate in a file.
fn first(file: &Path) -> Option<Life> {
    tls::validity(&CertificateDer::from_pem_file(file).ok()?)
}

/// The life of the one in a file that ends first.
fn soonest(file: &Path) -> Option<Life> {
    let listed = CertificateDer::pem_file_iter(file).ok()?;
    let lives = listed.filter_map(|der| tls::validity(&der.ok()?));
    lives.min_by_key(|(_, until)| *until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates;
    use crate::config::Config;
    use crate::config::environment::Overlay;
    use crate::folder::write_private;
    use domain::time::Timestamp;

    /// Everything that can be named, each by a file of its own, so that none is looked at by chance.
    const NAMES: [(&str, Option<&str>, &str); 13] = [
        ("server", None, "server.pem"),
        ("client-ca", None, "client-ca.pem"),
        ("smpp-server", None, "smpp-server.pem"),
        ("smpp-client-ca", None, "smpp-client-ca.pem"),
        ("carrier", Some("one"), "carrier.pem"),
        ("carrier-ca", Some("one"), "carrier-ca.pem"),
        ("carrier-ca", Some("two"), "provider-ca.pem"),
        ("siem", Some("soc"), "siem.pem"),
        ("siem-ca", Some("soc"), "siem-ca.pem"),
        ("witness-ca", Some("w1"), "witness-ca.pem"),
        ("webhook-ca", None, "webhook-ca.pem"),
        ("risk-ca", None, "risk-ca.pem"),
        ("acme-ca", None, "acme-ca.pem"),
    ];

    fn checked(folder: &Path, https: &str) -> Checked {
        let witness = "witness.example/w1+aab2de37+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        let text = format!(
            "[https]\n{https}client_ca_file = 'client-ca.pem'\n\
             [https.acme]\nACME[smpp]\nlisten = '127.0.0.1:0'\ncertificate_file = 'smpp-server.pem'\n\
             key_file = 'key'\nclient_ca_file = 'smpp-client-ca.pem'\n\
             [[carrier]]\nname = 'one'\naddress = 'h:1'\nsystem_id = 'x'\npassword_file = 'password'\n\
             certificate_file = 'carrier.pem'\nkey_file = 'key'\nca_file = 'carrier-ca.pem'\n\
             [[carrier]]\nname = 'two'\nkind = 'https'\nurl = 'https://p.example'\naccount = 'AC1'\n\
             secret_file = 'password'\ncallback_url = 'https://sms.example'\nca_file = 'provider-ca.pem'\n\
             [[siem]]\nname = 'soc'\naddress = 'h:1'\ncertificate_file = 'siem.pem'\nkey_file = 'key'\n\
             ca_file = 'siem-ca.pem'\n\
             [[witness]]\nname = 'w1'\nvkey = '{witness}'\nurl = 'https://w.example'\nca_file = 'witness-ca.pem'\n\
             [webhooks]\nca_file = 'webhook-ca.pem'\n\
             [risk]\nurl = 'https://r.example'\nbearer_file = 'password'\nca_file = 'risk-ca.pem'\n"
        );
        let acme = "directory = 'https://a.example'\nnames = ['n.example']\nterms_agreed = true\n\
                    contact = ['mailto:a@n.example']\nca_file = 'acme-ca.pem'\n";
        let text = match https {
            "" => text.replace("ACME", acme),
            _ => text.replace("[https.acme]\nACME", ""),
        };
        let mut config = Config::parse(&text, Overlay::default()).unwrap();
        config.base = folder.to_path_buf();
        Checked::try_from(&config).unwrap()
    }

    #[test]
    fn every_certificate_that_the_configuration_names_is_watched_by_its_file() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        let now = Timestamp::from_seconds(1_764_064_800);
        let made = certificates::keep(&folder.join("made"), &[Subject::Gateway], now).unwrap();
        for (_, _, file) in NAMES {
            std::fs::copy(&made.ca, folder.join(file)).unwrap();
        }
        std::fs::copy(&made.server.certificate, folder.join("server.pem")).unwrap();
        write_private(
            &folder.join("key"),
            &std::fs::read(&made.server.key).unwrap(),
        )
        .unwrap();
        write_private(&folder.join("password"), b"secret12").unwrap();
        let own = "certificate_file = 'server.pem'\nkey_file = 'key'\n";
        let mut rows = outgoing(&checked(folder, own));
        rows.extend(outgoing(&checked(folder, "")));
        let places = [checked(folder, own), checked(folder, "")];
        let files = places.map(|checked| ListenerFiles::of(&checked, &folder.join("tls")));
        let [https, smpp] = &files[0][..] else {
            panic!("two listeners")
        };
        let life = (now, now);
        for (listener, names) in [
            (https, ["server", "client-ca"]),
            (smpp, ["smpp-server", "smpp-client-ca"]),
        ] {
            let endings = names.map(|of| Ending::new(of, life)).to_vec();
            rows.extend(listener.rows(endings));
        }
        for (of, name, file) in NAMES {
            let found = rows.iter().find(|row| {
                row.ending.of == of
                    && row.ending.name.as_deref() == name
                    && row.file.as_deref() == Some(&folder.join(file))
            });
            assert!(found.is_some(), "{of} {name:?} {file}: {rows:?}");
        }
        assert_eq!(files[1][0].cure, Cure::Asked);
        assert_eq!(files[0][0].cure, Cure::Reload);
    }
}
