//! Canaries: numbers, texts, keys and passwords of a run are found nowhere but where they belong, however
//! they are written: not in the data folder, a backup, the log at its loudest, metrics or errors.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::ground::{Carrier, Ground, PASSWORD, files, message, reaches, run_json, send, until};

/// The range of British example numbers keeps the first digits the same for all, so the tail counts.
const READER: &str = "+447700900871";
const WRITER: &str = "+447700900652";
const LEAVER: &str = "+447700900493";
/// Not a number at all, as a user may well paste one.
const WRONG: &str = "+4477009008877665544";
const TEXT: &str = "Canary zebra quartz 7319";
const WRITTEN: &str = "Canary from the handset 8264";
const EVIDENCE: &str = "Canary call of the customer 5526";
const DEVICE: &str = "canary-device-4417";
const END_USER: &str = "203.0.113.77";

/// Everything that must not be found, under a name for the message.
pub struct Canaries(Vec<(String, Vec<u8>)>);

impl Canaries {
    /// None yet.
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// A text in every way it may be written.
    pub fn text(&mut self, text: &str) {
        self.octets(text, text.as_bytes());
        let wide = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
        self.plain(&format!("{text} in UTF-16LE"), wide(u16::to_le_bytes));
        self.plain(&format!("{text} in UTF-16BE"), wide(u16::to_be_bytes));
    }

    /// A number with and without its plus, as an integer, and in the swapped digits of GSM.
    pub fn number(&mut self, number: &str) {
        let digits = number.trim_start_matches('+');
        self.text(digits);
        let value: u64 = digits.parse().unwrap();
        let skip = usize::try_from(value.leading_zeros() / 8).unwrap();
        self.plain(
            &format!("{digits} as an integer"),
            value.to_be_bytes()[skip..].to_vec(),
        );
        let mut little = value.to_be_bytes()[skip..].to_vec();
        little.reverse();
        self.plain(&format!("{digits} as a little-endian integer"), little);
        let swapped: Vec<u8> = digits
            .as_bytes()
            .chunks(2)
            .map(|pair| (pair.get(1).map_or(0xf, |digit| digit - b'0') << 4) | (pair[0] - b'0'))
            .collect();
        self.plain(&format!("{digits} in semi-octets"), swapped);
    }

    /// Octets as they are, in hex and in base64.
    pub fn octets(&mut self, name: &str, octets: &[u8]) {
        self.plain(name, octets.to_vec());
        let hex = octets
            .iter()
            .fold(String::new(), |hex, octet| hex + &format!("{octet:02x}"));
        self.plain(&format!("{name} in HEX"), hex.to_uppercase().into_bytes());
        self.plain(&format!("{name} in hex"), hex.into_bytes());
        for shift in 0..3_usize {
            // Inside a longer text the octets may begin at any of three places; what the neighbours
            // touch is cut off.
            let shifted = STANDARD_NO_PAD.encode([&vec![0; shift], octets].concat());
            let inner = &shifted[(shift * 8).div_ceil(6)..shifted.len() - 1];
            self.plain(
                &format!("{name} in base64 {shift}"),
                inner.as_bytes().to_vec(),
            );
        }
        self.plain(
            &format!("{name} in base64"),
            STANDARD.encode(octets).into_bytes(),
        );
    }

    /// These octets, and no other way to write them.
    pub fn plain(&mut self, name: &str, octets: Vec<u8>) {
        assert!(octets.len() >= 5, "{name} is too short to be no accident");
        self.0.push((name.to_owned(), octets));
    }

    /// The canaries in these octets.
    fn found_in(&self, octets: &[u8]) -> Vec<&str> {
        let inside = |wanted: &[u8]| octets.windows(wanted.len()).any(|window| window == wanted);
        let found = self.0.iter().filter(|(_, wanted)| inside(wanted));
        found.map(|(name, _)| name.as_str()).collect()
    }

    /// Fails when one of them is in there.
    pub fn assert_absent(&self, place: &str, octets: &[u8]) {
        let found = self.found_in(octets);
        assert!(found.is_empty(), "{place} holds {found:?}");
    }
}

#[test]
fn a_canary_is_found_however_it_is_written() {
    let mut canaries = Canaries::new();
    canaries.text("Canary zebra");
    canaries.number("+447700900871");
    let hit = |octets: &[u8]| !canaries.found_in(octets).is_empty();
    assert!(hit(b"to:447700900871,") && hit(b"xxCanary zebra"));
    assert!(hit(STANDARD.encode(b"a Canary zebra b").as_bytes()));
    assert!(hit(STANDARD.encode(b"ab Canary zebra").as_bytes()));
    assert!(hit(&447_700_900_871_u64.to_be_bytes()) && hit(&447_700_900_871_u64.to_le_bytes()));
    assert!(!hit(b"+4477*****871 and nothing else"));
}

