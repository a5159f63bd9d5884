//! Entries about the binds of ESMEs.

use std::net::IpAddr;

use domain::id::ClientId;
use domain::system_id::SystemId;
use ledger::{Actor, Draft, Facts, Kind, ObjectType, OriginType, Outcome};

use crate::batch::sound;
use crate::esmes::{EsmeBind, EsmeEnd};

/// A bind, as entries tell of it.
pub(crate) struct Seen<'a> {
    pub(crate) client: &'a ClientId,
    pub(crate) system_id: &'a SystemId,
    pub(crate) bind: EsmeBind,
    pub(crate) source: &'a IpAddr,
}

/// What it showed.
#[derive(Clone, Copy)]
pub(crate) enum Proof {
    Password,
    PasswordAndCertificate,
}

/// `esme.bound`: an ESME showed what its account asks for.
pub(crate) fn bound(seen: &Seen<'_>, proof: Proof) -> Draft {
    let proof = match proof {
        Proof::Password => "password",
        Proof::PasswordAndCertificate => "password+certificate",
    };
    let data = facts(seen).put("proof", proof);
    sound(
        about(Kind::EsmeBound, seen, Outcome::Done)
            .data(data)
            .build(),
    )
}

/// `esme.unbound`: its bind ended, for this reason.
pub(crate) fn unbound(seen: &Seen<'_>, why: EsmeEnd) -> Draft {
    let builder = about(Kind::EsmeUnbound, seen, Outcome::Done);
    sound(builder.reason(why.as_str()).data(facts(seen)).build())
}

fn facts(seen: &Seen<'_>) -> Facts {
    Facts::new()
        .put("bind", seen.bind.as_str())
        .put("system_id", seen.system_id.as_str())
}

fn about<'a>(kind: Kind, seen: &Seen<'a>, outcome: Outcome) -> ledger::DraftBuilder<'a> {
    Draft::of(kind, Actor::client(seen.client), outcome)
        .client(seen.client)
        .object(ObjectType::Esme, seen.system_id)
        .origin(OriginType::Connection, seen.source)
}
