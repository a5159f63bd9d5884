//! How the simulated carrier behaves: delays, faults and forms, each with its rate.

use std::time::Duration;

use super::random::Random;
use crate::status::Status;

/// A range of delays. Short ones are the most frequent and long ones rare, as on a real network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The shortest.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
}

impl Span {
    /// No delay at all.
    pub const ZERO: Self = Self {
        min: Duration::ZERO,
        max: Duration::ZERO,
    };

    /// From `min` to `max` milliseconds.
    pub const fn millis(min: u64, max: u64) -> Self {
        Self {
            min: Duration::from_millis(min),
            max: Duration::from_millis(max),
        }
    }

    /// One delay of the range.
    pub fn draw(self, random: &mut Random) -> Duration {
        let width = self.max.saturating_sub(self.min);
        if width.is_zero() {
            return self.min;
        }
        let unit = random.unit();
        self.min + width.mul_f64(unit * unit * unit)
    }
}

/// How a message id is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdForm {
    /// Upper-case hexadecimal.
    #[default]
    Hex,
    /// Lower-case hexadecimal.
    HexLower,
    /// Hexadecimal with leading zeros to 16 digits.
    HexPadded,
    /// Decimal.
    Decimal,
    /// Decimal with leading zeros to 20 digits.
    DecimalPadded,
}

/// Whether receipts are sent at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReceiptSwitch {
    /// To whoever asks for them.
    #[default]
    On,
    /// Never.
    Off,
}

/// Where a receipt says what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReceiptForm {
    /// In the text and in optional parameters.
    #[default]
    Both,
    /// In the text only.
    Text,
    /// In optional parameters only.
    Tlv,
}

/// Whether receipts may overtake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReceiptOrder {
    /// After the submit response, after their delay.
    #[default]
    AfterResponse,
    /// Right before the submit response, if the bind can receive.
    BeforeResponse,
}

/// Everything about receipts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReceiptPlan {
    /// Whether they are sent.
    pub switch: ReceiptSwitch,
    /// How long after the submit.
    pub delay: Span,
    /// Where they say it.
    pub form: ReceiptForm,
    /// Whether they overtake the response.
    pub order: ReceiptOrder,
    /// How the id is written in them.
    pub id_form: IdForm,
    /// How many of them come twice, 0 to 1.
    pub duplicate_rate: f64,
    /// How many of them say UNDELIV, 0 to 1.
    pub undelivered_rate: f64,
}

impl Default for ReceiptPlan {
    fn default() -> Self {
        Self {
            switch: ReceiptSwitch::On,
            delay: Span::millis(50, 2_000),
            form: ReceiptForm::Both,
            order: ReceiptOrder::AfterResponse,
            id_form: IdForm::Hex,
            duplicate_rate: 0.0,
            undelivered_rate: 0.0,
        }
    }
}

/// Everything that can be changed while it runs. Rates are parts of the submits, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    /// How long a submit response takes.
    pub latency: Span,
    /// Answered with `ESME_RTHROTTLED`, not taken.
    pub throttle_rate: f64,
    /// Answered with one of `failure_statuses`, not taken.
    pub failure_rate: f64,
    /// What failures answer; each is equally likely.
    pub failure_statuses: Vec<Status>,
    /// Taken and delivered, but never answered.
    pub silence_rate: f64,
    /// Taken and delivered, but the connection breaks at once.
    pub disconnect_rate: f64,
    /// How the id is written in submit responses.
    pub id_form: IdForm,
    /// Receipts.
    pub receipts: ReceiptPlan,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            latency: Span::ZERO,
            throttle_rate: 0.0,
            failure_rate: 0.0,
            failure_statuses: vec![Status::SUBMIT_FAILED, Status::QUEUE_FULL],
            silence_rate: 0.0,
            disconnect_rate: 0.0,
            id_form: IdForm::Hex,
            receipts: ReceiptPlan::default(),
        }
    }
}

/// What becomes of one submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Accepted,
    Refused(Status),
    Silent,
    Disconnected,
}

impl Behaviour {
    pub(super) fn fate(&self, random: &mut Random) -> Fate {
        if random.chance(self.throttle_rate) {
            Fate::Refused(Status::THROTTLED)
        } else if random.chance(self.failure_rate) {
            let status = random.pick(&self.failure_statuses).copied();
            Fate::Refused(status.unwrap_or(Status::SYSTEM_ERROR))
        } else if random.chance(self.silence_rate) {
            Fate::Silent
        } else if random.chance(self.disconnect_rate) {
            Fate::Disconnected
        } else {
            Fate::Accepted
        }
    }
}
