//! ESMEs of the PyPI packages `smpplib` and `aiosmpplib` at our simulator: its PDUs, which are written
//! and read by the same codec as the links', are read and written by two others.

use std::sync::Arc;

use domain::text::decode::{Decoded, decode_text};
use domain::text::segment::{ReferenceWidth, segments};
use serde_json::{Value, json};
use smpp::sim::{Account, Behaviour, ReceiptForm, ReceiptPlan, SimConfig, SimHandle, Simulator};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::certificate::Certificate;
use crate::gateway::{FixedClock, behaviour};
use crate::peer::{Peer, octets};

const PASSWORD: &str = "secret12";
const HANDSET: &str = "447700900123";
const SHORT_CODE: &str = "12345";

/// A simulator with one account. Both libraries connect by IPv4.
async fn simulator(form: ReceiptForm, tls: Option<TlsAcceptor>) -> SimHandle {
    let receipts = ReceiptPlan {
        form,
        ..behaviour().receipts
    };
    let account = Account {
        system_id: "esme1".to_owned(),
        password: PASSWORD.to_owned(),
    };
    let config = SimConfig {
        accounts: vec![account],
        behaviour: Behaviour {
            receipts,
            ..behaviour()
        },
        tls,
        ..SimConfig::new(Arc::new(FixedClock))
    };
    Simulator::start(config, TcpListener::bind("127.0.0.1:0").await.unwrap())
}

fn settings(sim: &SimHandle) -> Value {
    json!({
        "port": sim.address().unwrap().port(),
        "password": PASSWORD,
        "bind": "bind_transceiver",
    })
}

/// Into how many parts a text is cut.
fn parts(text: &str) -> usize {
    segments(text, ReferenceWidth::Eight)
        .unwrap()
        .segments
        .len()
}

fn inbox_texts(sim: &SimHandle) -> Vec<String> {
    let inbox = sim.inbox();
    for message in &inbox {
        assert_eq!(
            (message.from.as_str(), message.to.as_str()),
            (SHORT_CODE, HANDSET)
        );
    }
    inbox.into_iter().map(|message| message.text).collect()
}

/// One run of an ESME of smpplib: it submits, takes the receipts, and takes what handsets write.
async fn check_smpplib(form: ReceiptForm, certificate: Option<&Certificate>) {
    let sent = [
        "Your code is {482913} €".to_owned(),
        "Ваш код 482913".to_owned(),
        "Your code is 482913. ".repeat(15),
        "Ваш код 482913. ".repeat(12),
    ];
    let written = ["HELP", "Здравствуйте! ".repeat(10).as_str()].map(str::to_owned);
    let sim = simulator(form, certificate.map(Certificate::acceptor)).await;
    let mut settings = settings(&sim);
    if let Some(certificate) = certificate {
        settings["ca_file"] = json!(certificate.authority());
    }
    let mut esme = Peer::python("esme_smpplib.py", &settings);
    let bound = esme.event("bound").await;
    assert_eq!(bound["carrier"], "SHORTSTOP-SIM");
    assert_eq!(bound["tls"], certificate.is_some());

    let submitted: usize = sent.iter().map(|text| parts(text)).sum();
    let mobiles: usize = written.iter().map(|text| parts(text)).sum();
    for text in &written {
        sim.inject_mo(HANDSET, SHORT_CODE, text).unwrap();
    }
    esme.tell(&json!({ "texts": sent, "deliveries": submitted + mobiles }))
        .await;
    let (mut ids, mut deliveries) = (Vec::new(), Vec::new());
    while ids.len() < submitted || deliveries.len() < submitted + mobiles {
        let event = esme.next().await;
        match event["event"].as_str() {
            Some("answered") => ids.push(event["id"].clone()),
            Some("delivered") => deliveries.push(event),
            _ => assert_eq!(event["parts"], submitted, "{event}"),
        }
    }
    esme.event("unbound").await;
    esme.end().await;

    let (receipts, messages): (Vec<_>, Vec<_>) = deliveries
        .iter()
        .partition(|delivery| delivery["esm_class"] == 4);
    check_receipts_of_smpplib(&receipts, &ids, form);
    check_messages_of_smpplib(&messages, &written);
    assert_eq!(inbox_texts(&sim), sent);
    let stats = sim.stats();
    assert_eq!(
        (stats.receipts_acked, stats.mo_acked, stats.waiting),
        (
            u64::try_from(submitted).unwrap(),
            u64::try_from(mobiles).unwrap(),
            0
        )
    );
}

