//! What a start finds: the head, and everything that the engine keeps in memory.

use domain::message::MessageState;
use domain::verification::state::State;
use engine::changes::{Changes, Write};
use engine::ports::Store;
use engine::ports::store::{Loaded, Shutdown};
use engine::rows::{
    BudgetRow, ClientRow, IdempotencyRow, KekRow, MessageRow, OptOutRow, OptOutStanding, PartRow,
    ProgressRow, PumpingRow, SecretRow, UnmatchedRow, VaultRow, VerificationRow, WebhookDown,
    WebhookRow, WebhookStanding,
};
use ledger::Kind;

use super::Home;
use super::samples::{
    budget, changes, client, draft, factor, idempotency, inbound, kek, message, message_id, moment,
    new_message, opt_out, part, sealed, sequence, subject, unmatched, update, verification,
    verification_update, webhook,
};
use super::waiting::{commit, read};

/// Everything that `load` gave, by kind.
#[derive(Default)]
struct All {
    open: Vec<(MessageRow, Vec<VaultRow>)>,
    opt_outs: Vec<OptOutRow>,
    clients: Vec<ClientRow>,
    secrets: Vec<SecretRow>,
    keks: Vec<KekRow>,
    keys: Vec<IdempotencyRow>,
    unmatched: Vec<UnmatchedRow>,
    pumping: Vec<PumpingRow>,
    webhooks: Vec<WebhookRow>,
    progress: Vec<ProgressRow>,
    parts: Vec<(PartRow, Vec<VaultRow>)>,
    verifications: Vec<(VerificationRow, Vec<VaultRow>)>,
    budgets: Vec<BudgetRow>,
}

fn load(store: &dyn Store) -> All {
    let mut all = All::default();
    let mut rows = 0;
    store
        .load(&mut |row| {
            if matches!(row, Loaded::Kek(_) | Loaded::Secret(_)) {
                let keys = all.keks.len() + all.secrets.len();
                assert_eq!(rows, keys, "keys come before all else");
            }
            rows += 1;
            match row {
                Loaded::Open(row, vault) => all.open.push((*row, vault)),
                Loaded::OptOut(row) => all.opt_outs.push(row),
                Loaded::Client(row) => all.clients.push(*row),
                Loaded::Secret(row) => all.secrets.push(row),
                Loaded::Kek(row) => all.keks.push(row),
                Loaded::Idempotency(row) => all.keys.push(row),
                Loaded::Unmatched(row) => all.unmatched.push(row),
                Loaded::Pumping(row) => all.pumping.push(row),
                Loaded::Webhook(row) => all.webhooks.push(*row),
                Loaded::Progress(row) => all.progress.push(row),
                Loaded::Part(row, vault) => all.parts.push((row, vault)),
                Loaded::Verification(row, vault) => all.verifications.push((*row, vault)),
                Loaded::Budget(row) => all.budgets.push(*row),
            }
        })
        .unwrap();
    all
}

/// Nothing in it, the first epoch.
pub fn a_new_store_is_empty_and_says_so(home: &mut dyn Home) {
    let store = home.open();
    let head = store.head().unwrap();
    assert_eq!(
        (head.size, head.clean, head.last_sequence),
        (0, Shutdown::First, 0)
    );
    assert!(store.is_available());
    assert_eq!(store.failure(), None, "it takes commits");
    let all = load(&*store);
    assert!(all.open.is_empty() && all.opt_outs.is_empty() && all.clients.is_empty());
    assert!(all.keks.is_empty() && all.keys.is_empty());
    assert!(all.unmatched.is_empty() && all.parts.is_empty());
    drop(store);
    assert!(home.entries().is_empty());
}

