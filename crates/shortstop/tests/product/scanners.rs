//! The gateway before a scanner of TLS that others wrote: each listener against Mozilla's profile of its own
//! `tls_profile`, and one against a stricter one, to see that the scanner tells the difference. What else scanners look at is below.

mod document;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::Value;
use shortstop::folder::write_private;
use tokio::process::Command;
use tokio::time::timeout;

use super::ground::{Carrier, Ground, PATIENCE, free_address};

/// Certificates as a public authority gives them: Mozilla's modern profile takes none that lasts longer than
/// 90 days, and the scanner none without the usual extensions.
const LEAF_DAYS: i64 = 80;

/// Makes `lab-ca.pem`, `server.pem` and `server.key`, and `client.pem` with `client.key`.
fn certificates(ground: &Ground) {
    let key = KeyPair::generate().unwrap();
    let mut params = lasting(Vec::new());
    params
        .distinguished_name
        .push(DnType::CommonName, "Lab authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = params.self_signed(&key).unwrap().pem();
    std::fs::write(ground.path("lab-ca.pem"), authority).unwrap();
    let issuer = Issuer::new(params, key);
    for (name, usage) in [
        ("server", ExtendedKeyUsagePurpose::ServerAuth),
        ("client", ExtendedKeyUsagePurpose::ClientAuth),
    ] {
        let key = KeyPair::generate().unwrap();
        let mut params = lasting(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]);
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let made = params.signed_by(&key, &issuer).unwrap().pem();
        std::fs::write(ground.path(&format!("{name}.pem")), made).unwrap();
        let file = ground.path(&format!("{name}.key"));
        write_private(&file, key.serialize_pem().as_bytes()).unwrap();
    }
}

fn lasting(names: Vec<String>) -> CertificateParams {
    let mut params = CertificateParams::new(names).unwrap();
    let now = jiff::Timestamp::now();
    let day = |days: i64| {
        let date = (now + jiff::SignedDuration::from_hours(24 * days))
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        let number = |part: i8| u8::try_from(part).unwrap();
        rcgen::date_time_ymd(date.year().into(), number(date.month()), number(date.day()))
    };
    params.not_before = day(-1);
    params.not_after = day(LEAF_DAYS);
    params
}

/// The folder of the scanners that `cargo xtask test` has installed.
fn programs() -> PathBuf {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools/paths.json");
    let paths = std::fs::read(list).expect("`cargo xtask test` installs the scanners");
    let paths: Value = serde_json::from_slice(&paths).unwrap();
    let folder = paths["scanners"].as_str();
    folder.expect("`cargo xtask test` installs them").into()
}

/// Scans a listener against a profile. With a certificate in hand, since the listeners ask for one.
async fn scan(ground: &Ground, address: SocketAddr, profile: &str) -> Output {
    let mut command = Command::new(programs().join("sslyze"));
    command.args(["--mozilla_config", profile, "--certinfo_ca_file"]);
    command.arg(ground.path("lab-ca.pem")).arg("--cert");
    command.arg(ground.path("client.pem")).arg("--key");
    command.arg(ground.path("client.key"));
    command.arg(format!("localhost:{}", address.port()));
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await;
    output.expect("the scanner ends").unwrap()
}

#[tokio::test]
async fn every_listener_keeps_the_profile_of_its_own_as_a_scanner_that_others_wrote_sees_it() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    certificates(&ground);
    let files = "certificate_file = 'server.pem'\nkey_file = 'server.key'\n";
    files.clone_into(&mut ground.https_more);
    let smpp = free_address();
    ground.more = format!("[smpp]\nlisten = '{smpp}'\n{files}");
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let (https, esmes, strict) = tokio::join!(
        scan(&ground, ground.https, "modern"),
        scan(&ground, smpp, "intermediate"),
        scan(&ground, smpp, "modern"),
    );
    for (scanned, listener) in [(&https, "https"), (&esmes, "smpp")] {
        let told = String::from_utf8_lossy(&scanned.stdout);
        assert_eq!(scanned.status.code(), Some(0), "{listener}: {told}");
        assert!(told.contains(": OK - Compliant."), "{listener}: {told}");
    }
    let told = String::from_utf8_lossy(&strict.stdout);
    assert_eq!(strict.status.code(), Some(1), "{told}");
    let why = "TLS versions {'TLSv1.2'} are supported, but should be rejected";
    assert!(told.contains(why), "{told}");
    assert!(gateway.stop().await.unwrap().success());
}
