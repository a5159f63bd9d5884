//! What the engine was told to do: checked settings, built by the binary from its configuration.
//! Nothing here is read from a file or can still be wrong.

mod esmes;
mod limits;

use std::collections::BTreeMap;
use std::time::Duration;

use domain::carrier_id::IdForm;
use domain::class::TrafficClass;
use domain::consent::OptOutScope;
use domain::id::ClientId;
use domain::message::{AmbiguityPolicy, CarrierName};
use domain::sender::ShortCode;
use domain::text::MessageText;
use domain::text::segment::ReferenceWidth;
use domain::verification::budget::policy::{CheckPolicy, Policy};
use domain::verification::factor::FactorKind;
use domain::verification::pumping::PumpingPolicy;
use domain::verification::recovery::CODES_OF_A_SET;

use crate::feed::QueueBounds;
use crate::ports::carrier::{BindId, Direction};
use crate::verifications::VerificationSettings;
use crate::webhooks::WebhookSettings;

pub use esmes::{
    CertificateHash, DoorSettings, EsmeAccount, EsmeInbound, EsmeSettings, OtherParameters,
    PasswordHash, SubmitAllowed,
};
pub use limits::LimitSettings;

/// Everything the engine needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The short codes of this gateway.
    pub short_codes: BTreeMap<ShortCode, CodeSettings>,
    /// The carriers and their binds.
    pub carriers: BTreeMap<CarrierName, CarrierSettings>,
    /// What happens to a segment of unknown fate, by [`TrafficClass::index`].
    pub ambiguity: [AmbiguityPolicy; 3],
    /// How long messages live.
    pub validity: ValiditySettings,
    /// How much of everything is kept.
    pub bounds: Bounds,
    /// How clients share what there is.
    pub fairness: Fairness,
    /// How long after its submission a receipt may take before a segment counts as unknown.
    pub receipt_timeout: Duration,
    /// How often the keys are wrapped anew under a new salt; `None` is never.
    pub rewrap_every: Option<Duration>,
    /// How long private values are kept.
    pub retention: Retention,
    /// The terms of verifications; `None` where there are none.
    pub verifications: Option<Box<VerificationSettings>>,
    /// Who may do how much of what.
    pub limits: LimitSettings,
    /// When codes that nobody uses are refused.
    pub pumping: PumpingPolicy,
    /// Factors of persons.
    pub factors: FactorSettings,
    /// How much is kept for each who is told of events.
    pub events: QueueBounds,
    /// ESMEs that may bind.
    pub esmes: EsmeSettings,
    /// How webhooks are called.
    pub webhooks: WebhookSettings,
}

impl Settings {
    /// The policy of a class for segments of unknown fate.
    pub fn ambiguity(&self, class: TrafficClass) -> AmbiguityPolicy {
        self.ambiguity
            .get(class.index())
            .copied()
            .unwrap_or(AmbiguityPolicy::Hold)
    }

    /// What a carrier takes at once; a segment where it is not known.
    pub fn unit(&self, carrier: &CarrierName) -> Unit {
        let carrier = self.carriers.get(carrier);
        carrier.map(|carrier| carrier.unit).unwrap_or_default()
    }

    /// The settings of one bind.
    pub fn bind(&self, id: &BindId) -> Option<&BindSettings> {
        self.carriers
            .get(&id.carrier)?
            .binds
            .get(usize::from(id.index))
    }
}

/// One short code.
#[derive(Clone, Debug)]
pub struct CodeSettings {
    /// Segments a second under this short code, over all binds.
    pub mps: u32,
    /// Segments that may go at once after a pause.
    pub burst: u32,
    /// What an opt-out blocks.
    pub opt_out_scope: OptOutScope,
    /// What is sent back to keywords.
    pub texts: KeywordTexts,
    /// The carriers that take its messages, the preferred one first.
    pub route: Vec<CarrierName>,
    /// Width of the reference in the user data header of long messages.
    pub reference_width: ReferenceWidth,
}

/// What a short code sends back to keywords.
#[derive(Clone, Debug)]
pub struct KeywordTexts {
    /// Confirms an opt-out.
    pub stopped: MessageText,
    /// Answers HELP.
    pub help: MessageText,
    /// Confirms an opt-in.
    pub started: MessageText,
}

/// What a carrier takes at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// One segment a submission (SMPP).
    #[default]
    Segment,
    /// One whole message a submission, which it divides itself (HTTPS): every waiting segment goes at
    /// once, all are answered with one id, and a receipt under that id is one for each of them.
    Message,
}

/// One carrier.
#[derive(Clone, Debug)]
pub struct CarrierSettings {
    /// What it takes at once.
    pub unit: Unit,
    /// How its receipts write the ids of its submit responses.
    pub id_form: IdForm,
    /// How long a bind rests after the first `ESME_RTHROTTLED`; doubles while it goes on.
    pub throttle_pause: Duration,
    /// The longest such rest.
    pub throttle_pause_max: Duration,
    /// How often a segment is tried again after `ESME_RMSGQFUL` before it fails.
    pub queue_full_tries_max: u16,
    /// Its binds.
    pub binds: Vec<BindSettings>,
}

/// One bind.
#[derive(Clone, Copy, Debug)]
pub struct BindSettings {
    /// What it carries.
    pub direction: Direction,
    /// Unanswered segments at most.
    pub window_max: u16,
    /// Segments a second.
    pub mps: u32,
    /// Segments that may go at once after a pause.
    pub burst: u32,
}