fn check_receipts_of_smpplib(receipts: &[&Value], ids: &[Value], form: ReceiptForm) {
    assert_eq!(receipts.len(), ids.len());
    for receipt in receipts {
        assert_eq!(receipt["source"], json!([1, 1, HANDSET]));
        assert_eq!(receipt["destination"], json!([3, 0, SHORT_CODE]));
        let text = String::from_utf8(octets(&receipt["octets"])).unwrap();
        let id = match form {
            ReceiptForm::Text => {
                assert_eq!(receipt["state"], Value::Null);
                text.split(' ').next().unwrap().replace("id:", "")
            }
            ReceiptForm::Tlv | ReceiptForm::Both => {
                assert_eq!(receipt["state"], 2);
                receipt["receipted"].as_str().unwrap().to_owned()
            }
        };
        assert!(ids.contains(&Value::from(id.as_str())), "{id}");
        assert_eq!(text.contains("stat:DELIVRD"), form != ReceiptForm::Tlv);
    }
}

/// Reads the parts, which came in their order, and puts them together by their headers.
fn check_messages_of_smpplib(messages: &[&Value], written: &[String]) {
    let mut texts: Vec<String> = Vec::new();
    for message in messages {
        assert_eq!(message["source"], json!([1, 1, HANDSET]));
        let octets = octets(&message["octets"]);
        let data_coding = u8::try_from(message["data_coding"].as_u64().unwrap()).unwrap();
        let (ordinal, text) = match message["esm_class"].as_u64() {
            Some(0x40) => (octets[5], &octets[6..]),
            _ => (1, &octets[..]),
        };
        let Decoded::Text(text) = decode_text(data_coding, text) else {
            panic!("not a text")
        };
        match texts.last_mut() {
            Some(last) if ordinal > 1 => last.push_str(text.reveal()),
            _ => texts.push(text.reveal().to_owned()),
        }
    }
    assert_eq!(texts, written);
}

#[tokio::test]
async fn an_esme_of_smpplib_is_served_over_tls() {
    let certificate = Certificate::new();
    check_smpplib(ReceiptForm::Both, Some(&certificate)).await;
}

#[tokio::test]
async fn an_esme_of_smpplib_reads_receipts_in_text_and_in_parameters() {
    check_smpplib(ReceiptForm::Text, None).await;
    check_smpplib(ReceiptForm::Tlv, None).await;
}

#[tokio::test]
async fn an_esme_of_aiosmpplib_matches_our_receipts_and_reads_our_messages() {
    let sent = [
        "Your code is {482913} €".to_owned(),
        "Ваш код 482913".to_owned(),
        "Your code is 482913. ".repeat(15),
        "Ваш код 482913. ".repeat(12),
    ];
    let written = ["HELP", "Здравствуйте! ".repeat(10).as_str()].map(str::to_owned);
    let sim = simulator(ReceiptForm::Both, None).await;
    let mut esme = Peer::python("esme_aiosmpplib.py", &settings(&sim));
    let bound = esme.event("bound").await;
    assert_eq!(bound["carrier"], "SHORTSTOP-SIM");
    let submitted: usize = sent.iter().map(|text| parts(text)).sum();
    let mobiles: usize = written.iter().map(|text| parts(text)).sum();
    for text in &written {
        sim.inject_mo(HANDSET, SHORT_CODE, text).unwrap();
    }
    esme.tell(&json!({ "texts": sent, "parts": submitted, "messages": mobiles }))
        .await;

    // Long texts are answered, receipted and read as wholes.
    let (mut answered, mut references, mut texts, mut lives) = (0, Vec::new(), Vec::new(), 0);
    loop {
        let event = esme.next().await;
        match event["event"].as_str() {
            Some("answered") => answered += 1,
            Some("receipt") => {
                assert_eq!(event["read"]["stat"], "DELIVRD", "{event}");
                assert_eq!(event["handset"], HANDSET);
                references.push(event["reference"].clone());
            }
            Some("message") => texts.push(event["text"].clone()),
            Some("lives") => lives += 1,
            Some("unbound") => break,
            _ => panic!("{event}"),
        }
    }
    esme.end().await;
    references.sort_by_key(ToString::to_string);
    assert_eq!(references, ["text-0", "text-1", "text-2", "text-3"]);
    assert_eq!(texts, written);
    assert_eq!(answered, sent.len());
    assert!(lives > 0, "enquire_link was not answered");
    assert_eq!(inbox_texts(&sim), sent);
    assert_eq!(sim.stats().waiting, 0);
}

#[tokio::test]
async fn an_esme_with_a_wrong_password_is_refused_in_words_that_it_knows() {
    let sim = simulator(ReceiptForm::Both, None).await;
    let mut settings = settings(&sim);
    settings["password"] = json!("wrong");
    let mut esme = Peer::python("esme_smpplib.py", &settings);
    let refusal = esme.event("refused").await;
    assert_eq!(refusal["status"], 0x0E);
    esme.end().await;
    assert_eq!(sim.stats().binds, 0);
}
