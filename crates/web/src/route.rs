//! The one table of routes: method, path, who may call it, whether it changes anything. The router,
//! the metrics, the OpenAPI document and the tests all go by it.

use engine::Scope;
use http::Method;

/// A route of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Send one message.
    SubmitMessage,
    /// Send up to 1,000 messages.
    SubmitBatch,
    /// Find messages by number, and by all the list can.
    SearchMessages,
    /// List messages.
    ListMessages,
    /// Read one message.
    ReadMessage,
    /// Take back a message.
    CancelMessage,
    /// Prove that a message is in the ledger.
    ReadReceipt,
    /// List messages from handsets.
    ListInbound,
    /// Record an opt-out.
    RecordOptOut,
    /// Look an opt-out up.
    LookUpOptOut,
    /// Remove an opt-out.
    RemoveOptOut,
    /// Start a verification.
    StartVerification,
    /// Check a code of a verification.
    CheckVerification,
    /// Read a verification.
    ReadVerification,
    /// Prove that a verification is in the ledger.
    ReadVerificationReceipt,
    /// Send the code of a verification once more.
    ResendVerification,
    /// Take a verification back.
    CancelVerification,
    /// Check a code of a factor.
    CheckFactor,
    /// Enrol a factor.
    EnrolFactor,
    /// Confirm a factor.
    ConfirmFactor,
    /// Read one factor.
    ReadFactor,
    /// Remove a factor.
    RemoveFactor,
    /// Search the entries of the ledger.
    ListEntries,
    /// The same, by number too.
    SearchEntries,
    /// The ledger's latest checkpoint.
    ReadCheckpoint,
    /// From which index on entries are there.
    ReadMinimumIndex,
    /// Entries of the ledger.
    ReadEntries,
    /// Hashes of the ledger's tree.
    ReadTile,
    /// The OpenAPI document.
    OpenApi,
    /// The page of error codes, to which every problem's `type` points.
    ErrorPage,
}

/// A method that some route has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// `DELETE`.
    Delete,
}

impl Verb {
    /// The method's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }

    fn of(method: &Method) -> Option<Self> {
        match *method {
            Method::GET => Some(Self::Get),
            Method::POST => Some(Self::Post),
            Method::DELETE => Some(Self::Delete),
            _ => None,
        }
    }
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody; it tells nothing but what the product is.
    Public,
    /// A client whose key has the scope.
    Scoped(Scope),
}

/// Whether calling a route changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only reads.
    Reads,
    /// It changes the state, with an entry in the ledger.
    Mutates,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct RouteRow {
    /// Which route.
    pub route: Route,
    /// Its method.
    pub verb: Verb,
    /// Its path; `{id}` stands for one segment, `{tile}` for one or more.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Whether it changes anything.
    pub effect: Effect,
}

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
    }
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
pub const ROUTES: [RouteRow; 30] = [
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
];

impl Route {
    /// Its place in [`ROUTES`].
    pub(crate) fn index(self) -> usize {
        ROUTES
            .iter()
            .position(|row| row.route == self)
            .unwrap_or(ROUTES.len())
    }
}

/// What a method and a path lead to.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A route, and what stands for its `{id}` or `{tile}`.
    Route(&'static RouteRow, &'a str),
    /// A path of other methods, for the `Allow` header.
    OtherMethod(&'static str),
    /// No path at all.
    Nothing,
}

/// Finds a route. Paths are compared octet for octet: nothing is decoded, folded or cleaned up, so
/// that no path has a second spelling.
pub(crate) fn find<'a>(method: &Method, path: &'a str) -> Found<'a> {
    let verb = Verb::of(method);
    let exact = |row: &&RouteRow| row.path == path;
    if let Some(row) = ROUTES
        .iter()
        .filter(exact)
        .find(|row| Some(row.verb) == verb)
    {
        return Found::Route(row, "");
    }
    if ROUTES.iter().any(|row| exact(&row)) {
        return Found::OtherMethod(allow(ROUTES.iter().filter(exact)));
    }
    let fitting = || {
        ROUTES
            .iter()
            .filter_map(|row| Some((row, object_of(row.path, path)?)))
    };
    if let Some((row, object)) = fitting().find(|(row, _)| Some(row.verb) == verb) {
        return Found::Route(row, object);
    }
    match fitting().next() {
        Some(_) => Found::OtherMethod(allow(fitting().map(|(row, _)| row))),
        None => Found::Nothing,
    }
}

