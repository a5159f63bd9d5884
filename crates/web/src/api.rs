//! The API: the steps that every request takes (route, credential, scope, handler, answer), each once
//! and in this order. What a route does is in its own file.

mod batch;
pub(crate) mod body;
mod carrier;
mod client_places;
mod consent;
pub(crate) mod credentials;
pub(crate) mod documents;
mod drain;
mod factor;
mod head;
mod ledger;
mod lookup;
mod message;
mod places;
pub(crate) mod query;
mod render;
mod search;
mod signature;
mod source;
mod submit;
mod verification;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use domain::signature::Presence;
use engine::{Caller, Gateway, Presented};
use http::Request;
use http::request::Parts;
use hyper::body::{Body, Incoming};

use crate::api::body::Pace;
use crate::api::client_places::ClientPlaces;
use crate::api::drain::Drains;
use crate::api::places::Places;
use crate::api::signature::{BodyProof, Shown};
use crate::connection::{Answer, Serve};
use crate::counters::RequestCounters;
use crate::guide;
use crate::hosts::Hosts;
use crate::http_errors::busy;
use crate::json::fields::Faults;
use crate::json::read::JsonError;
use crate::json::{self, Value};
use crate::problem::{Code, Place, Problem};
use crate::provider::Providers;
use crate::reply::{Reply, Transport};
use crate::request_id::RequestIds;
use crate::route::{self, Access, Dialect, Found, PathNames, Route, RouteRow};
use crate::settings::ServerSettings;
use crate::twilio::account;

/// More values than any request but a batch can hold.
const VALUES_MAX: usize = 64;

/// Answers the requests of the HTTPS listener.
#[derive(Debug)]
pub struct Api {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) settings: ServerSettings,
    counters: Arc<RequestCounters>,
    ids: RequestIds,
    requests: Places,
    requests_of_clients: ClientPlaces,
    batches: Places,
    batches_of_clients: ClientPlaces,
    drains: Drains,
    /// Where carriers post that are reached by HTTPS.
    providers: Option<Arc<Providers>>,
    /// The hosts under which it is asked; any where there are none.
    hosts: Option<Hosts>,
    posts: Places,
    posts_of_sources: ClientPlaces<IpAddr>,
}

/// A request whose sender is known and may call the route.
pub(crate) struct Call<'r> {
    pub(crate) caller: Caller,
    pub(crate) parts: &'r Parts,
    /// What stands for `{account}` or `{service}` in the path.
    pub(crate) within: &'r str,
    /// What stands for `{id}` or `{tile}` in the path.
    pub(crate) object: &'r str,
    /// What the body must be, when the request is signed.
    proof: BodyProof,
}

impl Api {
    /// The API of a gateway.
    pub fn new(
        gateway: Arc<Gateway>,
        settings: ServerSettings,
        counters: Arc<RequestCounters>,
    ) -> Self {
        Self {
            gateway,
            counters,
            ids: RequestIds::new(),
            requests: Places::new(settings.requests_max),
            requests_of_clients: ClientPlaces::new(settings.client_requests_max),
            batches: Places::new(settings.batches_max),
            batches_of_clients: ClientPlaces::new(settings.client_batches_max),
            drains: Drains::new(&settings),
            providers: None,
            hosts: None,
            posts: Places::new(carrier::POSTS_MAX),
            posts_of_sources: ClientPlaces::new(carrier::POSTS_PER_SOURCE_MAX),
            settings,
        }
    }

    /// The same, where these carriers may post.
    #[must_use]
    pub fn with_providers(mut self, providers: Arc<Providers>) -> Self {
        self.providers = Some(providers);
        self
    }

    /// The same, asked under these hosts alone.
    #[must_use]
    pub fn with_hosts(mut self, hosts: Hosts) -> Self {
        self.hosts = Some(hosts);
        self
    }

    /// Refuses what is no sound HTTP, expects too much, or is for another host.
    fn require_for_us(&self, parts: &Parts) -> Result<(), Problem> {
        head::require_sound(parts, self.settings.headers_max)?;
        head::require_known_expectation(&parts.headers)?;
        self.hosts
            .as_ref()
            .map_or(Ok(()), |hosts| hosts.require(parts))
    }

