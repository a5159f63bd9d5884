//! The rows themselves.

use engine::Scope;

use super::{Access, Dialect, Effect, Route, RouteRow, Verb};
use crate::provider::About;

const fn row(
    verb: Verb,
    path: &'static str,
    route: Route,
    access: Access,
    effect: Effect,
) -> RouteRow {
    RouteRow {
        route,
        verb,
        path,
        access,
        effect,
        dialect: Dialect::Own,
    }
}

/// The same in words of Twilio's.
const fn twilio(dialect: Dialect, row: RouteRow) -> RouteRow {
    RouteRow { dialect, ..row }
}

const SEND: Access = Access::Scoped(Scope::MessagesSend);
const READ: Access = Access::Scoped(Scope::MessagesRead);
const INBOUND: Access = Access::Scoped(Scope::InboundRead);
const CONSENT: Access = Access::Scoped(Scope::OptOutsWrite);
const CONSENT_READ: Access = Access::Scoped(Scope::OptOutsRead);
const VERIFY: Access = Access::Scoped(Scope::VerificationsWrite);
const CHECK: Access = Access::Scoped(Scope::VerificationsCheck);
const VERIFY_READ: Access = Access::Scoped(Scope::VerificationsRead);
const FACTORS: Access = Access::Scoped(Scope::FactorsWrite);
const FACTORS_CHECK: Access = Access::Scoped(Scope::FactorsCheck);
const FACTORS_READ: Access = Access::Scoped(Scope::FactorsRead);
const LEDGER: Access = Access::Scoped(Scope::LedgerRead);
const LEDGER_SEARCH: Access = Access::Scoped(Scope::LedgerSearch);