/// What stands for `{id}` or `{tile}` when the path fits the pattern.
fn object_of<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    if let Some(before) = pattern.strip_suffix("{tile}") {
        return path.strip_prefix(before).filter(|tile| !tile.is_empty());
    }
    let (before, after) = pattern.split_once("{id}")?;
    let id = path.strip_prefix(before)?.strip_suffix(after)?;
    (!id.is_empty() && !id.contains('/')).then_some(id)
}

fn allow<'r>(rows: impl Iterator<Item = &'r RouteRow>) -> &'static str {
    let (mut get, mut post, mut delete) = (0, 0, 0);
    for row in rows {
        match row.verb {
            Verb::Get => get += 1,
            Verb::Post => post += 1,
            Verb::Delete => delete += 1,
        }
    }
    match (get, post, delete) {
        (0, _, 0) => "POST",
        (_, 0, 0) => "GET",
        (_, _, 0) => "GET, POST",
        (0, 0, _) => "DELETE",
        (_, 0, _) => "GET, DELETE",
        (0, _, _) => "POST, DELETE",
        _ => "GET, POST, DELETE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &Method, path: &str, expected: &str) {
        let found = match find(method, path) {
            Found::Route(row, id) => format!("{:?} {id}", row.route),
            Found::OtherMethod(allow) => format!("allow {allow}"),
            Found::Nothing => "nothing".to_owned(),
        };
        assert_eq!(found.trim_end(), expected, "{method} {path}");
    }

    #[test]
    fn a_method_and_a_path_lead_to_one_route() {
        check(&Method::POST, "/v1/messages", "SubmitMessage");
        check(&Method::GET, "/v1/messages", "ListMessages");
        check(&Method::GET, "/v1/messages/msg_x", "ReadMessage msg_x");
        check(&Method::POST, "/v1/messages/batch", "SubmitBatch");
        check(
            &Method::POST,
            "/v1/messages/msg_x/cancel",
            "CancelMessage msg_x",
        );
        check(&Method::POST, "/v1/opt-outs/lookup", "LookUpOptOut");
        check(&Method::DELETE, "/v1/factors/fac_x", "RemoveFactor fac_x");
        check(
            &Method::POST,
            "/v1/factors/fac_x/check",
            "CheckFactor fac_x",
        );
        check(
            &Method::GET,
            "/v1/messages/msg_x/receipt",
            "ReadReceipt msg_x",
        );
    }

    #[test]
    fn tiles_have_paths_of_any_depth() {
        check(&Method::GET, "/ledger/checkpoint", "ReadCheckpoint");
        check(&Method::GET, "/ledger/tile/0/000", "ReadTile 0/000");
        check(
            &Method::GET,
            "/ledger/tile/0/x001/x234/067.p/8",
            "ReadTile 0/x001/x234/067.p/8",
        );
        check(
            &Method::GET,
            "/ledger/tile/entries/x001/067",
            "ReadEntries x001/067",
        );
        check(&Method::POST, "/ledger/tile/0/000", "allow GET");
        check(&Method::GET, "/ledger/tile/", "nothing");
        check(&Method::GET, "/ledger/tile", "nothing");
        check(&Method::GET, "/ledger/checkpoint/", "nothing");
    }

    #[test]
    fn another_method_is_told_which_ones_there_are() {
        check(&Method::DELETE, "/v1/messages", "allow GET, POST");
        check(&Method::PUT, "/v1/messages/msg_x", "allow GET");
        check(&Method::GET, "/v1/messages/batch", "allow POST");
        check(&Method::TRACE, "/v1/inbound", "allow GET");
        check(&Method::HEAD, "/v1/messages/msg_x/cancel", "allow POST");
        check(&Method::PUT, "/v1/factors/fac_x", "allow GET, DELETE");
        check(&Method::DELETE, "/v1/factors", "allow POST");
    }

    #[test]
    fn no_path_has_a_second_spelling() {
        for path in [
            "/",
            "",
            "*",
            "/v1/messages/",
            "//v1/messages",
            "/v1//messages",
            "/V1/messages",
            "/v1/messages;v=1",
            "/v1/%6dessages",
            "/v1/./messages",
            "/v1/messages/a/b",
            "/v1/messages//cancel",
            "/metrics",
            "/healthz",
        ] {
            check(&Method::POST, path, "nothing");
        }
    }

    #[test]
    fn every_mutating_route_asks_for_a_scope() {
        for row in ROUTES.iter().filter(|row| row.effect == Effect::Mutates) {
            assert_ne!(row.access, Access::Public, "{}", row.path);
            assert_ne!(row.verb, Verb::Get, "{}", row.path);
        }
    }
}
