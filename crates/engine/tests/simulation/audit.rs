//! Reads the ledger as an auditor would, entry by entry as it becomes durable, and holds the rows to it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use domain::class::TrafficClass;
use domain::consent::{Basis, OptOutScope};
use domain::id::{MessageId, OptOutId};
use domain::time::Timestamp;
use engine::OptOutRequest;
use ledger::{ActorType, Entry, Kind, ObjectType, leaf_hash};
use testkit::gateway::{handset, request};
use testkit::settings::short_code;
use testkit::{Image, TestGateway};

use super::carrier::mix;
use super::clients::NUMBERS;

/// Which number a blind index is of: the same in every run, since the master key is.
struct Numbers {
    subjects: BTreeMap<[u8; 16], u16>,
    suppressed: BTreeMap<[u8; 16], u16>,
}

fn numbers() -> &'static Numbers {
    static NUMBERS_KNOWN: OnceLock<Numbers> = OnceLock::new();
    NUMBERS_KNOWN.get_or_init(|| {
        let test = TestGateway::queued();
        let caller = test.caller();
        for number in 0..NUMBERS {
            let to = handset(number);
            let request = request(to, TrafficClass::Alert, "learn");
            test.settle(test.gateway.submit(&caller, request, None))
                .unwrap();
            let request = OptOutRequest {
                short_code: short_code(),
                number: to,
                basis: Basis::Request,
                evidence: "learn".into(),
            };
            test.settle(test.gateway.record_opt_out(&caller, request))
                .unwrap();
        }
        let image = test.store.image();
        Numbers {
            subjects: image.messages().map(|row| row.subject).zip(0..).collect(),
            suppressed: image.opt_outs().map(|row| row.subject).zip(0..).collect(),
        }
    })
}

/// What the auditor has read so far.
#[derive(Default)]
pub struct Audit {
    read: usize,
    changes_read: usize,
    last_time: u64,
    last_epoch: u64,
    /// Entries about each message.
    about: BTreeMap<u64, u32>,
    opted_out: BTreeMap<u16, Kind>,
    keys: BTreeMap<[u8; 16], (u64, Timestamp)>,
    pub hash: u64,
}

impl Audit {
    /// Reads what is new. `latest` is the latest that the clock ever showed.
    pub fn read(&mut self, image: &Image, scope: OptOutScope, latest: Timestamp) {
        let mut told: BTreeMap<(u64, u64), u32> = BTreeMap::new();
        for (place, logged) in image.entries().iter().enumerate().skip(self.read) {
            let entry = Entry::parse(&logged.bytes).expect("every entry is well-formed");
            assert_eq!(logged.leaf, leaf_hash(&logged.bytes));
            assert_eq!(entry.node_seq, u64::try_from(place).unwrap(), "a gap");
            assert!(
                entry.time_micros >= self.last_time,
                "time went back in the ledger"
            );
            assert!(entry.epoch >= self.last_epoch);
            (self.last_time, self.last_epoch) = (entry.time_micros, entry.epoch);
            let bytes = logged.leaf.as_bytes();
            self.hash = mix(
                self.hash,
                u64::from_le_bytes(bytes[..8].try_into().unwrap()),
            );
            if let Some(message) = message_of(&entry) {
                *told.entry((logged.commit, message)).or_default() += 1;
                *self.about.entry(message).or_default() += 1;
            }
            self.follow_consent(&entry, image, scope);
        }
        self.read = image.entries().len();
        self.check_changes(image, &told);
        self.check_keys(image, latest);
    }

    /// No message changes without an entry about it in the same commit, nor the other way round.
    fn check_changes(&mut self, image: &Image, told: &BTreeMap<(u64, u64), u32>) {
        let mut changed: BTreeMap<(u64, u64), u32> = BTreeMap::new();
        for change in &image.changed()[self.changes_read..] {
            *changed.entry(*change).or_default() += 1;
        }
        self.changes_read = image.changed().len();
        assert_eq!(
            &changed, told,
            "changes by (commit, message), and entries about them"
        );
        for (_, message) in told.keys() {
            let row = image.message_row(*message).unwrap();
            assert_eq!(
                Some(&row.version),
                self.about.get(message),
                "entries make versions"
            );
        }
    }

    /// Nothing is accepted for a number that has opted out, in the order of the ledger.
    fn follow_consent(&mut self, entry: &Entry<'_>, image: &Image, scope: OptOutScope) {
        let Some(object) = &entry.object else { return };
        match entry.kind {
            Kind::OptoutRecorded | Kind::OptoutRemoved => {
                let sequence = object.id.parse::<OptOutId>().unwrap().sequence();
                let row = image
                    .opt_outs()
                    .find(|row| row.sequence == sequence)
                    .unwrap();
                if let Some(number) = numbers().suppressed.get(&row.subject) {
                    self.opted_out.insert(*number, entry.kind);
                }
            }
            Kind::MessageAccepted if entry.actor.kind == ActorType::Client => {
                let row = image.message_row(message_of(entry).unwrap()).unwrap();
                let number = numbers().subjects.get(&row.subject);
                let standing = number.and_then(|number| self.opted_out.get(number));
                let exempt = scope == OptOutScope::AllButOtp && row.head.class == TrafficClass::Otp;
                let blocked = standing == Some(&Kind::OptoutRecorded) && !exempt;
                assert!(!blocked, "{} was accepted after an opt-out", row.id);
            }
            _ => {}
        }
    }

    /// No idempotency key stands for two messages, unless the clock ever showed the end of the first.
    fn check_keys(&mut self, image: &Image, latest: Timestamp) {
        for row in image.idempotency() {
            let sequence = row.message.sequence();
            let (known, expires) = *self.keys.entry(row.key).or_insert((sequence, row.expires));
            if sequence > known {
                assert!(latest >= expires, "one key, two messages");
                self.keys.insert(row.key, (sequence, row.expires));
            }
        }
    }
}

fn message_of(entry: &Entry<'_>) -> Option<u64> {
    let object = entry.object.as_ref()?;
    if object.kind != ObjectType::Message {
        return None;
    }
    Some(object.id.parse::<MessageId>().unwrap().sequence())
}
