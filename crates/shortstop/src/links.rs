//! The links to carriers, from the checked configuration and its files. What a link does is in
//! `smpp::link`; here values become its settings.

use std::sync::Arc;
use std::time::Duration;

use engine::ports::Entropy;
use engine::ports::carrier::{BindId, Direction};
use smpp::link::{
    Addressing, Backoff, ClientCertificate, Endpoint, LinkConfig, LinkError, Links, Password,
    Roots, Security, Timers, TlsOptions,
};

use crate::config::checked::{CarrierLink, Checked, LinkTls, Way};
use crate::entropy::SystemEntropy;
use crate::material::LinkMaterial;

/// Every bind of the configuration; nothing is connected yet.
pub fn prepare(checked: &Checked, material: Vec<LinkMaterial>) -> Result<Arc<Links>, LinkError> {
    let mut configs = Vec::new();
    for (link, material) in checked.carriers.iter().zip(material) {
        for (index, direction) in (0..).zip(&link.binds) {
            configs.push(settings(link, &material, (index, *direction)));
        }
    }
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
    Links::new(configs, &entropy).map(Arc::new)
}

/// How long stopping may wait for answers: the most patient carrier decides.
pub fn patience(checked: &Checked) -> Duration {
    let links = checked.carriers.iter();
    let links = links.map(|link| Duration::from_secs(link.section.unbind_seconds));
    let providers = checked.providers.iter().map(|link| link.patience);
    links.chain(providers).max().unwrap_or_default()
}

fn settings(
    link: &CarrierLink,
    material: &LinkMaterial,
    (index, direction): (u16, Direction),
) -> LinkConfig {
    let section = &link.section;
    let bind = BindId {
        carrier: link.name.clone(),
        index,
    };
    let endpoint = Endpoint {
        host: link.host.clone(),
        port: link.port,
    };
    let password = Password::new(material.password.reveal().to_owned());
    LinkConfig {
        direction,
        system_type: section.system_type.clone(),
        service_type: section.service_type.clone(),
        addressing: Addressing {
            source_ton: section.source_ton,
            source_npi: section.source_npi,
            destination_ton: section.destination_ton,
            destination_npi: section.destination_npi,
        },
        window_max: usize::from(section.window_max),
        deliveries_max: section.deliveries_max,
        deliveries_octets_max: section.deliveries_bytes_max,
        frame_limit_octets: section.frame_bytes_max,
        timers: Timers {
            connect: Duration::from_secs(section.connect_seconds),
            bind: Duration::from_secs(section.bind_seconds),
            response: Duration::from_secs(section.response_seconds),
            enquire: Duration::from_secs(section.enquire_link_seconds),
        },
        backoff: Backoff {
            min: Duration::from_secs(section.reconnect_seconds),
            max: Duration::from_secs(section.reconnect_seconds_max),
        },
        ..LinkConfig::new(
            bind,
            endpoint,
            security(&link.way),
            link.system_id.clone(),
            password,
        )
    }
}

fn security(way: &Way) -> Security {
    match way {
        Way::Loopback => Security::PlainLoopback,
        Way::Clear => Security::ClearTextOnTheWire,
        Way::Tls(tls) => Security::Tls(options(tls)),
    }
}

fn options(tls: &LinkTls) -> TlsOptions {
    let client = tls.client.as_ref().map(|files| ClientCertificate {
        chain: files.certificate.clone(),
        key: files.key.clone(),
    });
    TlsOptions {
        roots: tls.ca_file.clone().map_or(Roots::System, Roots::File),
        server_name: tls.server_name.clone(),
        client,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::carrier::CarrierSection;

    #[test]
    fn defaults_of_the_link_and_of_the_file_are_the_same() {
        let section = CarrierSection::default();
        let link = CarrierLink {
            place: 0,
            name: domain::message::CarrierName::new("a"),
            host: "h".to_owned(),
            port: 1,
            system_id: "x".to_owned(),
            password: crate::config::checked::PasswordSource::File("p".into()),
            binds: Vec::new(),
            way: Way::Loopback,
            section,
        };
        let password = crate::config::secret::Password::new("p".to_owned());
        let made = settings(&link, &LinkMaterial { password }, (0, Direction::Both));
        let usual = LinkConfig::new(
            made.bind.clone(),
            made.endpoint.clone(),
            Security::PlainLoopback,
            "x".to_owned(),
            Password::new("p".to_owned()),
        );
        assert_eq!(format!("{made:?}"), format!("{usual:?}"));
    }

    #[test]
    fn a_gateway_without_carriers_stops_at_once() {
        let checked = Checked::try_from(&Config::default()).unwrap();
        assert_eq!(patience(&checked), Duration::ZERO);
    }
}
