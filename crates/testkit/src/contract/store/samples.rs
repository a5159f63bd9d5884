//! Rows and changes to fill a store with. Nothing in them means anything beyond its form.

use domain::carrier_id::CarrierMessageId;
use domain::class::TrafficClass;
use domain::event::EventTypes;
use domain::id::{
    ClientId, FactorId, InboundId, MessageId, VerificationId, VerifyServiceId, WebhookId,
};
use domain::message::{CarrierName, DoneDate, Event, MessageState, ReceiptState, Segment};
use domain::sender::ShortCode;
use domain::text::Encoding;
use domain::text::udh::ReferenceWidth;
use domain::time::Timestamp;
use domain::verification::budget::number::NumberBudgets;
use domain::verification::channel::Channel;
use domain::verification::code::CodeLength;
use domain::verification::factor::Factor;
use domain::verification::state::State;
use domain::verification::totp::{Algorithm, AppDigits};
use engine::changes::{Changes, Write};
use engine::rows::{
    ActRule, AuthMode, BudgetRow, CallbackSecretRow, CertificateRow, ClientRow, FactorRow,
    IdempotencyRow, InboundRow, Included, KekRow, MessageHead, MessageRow, MessageUpdate,
    OptOutRow, OptOutStanding, PartRow, Purpose, SealedCode, SealedSecret, Thumbprint,
    UnmatchedRow, VaultRow, VerificationFacts, VerificationRow, VerificationUpdate,
    VerifyServiceRow, WebhookRow, WebhookStanding, WebhookUrl,
};
use ledger::{Actor, Draft, Kind, Outcome};

/// When every story begins.
pub const START: Timestamp = Timestamp::from_seconds(1_764_064_800);

/// The sequence of the `n`-th id after [`START`], one a millisecond.
pub const fn sequence(n: u64) -> u64 {
    (START.millis() + n) << 12
}

/// The moment of the `n`-th id.
pub const fn moment(n: u64) -> Timestamp {
    Timestamp::from_micros((START.millis() + n) * 1_000)
}

/// A blind index.
pub const fn subject(n: u8) -> [u8; 16] {
    [n; 16]
}

/// A short code.
pub fn short_code(digits: &str) -> ShortCode {
    digits.parse().unwrap()
}

/// The id of the `n`-th message.
pub const fn message_id(n: u64) -> MessageId {
    MessageId::new(sequence(n), 0x1234_5678 ^ n)
}

/// The id of a client.
pub const fn client_id(n: u64) -> ClientId {
    ClientId::new(sequence(n), 77)
}

/// An entry of a kind.
pub fn draft(kind: Kind) -> Draft {
    Draft::of(kind, Actor::system(&"contract"), Outcome::Done)
        .build()
        .unwrap()
}

/// Changes at a moment with one entry and these writes.
pub fn changes(at: Timestamp, writes: impl IntoIterator<Item = Write>) -> Changes {
    let mut changes = Changes::new(draft(Kind::MessageAccepted), at);
    for write in writes {
        changes.write(write);
    }
    changes
}

/// The `n`-th message, accepted: of client 1, class `otp`, from 12345, to subject 1.
pub fn message(n: u64) -> MessageRow {
    MessageRow {
        id: message_id(n),
        head: MessageHead {
            client: Some(client_id(1)),
            class: TrafficClass::Otp,
            from: short_code("12345"),
            encoding: Encoding::Gsm7,
            reference: Some(format!("order {n}").into()),
            esme: None,
            callback: None,
            campaign: None,
        },
        state: MessageState::Accepted,
        version: 1,
        created: moment(n),
        expires: moment(n + 60_000),
        updated: moment(n),
        subject: subject(1),
        segments: vec![Segment::default()],
    }
}

/// The sealed number and text of an owner.
pub fn sealed(owner: u64) -> [VaultRow; 2] {
    let row = |purpose: Purpose, octet: u8| VaultRow {
        owner,
        purpose,
        week: 2_916,
        wrapped: vec![octet; 92],
        sealed: owner.to_be_bytes().repeat(4),
    };
    [row(Purpose::Number, 0xa1), row(Purpose::Text, 0xb2)]
}

