//! What the configuration names by file: certificates, keys, passwords. Read once at the start and again
//! on a reload; every file that cannot be used is told at once, with the key that names it.

use std::path::Path;
use std::sync::Arc;

use engine::settings::{EsmeAccount, PasswordHash};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tls::{CertificateNeed, Certificates, ClientCertificates, TlsError, TlsProfile, TlsSlot};
use web::acme::ExternalAccount;
use web::provider::{ProviderError, ProviderPlan, ProviderSecrets, Providers};
use web::siem::{SyslogCollector, SyslogTls, SyslogWay, WayError};
use web::sim_swap::{Credentials, Secret, SimSwapClient};
use web::webhook::{RootsError, WebhookCaller};
use web::witness::HttpWitness;
use zeroize::Zeroizing;

use crate::config::Problems;
use crate::config::checked::{
    AcmePlan, CarrierLink, Checked, ClientsPlan, Identity, LinkTls, PairFiles, PasswordSource,
    ProviderLink, RiskIdentity, RiskPlan, SecretSource, StreamPlan, Way,
};
use crate::config::https::ClientCertificates as Asked;
use crate::config::secret::Password;
use crate::folder::open_to_others;

/// Everything that was named by file.
#[derive(Debug)]
pub struct Material {
    /// The certificate of the HTTPS listener; `None` when the gateway makes it.
    pub https: Option<Certificates>,
    /// What ties the account at its authority to a customer.
    pub external: Option<ExternalAccount>,
    /// What it asks of applications.
    pub clients: ClientCertificates,
    /// The certificate of the listener for ESMEs; `None` when the gateway makes it, or there is no TLS.
    pub smpp: Option<Certificates>,
    /// What it asks of ESMEs.
    pub esme_clients: ClientCertificates,
    /// The passwords of ESMEs, in the order of the configuration.
    pub esmes: Vec<PasswordHash>,
    /// What each link needs, in the order of the configuration.
    pub links: Vec<LinkMaterial>,
    /// The carriers over HTTPS with their secrets, in the order of the configuration.
    pub providers: Vec<(ProviderPlan, ProviderSecrets)>,
    /// The way to whoever is asked about SIMs.
    pub risk: Option<SimSwapClient>,
    /// The way to webhooks; `None` when nobody's certificates can be believed.
    pub webhooks: Option<WebhookCaller>,
}

/// What one link needs. Its certificates have been read once to see that they can be; the link reads
/// them itself.
#[derive(Debug)]
pub struct LinkMaterial {
    /// The carrier's password.
    pub password: Password,
}

impl Material {
    /// Reads every file.
    pub fn read(checked: &Checked) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let https = match &checked.https.identity {
            Identity::Generated | Identity::Obtained => None,
            Identity::Files(files) => listener("https", files, &mut problems),
        };
        let external = checked.acme.as_ref();
        let external = external.and_then(|plan| authority(plan, &mut problems));
        let clients = clients("https", &checked.https.clients, &mut problems);
        let smpp = checked.smpp.as_ref();
        let esme_clients = smpp.map_or_else(
            || Some(ClientCertificates::default()),
            |plan| self::clients("smpp", &plan.clients, &mut problems),
        );
        let smpp = match smpp.and_then(|plan| plan.identity.as_ref()) {
            Some(Identity::Files(files)) => listener("smpp", files, &mut problems),
            Some(Identity::Generated | Identity::Obtained) | None => None,
        };
        let placed = checked.esmes.iter().enumerate();
        let esmes: Vec<_> = placed
            .filter_map(|(place, plan)| {
                let key = format!("esme[{place}].password_file");
                let password = password(&key, &plan.password_file, &mut problems)?;
                Some(PasswordHash::of(password.reveal().as_bytes()))
            })
            .collect();
        let links = checked.carriers.iter();
        let links: Vec<_> = links
            .filter_map(|link| read_link(link, &format!("carrier[{}]", link.place), &mut problems))
            .collect();
        let providers = checked.providers.iter();
        let providers: Vec<_> = providers
            .filter_map(|link| provider(link, &format!("carrier[{}]", link.place), &mut problems))
            .collect();
        if let Some(file) = &checked.ledger.key_file {
            check_private("ledger.key_file", file, &mut problems);
        }
        if let Some(file) = &checked.master_key_file {
            check_private("node.master_key_file", file, &mut problems);
        }
        for (place, witness) in checked.ledger.witnesses.iter().enumerate() {
            // Only to see that it can be made; the gateway makes its own when it starts.
            let made = HttpWitness::new(&witness.url, &witness.roots);
            let made = made.map_err(|error| format!("{:#}", anyhow::Error::new(error)));
            problems.keep(&format!("witness[{place}].url"), made);
        }
        for (place, stream) in checked.streams.iter().enumerate() {
            check_stream(stream, &format!("siem[{place}]"), &mut problems);
        }
        let risk = checked.risk.as_ref();
        let risk = risk.and_then(|plan| sim_swap(plan, &mut problems));
        let webhooks = webhooks(checked, &mut problems);
        problems.or_value(
            clients
                .zip(esme_clients)
                .map(|(clients, esme_clients)| Self {
                    https,
                    external,
                    clients,
                    smpp,
                    esme_clients,
                    esmes,
                    links,
                    providers,
                    risk,
                    webhooks,
                }),
        )
    }

    /// Gives the accounts of ESMEs their passwords.
    pub fn open_esmes(&self, checked: &mut Checked) {
        let opened = checked.esmes.iter().zip(&self.esmes);
        let accounts = opened.map(|(plan, password)| {
            let account = EsmeAccount {
                password: password.clone(),
                ..plan.account.clone()
            };
            (plan.system_id.clone(), Arc::new(account))
        });
        checked.settings.esmes.accounts = accounts.collect();
    }
}

