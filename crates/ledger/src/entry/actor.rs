//! Who did it, to what, and from where: three typed references, each `{"id":…,"type":…}` in an
//! entry. Ids are the gateway's own names for things, never numbers of handsets.

use core::fmt;

use super::named::named;

named! {
    /// What sort of party acted.
    ActorType {
        /// An application with credentials.
        Client = "client",
        /// A person at the console.
        Operator = "operator",
        /// A user of the machine, over the command line and its socket.
        OsUser = "os_user",
        /// A carrier over one of its binds, for itself or for a handset.
        Carrier = "carrier",
        /// The gateway itself; the id is the part of it that acted.
        System = "system",
        /// Somebody who did not show who they are.
        Anonymous = "anonymous",
    }
}

named! {
    /// What sort of thing was acted upon.
    ObjectType {
        /// A message to a handset (MT).
        Message = "message",
        /// A message from a handset (MO).
        Inbound = "inbound",
        /// A delivery receipt.
        Receipt = "receipt",
        /// An opt-out of a handset from a short code.
        OptOut = "opt_out",
        /// A verification of a person.
        Verification = "verification",
        /// The terms under which a client begins verifications.
        VerifyService = "verify_service",
        /// An authenticator app or a set of recovery codes of a person.
        Factor = "factor",
        /// A webhook of a client.
        Webhook = "webhook",
        /// The account of an ESME.
        Esme = "esme",
        /// An application with credentials.
        Client = "client",
        /// A key: a client's, or one of the gateway's.
        Key = "key",
        /// A short code.
        ShortCode = "short_code",
        /// A carrier's bind.
        Link = "link",
        /// The configuration.
        Configuration = "configuration",
        /// The ledger.
        Ledger = "ledger",
        /// The clock.
        Clock = "clock",
        /// A backup.
        Backup = "backup",
        /// A person's data, by the random id that stands for the person.
        Subject = "subject",
        /// A purpose for which private values are kept.
        Purpose = "purpose",
    }
}

named! {
    /// By which way it came in.
    OriginType {
        /// A connection to the HTTPS API.
        Connection = "connection",
        /// A bind to or from a carrier or ESME.
        Bind = "bind",
        /// The command socket of the machine.
        Socket = "socket",
        /// The gateway process itself: a timer, a signal, its start.
        Process = "process",
    }
}

/// Who did it.
#[derive(Clone, Copy)]
pub struct Actor<'a>(pub(super) Reference<'a>);

impl<'a> Actor<'a> {
    /// Of any type.
    pub const fn new(kind: ActorType, id: &'a dyn fmt::Display) -> Self {
        Self(Reference {
            kind: kind.as_str(),
            id,
        })
    }

    /// An application, by its client id.
    pub const fn client(id: &'a dyn fmt::Display) -> Self {
        Self::new(ActorType::Client, id)
    }

    /// A person at the console, by the operator id.
    pub const fn operator(id: &'a dyn fmt::Display) -> Self {
        Self::new(ActorType::Operator, id)
    }

    /// A user of the machine, by its login name.
    pub const fn os_user(name: &'a dyn fmt::Display) -> Self {
        Self::new(ActorType::OsUser, name)
    }

    /// A carrier, by its name in the configuration.
    pub const fn carrier(name: &'a dyn fmt::Display) -> Self {
        Self::new(ActorType::Carrier, name)
    }

    /// The gateway; the id names the part of it that acted, such as `expiry`.
    pub const fn system(part: &'a dyn fmt::Display) -> Self {
        Self::new(ActorType::System, part)
    }

    /// Somebody unknown.
    pub const fn anonymous() -> Self {
        Self::new(ActorType::Anonymous, &"-")
    }
}

impl fmt::Debug for Actor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Actor({} {})", self.0.kind, self.0.id)
    }
}

/// A type's name and an id.
#[derive(Clone, Copy)]
pub(super) struct Reference<'a> {
    pub(super) kind: &'static str,
    pub(super) id: &'a dyn fmt::Display,
}