/// The writes of a new message with its sealed fields.
pub fn new_message(row: MessageRow) -> Vec<Write> {
    let [number, text] = sealed(row.id.sequence());
    vec![
        Write::Message(Box::new(row)),
        Write::Vault(number),
        Write::Vault(text),
    ]
}

/// A change that brings the `n`-th message to a version and state, with a dispatched segment.
pub fn update(n: u64, version: u32, state: MessageState) -> Write {
    Write::Update(Box::new(MessageUpdate {
        sequence: sequence(n),
        version,
        state,
        updated: moment(n + u64::from(version)),
        segments: vec![dispatched("primary", None)],
    }))
}

/// A dispatched segment, with the carrier's id if it was taken.
pub fn dispatched(carrier: &str, id: Option<&str>) -> Segment {
    let mut segment = Segment::default();
    segment.apply(
        Event::Dispatched {
            carrier: CarrierName::new(carrier),
            bind: 3,
        },
        START,
    );
    if let Some(id) = id {
        segment.apply(Event::Accepted(carrier_message_id(id)), START);
    }
    segment
}

/// A carrier's id.
pub fn carrier_message_id(text: &str) -> CarrierMessageId {
    CarrierMessageId::parse(text.as_bytes()).unwrap()
}

/// The `n`-th id's inbound message, to 12345.
pub fn inbound(n: u64) -> InboundRow {
    InboundRow {
        id: InboundId::new(sequence(n), n),
        to: short_code("12345"),
        received: moment(n),
        keyword: Some("stop".into()),
        carrier: "primary".into(),
        subject: subject(1),
    }
}

/// An opt-out row of 12345.
pub fn opt_out(n: u64, subject: [u8; 16], standing: OptOutStanding) -> OptOutRow {
    OptOutRow {
        sequence: sequence(n),
        short_code: short_code("12345"),
        subject,
        standing,
        basis: "keyword".into(),
        at: moment(n),
    }
}

/// The `n`-th verification, pending: of client 1, to subject 1.
pub fn verification(n: u64) -> VerificationRow {
    VerificationRow {
        id: VerificationId::new(sequence(n), n),
        client: client_id(1),
        version: 1,
        created: moment(n),
        expires: moment(n + 600_000),
        subject: subject(1),
        number: subject(2),
        facts: verification_facts(n, None),
        secret: Some(SealedCode {
            week: 2_916,
            wrapped: vec![0xc3; 92],
            sealed: vec![0xd4; 200],
        }),
    }
}

/// The `n`-th factor at a version: an app that waits to be confirmed, of client 1 and subject 1.
pub fn factor(n: u64, version: u32) -> FactorRow {
    let owner = sequence(n);
    FactorRow {
        id: FactorId::new(owner, 0x9876 ^ n),
        client: client_id(1),
        version,
        created: moment(n),
        updated: moment(n + u64::from(version)),
        subject: subject(1),
        factor: Factor::enrolled(Algorithm::Sha1, AppDigits::Six),
        secret: Some(VaultRow {
            owner,
            purpose: Purpose::Text,
            week: 2_916,
            wrapped: vec![0xc3; 92],
            sealed: vec![0xd4; 48],
        }),
    }
}

/// Every third one asks for a factor.
fn verification_facts(n: u64, ended: Option<State>) -> VerificationFacts {
    let is_of_factor = n.is_multiple_of(3);
    VerificationFacts {
        channel: if is_of_factor {
            Channel::Totp
        } else {
            Channel::Sms
        },
        length: CodeLength::SIX,
        valid_seconds: 600,
        checks_max: 5,
        sends_max: 5,
        latest: moment(n),
        checks: u8::from(ended.is_some()),
        sends: 1,
        ended,
        from: (!is_of_factor).then(|| short_code("12345")),
        factor: is_of_factor.then(|| FactorId::new(sequence(n), 0x9876 ^ n)),
        service: (!is_of_factor).then(|| verify_service_id(n)),
        messages: vec![message_id(n)],
    }
}

