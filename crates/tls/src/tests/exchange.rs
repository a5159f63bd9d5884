//! The key exchange: post-quantum where the client can, and no client is lost that cannot.

use crate::{CertificateNeed, ClientCertificates, TlsProfile, TlsSlot};
use rustls::NamedGroup;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::version::{TLS12, TLS13};

use super::authority::Own;
use super::both_ends::{shake, speaking};

#[test]
fn the_post_quantum_exchange_is_taken_with_whoever_offers_it_and_others_connect_without() {
    let server = Own::of_itself();
    let anybody = || ClientCertificates::of_anybody(CertificateNeed::Optional);
    let intermediate = TlsProfile::Intermediate;
    let https = TlsSlot::asking(intermediate, server.certificates(), anybody()).unwrap();
    let smpp = TlsSlot::for_esmes(intermediate, server.certificates(), anybody()).unwrap();
    let with = |groups: &[&'static dyn rustls::crypto::SupportedKxGroup]| CryptoProvider {
        kx_groups: groups.to_vec(),
        ..default_provider()
    };
    let hybrid = kx_group::X25519MLKEM768;
    let cases = [
        (
            with(&[hybrid, kx_group::X25519]),
            &TLS13,
            NamedGroup::X25519MLKEM768,
        ),
        (with(&[kx_group::X25519]), &TLS13, NamedGroup::X25519),
        (with(&[kx_group::SECP256R1]), &TLS13, NamedGroup::secp256r1),
        (with(&[kx_group::SECP384R1]), &TLS12, NamedGroup::secp384r1),
    ];
    for slot in [https, smpp] {
        for (provider, version, expected) in cases.clone() {
            let client = speaking(&server, None, provider, &[version]);
            let (_, client) = shake(slot.in_force().config(), &client).unwrap();
            let group = client.negotiated_key_exchange_group().unwrap();
            assert_eq!(group.name(), expected);
        }
    }
}