/// A password of SMPP in a file of its own.
fn password(key: &str, file: &Path, problems: &mut Problems) -> Option<Password> {
    check_private(key, file, problems);
    problems.keep(key, Password::read(file).and_then(Password::check))
}

/// The client of a SIM Swap service, with the secret that its file holds.
fn sim_swap(plan: &RiskPlan, problems: &mut Problems) -> Option<SimSwapClient> {
    let credentials = match &plan.identity {
        RiskIdentity::Bearer(file) => {
            Credentials::Bearer(secret("risk.bearer_file", file, problems)?)
        }
        RiskIdentity::Client {
            token_url,
            id,
            secret_file,
            scope,
        } => Credentials::Client {
            token_url: token_url.clone(),
            id: id.clone(),
            secret: secret("risk.client_secret_file", secret_file, problems)?,
            scope: scope.clone(),
        },
    };
    let made = SimSwapClient::new(&plan.place, credentials);
    let made = made.map_err(|error| format!("{:#}", anyhow::Error::new(error)));
    problems.keep("risk.url", made)
}

/// A secret in a file of its own; a line end at its end is left out.
fn secret(key: &str, file: &Path, problems: &mut Problems) -> Option<Secret> {
    let octets = secret_octets(key, file, problems)?;
    let text = std::str::from_utf8(&octets).unwrap_or_default();
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    problems.keep(key, Secret::new(text))
}

/// Only to see that it can be made, as with witnesses.
fn check_stream(stream: &StreamPlan, at: &str, problems: &mut Problems) {
    if let SyslogWay::Tls(SyslogTls {
        client: Some(client),
        ..
    }) = &stream.way
    {
        check_private(&format!("{at}.key_file"), &client.key, problems);
    }
    let made = SyslogCollector::new(stream.place.clone(), &stream.way);
    let key = match &made {
        Err(WayError::Roots(_)) => "ca_file",
        Err(WayError::Client { .. }) => "certificate_file",
        Err(WayError::Name(_)) => "server_name",
        Err(WayError::Setup(_)) | Ok(_) => "transport",
    };
    let made = made.map_err(|error| format!("{:#}", anyhow::Error::new(error)));
    problems.keep(&format!("{at}.{key}"), made);
}

/// The certificate of a listener.
fn listener(section: &str, files: &PairFiles, problems: &mut Problems) -> Option<Certificates> {
    let [chain_key, key_key] =
        ["certificate_file", "key_file"].map(|name| format!("{section}.{name}"));
    let chain = octets(&chain_key, &files.certificate, problems);
    let key = secret_octets(&key_key, &files.key, problems);
    let (chain, key) = (chain?, key?);
    let certificates = Certificates::from_pem(&chain, &key).and_then(|tried| {
        TlsSlot::new(TlsProfile::default(), tried)?;
        Certificates::from_pem(&chain, &key)
    });
    let (at, path) = match &certificates {
        Err(TlsError::Chain) => (chain_key, &files.certificate),
        _ => (key_key, &files.key),
    };
    let certificates = certificates
        .map_err(|error| format!("{}: {:#}", path.display(), anyhow::Error::new(error)));
    problems.keep(&at, certificates)
}

/// Whether the authority can be asked at all, and the secret of its customer.
fn authority(plan: &AcmePlan, problems: &mut Problems) -> Option<ExternalAccount> {
    let checked = plan.place.check();
    let checked = checked.map_err(|error| format!("{:#}", anyhow::Error::new(error)));
    problems.keep("https.acme.directory", checked);
    let (id, file) = plan.external.as_ref()?;
    let key = "https.acme.external_key_file";
    let octets = secret_octets(key, file, problems)?;
    let text = std::str::from_utf8(&octets).unwrap_or_default();
    problems.keep(key, ExternalAccount::new(id, text.trim()))
}

