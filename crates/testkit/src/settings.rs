//! Settings for tests: short code 12345 routed to a primary carrier with two binds and a backup with
//! one, fast enough that pace is in nobody's way unless a test makes it so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::carrier_id::IdForm;
use domain::class::TrafficClass;
use domain::consent::OptOutScope;
use domain::id::ClientId;
use domain::limit::country::Countries;
use domain::message::CarrierName;
use domain::msisdn::RegionCode;
use domain::sender::ShortCode;
use domain::system_id::SystemId;
use domain::text::MessageText;
use domain::text::segment::ReferenceWidth;
use domain::verification::budget::policy::{FewDigits, Policy};
use domain::verification::code::CodeLength;
use domain::verification::fixed_lines::FixedLines;
use domain::verification::pumping::PumpingPolicy;
use domain::verification::state::Rules;
use domain::verification::template::insert::Brand;
use domain::verification::template::language::Language;
use domain::verification::template::last_line::LastLine;
use engine::AMBIGUITY_DEFAULT;
use engine::VerificationSettings;
use engine::ports::carrier::{BindId, Direction};
use engine::settings::{
    BindSettings, Bounds, CarrierSettings, CodeSettings, EsmeAccount, EsmeInbound, EsmeSettings,
    FactorSettings, Fairness, KeywordTexts, LimitSettings, PasswordHash, Retention, Settings,
    SubmitAllowed, Unit, ValiditySettings,
};

/// The short code of every test gateway.
pub fn short_code() -> ShortCode {
    ShortCode::parse("12345").unwrap()
}

/// A bind of the primary carrier: 0 or 1.
pub fn primary(index: u16) -> BindId {
    BindId {
        carrier: CarrierName::new("primary"),
        index,
    }
}

/// The one bind of the backup carrier.
pub fn backup() -> BindId {
    BindId {
        carrier: CarrierName::new("backup"),
        index: 0,
    }
}

/// A text.
pub fn text(text: &str) -> MessageText {
    MessageText::parse(text).unwrap()
}

/// The password of every account.
pub const ESME_PASSWORD: &str = "s3cr3t-7";

/// An account of a client, which may bind from anywhere with [`ESME_PASSWORD`] alone.
pub fn account(client: ClientId) -> EsmeAccount {
    EsmeAccount {
        client,
        password: PasswordHash::of(ESME_PASSWORD.as_bytes()),
        networks: Vec::new(),
        certificates: Vec::new(),
        certificate_names: Vec::new(),
        binds_max: 4,
        binds_per_minute_max: 60,
        class: TrafficClass::Alert,
        service_types: BTreeMap::from([("OTP".into(), TrafficClass::Otp)]),
        allowed: SubmitAllowed::default(),
        inbound: EsmeInbound::All,
    }
}

/// The usual settings, and these accounts.
pub fn with_accounts(accounts: &[(&str, EsmeAccount)]) -> Settings {
    let named = |(name, account): &(&str, EsmeAccount)| {
        let id = SystemId::parse(name).unwrap();
        (id, Arc::new(account.clone()))
    };
    Settings {
        esmes: EsmeSettings {
            accounts: accounts.iter().map(named).collect(),
            ..EsmeSettings::default()
        },
        ..usual()
    }
}

/// The usual settings; a test changes what it is about.
pub fn usual() -> Settings {
    Settings {
        short_codes: BTreeMap::from([(short_code(), code())]),
        carriers: BTreeMap::from([
            (primary(0).carrier, carrier(2)),
            (backup().carrier, carrier(1)),
        ]),
        ambiguity: AMBIGUITY_DEFAULT,
        validity: ValiditySettings::default(),
        bounds: Bounds::default(),
        fairness: Fairness::default(),
        receipt_timeout: Duration::from_hours(72),
        rewrap_every: Some(Duration::from_hours(7 * 24)),
        pumping: PumpingPolicy::default(),
        retention: Retention::default(),
        limits: LimitSettings {
            policies: Vec::new(),
            countries: countries(),
            ..LimitSettings::default()
        },
        verifications: Some(Box::new(verifications())),
        events: engine::QueueBounds::default(),
        esmes: EsmeSettings::default(),
        webhooks: engine::WebhookSettings::default(),
        factors: FactorSettings {
            issuer: Some("Example Ltd".into()),
            ..FactorSettings::default()
        },
    }
}

/// The terms of verifications: a brand, and what is usual otherwise.
pub fn verifications() -> VerificationSettings {
    VerificationSettings {
        brand: Brand::parse("Example").unwrap(),
        short_code: None,
        length: CodeLength::SIX,
        few_digits: FewDigits::Forbidden,
        fixed_lines: FixedLines::default(),
        rules: Rules::default(),
        policy: Policy::default(),
        language: Language::English,
        last_line: LastLine::None,
    }
}

/// The countries of the numbers that tests use.
pub fn countries() -> Countries {
    let regions = ["GB", "US", "DE", "FR"].map(|region| RegionCode::parse(region).unwrap());
    Countries::new(regions, [])
}

fn code() -> CodeSettings {
    CodeSettings {
        mps: 10_000,
        burst: 1_000,
        opt_out_scope: OptOutScope::default(),
        texts: KeywordTexts {
            stopped: text("You will get no more messages from 12345."),
            help: text("Example Ltd. Reply STOP to end."),
            started: text("You will get messages from 12345 again."),
        },
        route: vec![primary(0).carrier, backup().carrier],
        reference_width: ReferenceWidth::Eight,
    }
}

fn carrier(binds: usize) -> CarrierSettings {
    let bind = BindSettings {
        direction: Direction::Both,
        window_max: 10,
        mps: 10_000,
        burst: 1_000,
    };
    CarrierSettings {
        unit: Unit::Segment,
        id_form: IdForm::Auto,
        throttle_pause: Duration::from_secs(1),
        throttle_pause_max: Duration::from_secs(30),
        queue_full_tries_max: 3,
        binds: vec![bind; binds],
    }
}