#[tokio::test]
async fn no_canary_of_a_run_is_found_where_it_does_not_belong() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.more = "[log]\nlevel = 'trace'\n".to_owned();
    ground.configure(carrier.smpp);
    let mut gateway = ground.start().await;
    let key = ground.key().await;
    let told = walk(&ground, &carrier, &key).await;
    let metrics = ground.admin().get("/metrics").await.unwrap().text;

    let mut canaries = Canaries::new();
    for number in [READER, WRITER, LEAVER, WRONG] {
        canaries.number(number);
    }
    for text in [TEXT, WRITTEN, EVIDENCE, DEVICE, END_USER, PASSWORD] {
        canaries.text(text);
    }
    canaries.text(&key);
    canaries.text(key.strip_prefix("ssk_").unwrap());
    let master = std::fs::read(ground.data().join("keys/master.key")).unwrap();
    canaries.octets("the master key", &master);

    canaries.assert_absent("an error", told.as_bytes());
    canaries.assert_absent("the metrics", metrics.as_bytes());
    look(&ground, &canaries, "while it runs");
    let backup = ground.path("backup").display().to_string();
    run_json(&[
        "backup",
        "--to",
        &backup,
        "--data",
        ground.data().to_str().unwrap(),
    ])
    .await;
    canaries.assert_absent("the backup", &std::fs::read(&backup).unwrap());
    gateway.kill().await.unwrap();
    look(&ground, &canaries, "after a kill");
    gateway = ground.start().await;
    gateway.stop().await.unwrap();
    look(&ground, &canaries, "after a stop");
    let log = ground.log();
    assert!(
        log.contains("\"level\":\"INFO\""),
        "the log is there to be searched: {log}"
    );
}

/// Searches the log and every file of the data folder but the key's own.
pub fn look(ground: &Ground, canaries: &Canaries, when: &str) {
    canaries.assert_absent(&format!("the log {when}"), ground.log().as_bytes());
    let kept = ground.data().join("keys");
    let searched = files(&ground.data());
    assert!(
        searched
            .iter()
            .any(|path| path.ends_with("shortstop.sqlite"))
    );
    for path in searched.iter().filter(|path| !path.starts_with(&kept)) {
        let octets = std::fs::read(path).unwrap();
        canaries.assert_absent(&format!("{} {when}", path.display()), &octets);
    }
}

/// Uses everything once, the wrong way too. Gives what was answered to the wrong.
async fn walk(ground: &Ground, carrier: &Carrier, key: &str) -> String {
    let mut api = ground.api(key).client();
    let mut told = String::new();
    let mut risky = message(READER, "otp", TEXT);
    risky["risk"] = serde_json::json!({"ip": END_USER, "user_agent": DEVICE, "device_id": DEVICE});
    let reply = api
        .post_once("/v1/messages", "canary-1", &risky)
        .await
        .unwrap();
    assert_eq!(reply.status.as_u16(), 202, "{}", reply.text);
    reaches(&mut api, &reply.member("id"), "delivered").await;
    let id = send(&mut api, READER, "marketing", &TEXT.repeat(8)).await;
    reaches(&mut api, &id, "delivered").await;
    carrier.say(&WRITER[1..], WRITTEN).await;
    carrier.say(&LEAVER[1..], "STOP").await;
    until("messages from handsets", async || {
        let reply = api.get("/v1/inbound").await.unwrap();
        (reply.text.contains(WRITTEN) && reply.text.contains("STOP")).then_some(())
    })
    .await;
    let asked = serde_json::json!({"short_code": "12345", "number": WRITER, "basis": "request", "evidence": EVIDENCE});
    let reply = api.post("/v1/opt-outs", &asked).await.unwrap();
    assert!(reply.status.is_success(), "{}", reply.text);
    let search = serde_json::json!({"to": READER});
    let found = api.post("/v1/messages/search", &search).await.unwrap();
    assert!(found.text.contains(&id), "{}", found.text);
    told.push_str(
        &api.get(&format!("/v1/messages?to=%2B{}", &READER[1..]))
            .await
            .unwrap()
            .text,
    );

    let wrong = api
        .post("/v1/messages", &message(WRONG, "otp", TEXT))
        .await
        .unwrap();
    assert_eq!(wrong.status.as_u16(), 400, "{}", wrong.text);
    told.push_str(&wrong.text);
    let mut unknown = message(READER, "otp", TEXT);
    unknown[TEXT] = READER.into();
    told.push_str(&api.post("/v1/messages", &unknown).await.unwrap().text);
    told.push_str(
        &api.post("/v1/messages", &message(LEAVER, "otp", TEXT))
            .await
            .unwrap()
            .text,
    );
    told.push_str(
        &api.get(&format!("/v1/{READER}/{WRITTEN}").replace(' ', "%20"))
            .await
            .unwrap()
            .text,
    );
    let mut stranger = ground.api(&format!("{key}x")).client();
    let refused = stranger
        .post("/v1/messages", &message(READER, "otp", TEXT))
        .await
        .unwrap();
    assert_eq!(refused.status.as_u16(), 401);
    told.push_str(&refused.text);
    told
}
