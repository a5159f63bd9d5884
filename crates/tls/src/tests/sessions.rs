//! Sessions that are taken up again.

use std::sync::Arc;
use std::time::Duration;

use crate::{CertificateNeed, ClientCertificates, InForce, NotAnyMore, TlsProfile, TlsSlot};
use rcgen::date_time_ymd;
use rustls::{HandshakeKind, ServerConfig};

use super::authority::{Authority, Own};
use super::both_ends::{client, shake};

/// The middle of 2090, long after every other time in these tests.
const LATER: u64 = 3_802_982_400;

#[derive(Debug)]
struct Later;

impl rustls::time_provider::TimeProvider for Later {
    fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
        let later = Duration::from_secs(LATER);
        Some(rustls::pki_types::UnixTime::since_unix_epoch(later))
    }
}

/// The same settings at another time.
fn at(in_force: &InForce, time: Later) -> InForce {
    let mut config = ServerConfig::clone(&in_force.config);
    config.time_provider = Arc::new(time);
    let mut later = in_force.clone();
    later.config = Arc::new(config);
    later
}

#[test]
fn a_session_is_taken_up_again_with_its_certificate_and_does_not_outlive_it() {
    let (server, authority) = (Own::of_itself(), Authority::new());
    let ending = authority.gives(|params| params.not_after = date_time_ymd(2080, 1, 1));
    let lasting = authority.gives(|params| params.not_after = date_time_ymd(2100, 1, 1));
    let anybody = ClientCertificates::of_anybody(CertificateNeed::Required);
    for clients in [authority.asking(CertificateNeed::Required), anybody] {
        for (own, outlives) in [(&ending, true), (&lasting, false)] {
            let slot = TlsSlot::asking(TlsProfile::Modern, server.certificates(), clients.clone());
            let in_force = slot.unwrap().in_force();
            let client = client(&server, Some(own));
            let mut kinds = Vec::new();
            for _ in 0..2 {
                let (connection, _) = shake(in_force.config(), &client).unwrap();
                kinds.push(connection.handshake_kind().unwrap());
                let shown = in_force.shown(&connection).unwrap().unwrap();
                assert_eq!(shown.sha256.to_string().len(), 64);
            }
            assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed]);
            let later = at(&in_force, Later);
            let (connection, _) = shake(later.config(), &client).unwrap();
            assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Resumed));
            let shown = later.shown(&connection);
            assert_eq!(shown.err(), outlives.then_some(NotAnyMore));
        }
    }
}