/// How long messages live.
#[derive(Clone, Copy, Debug)]
pub struct ValiditySettings {
    /// When the request does not say, by [`TrafficClass::index`].
    pub default: [Duration; 3],
    /// The longest a request may ask for.
    pub max: Duration,
}

impl Default for ValiditySettings {
    /// A code is worthless after 10 minutes (NIST SP 800-63B-4 §3.1.3.2), an alert after a day, and
    /// marketing must not pile up overnight.
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        Self {
            default: [minutes(10), minutes(24 * 60), minutes(4 * 60)],
            max: minutes(72 * 60),
        }
    }
}

/// How long private values are kept, by purpose; each is longer than a message can move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Texts of messages of both ways.
    pub text: Duration,
    /// Where end users came from.
    pub network: Duration,
    /// Numbers of messages of both ways. With them goes the search by number.
    pub number: Duration,
    /// Number and evidence of opt-outs and their removals.
    pub consent: Duration,
}

impl Default for Retention {
    /// Thirteen months of numbers answer the questions of a year; five years of consent are longer than
    /// claims can be made (28 USC 1658: four years).
    fn default() -> Self {
        let days = |count: u64| Duration::from_secs(count * 24 * 3_600);
        Self {
            text: days(30),
            network: days(90),
            number: days(396),
            consent: days(1_827),
        }
    }
}

/// How clients share what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fairness {
    /// Clients with another weight than 1: one of weight 3 sends three segments for one of the others
    /// while both wait. Each 1 to [`Fairness::WEIGHT_MAX`].
    pub weights: BTreeMap<ClientId, u32>,
    /// Messages of one client that may be on their way to the disk at once, 1 or more; its next ones wait
    /// for them, those of others do not.
    pub commits_max: usize,
}

impl Fairness {
    /// The largest weight. Beyond it the others would get next to nothing.
    pub const WEIGHT_MAX: u32 = 1_000;

    /// The weight of a client; 1 for the gateway's own messages.
    pub fn weight(&self, client: Option<ClientId>) -> u32 {
        let weight = client.and_then(|client| self.weights.get(&client));
        weight.copied().unwrap_or(1)
    }
}

impl Default for Fairness {
    /// 64 messages keep the disk busy: with more, one sync takes longer and no more are taken a second.
    fn default() -> Self {
        Self {
            weights: BTreeMap::new(),
            commits_max: 64,
        }
    }
}

/// Authenticator apps and recovery codes.
#[derive(Clone, Debug)]
pub struct FactorSettings {
    /// The firm's name in authenticator apps, when a request does not say.
    pub issuer: Option<Box<str>>,
    /// Codes of a set, when a request does not say: 1 to 20.
    pub recovery_codes: u8,
    /// How long an app may stay unconfirmed.
    pub pending: Duration,
    /// How often a code of an app may be wrong.
    pub totp: CheckPolicy,
    /// How often a recovery code may be wrong.
    pub recovery: CheckPolicy,
}

impl FactorSettings {
    /// How often a code of such a factor may be wrong.
    pub const fn policy(&self, kind: FactorKind) -> &CheckPolicy {
        match kind {
            FactorKind::Totp => &self.totp,
            FactorKind::Recovery => &self.recovery,
        }
    }
}

impl Default for FactorSettings {
    /// Six failures a day for codes of which three are valid at once; an hour is enough to scan a picture.
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            issuer: None,
            recovery_codes: CODES_OF_A_SET,
            pending: Duration::from_hours(1),
            totp: policy.totp,
            recovery: policy.recovery,
        }
    }
}

/// How much of everything is kept. Each is a configuration value of the same name.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Messages waiting to be sent, by [`TrafficClass::index`].
    pub queue_max: [usize; 3],
    /// Segments of one message, 1 to 255.
    pub segments_max: u8,
    /// Segments in memory that wait for a receipt; older ones are found through the index.
    pub receipts_pending_max: usize,
    /// Receipts kept that match no segment yet.
    pub receipts_unmatched_max: usize,
    /// How long such a receipt is kept.
    pub unmatched_keep: Duration,
    /// Records of idempotency keys.
    pub idempotency_max: usize,
    /// How long such a record is kept, or the message's validity if that is longer.
    pub idempotency_keep: Duration,
    /// Long inbound messages that wait for parts.
    pub reassembly_max: usize,
    /// How long they wait.
    pub reassembly_keep: Duration,
    /// Reasons counted apart within a second.
    pub refusal_keys_max: usize,
    /// Segments dispatched in one commit.
    pub dispatch_batch_max: usize,
    /// Verifications that have not ended.
    pub verifications_max: usize,
    /// Pairs of client and number, or user of factors, whose failed checks and sends are counted.
    pub guess_budgets_max: usize,
    /// Nonces of signed requests, kept while a signature with them could be taken: ten minutes at most.
    pub nonces_max: usize,
    /// The same of one client.
    pub client_nonces_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            queue_max: [100_000, 200_000, 200_000],
            segments_max: 10,
            receipts_pending_max: 200_000,
            receipts_unmatched_max: 10_000,
            unmatched_keep: Duration::from_hours(1),
            idempotency_max: 1_000_000,
            idempotency_keep: Duration::from_hours(24),
            reassembly_max: 1_000,
            reassembly_keep: Duration::from_hours(1),
            refusal_keys_max: 10_000,
            dispatch_batch_max: 256,
            verifications_max: 250_000,
            guess_budgets_max: 1_000_000,
            nonces_max: 1_000_000,
            client_nonces_max: 500_000,
        }
    }
}