/// With a `ledger.stopped` entry as its last, or without.
pub fn a_start_tells_how_the_last_one_ended(home: &mut dyn Home) {
    let store = home.open();
    let first = store.head().unwrap().epoch;
    commit(&*store, changes(moment(1), new_message(message(1)))).unwrap();
    drop(store);
    let store = home.open();
    assert_eq!(store.head().unwrap().clean, Shutdown::Crash);
    commit(&*store, Changes::new(draft(Kind::LedgerStopped), moment(2))).unwrap();
    drop(store);
    let head = home.open().head().unwrap();
    assert_eq!(head.clean, Shutdown::Clean);
    assert_eq!((head.size, head.epoch), (2, first + 2));
}

fn record(n: u64) -> PumpingRow {
    PumpingRow {
        sequence: sequence(n),
        sealed: vec![7; usize::try_from(n).unwrap()],
    }
}

/// Records of the pumping guard in the order of their keys, and none below a key that stands for them.
pub fn a_start_loads_the_records_of_the_guard_in_order(home: &mut dyn Home) {
    let store = home.open();
    for n in [1, 3, 2, 5] {
        commit(&*store, changes(moment(n), [Write::Pumping(record(n))])).unwrap();
    }
    let kept = |n: &[u64]| n.iter().copied().map(record).collect::<Vec<_>>();
    assert_eq!(load(&*store).pumping, kept(&[1, 2, 3, 5]));
    let before = sequence(4);
    let whole = [Write::Pumping(record(4)), Write::ForgetPumping { before }];
    commit(&*store, changes(moment(6), whole)).unwrap();
    drop(store);
    let store = home.open();
    assert_eq!(load(&*store).pumping, kept(&[4, 5]));
    assert_eq!(store.head().unwrap().last_sequence, sequence(5));
}

/// Webhooks with their secrets as they were put last, and how far everybody was told; what is gone is gone.
pub fn a_start_loads_webhooks_and_progress_as_they_were_put_last(home: &mut dyn Home) {
    let store = home.open();
    let progress = |name: &str, n: u8| ProgressRow {
        name: name.into(),
        octets: vec![n, 0, 255],
    };
    let puts = [
        Write::Webhook(Box::new(webhook(1, WebhookStanding::Enabled))),
        Write::Webhook(Box::new(webhook(3, WebhookStanding::Enabled))),
        Write::Webhook(Box::new(webhook(2, WebhookStanding::Enabled))),
        Write::Progress(progress("b", 1)),
        Write::Progress(progress("a", 2)),
        Write::Progress(progress("b", 3)),
    ];
    for put in puts {
        commit(&*store, changes(moment(1), [put])).unwrap();
    }
    let down = WebhookStanding::Disabled(WebhookDown::Gone, moment(2));
    let step = [
        Write::Webhook(Box::new(webhook(2, down))),
        Write::ForgetWebhook(sequence(3)),
        Write::ForgetProgress("a".into()),
    ];
    commit(&*store, changes(moment(2), step)).unwrap();
    drop(store);
    let all = load(&*home.open());
    let kept = [webhook(1, WebhookStanding::Enabled), webhook(2, down)];
    assert_eq!(all.webhooks, kept);
    assert_eq!(all.progress, [progress("b", 3)]);
}

/// None that is final, whichever way it went.
pub fn a_start_loads_open_messages_with_their_sealed_fields_in_order(home: &mut dyn Home) {
    let store = home.open();
    for n in [3, 1, 2, 4, 5] {
        commit(&*store, changes(moment(n), new_message(message(n)))).unwrap();
    }
    let mut steps = vec![
        update(1, 2, MessageState::Dispatched),
        update(2, 2, MessageState::Failed),
    ];
    steps.push(update(4, 2, MessageState::Unknown));
    steps.push(update(4, 3, MessageState::Submitted));
    steps.push(update(5, 2, MessageState::Submitted));
    steps.push(update(5, 3, MessageState::Delivered));
    for step in steps {
        commit(&*store, changes(moment(9), [step])).unwrap();
    }
    let check = |store: &dyn Store| {
        let open = load(store).open;
        let ids: Vec<_> = open.iter().map(|(row, _)| row.id).collect();
        assert_eq!(ids, [1, 3, 4].map(message_id));
        for (row, vault) in &open {
            assert_eq!(vault[..], sealed(row.id.sequence()));
            assert_eq!(*row, read(store.message(row.id)).unwrap().0);
        }
    };
    check(&*store);
    drop(store);
    check(&*home.open());
}