    async fn routed(
        &self,
        row: &RouteRow,
        names: PathNames<'_>,
        parts: &Parts,
        body: &mut Incoming,
        peer: SocketAddr,
    ) -> Reply {
        let Some(_place) = self.requests.take() else {
            return busy().into();
        };
        let answered = self.authorized(row, names, parts, body, peer);
        match tokio::time::timeout(self.settings.request_timeout, answered).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(problem)) => problem.into(),
            Err(_) => too_slow().into(),
        }
    }

    async fn authorized(
        &self,
        row: &RouteRow,
        names: PathNames<'_>,
        parts: &Parts,
        body: &mut Incoming,
        peer: SocketAddr,
    ) -> Result<Reply, Problem> {
        let scope = match row.access {
            Access::Scoped(scope) => scope,
            Access::Public => return Ok(public(row.route, names.object, parts)),
            Access::Carrier(about) => {
                return self.carrier_post((about, names), parts, body, peer).await;
            }
        };
        let shown = Shown::on(row.dialect, parts, body.is_end_stream());
        let presented = Presented {
            credential: shown.credential(),
            certificate: parts.extensions.get().cloned(),
            source: self.source(parts, peer.ip()),
        };
        let caller = self.gateway.recognise(&presented).await?;
        let _underway = self.gateway.begin_request(&caller)?;
        self.counted(&caller, shown.require_account(&caller))?;
        let proof = shown.proof();
        self.counted(&caller, proof.require_head(&parts.method, presence(body)))?;
        account::require_own(row, names.within, &caller)?;
        self.gateway.authorize(&caller, scope)?;
        let place = self.requests_of_clients.take(caller.client);
        let _place = place.ok_or_else(|| self.busy_client())?;
        self.handled(
            row.route,
            &Call {
                caller,
                parts,
                within: names.within,
                object: names.object,
                proof,
            },
            body,
        )
        .await
    }

    /// A request that is not the one which was signed is told to the ledger.
    fn counted(&self, caller: &Caller, same: Result<(), Problem>) -> Result<(), Problem> {
        same.inspect_err(|_| self.gateway.count_altered(caller))
    }

    /// One client alone has too much open.
    fn busy_client(&self) -> Problem {
        self.counters.client_busy();
        busy()
    }

    async fn handled(
        &self,
        route: Route,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        match route {
            Route::SubmitMessage => self.submit_message(call, body).await,
            Route::SubmitBatch => self.submit_batch(call, body).await,
            Route::ReadMessage => self.read_message(call).await,
            Route::ListMessages => self.list_messages(call).await,
            Route::SearchMessages => self.search_messages(call, body).await,
            Route::CancelMessage => self.cancel_message(call, body).await,
            Route::ListInbound => self.list_inbound(call).await,
            Route::RecordOptOut => self.record_opt_out(call, body).await,
            Route::LookUpOptOut => self.look_up_opt_out(call, body).await,
            Route::RemoveOptOut => self.remove_opt_out(call, body).await,
            Route::StartVerification => self.start_verification(call, body).await,
            Route::CheckVerification => self.check_verification(call, body).await,
            Route::ReadVerification => self.read_verification(call).await,
            Route::ReadVerificationReceipt => self.read_verification_receipt(call).await,
            Route::ResendVerification => self.resend_verification(call, body).await,
            Route::CancelVerification => self.cancel_verification(call, body).await,
            Route::CheckFactor => self.check_factor(call, body).await,
            Route::EnrolFactor => self.enrol_factor(call, body).await,
            Route::ConfirmFactor => self.confirm_factor(call, body).await,
            Route::ReadFactor => self.read_factor(call).await,
            Route::RemoveFactor => self.remove_factor(call, body).await,
            Route::ListEntries => self.list_entries(call).await,
            Route::SearchEntries => self.search_entries(call, body).await,
            Route::ReadReceipt => self.read_receipt(call).await,
            Route::ReadCheckpoint => self.read_checkpoint(call),
            Route::ReadMinimumIndex => self.read_minimum_index(call).await,
            Route::ReadEntries | Route::ReadTile => self.read_tile(call).await,
            Route::TwilioSendMessage => self.twilio_send_message(call, body).await,
            Route::TwilioReadMessage => self.twilio_read_message(call).await,
            Route::TwilioListMessages => self.twilio_list_messages(call).await,
            Route::TwilioChangeMessage => self.twilio_change_message(call, body).await,
            Route::TwilioDeleteMessage => self.twilio_delete_message(call, body).await,
            Route::OpenApi
            | Route::ErrorPage
            | Route::Reference
            | Route::Guide
            | Route::CarrierStatus
            | Route::CarrierStatusOf
            | Route::CarrierInbound => Ok(public(route, call.object, call.parts)),
            Route::TwilioListServices => self.twilio_list_services(call),
            Route::TwilioCreateService => self.twilio_create_service(call, body).await,
            Route::TwilioReadService => self.twilio_read_service(call),
            Route::TwilioChangeService => self.twilio_change_service(call, body).await,
            Route::TwilioRemoveService => self.twilio_remove_service(call, body).await,
            Route::TwilioStartVerification => self.twilio_start_verification(call, body).await,
            Route::TwilioReadVerification => self.twilio_read_verification(call).await,
            Route::TwilioCancelVerification => self.twilio_cancel_verification(call, body).await,
            Route::TwilioCheckVerification => self.twilio_check_verification(call, body).await,
        }
    }

    /// Takes in a JSON body on a route without a query.
    async fn body(&self, call: &Call<'_>, body: &mut Incoming) -> Result<Bytes, Problem> {
        self.body_up_to(self.settings.body_bytes_max, call, body)
            .await
    }

    async fn body_up_to(
        &self,
        octets_max: usize,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Bytes, Problem> {
        refuse_query(call.parts)?;
        body::require_json(&call.parts.headers)?;
        self.octets_up_to(octets_max, call, body).await
    }

    /// Takes in a body of any type. Every body that is used goes through here, so that none is used that is not the
    /// one which was signed.
    pub(crate) async fn octets_up_to(
        &self,
        octets_max: usize,
        call: &Call<'_>,
        body: &mut Incoming,
    ) -> Result<Bytes, Problem> {
        let octets = body::collect(body, octets_max, Pace::begin(&self.settings)).await?;
        self.counted(&call.caller, call.proof.require(&octets))?;
        Ok(octets)
    }
}

