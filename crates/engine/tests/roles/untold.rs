//! When nobody is told: while nothing can be recorded, before an act is durable, once a webhook is not to be
//! called, and when an account acts for another client by now.

use std::sync::Arc;
use std::time::Duration;

use domain::event::EventTypes;
use domain::webhook::pause;
use domain::webhook::schedule::ATTEMPTS_MAX;
use engine::rows::{Included, WebhookRow};
use engine::{
    Addressee, BoundEsme, EsmeContent, EsmeDelivery, EventFilter, EventQueue, WebhookError,
    WebhookReplay,
};
use ledger::Kind;
use testkit::TestGateway;
use testkit::gateway::everything;
use testkit::settings::{account, short_code, usual, with_accounts};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::timeout;

use super::esmes::{bound, reload};
use super::stage::{bring_back, deliver, mobile, running, submit};
use super::verifications::entries;
use super::webhooks::Stage;

/// Long enough for somebody who would be told to be told.
const WHILE: Duration = Duration::from_millis(500);

/// What is for a webhook, held open as its courier does.
fn held(stage: &Stage, row: &WebhookRow) -> Arc<EventQueue> {
    let filter = EventFilter {
        client: row.client,
        short_codes: vec![short_code()],
        events: EventTypes::all(),
    };
    let who = Addressee::Webhook(row.id);
    stage.test.gateway.open_events(who, filter).unwrap()
}

/// The store fails, and nothing can be recorded from now on.
fn break_store(test: &TestGateway) {
    test.store.fail_next();
    assert!(submit(test, "lost").is_err());
}

fn given_up(stage: &Stage) {
    stage.receiver.say(500);
    deliver(&stage.test, vec![mobile(1, "hello")]);
    for attempt in 1..=ATTEMPTS_MAX {
        assert_eq!(stage.tell().len(), 1);
        let pause = pause(attempt, u8::MAX, None).unwrap_or_default();
        stage.later(pause.as_secs() + 1);
    }
    stage.receiver.say(200);
    assert_eq!(entries(&stage.test, Kind::EventsDead), 1);
}

#[test]
fn nothing_is_handed_out_while_nothing_can_be_recorded() {
    let stage = Stage::new();
    let (row, _) = stage.add(Included::Nothing);
    let queue = held(&stage, &row);
    deliver(&stage.test, vec![mobile(1, "hello")]);
    break_store(&stage.test);
    let next = || async { timeout(WHILE, queue.next(10)).await };
    assert!(stage.runtime.block_on(next()).is_err());
    bring_back(&stage.test);
    assert_eq!(stage.runtime.block_on(next()).unwrap().unwrap().len(), 1);
}

#[test]
fn what_could_not_be_recorded_of_events_is_recorded_with_what_comes_next() {
    let stage = Stage::new();
    let (row, _) = stage.add(Included::Nothing);
    let queue = held(&stage, &row);
    deliver(&stage.test, vec![mobile(1, "hello")]);
    let ready = super::events_out::due(&stage.test, &queue);
    let now = stage.test.clock.peek();
    queue.give_up(ready[0].event.index, "server-error", now);
    stage.test.store.fail_next();
    queue.close();
    stage.test.store.sync();
    assert_eq!(entries(&stage.test, Kind::EventsDead), 0);
    queue.close();
    bring_back(&stage.test);
    queue.close();
    stage.test.store.sync();
    assert_eq!(entries(&stage.test, Kind::EventsDead), 1);
}

#[test]
fn a_webhook_whose_removal_could_not_be_recorded_is_told_on_and_that_is_kept() {
    let stage = Stage::new();
    let (row, _) = stage.add(Included::Nothing);
    let queue = held(&stage, &row);
    stage.test.store.fail_next();
    let removing = stage.test.gateway.remove_webhook("root", row.id);
    let refused = stage.settle(removing);
    assert!(matches!(refused, Err(WebhookError::Unavailable)));
    bring_back(&stage.test);
    deliver(&stage.test, vec![mobile(1, "hello")]);
    assert_eq!(stage.tell().len(), 1);
    drop(queue);
    let receiver = Arc::clone(&stage.receiver);
    let stage = Stage::over(stage.test.crash_and_restart(usual(), 9), receiver);
    assert!(stage.tell().is_empty(), "it was kept that it was told");
}

#[test]
fn a_replay_that_could_not_be_recorded_tells_nothing() {
    let stage = Stage::new();
    let (row, _) = stage.add(Included::Nothing);
    let _queue = held(&stage, &row);
    given_up(&stage);
    let replay = || {
        let (gateway, all) = (&stage.test.gateway, WebhookReplay::All);
        stage.settle(async { gateway.replay_dead("root", row.id, &all).await })
    };
    stage.test.store.fail_next();
    assert!(matches!(replay(), Err(WebhookError::Unavailable)));
    bring_back(&stage.test);
    assert!(stage.tell().is_empty());
    assert_eq!(replay().unwrap(), 1);
    assert_eq!(stage.tell().len(), 1);
    assert_eq!(entries(&stage.test, Kind::WebhookReplayed), 1);
}