/// The id of a verify service.
pub fn verify_service_id(n: u64) -> VerifyServiceId {
    VerifyServiceId::new(sequence(n), 0x1357 ^ n)
}

/// A change that brings the `n`-th verification to a version, and perhaps to its end.
pub fn verification_update(n: u64, version: u32, ended: Option<State>) -> Write {
    Write::VerificationUpdate(Box::new(VerificationUpdate {
        sequence: sequence(n),
        version,
        facts: verification_facts(n, ended),
    }))
}

/// The budgets at the `n`-th sequence, of a number of client 1 to which so many codes were sent.
pub fn budget(n: u64, sends: u64) -> BudgetRow {
    let none = NumberBudgets::default();
    BudgetRow {
        sequence: sequence(n),
        client: client_id(1),
        number: subject(3),
        budgets: (0..sends).fold(none, |budgets, n| budgets.sent(moment(n))),
    }
}

/// A client.
pub fn client(n: u64, name: &str) -> ClientRow {
    ClientRow {
        id: client_id(n),
        name: name.to_owned(),
        scopes: vec!["messages:send".to_owned()],
        short_codes: vec![short_code("12345")],
        classes: TrafficClass::ALL.into_iter().collect(),
        networks: vec!["10.0.0.0/8".to_owned()],
        auth: AuthMode::KeyAndCertificate,
        certificates: vec![CertificateRow {
            sha256: Thumbprint::from_bytes([7; 32]),
            expires: moment(n),
        }],
        certificate_names: vec!["dns:bank.example".parse().unwrap()],
        keys: Vec::new(),
        callback: CallbackSecretRow::default(),
        services: vec![VerifyServiceRow {
            id: verify_service_id(n),
            name: "Example Shop".to_owned(),
            length: CodeLength::EIGHT,
            acts: ActRule::Required,
            created: moment(n),
            updated: moment(n),
        }],
        created: moment(n),
        revoked: None,
    }
}

/// A webhook of the first client, with one secret.
pub fn webhook(n: u64, standing: WebhookStanding) -> WebhookRow {
    WebhookRow {
        id: WebhookId::new(sequence(n), 1),
        client: client_id(1),
        url: WebhookUrl::new("https://hooks.example/in".to_owned()),
        events: EventTypes::named("message").unwrap(),
        include: Included::Number,
        standing,
        secrets: vec![SealedSecret {
            sequence: sequence(n),
            week: 2_900,
            wrapped: vec![1, 0, 255],
            sealed: vec![2, 0, 255],
            public: "whpk_AAAA".to_owned(),
            created: moment(n),
            ends: None,
        }],
        created: moment(n),
    }
}

/// A key-encryption key.
pub fn kek(week: u32, octet: u8) -> KekRow {
    KekRow {
        purpose: Purpose::Text,
        week,
        wrapped: vec![octet; 60],
    }
}

/// The record of an idempotency key that ends at a moment.
pub fn idempotency(n: u64, expires: Timestamp) -> IdempotencyRow {
    IdempotencyRow {
        message: message_id(n),
        client: Some(client_id(1)),
        key: subject(9),
        fingerprint: subject(8),
        expires,
    }
}

/// A receipt that matches nothing, with or without a recipient.
pub fn unmatched(n: u64, recipient: Option<[u8; 16]>) -> UnmatchedRow {
    UnmatchedRow {
        sequence: sequence(n),
        carrier: CarrierName::new("primary"),
        carrier_id: carrier_message_id("0A1B"),
        state: ReceiptState::Failed,
        error: recipient.map(|_| u32::MAX),
        subject: recipient,
        done: recipient.and_then(|_| DoneDate::parse(b"2611260941")),
        at: moment(n),
    }
}

/// A part of a long inbound message.
pub fn part(n: u64) -> PartRow {
    PartRow {
        sequence: sequence(n),
        to: short_code("12345"),
        carrier: CarrierName::new("primary"),
        data_coding: 8,
        reference: u16::MAX,
        width: ReferenceWidth::Sixteen,
        total: 3,
        ordinal: 2,
        at: moment(n),
    }
}
