//! Carriers that mean harm, played octet by octet: nothing grows without bound, nothing waits for
//! ever, nothing spins, and whatever they say costs less than it costs them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::ports::Entropy;
use engine::ports::carrier::{
    Answer, BindId, CarrierEvents, Delivery, Direction, Token, Verdict, Verdicts,
};
use smpp::link::{Backoff, LinkConfig, Links, Roots, Security, Timers, TlsOptions};
use smpp::pdu::id;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use crate::gateway::{Gateway, NoChance, PATIENCE, config_to, listener, token};
use crate::script::{Carrier, gateway_at, long_message, message, pdu};

const HANDSET: &str = "447700900123";
/// No number of any plan.
const NOBODY: &str = "0000";

fn quick(response: u64) -> Timers {
    Timers {
        response: Duration::from_millis(response),
        ..Timers::default()
    }
}

#[tokio::test]
async fn a_carrier_that_floods_and_does_not_read_is_left() {
    let (mut gateway, listener) = gateway_at(quick(500)).await;
    let mut carrier = Carrier::bound(&listener).await;
    gateway.bound().await;
    let flood = pdu(id::ENQUIRE_LINK, 9, b"").repeat(4_096);
    let flooding = tokio::spawn(async move {
        while carrier.socket.write_all(&flood).await.is_ok() {}
        carrier
    });
    assert_eq!(gateway.lost().await, "the carrier takes no octets");
    flooding.await.unwrap();
}

#[tokio::test]
async fn a_flood_of_enquire_link_does_not_keep_submits_back() {
    let (mut gateway, listener) = gateway_at(quick(5_000)).await;
    let Carrier { socket, .. } = Carrier::bound(&listener).await;
    gateway.bound().await;
    let (mut from_us, mut to_us) = socket.into_split();
    let flood = pdu(id::ENQUIRE_LINK, 9, b"").repeat(4_096);
    let flooding = tokio::spawn(async move { while to_us.write_all(&flood).await.is_ok() {} });
    gateway.submit(1);
    let submit = async {
        let (mut octets, mut room) = (Vec::new(), vec![0; 65_536]);
        loop {
            let count = from_us.read(&mut room).await.unwrap();
            octets.extend_from_slice(&room[..count]);
            let needle = HANDSET.as_bytes().split_last_chunk::<3>().unwrap().0;
            if octets.windows(needle.len()).any(|part| part == needle) {
                return;
            }
            octets.drain(..octets.len().saturating_sub(needle.len()));
        }
    };
    timeout(PATIENCE, submit).await.expect("the submit waits");
    flooding.abort();
}

#[tokio::test]
async fn a_pdu_that_never_ends_is_no_sign_of_life() {
    let timers = Timers {
        enquire: Duration::from_millis(100),
        ..quick(200)
    };
    let (mut gateway, listener) = gateway_at(timers).await;
    let mut carrier = Carrier::bound(&listener).await;
    gateway.bound().await;
    let endless = pdu(id::DELIVER_SM, 7, &vec![0; 60_000]);
    carrier.raw(&endless[..1_000]).await;
    let asked = carrier.read().await.map(|(id, ..)| id);
    assert_eq!(asked, Some(id::ENQUIRE_LINK));
    carrier.raw(&endless[1_000..2_000]).await;
    assert_eq!(
        gateway.lost().await,
        "enquire_link was not answered in time"
    );
}