/// Couriers call for a while, and stop. Gives how long the stop took; `act` happens once they are at work.
fn call_for_a_while(stage: &Stage, act: impl FnOnce()) -> Duration {
    let (stop, stops) = watch::channel(false);
    let gateway = Arc::clone(&stage.test.gateway);
    stage.settle(async {
        let couriers = tokio::spawn(gateway.run_webhooks(stops));
        let _at_work = timeout(WHILE, std::future::pending::<()>()).await;
        act();
        let _meanwhile = timeout(WHILE, std::future::pending::<()>()).await;
        stop.send(true).unwrap();
        let stopping = tokio::time::Instant::now();
        timeout(Duration::from_mins(1), couriers)
            .await
            .unwrap()
            .unwrap();
        stopping.elapsed()
    })
}

#[test]
fn a_courier_at_work_does_not_call_for_a_client_that_was_revoked_just_now() {
    let stage = Stage::new();
    let (row, _) = stage.add(Included::Nothing);
    call_for_a_while(&stage, || {
        let revoking = stage.test.gateway.revoke_client("root", row.client, None);
        stage.test.settle(revoking).unwrap();
        deliver(&stage.test, vec![mobile(1, "hello")]);
    });
    assert!(stage.receiver.heard().is_empty());
}

#[test]
fn a_courier_that_cannot_read_stops_at_once() {
    let stage = Stage::new();
    stage.add(Included::Nothing);
    let took = call_for_a_while(&stage, || {
        deliver(&stage.test, vec![mobile(1, "hello")]);
        stage.test.store.fail_reads(u32::MAX);
    });
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// The next delivery of an ESME, if one comes.
fn next_of(runtime: &Runtime, esme: &BoundEsme) -> Option<EsmeDelivery> {
    runtime.block_on(async {
        let deliveries = esme.deliveries().await?;
        let next = timeout(WHILE, deliveries.next(1)).await;
        next.ok()?.pop()
    })
}

fn is_mobile(delivery: Option<EsmeDelivery>) -> bool {
    delivery.is_some_and(|delivery| matches!(delivery.content, EsmeContent::Mobile { .. }))
}

#[test]
fn an_account_that_acts_for_another_client_hears_nothing_of_what_waited_for_the_first() {
    let test = running();
    test.gateway.attach_events(test.store.clone());
    let mut new = everything("other");
    new.short_codes = vec!["54321".parse().unwrap()];
    let (other, _) = test.add_client(new);
    let of_first = with_accounts(&[("esme1", account(test.caller().client))]);
    let of_other = with_accounts(&[("esme1", account(other.id))]);
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    reload(&test, of_first);
    test.gateway.open_esme_queues();
    let esme = bound(&test, "esme1");
    deliver(&test, vec![mobile(1, "for the first")]);
    assert!(is_mobile(next_of(&runtime, &esme)), "it was given back");
    let held = runtime.block_on(esme.deliveries()).unwrap();

    reload(&test, of_other.clone());
    test.gateway.open_esme_queues();
    assert!(
        next_of(&runtime, &esme).is_none(),
        "it is bound for the first"
    );
    let late = async { timeout(WHILE, held.next(1)).await };
    assert!(runtime.block_on(late).is_err(), "and hears no more");
    let moved = bound(&test, "esme1");
    assert!(next_of(&runtime, &moved).is_none());
    drop((held, esme, moved));
}

#[test]
fn an_account_that_was_given_to_another_client_over_a_restart_hears_nothing_that_waited() {
    let test = running();
    test.gateway.attach_events(test.store.clone());
    let mut new = everything("other");
    new.short_codes = vec!["54321".parse().unwrap()];
    let (other, _) = test.add_client(new);
    let of_first = with_accounts(&[("esme1", account(test.caller().client))]);
    let of_other = with_accounts(&[("esme1", account(other.id))]);
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    reload(&test, of_first);
    test.gateway.open_esme_queues();
    let esme = bound(&test, "esme1");
    deliver(&test, vec![mobile(1, "for the first")]);
    assert!(is_mobile(next_of(&runtime, &esme)), "it was given back");
    test.gateway.close_esme_queues();
    test.store.sync();
    drop(esme);

    let test = test.crash_and_restart(of_other, 9);
    test.gateway.attach_events(test.store.clone());
    test.gateway.open_esme_queues();
    let moved = bound(&test, "esme1");
    assert!(next_of(&runtime, &moved).is_none());
}