impl Serve for Api {
    async fn serve(&self, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let id = self.ids.of(request.headers());
        let (parts, mut body) = request.into_parts();
        let found = route::find(&parts.method, parts.uri.path());
        let (route, dialect) = match &found {
            Found::Route(row, _) => (Some(row.route), row.dialect),
            _ => (None, astray(&parts)),
        };
        let reply: Reply = match (self.require_for_us(&parts), found) {
            (Err(problem), _) => problem.into(),
            (_, Found::Route(row, names)) => self.routed(row, names, &parts, &mut body, peer).await,
            (_, Found::OtherMethod(allow)) => other_method(allow).into(),
            (_, Found::Nothing) => nothing().into(),
        };
        let mut reply = reply.in_dialect(dialect);
        // Whatever used its body has read it to the end.
        if !body.is_end_stream() {
            reply = self.drains.clear(&parts, &mut body, reply).await;
        }
        self.counters.count(route, reply.status);
        tracing::debug!(
            request = id.as_str(),
            ?route,
            status = reply.status.as_u16(),
            "answered"
        );
        reply.into_answer(id, Transport::Encrypted)
    }

    fn broken(&self) -> Answer {
        let id = self.ids.fresh();
        tracing::error!(request = id.as_str(), "a handler panicked");
        self.counters.count(None, Code::Internal.status());
        Reply::from(internal()).into_answer(id, Transport::Encrypted)
    }
}

/// Whether a body comes.
fn presence(body: &Incoming) -> Presence {
    if body.is_end_stream() {
        Presence::Absent
    } else {
        Presence::Present
    }
}

/// The dialect in which a request is answered that no route takes.
fn astray(parts: &Parts) -> Dialect {
    Dialect::of_path(parts.uri.path())
}

fn public(route: Route, object: &str, parts: &Parts) -> Reply {
    let page = match route {
        Route::OpenApi => Some(documents::openapi()),
        Route::ErrorPage => documents::errors(&parts.headers),
        Route::Reference => Some(guide::reference()),
        Route::Guide => guide::read(object),
        _ => None,
    };
    page.unwrap_or_else(|| nothing().into())
}

/// Reads a body as a document of few values.
fn document(body: &[u8]) -> Result<Value<'_>, Problem> {
    json::read(body, VALUES_MAX).map_err(no_document)
}

fn no_document(error: JsonError) -> Problem {
    match error {
        JsonError::Syntax { line, column } => Problem::new(
            Code::InvalidJson,
            format!("the body is not JSON: see line {line}, column {column}; nothing was done"),
        ),
        JsonError::TooMany => Problem::with_fault(
            Place::Pointer(String::new()),
            "holds more values than this route can use",
        ),
    }
}

/// Turns faults into a problem, or a value that is there into itself.
pub(crate) fn sound<T>(value: Option<T>, faults: Faults) -> Result<T, Problem> {
    match value {
        Some(value) if faults.is_empty() => Ok(value),
        _ => Err(Problem::with_faults(faults.into_vec())),
    }
}

/// A query on a route that has none may be a key or a number that went astray.
pub(crate) fn refuse_query(parts: &Parts) -> Result<(), Problem> {
    match parts.uri.query() {
        None | Some("") => Ok(()),
        Some(_) => Err(Problem::with_fault(
            Place::Parameter(String::new()),
            "this route takes no query: put what is in it into the body, and never a key or a \
             number into a URL, where logs keep it",
        )),
    }
}

fn other_method(allow: &'static str) -> Problem {
    let detail = format!("this path has no such method: use {allow}");
    Problem {
        allow: Some(allow),
        ..Problem::new(Code::MethodNotAllowed, detail)
    }
}

fn nothing() -> Problem {
    Problem::new(
        Code::NotFound,
        "there is no such path: see /openapi.json for those there are, and mind that no path ends \
         in a slash",
    )
}

fn internal() -> Problem {
    Problem::new(
        Code::Internal,
        "the gateway made a mistake with this request; whether it was done is not known: tell an \
         operator the request id, and use an idempotency key when you send it again",
    )
}

fn too_slow() -> Problem {
    Problem::new(
        Code::Timeout,
        "the answer took too long; whether the request was done is not known: send it again with \
         the same idempotency key",
    )
    .retry_after(std::time::Duration::from_secs(1))
}
