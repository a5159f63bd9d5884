//! The engine: the order of steps of every command (`facts → decide → commit → answer`), the ports
//! to the outside world and the background jobs. It holds no rule of the product (those are in
//! `domain`) and no IO (that is in the edges).

mod answers;
mod batch;
mod cancel;
mod carrier_calls;
mod certificates;
pub mod changes;
mod checkpoints;
mod client;
mod clients;
mod coalesce;
mod crowd;
mod dispatch;
mod doors;
mod entries;
mod erasure;
mod esmes;
mod events;
mod exports;
mod factors;
mod feed;
mod gateway;
mod halt;
mod hand_over;
mod health;
mod idempotency;
mod ids;
mod inbound;
mod jobs;
mod keys;
mod limits;
mod metrics;
mod nonces;
mod openings;
mod operators;
mod opt_outs;
mod overdue;
pub mod ports;
mod proofs;
mod prune;
mod pumping;
mod queries;
pub mod rebuild;
mod receipts;
mod recover;
mod redact;
mod restored;
mod retention;
mod risk;
mod rotation;
pub mod rows;
mod sealing;
mod search;
pub mod settings;
mod shortage;
mod signed;
mod sim_swap;
mod snapshot;
mod state;
mod steady;
mod streams;
mod subject_export;
mod submit;
mod texts;
mod traffic;
mod tree;
mod turns;
mod unlock;
mod unsigned;
mod vault;
mod verifications;
mod webhooks;
mod witnesses;

pub use answers::AMBIGUITY_DEFAULT;
pub use cancel::CancelError;
pub use certificates::CertificateTold;
pub use checkpoints::{LedgerError, LedgerParts, Seat, WitnessPolicy};
pub use client::{
    ApiKey, AuthError, Caller, Credential, Forbidden, KeyName, PeerCertificate, Presented, Scope,
    SignedRequest, UnknownScope,
};
pub use clients::{ClientChange, ClientError, KeyWish, NewClient};
pub use erasure::{Erased, ErasureBasis, ErasureBasisError, ErasureError, ErasureScope};
pub use esmes::{
    BindAttempt, BindRefused, BoundEsme, EsmeBind, EsmeContent, EsmeDeliveries, EsmeDelivery,
    EsmeEnd, EsmeGone, EsmeReceipts,
};
pub use exports::{LedgerExport, NotRecorded};
pub use factors::{AppLabels, AppSecret, EnrolError, FactorCheckError, FactorChecked, FactorView};
pub use feed::{
    Addressee, DeadEvent, DeadLetter, Event, EventFilter, EventId, EventQueue, FeedError,
    Happening, QueueBounds, Ready,
};
pub use gateway::{Gateway, Parts};
pub use hand_over::{HandOver, NoHandOver};
pub use health::{Condition, Health};
pub use idempotency::{IdempotencyKey, IdempotencyKeyError};
pub use jobs::{BackupError, ConfigChange};
pub use keys::MasterKey;
pub use limits::{ExplainError, LimitAnswer, LimitQuestion, LimitView, Throttled, Underway};
pub use metrics::{MetricKind, MetricRow, Metrics};
pub use openings::{OpeningsChecked, check_openings};
pub use opt_outs::{OptOutError, OptOutRequest, OptOutView};
pub use proofs::{LedgerReceipt, Opening, ReceiptError, TileBody, acceptance};
pub use prune::{KEEP_MIN, KEEP_YEAR, Least, Prune, PruneError, Pruned};
pub use pumping::{
    CountryCount, Lifted, PrefixCount, PumpingStats, StandingBlock, UnblockError, UnblockReason,
    UnblockReasonError,
};
pub use queries::{
    Cursor, CursorError, InboundQuery, InboundText, InboundView, LookupError, MessageQuery,
    MessageView, PageView, SegmentView,
};
pub use recover::StartError;
pub use redact::{RedactError, Redaction};
pub use restored::Restored;
pub use retention::RetentionError;
pub use risk::RiskHints;
pub use rotation::{KeyStatus, RotateError, Rotated, Rotation};
pub use sealing::{SealParts, SealStatus, SealingError};
pub use search::{
    EntryKind, EntryOutcome, FoundEntry, LedgerPage, LedgerQuery, ObjectTerm, ObjectTermError,
    Proofs, SearchCursor, SearchCursorError, SearchError, Searcher,
};
pub use settings::Settings;
pub use sim_swap::{RiskParts, SimCleared};
pub use snapshot::{Moving, Snapshot, Standing};
pub use streams::{StreamFrom, StreamLimits, StreamParts};
pub use subject_export::{SubjectExportError, SubjectItem};
pub use submit::{Replay, SubmitError, SubmitRequest, Submitted};
pub use texts::WrittenMessage;
pub use traffic::{Party, Traffic, TrafficQuery};
pub use unsigned::tells_of_pruning;
pub use vault::{OpenError, Sealed, Vault};
pub use verifications::{
    CancelVerificationError, CheckAnswer, CheckError, CheckRequest, EnableError, EndProof,
    NumberEnabled, ResendError, RiskRefusal, ServedCheck, ServedCheckError, ServedView,
    ServiceSort, ServiceStart, ServiceStartError, Sought, StartOnFactor, StartVerification,
    StartVerificationError, VERIFY_SERVICES_MAX, VerificationReceipt, VerificationSettings,
    VerificationStarted, VerificationView, VerifyServiceError, VerifyServiceView,
    VerifyServiceWish,
};
pub use webhooks::{
    DeadView, NewWebhook, WebhookError, WebhookReplay, WebhookSecret, WebhookSettings,
};
