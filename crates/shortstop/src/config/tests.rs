//! What a configuration may say, and how it is told what is wrong.

use super::*;

fn problems(text: &str) -> Vec<String> {
    let config = match Config::parse(text, Overlay::default()) {
        Ok(config) => config,
        Err(problems) => return shown(&problems),
    };
    Checked::try_from(&config)
        .err()
        .map(|problems| shown(&problems))
        .unwrap_or_default()
}

fn shown(problems: &Problems) -> Vec<String> {
    problems.list().iter().map(ToString::to_string).collect()
}

/// Fails with the whole list when none of the problems begins like this.
fn check(text: &str, expected: &str) {
    let found = problems(text);
    assert!(
        found.iter().any(|problem| problem.starts_with(expected)),
        "{expected}: {found:#?}"
    );
}

const CARRIER: &str =
    "[[carrier]]\nname = 'a'\naddress = 'h:1'\nsystem_id = 'x'\npassword_file = 'p'\n";

#[test]
fn an_empty_file_is_every_default() {
    let config = Config::parse("", Overlay::default()).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.https.listen.to_string(), "127.0.0.1:8443");
    assert_eq!(config.admin.listen.to_string(), "127.0.0.1:9464");
    assert!(problems("").is_empty());
}

#[test]
fn the_example_is_a_configuration_and_stands_in_the_repository_as_generated() {
    let example = example::render();
    assert!(problems(&example).is_empty(), "{:#?}", problems(&example));
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../config/shortstop.example.toml"
    );
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == example,
        "config/shortstop.example.toml is stale; write it anew with `shortstop check-config --example`"
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let text =
        "[https]\nlisen = 'x'\nbody_bytes_max = 'many'\n[node]\nname = 5\n[colour]\n[mesages]\n";
    let found = problems(text);
    assert_eq!(found.len(), 5, "{found:#?}");
    check(text, "https.lisen: is no setting; did you mean `listen`?");
    check(text, "https.body_bytes_max: invalid type: string");
    check(text, "node.name: invalid type: integer");
    check(text, "colour: is no section; the sections are node, https");
    check(text, "mesages: is no section; did you mean [messages]?");
}

#[test]
fn a_file_that_is_not_toml_says_where() {
    let found = problems("[https\nlisten = 1");
    assert!(found[0].contains("line 1"), "{found:?}");
}

#[test]
fn a_listener_for_others_needs_a_certificate() {
    check(
        "[https]\nlisten = '0.0.0.0:8443'",
        "https.certificate_file: is needed",
    );
    check(
        "[https]\nkey_file = 'k'",
        "https.certificate_file: is missing",
    );
    check(
        "[admin]\nlisten = '0.0.0.0:9464'",
        "admin.listen: is not a loopback address",
    );
    let text = "[https]\nlisten = '0.0.0.0:8443'\ncertificate_file = 'c'\nkey_file = 'k'";
    assert!(problems(text).is_empty());
}

#[test]
fn a_carrier_is_whole_and_verified_or_loudly_not() {
    check("[[carrier]]", "carrier[0].name: is missing");
    check("[[carrier]]", "carrier[0].address: is missing");
    check("[[carrier]]", "carrier[0].system_id: is missing");
    check("[[carrier]]", "carrier[0].password_file: is missing");
    assert!(
        problems(CARRIER).is_empty(),
        "TLS with the authorities of the system"
    );
    check(
        &format!("{CARRIER}transport = 'plaintext-loopback'"),
        "carrier[0].transport: is plaintext-loopback",
    );
    check(
        &format!("{CARRIER}transport = 'plaintext'"),
        "carrier[0].transport: unknown variant",
    );
    let loud = "transport = 'i-accept-clear-text-on-the-wire'";
    assert!(problems(&format!("{CARRIER}{loud}")).is_empty());
    check(
        &format!("{CARRIER}ca_file = 'c'\n{CARRIER}ca_file = 'c'"),
        "carrier[1].name: stands in",
    );
    check(
        &format!("{CARRIER}binds = ['receiver']"),
        "carrier[0].binds: has none that sends",
    );
    check(
        &format!("{CARRIER}password = 'x'"),
        "carrier[0].password: is no setting",
    );
}