/// The latest row of a number counts.
pub fn a_start_loads_only_opt_outs_that_stand(home: &mut dyn Home) {
    let store = home.open();
    let rows = [
        opt_out(1, subject(1), OptOutStanding::Out),
        opt_out(2, subject(2), OptOutStanding::Out),
        opt_out(3, subject(1), OptOutStanding::Removed),
        opt_out(4, subject(3), OptOutStanding::Removed),
        opt_out(5, subject(3), OptOutStanding::Out),
    ];
    for row in rows.clone() {
        commit(&*store, changes(row.at, [Write::OptOut(row)])).unwrap();
    }
    drop(store);
    let [_, second, _, _, fifth] = rows;
    assert_eq!(load(&*home.open()).opt_outs, [second, fifth]);
}

/// Revoked ones too.
pub fn a_start_loads_clients_as_they_last_were(home: &mut dyn Home) {
    let store = home.open();
    let mut changed = client(1, "shop");
    changed.revoked = Some(moment(8));
    for row in [client(2, "bank"), client(1, "shop, old"), changed.clone()] {
        commit(&*store, changes(moment(9), [Write::Client(Box::new(row))])).unwrap();
    }
    drop(store);
    assert_eq!(load(&*home.open()).clients, [changed, client(2, "bank")]);
}

/// Forgetting a part forgets its sealed payload.
pub fn a_start_loads_keys_parts_and_receipts_that_were_not_forgotten(home: &mut dyn Home) {
    let store = home.open();
    let mut writes = vec![
        Write::Kek(kek(2_917, 2)),
        Write::Kek(kek(2_916, 1)),
        Write::Idempotency(idempotency(1, moment(100))),
    ];
    for n in [10, 11] {
        let [number, payload] = sealed(sequence(n));
        writes.extend([
            Write::Part(part(n)),
            Write::Vault(number),
            Write::Vault(payload),
        ]);
    }
    let receipts = [
        unmatched(20, None),
        unmatched(21, Some(subject(4))),
        unmatched(22, None),
    ];
    writes.extend(receipts.clone().map(Write::Unmatched));
    commit(&*store, changes(moment(30), writes)).unwrap();
    let forget = [
        Write::ForgetPart(sequence(10)),
        Write::ForgetUnmatched(sequence(20)),
    ];
    commit(&*store, changes(moment(31), forget)).unwrap();
    drop(store);
    let all = load(&*home.open());
    assert_eq!(all.keks, [kek(2_916, 1), kek(2_917, 2)]);
    assert_eq!(all.keys, [idempotency(1, moment(100))]);
    assert_eq!(all.unmatched, receipts[1..]);
    assert_eq!(all.parts, [(part(11), sealed(sequence(11)).to_vec())]);
}