/// What a listener asks of clients.
fn clients(
    section: &str,
    plan: &ClientsPlan,
    problems: &mut Problems,
) -> Option<ClientCertificates> {
    let need = match plan.need {
        Asked::Off => CertificateNeed::Off,
        Asked::Optional => CertificateNeed::Optional,
        Asked::Required => CertificateNeed::Required,
    };
    let Some(file) = &plan.ca_file else {
        return Some(ClientCertificates::of_anybody(need));
    };
    let key = format!("{section}.client_ca_file");
    let text = octets(&key, file, problems)?;
    let named = |file: &Path, error: TlsError| format!("{}: {error}", file.display());
    let read = ClientCertificates::of_authorities(need, &text);
    let read = problems.keep(&key, read.map_err(|error| named(file, error)))?;
    let Some(file) = &plan.crl_file else {
        return Some(read);
    };
    let key = format!("{section}.client_crl_file");
    let text = octets(&key, file, problems)?;
    let less = read.less_revoked(&text);
    problems.keep(&key, less.map_err(|error| named(file, error)))
}

/// What a file holds that nobody else may read.
fn secret_octets(key: &str, path: &Path, problems: &mut Problems) -> Option<Zeroizing<Vec<u8>>> {
    check_private(key, path, problems);
    octets(key, path, problems).map(Zeroizing::new)
}

fn check_private(key: &str, path: &Path, problems: &mut Problems) {
    if let Some(mode) = open_to_others(path) {
        let says = format!(
            "{} can be read by other users (mode {mode:o}); run `chmod 600` on it, and treat what it \
             holds as known to them",
            path.display()
        );
        problems.add(key, says);
    }
}

fn octets(key: &str, path: &Path, problems: &mut Problems) -> Option<Vec<u8>> {
    let read =
        std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()));
    problems.keep(key, read)
}

fn read_link(link: &CarrierLink, at: &str, problems: &mut Problems) -> Option<LinkMaterial> {
    let password = match &link.password {
        PasswordSource::Given(password) => Some(password.clone()),
        PasswordSource::File(file) => password(&format!("{at}.password_file"), file, problems),
    };
    if let Way::Tls(tls) = &link.way {
        check_tls(tls, at, problems);
    }
    Some(LinkMaterial {
        password: password?,
    })
}

/// A carrier over HTTPS with its secrets, tried once.
fn provider(
    link: &ProviderLink,
    at: &str,
    problems: &mut Problems,
) -> Option<(ProviderPlan, ProviderSecrets)> {
    let shown = provider_secret(&link.secret, &format!("{at}.secret_file"), problems)?;
    let callback = match &link.callback {
        Some(source) => provider_secret(source, &format!("{at}.callback_secret_file"), problems)?,
        None => shown.clone(),
    };
    let secrets = ProviderSecrets {
        secret: shown,
        callback,
    };
    let tried = Providers::check(&link.plan, &secrets);
    let key = match &tried {
        Err(ProviderError::Roots(_)) => "ca_file",
        Err(ProviderError::Account) => "account",
        Err(ProviderError::Callback(_)) => "callback_url",
        Err(ProviderError::Place(_)) | Ok(()) => "url",
    };
    let tried = tried.map_err(|error| format!("{:#}", anyhow::Error::new(error)));
    problems.keep(&format!("{at}.{key}"), tried)?;
    Some((link.plan.clone(), secrets))
}

fn provider_secret(source: &SecretSource, key: &str, problems: &mut Problems) -> Option<Secret> {
    match source {
        SecretSource::File(file) => secret(key, file, problems),
        SecretSource::Given(given) => problems.keep(key, Secret::new(given.reveal().to_owned())),
    }
}

fn check_tls(tls: &LinkTls, at: &str, problems: &mut Problems) {
    if let Some(file) = &tls.ca_file {
        check_chain(&format!("{at}.ca_file"), file, problems);
    }
    if let Some(files) = &tls.client {
        check_chain(
            &format!("{at}.certificate_file"),
            &files.certificate,
            problems,
        );
        check_key(&format!("{at}.key_file"), files, problems);
    }
}