/// Every route. The busiest comes first, since they are tried in this order; of two patterns that fit,
/// the first counts.
pub const ROUTES: [RouteRow; 39] = [
    row(
        Verb::Post,
        "/v1/messages",
        Route::SubmitMessage,
        SEND,
        Effect::Mutates,
    ),
    row(
        Verb::Get,
        "/v1/messages/{id}",
        Route::ReadMessage,
        READ,
        Effect::Reads,
    ),
    row(
        Verb::Post,
        "/v1/messages/batch",
        Route::SubmitBatch,
        SEND,
        Effect::Mutates,
    ),
    row(
        Verb::Get,
        "/v1/messages",
        Route::ListMessages,
        READ,
        Effect::Reads,
    ),
    row(
        Verb::Post,
        "/v1/messages/search",
        Route::SearchMessages,
        READ,
        Effect::Reads,
    ),
    row(
        Verb::Post,
        "/v1/messages/{id}/cancel",
        Route::CancelMessage,
        SEND,
        Effect::Mutates,
    ),
    row(
        Verb::Get,
        "/v1/messages/{id}/receipt",
        Route::ReadReceipt,
        READ,
        Effect::Reads,
    ),
    row(
        Verb::Get,
        "/v1/inbound",
        Route::ListInbound,
        INBOUND,
        Effect::Reads,
    ),
    row(
        Verb::Post,
        "/v1/opt-outs",
        Route::RecordOptOut,
        CONSENT,
        Effect::Mutates,
    ),
    row(
        Verb::Post,
        "/v1/opt-outs/lookup",
        Route::LookUpOptOut,
        CONSENT_READ,
        Effect::Reads,
    ),
    row(
        Verb::Post,
        "/v1/opt-outs/remove",
        Route::RemoveOptOut,
        CONSENT,
        Effect::Mutates,
    ),
    row(
        Verb::Post,
        "/v1/verifications",
        Route::StartVerification,
        VERIFY,
        Effect::Mutates,
    ),
    row(
        Verb::Post,
        "/v1/verifications/{id}/check",
        Route::CheckVerification,
        CHECK,
        Effect::Mutates,
    ),
    row(
        Verb::Get,
        "/v1/verifications/{id}",
        Route::ReadVerification,
        VERIFY_READ,
        Effect::Reads,
    ),
    row(
        Verb::Get,
        "/v1/verifications/{id}/receipt",
        Route::ReadVerificationReceipt,
        VERIFY_READ,
        Effect::Reads,
    ),
    row(
        Verb::Post,
        "/v1/verifications/{id}/resend",
        Route::ResendVerification,
        VERIFY,
        Effect::Mutates,
    ),
    row(
        Verb::Post,
        "/v1/verifications/{id}/cancel",
        Route::CancelVerification,
        VERIFY,
        Effect::Mutates,
    ),
    row(
        Verb::Post,
        "/v1/factors/{id}/check",
        Route::CheckFactor,
        FACTORS_CHECK,
        Effect::Mutates,
    ),
    row(
        Verb::Post,
        "/v1/factors",
        Route::EnrolFactor,
        FACTORS,
        Effect::Mutates,
    ),
    row(
        Verb::Post,
        "/v1/factors/{id}/confirm",
        Route::ConfirmFactor,
        FACTORS,
        Effect::Mutates,
    ),
    row(
        Verb::Get,
        "/v1/factors/{id}",
        Route::ReadFactor,
        FACTORS_READ,
        Effect::Reads,
    ),
    row(
        Verb::Delete,
        "/v1/factors/{id}",
        Route::RemoveFactor,
        FACTORS,
        Effect::Mutates,
    ),
    row(
        Verb::Get,
        "/v1/ledger/entries",
        Route::ListEntries,
        LEDGER,
        Effect::Reads,
    ),
    row(
        Verb::Post,
        "/v1/ledger/search",
        Route::SearchEntries,
        LEDGER_SEARCH,
        Effect::Reads,
    ),
    row(
        Verb::Get,
        "/ledger/checkpoint",
        Route::ReadCheckpoint,
        LEDGER,
        Effect::Reads,
    ),
    row(
        Verb::Get,
        "/ledger/minimum-index",
        Route::ReadMinimumIndex,
        LEDGER,
        Effect::Reads,
    ),
    row(
        Verb::Get,
        "/ledger/tile/entries/{tile}",
        Route::ReadEntries,
        LEDGER,
        Effect::Reads,
    ),
    row(
        Verb::Get,
        "/ledger/tile/{tile}",
        Route::ReadTile,
        LEDGER,
        Effect::Reads,
    ),
    row(
        Verb::Get,
        "/openapi.json",
        Route::OpenApi,
        Access::Public,
        Effect::Reads,
    ),
    row(
        Verb::Get,
        "/docs/errors",
        Route::ErrorPage,
        Access::Public,
        Effect::Reads,
    ),
    row(
        Verb::Post,
        "/carrier/{id}/status",
        Route::CarrierStatus,
        Access::Carrier(About::Status),
        Effect::Mutates,
    ),
    row(
        Verb::Post,
        "/carrier/{id}/inbound",
        Route::CarrierInbound,
        Access::Carrier(About::Inbound),
        Effect::Mutates,
    ),
    row(
        Verb::Get,
        "/docs",
        Route::Reference,
        Access::Public,
        Effect::Reads,
    ),
    row(
        Verb::Get,
        "/docs/{id}",
        Route::Guide,
        Access::Public,
        Effect::Reads,
    ),
    twilio(
        Dialect::Messages,
        row(
            Verb::Post,
            "/2010-04-01/Accounts/{account}/Messages.json",
            Route::TwilioSendMessage,
            SEND,
            Effect::Mutates,
        ),
    ),
    twilio(
        Dialect::Messages,
        row(
            Verb::Get,
            "/2010-04-01/Accounts/{account}/Messages/{id}.json",
            Route::TwilioReadMessage,
            READ,
            Effect::Reads,
        ),
    ),
    twilio(
        Dialect::Messages,
        row(
            Verb::Get,
            "/2010-04-01/Accounts/{account}/Messages.json",
            Route::TwilioListMessages,
            READ,
            Effect::Reads,
        ),
    ),
    twilio(
        Dialect::Messages,
        row(
            Verb::Post,
            "/2010-04-01/Accounts/{account}/Messages/{id}.json",
            Route::TwilioChangeMessage,
            SEND,
            Effect::Mutates,
        ),
    ),
    twilio(
        Dialect::Messages,
        row(
            Verb::Delete,
            "/2010-04-01/Accounts/{account}/Messages/{id}.json",
            Route::TwilioDeleteMessage,
            SEND,
            Effect::Mutates,
        ),
    ),
];