/// One that ended has no code any more, and budgets are as they last were.
pub fn a_start_loads_verifications_that_go_on_and_the_budgets_that_matter(home: &mut dyn Home) {
    let store = home.open();
    for n in [1, 2, 3] {
        let [number, _] = sealed(sequence(n));
        let row = Write::Verification(Box::new(verification(n)));
        commit(&*store, changes(moment(n), [row, Write::Vault(number)])).unwrap();
    }
    let steps = [
        verification_update(1, 2, None),
        verification_update(2, 2, Some(State::Verified)),
        Write::Budget(Box::new(budget(10, 1))),
        Write::Budget(Box::new(budget(11, 1))),
        Write::Budget(Box::new(budget(10, 2))),
        Write::ForgetBudget(sequence(11)),
    ];
    for step in steps {
        commit(&*store, changes(moment(20), [step])).unwrap();
    }
    drop(store);
    let store = home.open();
    let all = load(&*store);
    let ids: Vec<_> = all.verifications.iter().map(|(row, _)| row.id).collect();
    assert_eq!(ids, [verification(1).id, verification(3).id]);
    for (row, vault) in &all.verifications {
        assert_eq!(vault[..], sealed(row.id.sequence())[..1]);
        assert!(row.secret.is_some());
        assert_eq!(*row, read(store.verification(row.id)).unwrap());
    }
    assert_eq!(all.verifications[0].0.version, 2);
    assert_eq!(all.budgets, [budget(10, 2)]);
    let ended = read(store.verification(verification(2).id)).unwrap();
    assert_eq!(
        (ended.secret, ended.facts.ended),
        (None, Some(State::Verified))
    );
}

/// So that no new id can fall below one that was given.
pub fn the_last_sequence_covers_every_table(home: &mut dyn Home) {
    let writes: [fn(u64) -> Write; 11] = [
        |n| Write::Message(Box::new(message(n))),
        |n| Write::Inbound(Box::new(inbound(n))),
        |n| Write::OptOut(opt_out(n, subject(1), OptOutStanding::Out)),
        |n| Write::Factor(Box::new(factor(n, 1))),
        |n| Write::Client(Box::new(client(n, "shop"))),
        |n| Write::Unmatched(unmatched(n, None)),
        |n| Write::Part(part(n)),
        |n| Write::Verification(Box::new(verification(n))),
        |n| Write::Budget(Box::new(budget(n, 1))),
        |n| Write::Pumping(record(n)),
        |n| Write::Webhook(Box::new(webhook(n, WebhookStanding::Enabled))),
    ];
    for (n, write) in (1..).zip(writes) {
        let store = home.open();
        commit(&*store, changes(moment(n), [write(n)])).unwrap();
        assert_eq!(store.head().unwrap().last_sequence, sequence(n));
        drop(store);
        assert_eq!(home.open().head().unwrap().last_sequence, sequence(n));
    }
}

/// What one call leaves, another takes.
pub fn pruning_deletes_what_has_ended_and_nothing_else(home: &mut dyn Home) {
    let store = home.open();
    for n in 0..50 {
        let expires = if n % 10 == 0 {
            moment(900)
        } else {
            moment(n + 100)
        };
        let writes = [
            Write::Idempotency(idempotency(n, expires)),
            Write::Unmatched(unmatched(n + 1_000, None)),
        ];
        commit(&*store, changes(moment(n), writes)).unwrap();
    }
    for _ in 0..20 {
        store.prune(moment(130), moment(1_040));
    }
    // Commits come after the pruning that was asked for before them.
    commit(&*store, changes(moment(200), new_message(message(200)))).unwrap();
    let all = load(&*store);
    let kept = (0..50)
        .filter(|n| n % 10 == 0 || n + 100 > 130)
        .map(message_id);
    assert_eq!(
        all.keys.iter().map(|row| row.message).collect::<Vec<_>>(),
        kept.collect::<Vec<_>>()
    );
    let receipts: Vec<_> = all.unmatched.iter().map(|row| row.sequence).collect();
    assert_eq!(receipts, (1_040..1_050).map(sequence).collect::<Vec<_>>());
}

/// Even when nothing was wrong.
pub fn reopening_keeps_everything_and_stays_in_the_epoch(home: &mut dyn Home) {
    let store = home.open();
    commit(&*store, changes(moment(1), new_message(message(1)))).unwrap();
    let before = store.head().unwrap();
    store.reopen().unwrap();
    assert!(store.is_available());
    assert_eq!(store.head().unwrap(), before);
    let committed = commit(&*store, changes(moment(2), new_message(message(2)))).unwrap();
    assert_eq!(committed.first_index, 1);
    assert!(read(store.message(message_id(1))).is_some());
}