#[tokio::test]
async fn answers_to_nothing_and_repeated_answers_change_nothing() {
    let (mut gateway, listener) = gateway_at(Timers::default()).await;
    let mut carrier = Carrier::bound(&listener).await;
    gateway.bound().await;
    gateway.submit(2);
    let (_, _, first) = carrier.read().await.unwrap();
    let (_, _, second) = carrier.read().await.unwrap();
    for (status, sequence, name) in [
        (0, 4_711, "x\0"),
        (0, u32::MAX, "x\0"),
        (0, first, "a\0"),
        (0, first, "b\0"),
        (0x45, first, ""),
        (0, second, "c\0"),
    ] {
        let response = id::SUBMIT_SM_RESP;
        carrier
            .write(response, status, sequence, name.as_bytes())
            .await;
    }
    carrier.write(id::ENQUIRE_LINK_RESP, 0, 4_712, b"").await;
    carrier.write(id::UNBIND_RESP, 0, 4_713, b"").await;
    carrier.write(id::GENERIC_NACK, 3, first, b"").await;
    let answers = gateway.answers(2).await;
    let named = |answer: &Answer| match answer {
        Answer::Accepted(id) => id.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    let answers: Vec<_> = answers
        .iter()
        .map(|(token, answer)| (*token, named(answer)))
        .collect();
    let expected = [(token(0), "a".to_owned()), (token(1), "c".to_owned())];
    assert_eq!(answers, expected);
    // The link goes on, and nothing else was told.
    carrier
        .write(id::DELIVER_SM, 0, 5, &message(HANDSET, b"hi"))
        .await;
    assert_eq!(gateway.mobiles(1).await.len(), 1);
}

/// The least that can listen to the log.
struct Lines(Arc<AtomicUsize>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::INFO
    }

    fn new_span(&self, _span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _span: &tracing::span::Id, _values: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _span: &tracing::span::Id, _follows: &tracing::span::Id) {}

    fn event(&self, _event: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn enter(&self, _span: &tracing::span::Id) {}

    fn exit(&self, _span: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_flood_of_refused_deliveries_does_not_fill_the_log() {
    let lines = Arc::new(AtomicUsize::new(0));
    let _guard = tracing::subscriber::set_default(Lines(Arc::clone(&lines)));
    let (mut gateway, listener) = gateway_at(Timers::default()).await;
    let mut carrier = Carrier::bound(&listener).await;
    gateway.bound().await;
    let before = lines.load(Ordering::SeqCst);
    for sequence in 1..=2_000 {
        carrier
            .write(id::DELIVER_SM, 0, sequence, &message(NOBODY, b"hi"))
            .await;
        let refused = (id::DELIVER_SM_RESP, 0x0A, sequence);
        assert_eq!(carrier.read().await, Some(refused));
    }
    gateway.links.stop(Duration::from_secs(1)).await;
    let written = lines.load(Ordering::SeqCst) - before;
    assert!(written >= 2, "nothing was logged");
    assert!(written < 20, "{written} lines for 2,000 deliveries");
}

/// An engine that judges nothing before it is told to.
#[derive(Default)]
struct Withholding {
    pending: Mutex<Vec<(usize, Verdicts)>>,
}

impl CarrierEvents for Withholding {
    fn bound(&self, _bind: &BindId, _direction: Direction) {}

    fn lost(&self, _bind: &BindId, _reason: &str) {}

    fn answered(&self, _bind: &BindId, _answers: Vec<(Token, Answer)>) {}

    fn delivered(&self, _bind: &BindId, batch: Vec<Delivery>, verdicts: Verdicts) {
        let mut pending = self.pending.lock().unwrap();
        pending.push((batch.len(), verdicts));
    }
}

/// How many of 200 deliveries with this body are handed to an engine that judges none of them.
async fn handed_over(body: &[u8], deliveries_max: usize) -> usize {
    let listener = listener().await;
    let port = listener.local_addr().unwrap().port();
    let config = LinkConfig {
        deliveries_max,
        ..config_to(port, Security::PlainLoopback)
    };
    let entropy: Arc<dyn Entropy> = Arc::new(NoChance);
    let links = Links::new(vec![config], &entropy).unwrap();
    let engine = Arc::new(Withholding::default());
    let events: Arc<dyn CarrierEvents> = engine.clone();
    links.start(&events);
    let mut carrier = Carrier::bound(&listener).await;
    for sequence in 1..=200 {
        carrier.write(id::DELIVER_SM, 0, sequence, body).await;
    }
    // What is beyond the bound is handed back at once, and what comes behind it is answered.
    carrier.write(id::ENQUIRE_LINK, 0, 201, b"").await;
    let mut again = 0;
    while let Some((id::DELIVER_SM_RESP, 0x64, _)) = carrier.read().await {
        again += 1;
    }
    let pending = std::mem::take(&mut *engine.pending.lock().unwrap());
    let handed: usize = pending.iter().map(|(count, _)| count).sum();
    assert_eq!(handed + again, 200);
    // Once they are judged, there is room again.
    for (count, verdicts) in pending {
        verdicts(vec![Verdict::Taken; count]);
    }
    for _ in 0..handed {
        let answer = carrier.read().await;
        assert!(matches!(answer, Some((id::DELIVER_SM_RESP, 0, _))));
    }
    carrier.write(id::DELIVER_SM, 0, 202, body).await;
    carrier.write(id::ENQUIRE_LINK, 0, 203, b"").await;
    assert_eq!(carrier.read().await, Some((id::ENQUIRE_LINK_RESP, 0, 203)));
    handed
}

#[tokio::test]
async fn deliveries_beyond_the_bound_are_handed_back() {
    assert_eq!(handed_over(&message(HANDSET, b"hi"), 50).await, 50);
    assert_eq!(handed_over(&message(HANDSET, b"hi"), 5_000).await, 200);
}

#[tokio::test]
async fn large_deliveries_are_bounded_by_their_octets() {
    let handed = handed_over(&long_message(HANDSET, &vec![b'a'; 60_000]), 5_000).await;
    // 4 MiB hold 69 of them.
    assert!((60..=70).contains(&handed), "{handed}");
}

#[tokio::test]
async fn a_carrier_that_drops_the_link_at_once_is_called_less_and_less_often() {
    let listener = listener().await;
    let port = listener.local_addr().unwrap().port();
    let config = LinkConfig {
        backoff: Backoff {
            min: Duration::from_secs(1),
            max: Duration::from_mins(1),
        },
        ..config_to(port, Security::PlainLoopback)
    };
    let gateway = Gateway::start(vec![config]);
    let mut waits = Vec::new();
    for _ in 0..3 {
        let begin = Instant::now();
        let mut carrier = Carrier::bound(&listener).await;
        waits.push(begin.elapsed());
        // It is useful, for as long as it lasts.
        carrier
            .write(id::DELIVER_SM, 0, 5, &message(HANDSET, b"hi"))
            .await;
        let taken = (id::DELIVER_SM_RESP, 0, 5);
        assert_eq!(carrier.read().await, Some(taken));
    }
    // Without chance a wait is half of what it may be: of one second, then of two.
    assert!(waits[1] >= Duration::from_millis(500), "{waits:?}");
    assert!(waits[2] >= Duration::from_secs(1), "{waits:?}");
    drop(gateway);
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_carrier_that_does_not_read() {
    let (mut gateway, listener) = gateway_at(Timers::default()).await;
    let mut carrier = Carrier::bound(&listener).await;
    gateway.bound().await;
    let flood = pdu(id::ENQUIRE_LINK, 9, b"").repeat(4_096);
    let flooding =
        tokio::spawn(async move { while carrier.socket.write_all(&flood).await.is_ok() {} });
    let stopped = gateway.links.stop(Duration::from_millis(50));
    timeout(PATIENCE, stopped).await.expect("it waits");
    flooding.await.unwrap();
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_given_up() {
    let listener = listener().await;
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&file, made.cert.pem()).unwrap();
    let tls = Security::Tls(TlsOptions {
        roots: Roots::File(file),
        server_name: None,
        client: None,
    });
    let config = LinkConfig {
        timers: Timers {
            connect: Duration::from_millis(200),
            ..Timers::default()
        },
        ..config_to(listener.local_addr().unwrap().port(), tls)
    };
    let gateway = Gateway::start(vec![config]);
    let _silent = Carrier::accept(&listener).await;
    assert_eq!(
        gateway.down().await,
        "no connection: connecting took too long"
    );
}