#[test]
fn a_short_code_has_digits_texts_and_carriers_that_exist() {
    check("[[short_code]]", "short_code[0].number: is missing");
    check(
        "[[short_code]]\nnumber = '12'",
        "short_code[0].number: a short code has 3 to 8 digits",
    );
    check(
        "[[short_code]]\nnumber = '123'",
        "short_code[0].carriers: names no carrier",
    );
    check(
        "[[short_code]]\nnumber = '123'\ncarriers = ['b']",
        "short_code[0].carriers: names `b`, but no [[carrier]]",
    );
    check(
        "[[short_code]]\nnumber = '123'\nstopped_text = ''",
        "short_code[0].stopped_text: the text is empty",
    );
}

#[test]
fn bounds_of_nothing_are_refused() {
    check(
        "[bounds]\nqueue_otp_max = 0",
        "bounds.queue_otp_max: must be 1 or more",
    );
    check(
        "[messages]\nvalidity_otp_seconds = 0",
        "messages.validity_otp_seconds: must lie between",
    );
    check(
        "[messages]\nvalidity_seconds_max = 60",
        "messages.validity_otp_seconds: is longer than messages.validity_seconds_max",
    );
    check("[log]\nlevel = 'x=y=z'", "log.level: ");
}

#[test]
fn nothing_is_kept_for_less_than_a_message_moves_and_too_little_consent_is_said_loudly() {
    check(
        "[retention]\ntext_days = 5",
        "retention.text_days: must lie between 6 days",
    );
    check(
        "[retention]\nconsent_days = 0",
        "retention.consent_days: must lie between",
    );
    check(
        "[messages]\nreceipt_seconds = 3000000",
        "retention.text_days: must lie between 38 days",
    );
    let warning = |text: &str| {
        let config = Config::parse(text, Overlay::default()).unwrap();
        Checked::try_from(&config).unwrap().warnings()
    };
    assert!(warning("").is_empty());
    let consent = warning("[retention]\nconsent_days = 1460");
    assert!(matches!(&consent[..], [says] if says.starts_with("retention.consent_days is below")));
    let rewrap = warning("[keys]\nrewrap_days = 0");
    assert!(matches!(&rewrap[..], [says] if says.starts_with("keys.rewrap_days is 0")));
}

#[test]
fn proxies_that_are_everybody_are_refused_and_wide_ones_and_more_guesses_said_loudly() {
    check(
        "[https]\ntrusted_proxies = ['10.0.0.5/32', '::/0']",
        "https.trusted_proxies[1]: ::/0 is everybody",
    );
    let warning = |text: &str| {
        let text = format!("[countries]\nenabled = ['GB']\n{text}");
        let config = Config::parse(&text, Overlay::default()).unwrap();
        Checked::try_from(&config).unwrap().limit_warnings()
    };
    let usual = "[https]\ntrusted_proxies = ['10.0.0.0/8']\n[verifications]\nbrand = 'Example'\n";
    assert!(warning(usual).is_empty());
    let wide = warning("[https]\ntrusted_proxies = ['0.0.0.0/1']");
    assert!(
        matches!(&wide[..], [says] if says.starts_with("https.trusted_proxies holds 0.0.0.0/1"))
    );
    let more = warning(&format!("{usual}failed_checks_day_max = 50"));
    assert!(
        matches!(&more[..], [says] if says.contains("50, above 20") && says.ends_with("0.005 %"))
    );
}

#[test]
fn the_environment_wins_over_the_file() {
    let set = |name: &str, value: &str| Overlay::from_iter([(name.to_owned(), value.to_owned())]);
    let overlay = set("SHORTSTOP__HTTPS__LISTEN", "127.0.0.1:1");
    let config = Config::parse("[https]\nlisten = '127.0.0.1:2'", overlay).unwrap();
    assert_eq!(config.https.listen.port(), 1);
    let overlay = set("SHORTSTOP__CARRIER__A__PASSWORD", "secret12");
    let text = CARRIER.replace("password_file = 'p'\n", "ca_file = 'c'\n");
    let config = Config::parse(&text, overlay).unwrap();
    assert!(Checked::try_from(&config).is_ok());
    assert!(!format!("{config:?}").contains("secret12"));
}

#[test]
fn defaults_of_the_engine_and_of_the_file_are_the_same() {
    let checked = Checked::try_from(&Config::default()).unwrap();
    let bounds = engine::settings::Bounds::default();
    assert_eq!(
        format!("{:?}", checked.settings.bounds),
        format!("{bounds:?}")
    );
    let retention = engine::settings::Retention::default();
    assert_eq!(checked.settings.retention, retention);
    let validity = engine::settings::ValiditySettings::default();
    assert_eq!(
        format!("{:?}", checked.settings.validity),
        format!("{validity:?}")
    );
}

