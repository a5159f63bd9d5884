//! The one table of routes: method, path, who may call it, whether it changes anything. The router,
//! the metrics, the OpenAPI document and the tests all go by it.

mod table;

use engine::Scope;
use http::Method;

use crate::provider::About;

pub use table::ROUTES;

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
    /// The OpenAPI document for people.
    Reference,
    /// A page of the documentation.
    Guide,
    /// A carrier posts what became of a message.
    CarrierStatus,
    /// The same, and names the hand-over of the message.
    CarrierStatusOf,
    /// A carrier posts a message from a handset.
    CarrierInbound,
    /// Send one message, as Twilio's applications do.
    TwilioSendMessage,
    /// Read one message, as Twilio's applications do.
    TwilioReadMessage,
    /// List messages of both ways, as Twilio's applications do.
    TwilioListMessages,
    /// Take a message back or destroy its text, as Twilio's applications do.
    TwilioChangeMessage,
    /// Destroy what is kept of a message, as Twilio's applications do.
    TwilioDeleteMessage,
    /// List verify services.
    TwilioListServices,
    /// Make a verify service.
    TwilioCreateService,
    /// Read one verify service.
    TwilioReadService,
    /// Change a verify service.
    TwilioChangeService,
    /// Remove a verify service.
    TwilioRemoveService,
    /// Start a verification under a verify service, or send its code once more.
    TwilioStartVerification,
    /// Read a verification under a verify service.
    TwilioReadVerification,
    /// Take a verification under a verify service back.
    TwilioCancelVerification,
    /// Check a code under a verify service.
    TwilioCheckVerification,
}

/// Whose words a route speaks: what it is asked in and how it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// The gateway's own: JSON, problems (RFC 9457), a bearer key or a signature.
    #[default]
    Own,
    /// Twilio's Messages (`/2010-04-01`): forms, HTTP Basic, errors with a number.
    Messages,
    /// Twilio's Verify (`/v2`): the same, with numbers of its own.
    Verify,
}

impl Dialect {
    /// The dialect in which a path that leads nowhere is answered.
    pub(crate) fn of_path(path: &str) -> Self {
        if path.starts_with("/2010-04-01/") {
            Self::Messages
        } else if path.starts_with("/v2/") {
            Self::Verify
        } else {
            Self::Own
        }
    }
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
    /// The carrier that is named, by its signature.
    Carrier(About),
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
    /// Its path; `{account}`, `{service}`, `{carrier}` and `{id}` stand for one segment or its beginning, `{tile}` for one or
    /// more.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Whether it changes anything.
    pub effect: Effect,
    /// Whose words it speaks.
    pub dialect: Dialect,
}

impl Route {
    /// Its place in [`ROUTES`].
    pub(crate) fn index(self) -> usize {
        ROUTES
            .iter()
            .position(|row| row.route == self)
            .unwrap_or(ROUTES.len())
    }
}

/// What stands in a path for the names of its pattern; empty where there is no such name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PathNames<'a> {
    /// For `{account}`, `{service}` or `{carrier}`: what the object lies in.
    pub(crate) within: &'a str,
    /// For `{id}` or `{tile}`.
    pub(crate) object: &'a str,
}

/// What a method and a path lead to.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A route, and what stands for the names of its path.
    Route(&'static RouteRow, PathNames<'a>),
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
        return Found::Route(row, PathNames::default());
    }
    if ROUTES.iter().any(|row| exact(&row)) {
        return Found::OtherMethod(allow(ROUTES.iter().filter(exact)));
    }
    let fitting = || {
        ROUTES
            .iter()
            .filter_map(|row| Some((row, names_of(row.path, path)?)))
    };
    if let Some((row, names)) = fitting().find(|(row, _)| Some(row.verb) == verb) {
        return Found::Route(row, names);
    }
    match fitting().next() {
        Some(_) => Found::OtherMethod(allow(fitting().map(|(row, _)| row))),
        None => Found::Nothing,
    }
}

/// What stands for the names when the path fits the pattern. A name is the whole of a segment but for the letters
/// that the pattern has after it.
fn names_of<'a>(mut pattern: &str, mut path: &'a str) -> Option<PathNames<'a>> {
    let mut names = PathNames::default();
    while let Some((before, after)) = pattern.split_once('{') {
        path = path.strip_prefix(before)?;
        let (name, after) = after.split_once('}')?;
        let end = match name {
            "tile" => path.len(),
            _ => path.find('/').unwrap_or(path.len()),
        };
        let (segment, rest) = path.split_at(end);
        let (ending, next) = after.split_at(after.find('/').unwrap_or(after.len()));
        let stands = segment.strip_suffix(ending)?;
        if stands.is_empty() {
            return None;
        }
        match name {
            "account" | "service" | "carrier" => names.within = stands,
            _ => names.object = stands,
        }
        (pattern, path) = (next, rest);
    }
    (pattern == path).then_some(names)
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
            Found::Route(row, PathNames { within, object }) => {
                format!("{:?} {within} {object}", row.route).replace("  ", " ")
            }
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
        check(&Method::GET, "/docs/errors", "ErrorPage");
        check(&Method::GET, "/docs/api", "Guide api");
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
        check(&Method::POST, "/docs", "allow GET");
    }

    #[test]
    fn a_path_may_hold_two_names_one_of_them_before_an_ending() {
        let messages = "/2010-04-01/Accounts/AC1/Messages";
        check(
            &Method::POST,
            &format!("{messages}.json"),
            "TwilioSendMessage AC1",
        );
        check(
            &Method::GET,
            &format!("{messages}/SM1.json"),
            "TwilioReadMessage AC1 SM1",
        );
        for path in [
            "/2010-04-01/Accounts//Messages/SM1.json",
            "/2010-04-01/Accounts/AC1/Messages/.json",
            "/2010-04-01/Accounts/AC1/Messages/SM1",
            "/2010-04-01/Accounts/AC1/Messages/SM1.json/",
            "/2010-04-01/Accounts/AC1/x/Messages/SM1.json",
            "/2010-04-01/Accounts/AC1/Messages/x/SM1.json",
            "/2010-04-01/accounts/AC1/Messages/SM1.json",
        ] {
            check(&Method::GET, path, "nothing");
        }
    }

    #[test]
    fn a_path_that_leads_nowhere_is_answered_in_the_words_of_its_neighbours() {
        assert_eq!(Dialect::of_path("/v1/none"), Dialect::Own);
        assert_eq!(Dialect::of_path("/2010-04-01/none"), Dialect::Messages);
        assert_eq!(Dialect::of_path("/v2/none"), Dialect::Verify);
        for row in &ROUTES {
            assert_eq!(Dialect::of_path(row.path), row.dialect, "{}", row.path);
        }
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