fn check_chain(key: &str, path: &Path, problems: &mut Problems) {
    let Some(text) = octets(key, path, problems) else {
        return;
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    if !chain.is_ok_and(|chain| !chain.is_empty()) {
        problems.add(
            key,
            format!("{} holds no certificate in PEM", path.display()),
        );
    }
}

/// The key alone, and whether it is the certificate's.
fn check_key(key: &str, files: &PairFiles, problems: &mut Problems) {
    let path = &files.key;
    let Some(text) = secret_octets(key, path, problems) else {
        return;
    };
    if PrivateKeyDer::from_pem_slice(&text).is_err() {
        let says = format!("{} holds no private key in PEM", path.display());
        problems.add(key, says);
        return;
    }
    let chain = std::fs::read(&files.certificate).ok();
    let pair = chain.and_then(|chain| Certificates::from_pem(&chain, &text).ok());
    // What is no certificate at all has been told.
    if let Some(Err(error)) = pair.map(|pair| TlsSlot::new(TlsProfile::default(), pair)) {
        let says = format!("{}: {:#}", path.display(), anyhow::Error::new(error));
        problems.add(key, says);
    }
}

/// The way to webhooks. A system without a file of trusted authorities calls none, unless they are named.
fn webhooks(checked: &Checked, problems: &mut Problems) -> Option<WebhookCaller> {
    match WebhookCaller::new(checked.webhooks.clone()) {
        Ok(caller) => Some(caller),
        Err(RootsError::NoSystemRoots) => None,
        Err(error) => {
            let says = format!("{:#}", anyhow::Error::new(error));
            problems.add("webhooks.ca_file", says);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::certificates::{self, Subject};
    use crate::config::Config;
    use crate::config::environment::Overlay;
    use crate::folder::write_private;
    use domain::time::Timestamp;

    fn checked(folder: &Path) -> Checked {
        let folder = folder.display();
        let text = format!(
            "[https]\ncertificate_file = '{folder}/server.pem'\nkey_file = '{folder}/server.key'\n\
             [[carrier]]\nname = 'a'\naddress = 'h:1'\nsystem_id = 'x'\n\
             password_file = '{folder}/password'\nca_file = '{folder}/ca.pem'\n"
        );
        let config = Config::parse(&text, Overlay::default()).unwrap();
        Checked::try_from(&config).unwrap()
    }

    #[test]
    fn every_file_that_cannot_be_used_is_named_by_its_key() {
        let place = tempfile::tempdir().unwrap();
        let problems = Material::read(&checked(place.path())).unwrap_err();
        let keys: Vec<&str> = problems
            .list()
            .iter()
            .map(|problem| problem.key.as_str())
            .collect();
        let expected = [
            "https.certificate_file",
            "https.key_file",
            "carrier[0].password_file",
            "carrier[0].ca_file",
        ];
        assert_eq!(keys, expected);
    }

    #[test]
    fn files_that_are_right_are_read() {
        let place = tempfile::tempdir().unwrap();
        let now = Timestamp::from_seconds(1_764_064_800);
        certificates::keep(place.path(), &[Subject::Gateway], now).unwrap();
        write_private(&place.path().join("password"), b"secret12\n").unwrap();
        let material = Material::read(&checked(place.path())).unwrap();
        assert!(material.https.is_some());
        assert_eq!(material.links[0].password.reveal(), "secret12");
    }

    fn told(folder: &Path) -> Vec<String> {
        let problems = Material::read(&checked(folder)).unwrap_err();
        problems.list().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_key_of_another_certificate_is_named_by_its_path() {
        let place = tempfile::tempdir().unwrap();
        let now = Timestamp::from_seconds(1_764_064_800);
        let subjects = [Subject::Gateway, Subject::Carrier];
        certificates::keep(place.path(), &subjects, now).unwrap();
        write_private(&place.path().join("password"), b"secret12").unwrap();
        let of = |subject: Subject| subject.files(place.path()).key;
        std::fs::copy(of(Subject::Carrier), of(Subject::Gateway)).unwrap();
        let told = told(place.path());
        let expected = format!("https.key_file: {}: ", of(Subject::Gateway).display());
        assert!(
            told.len() == 1 && told[0].starts_with(&expected),
            "{told:?}"
        );
    }

    #[test]
    fn secrets_that_others_can_read_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let now = Timestamp::from_seconds(1_764_064_800);
        certificates::keep(place.path(), &[Subject::Gateway], now).unwrap();
        write_private(&place.path().join("password"), b"secret12").unwrap();
        for name in ["server.key", "password"] {
            let open = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(place.path().join(name), open).unwrap();
        }
        let told = told(place.path());
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told.iter().all(|says| says.contains("`chmod 600`")),
            "{told:?}"
        );
        assert!(told[0].starts_with("https.key_file: "), "{told:?}");
        assert!(
            told[1].starts_with("carrier[0].password_file: "),
            "{told:?}"
        );
    }
}