#[test]
fn a_reload_sees_which_settings_changed() {
    let before = Config::default().values();
    let after = Config::parse("[bounds]\nqueue_otp_max = 5", Overlay::default())
        .unwrap()
        .values();
    let changed: Vec<_> = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(value))
        .collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].0, "bounds.queue_otp_max");
}

#[test]
fn witnesses_are_whole_apart_and_enough() {
    let witness = "[[witness]]\nname = 'w1'\nurl = 'http://127.0.0.1:1'\nvkey = 'witness.example/w1+aab2de37+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'\n";
    assert!(problems(witness).is_empty(), "{:?}", problems(witness));
    check("[[witness]]", "witness[0].name: is missing");
    check(
        "[[witness]]\nvkey = 'x'",
        "witness[0].vkey: not of the form",
    );
    check(
        "[[witness]]\nname = 'A b'",
        "witness[0].name: must be 1 to 32",
    );
    let log = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    check(
        &format!("[[witness]]\nvkey = '{log}'"),
        "witness[0].vkey: is the key of a log",
    );
    check(
        &format!("{witness}{witness}"),
        "witness[1].vkey: stands in another entry too",
    );
    check("[ledger]\norigin = 'a b'", "ledger.origin: the key name");
    let required = "[ledger]\nwitness_policy = 'required'\n";
    check(required, "ledger.witness_quorum: must lie between 1 and");
    assert!(problems(&format!("{required}{witness}")).is_empty());
}

#[test]
fn a_stream_to_a_siem_is_protected_unless_somebody_says_otherwise_at_length() {
    let siem =
        |more: &str| format!("[[siem]]\nname = 'soc'\naddress = 'siem.example:6514'\n{more}");
    assert!(problems(&siem("")).is_empty(), "{:#?}", problems(&siem("")));
    let clear = "transport = 'i-accept-clear-text-on-the-wire'";
    assert!(problems(&siem(clear)).is_empty());
    check(
        &siem("transport = 'plaintext-loopback'"),
        "siem[0].transport: is plaintext-loopback",
    );
    check(
        &siem("transport = 'plain'"),
        "siem[0].transport: unknown variant",
    );
    check(
        &siem("key_file = 'k'"),
        "siem[0].certificate_file: is missing",
    );
    check(&siem("format = 'leef'"), "siem[0].format: unknown variant");
    check(
        &siem("batch_entries_max = 0"),
        "siem[0].batch_entries_max: must be 1",
    );
    check(
        &siem("reconnect_seconds = 90"),
        "siem[0].reconnect_seconds: is longer",
    );
    check(
        "[[siem]]\nname = '../x'\naddress = 'h'",
        "siem[0].name: must be 1 to 32",
    );
    check(
        "[[siem]]\nname = 'x'\naddress = 'h'",
        "siem[0].address: must be a host and a port",
    );
    check(
        &[siem(""), siem("")].concat(),
        "siem[1].name: stands in another entry",
    );
}

#[test]
fn an_esme_of_everybody_is_one_of_a_password_alone_and_one_of_a_wide_network_is_said_loudly() {
    let client = domain::id::ClientId::new(1, 1);
    let account = |rest: &str| {
        format!(
            "[countries]\nenabled = ['GB']\n[smpp]\nlisten = '0.0.0.0:3550'\ncertificate_file = 'c'\n\
             key_file = 'k'\n[[esme]]\nsystem_id = 'esme1'\nclient = '{client}'\n\
             password_file = 'p'\n{rest}"
        )
    };
    let everybody = [
        "",
        "networks = ['0.0.0.0/0']",
        "networks = ['10.1.0.0/16', '::/0']",
    ];
    for networks in everybody {
        check(&account(networks), "esme[0].networks: are needed that are");
    }
    let warning = |rest: &str| {
        let config = Config::parse(&account(rest), Overlay::default()).unwrap();
        Checked::try_from(&config).unwrap().limit_warnings()
    };
    let pinned = format!("certificate_sha256 = ['{}']", "ab".repeat(32));
    assert!(warning("networks = ['10.0.0.0/8']").is_empty());
    assert!(warning(&format!("networks = ['0.0.0.0/0']\n{pinned}")).is_empty());
    let wide = warning("networks = ['10.0.0.0/8', '128.0.0.0/1']");
    let begins = "the networks of the ESME esme1 hold 128.0.0.0/1:";
    assert!(
        matches!(&wide[..], [says] if says.starts_with(begins)),
        "{wide:?}"
    );
}
