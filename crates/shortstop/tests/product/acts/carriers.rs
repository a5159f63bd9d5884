//! What carriers over HTTPS post: each with its entry before the answer, and refused without a signature.

use domain::id::MessageId;
use engine::HandOver;
use ledger::Kind;
use shortstop::audit_table::{Event, of_route};
use web::Route;

use super::book::{self, Act, Shown};
use super::routes::by_client;
use super::stage::Stage;
use crate::ledger::word;
use crate::provider::{inbound, post, status};

/// The secret of the provider.
pub const SECRET: &str = "the-secret-of-acts";

/// Every route.
pub async fn drive(stage: &mut Stage) {
    let unknown = status("SMunknown", "delivered");
    good(
        stage,
        Route::CarrierStatus,
        ("status", Kind::ReceiptUnmatched),
        &unknown,
    )
    .await;
    let named = HandOver {
        message: MessageId::new(1, 1),
        attempt: 1,
    };
    good(
        stage,
        Route::CarrierStatusOf,
        (&format!("status/{named}"), Kind::ReceiptUnmatched),
        &status("SMnamed", "delivered"),
    )
    .await;
    let said = inbound("SMsaid", "By the table");
    good(
        stage,
        Route::CarrierInbound,
        ("inbound", Kind::MoReceived),
        &said,
    )
    .await;
    refused(stage).await;
}

async fn good(
    stage: &mut Stage,
    route: Route,
    (about, kind): (&str, Kind),
    fields: &[(&str, &str)],
) {
    let from = stage.next();
    let reply = post(&stage.ground, about, SECRET, fields).await;
    assert_eq!(reply.status.as_u16(), 204, "{}", reply.text);
    let (row, trace) = (book::route(route), of_route(route));
    stage.book.row(&row, trace);
    let act = Act {
        actor: ("carrier", "cloud".to_owned()),
        origin: "",
        outcome: if kind == Kind::MoReceived {
            "done"
        } else {
            "accepted"
        },
        until: Some(stage.next()),
        ..stage.of_system(row, kind, from)
    };
    stage.book.act(act, trace.kinds());
}

async fn refused(stage: &mut Stage) {
    let from = stage.next();
    let reply = post(
        &stage.ground,
        "status",
        "a guess",
        &status("SM1", "delivered"),
    )
    .await;
    assert_eq!(reply.status.as_u16(), 401, "{}", reply.text);
    // Others are refused later, and counted by themselves.
    crate::ground::until("the count", async || {
        let entries = stage.entries().split_off(&from);
        let mut reasons = entries.values().map(|entry| word(entry, "/reason"));
        reasons
            .any(|reason| reason == "signature-wrong")
            .then_some(())
    })
    .await;
    let act = Act {
        actor: ("anonymous", "-".to_owned()),
        outcome: "refused",
        shown: Shown::Counted(1),
        until: Some(stage.next()),
        ..by_client(stage, Kind::AuthFailed, "", from)
    };
    stage.happened(Event::CredentialsRefused, act);
}
