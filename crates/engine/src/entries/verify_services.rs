//! Entries about verify services. A name is for people, and cannot hold a number.

use ledger::{Actor, Draft, Facts, Kind, ObjectType, OriginType, Outcome, Shown};

use crate::batch::sound;
use crate::client::Caller;
use crate::rows::VerifyServiceRow;

/// `service.created` and `service.changed`: its terms from now on.
pub(crate) fn terms(kind: Kind, caller: &Caller, row: &VerifyServiceRow) -> Draft {
    let data = key(caller)
        .put("acts", row.acts.as_str())
        .put("digits", u16::from(row.length.digits()))
        .put("name", row.name.as_str());
    about(kind, caller, row, data)
}

/// `service.removed`.
pub(crate) fn removed(caller: &Caller, row: &VerifyServiceRow) -> Draft {
    about(Kind::VerifyServiceRemoved, caller, row, key(caller))
}

fn key(caller: &Caller) -> Facts {
    Facts::new().put_some("key", caller.key.as_ref().map(|key| Shown(key)))
}

fn about(kind: Kind, caller: &Caller, row: &VerifyServiceRow, data: Facts) -> Draft {
    let draft = Draft::of(kind, Actor::client(&caller.client), Outcome::Done)
        .origin(OriginType::Connection, &caller.source)
        .client(&caller.client)
        .object(ObjectType::VerifyService, &row.id);
    sound(draft.data(data).build())
}
