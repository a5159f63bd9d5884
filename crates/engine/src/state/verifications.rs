//! The verifications that have not ended, and what numbers have used up. Unlike the rest of the state
//! they are never ahead of the disk: whoever changes one holds the lock of its number until the change is
//! durable, and only then it is made here, so that nothing can be learnt from it before.

mod served;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hash;

use domain::id::{ClientId, FactorId, MessageId, VerificationId, VerifyServiceId};
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::time::Timestamp;
use domain::verification::budget::DAY;
use domain::verification::budget::number::NumberBudgets;
use domain::verification::budget::policy::Policy;
use domain::verification::channel::Channel;
use domain::verification::state::Verification;
use domain::verification::tag::CodeKey;

pub(crate) use self::served::Served;
use super::share::Shares;
use crate::keys::Blind;
use crate::rows::{BudgetRow, VerificationFacts, VerificationUpdate};

/// One client and number, or user of factors, as its budgets are known by.
pub(crate) type Holder = (ClientId, Blind);

/// What a verification goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Means {
    /// A code that goes from a short code to a handset, or is texted by it to that.
    Handset { to: Msisdn, from: ShortCode },
    /// A factor that the person has.
    Factor(FactorId),
}

/// A verification that has not ended.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) id: VerificationId,
    pub(crate) holder: Holder,
    pub(crate) means: Means,
    /// The verify service under which it began.
    pub(crate) service: Option<VerifyServiceId>,
    /// The messages that carried its code.
    pub(crate) messages: Vec<MessageId>,
    pub(crate) version: u32,
    pub(crate) key: CodeKey,
    pub(crate) verification: Verification,
}

impl Live {
    /// The short code and the handset, where it goes by a code.
    pub(crate) const fn handset(&self) -> Option<(ShortCode, Msisdn)> {
        match self.means {
            Means::Handset { to, from } => Some((from, to)),
            Means::Factor(_) => None,
        }
    }

    /// The factor, where it asks for one.
    pub(crate) const fn factor(&self) -> Option<FactorId> {
        match self.means {
            Means::Handset { .. } => None,
            Means::Factor(id) => Some(id),
        }
    }

    /// The next version of it, and the write that makes that durable.
    pub(crate) fn moved(&self, verification: Verification) -> (Self, VerificationUpdate) {
        let next = Self {
            version: self.version.saturating_add(1),
            verification,
            ..self.clone()
        };
        let update = VerificationUpdate {
            sequence: next.id.sequence(),
            version: next.version,
            facts: next.facts(),
        };
        (next, update)
    }

    /// What is stored of it in clear.
    pub(crate) fn facts(&self) -> VerificationFacts {
        let stored = self.verification.to_stored();
        VerificationFacts {
            channel: stored.channel,
            length: stored.length,
            valid_seconds: stored.valid_seconds,
            checks_max: stored.checks_max,
            sends_max: stored.sends_max,
            latest: stored.latest,
            checks: stored.checks,
            sends: stored.sends,
            ended: stored.ended,
            from: self.handset().map(|(from, _)| from),
            factor: self.factor(),
            service: self.service,
            messages: self.messages.clone(),
        }
    }

    fn has_ended(&self) -> bool {
        self.verification.to_stored().ended.is_some()
    }
}

/// The verifications that have not ended.
#[derive(Debug, Default)]
pub(crate) struct Verifications {
    live: HashMap<u64, Live>,
    /// By the end of their codes.
    due: BTreeSet<(Timestamp, u64)>,
    /// Those whose code a handset is to text, by short code and number, oldest first.
    awaited: HashMap<(ShortCode, Msisdn), Vec<u64>>,
    /// Those for which nothing is sent, by whose they are.
    unsent: HashMap<Holder, Vec<u64>>,
    /// Those that began under a verify service.
    served: Served,
    /// How many each client has.
    shares: Shares,
}

impl Verifications {
    /// Whether no further one of a client can be kept where so many may be. Those whose commit is on its way
    /// come on top; the store's queue bounds them.
    pub(crate) fn is_full_for(&self, client: ClientId, most: usize) -> bool {
        self.live.len() >= most || self.shares.is_used_up(client, most)
    }

    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }

    /// One of a client's; another client's is none.
    pub(crate) fn get(&self, client: ClientId, id: VerificationId) -> Option<&Live> {
        let found = self.live.get(&id.sequence());
        found.filter(|live| live.id == id && live.holder.0 == client)
    }

    /// Takes in what is durable: a new one, a change, or an end.
    pub(crate) fn put(&mut self, live: Live) {
        let sequence = live.id.sequence();
        let place = (live.verification.expires(), sequence);
        self.served.put(&live);
        if live.has_ended() {
            self.due.remove(&place);
            if self.live.remove(&sequence).is_some() {
                self.shares.one_less(live.holder.0);
            }
            if let Some(handset) = live.handset() {
                forget(&mut self.awaited, &handset, sequence);
            }
            forget(&mut self.unsent, &live.holder, sequence);
            return;
        }
        self.due.insert(place);
        let (handset, holder) = (live.handset(), live.holder);
        let channel = live.verification.channel();
        if self.live.insert(sequence, live).is_some() {
            return;
        }
        self.shares.one_more(holder.0);
        if channel == Channel::Sms {
            return;
        }
        self.unsent.entry(holder).or_default().push(sequence);
        if let Some(handset) = handset {
            self.awaited.entry(handset).or_default().push(sequence);
        }
    }

    /// When those of a holder end that wait on one of these channels, for which nothing is sent.
    pub(crate) fn waiting_of(
        &self,
        holder: &Holder,
        channels: &[Channel],
    ) -> impl Iterator<Item = Timestamp> {
        let unsent = self.unsent.get(holder).into_iter().flatten();
        let live = unsent.filter_map(|sequence| self.live.get(sequence));
        let waits = live.filter(|live| channels.contains(&live.verification.channel()));
        waits.map(|live| live.verification.expires())
    }

    /// The one of a holder under a verify service that began last and has not ended.
    pub(crate) fn current(&self, holder: &Holder, service: VerifyServiceId) -> Option<&Live> {
        self.live.get(&self.served.current(holder, service)?)
    }

    /// Those under verify services, of which some are remembered after their end.
    pub(crate) const fn served(&self) -> &Served {
        &self.served
    }

    /// Those whose code a handset is to text to a short code, newest first.
    pub(crate) fn awaiting(&self, to: ShortCode, from: Msisdn) -> impl Iterator<Item = &Live> {
        let awaited = self.awaited.get(&(to, from)).into_iter().flatten().rev();
        awaited.filter_map(|sequence| self.live.get(sequence))
    }

    /// Keeps one whether or not it ended, for the read-then-write build alone.
    #[cfg(feature = "racy-checks")]
    pub(crate) fn keep_racily(&mut self, live: Live) {
        self.live.insert(live.id.sequence(), live);
    }

    /// At most so many whose codes are past their end, oldest first.
    pub(crate) fn due(&self, now: Timestamp, most: usize) -> Vec<&Live> {
        let past = self.due.iter().take_while(|(end, _)| *end <= now);
        let found = past.filter_map(|(_, sequence)| self.live.get(sequence));
        found.take(most).collect()
    }
}

/// Takes one out of a list, and the list with its last.
fn forget<K: Eq + Hash>(lists: &mut HashMap<K, Vec<u64>>, key: &K, sequence: u64) {
    let Some(list) = lists.get_mut(key) else {
        return;
    };
    list.retain(|each| *each != sequence);
    if list.is_empty() {
        lists.remove(key);
    }
}

/// The most holders that one start looks at in search of one that may be let go, so that a search costs
/// little; each start goes on where the one before ended.
const LOOKS_MAX: usize = 32;

/// Budgets and where they are stored.
#[derive(Clone, Debug)]
struct Kept {
    sequence: u64,
    budgets: NumberBudgets,
}

/// What numbers have used up, by client.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    kept: HashMap<Holder, Kept>,
    /// How many each client has.
    shares: Shares,
    /// Of each client each holder once, by when it is worth looking whether anything of it still matters.
    orders: HashMap<ClientId, VecDeque<(Timestamp, Blind)>>,
}

impl Budgets {
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there is a place for those of this holder where so many may be: their own, a free one, or that of a
    /// holder of whom nothing matters any more, to be let go in the same commit. A client that has its share takes
    /// none but its own. Nothing makes room but time: to forget somebody's failed checks for a newcomer would be an
    /// amnesty that can be bought. Those whose commit is on its way come on top; the store's queue bounds them.
    pub(crate) fn has_place(
        &mut self,
        holder: &Holder,
        most: usize,
        policy: &Policy,
        now: Timestamp,
    ) -> bool {
        let client = holder.0;
        if self.kept.contains_key(holder) {
            return true;
        }
        if self.shares.is_used_up(client, most) {
            return self.has_idle_of(client, policy, now);
        }
        self.kept.len() < most || self.client_with_idle(client, policy, now).is_some()
    }

    /// What a holder has used up.
    pub(crate) fn of(&self, holder: &Holder) -> NumberBudgets {
        let kept = self.kept.get(holder);
        kept.map_or_else(NumberBudgets::default, |kept| kept.budgets.clone())
    }

    /// The row that keeps a holder's budgets: the one that is there, or a new one at this sequence.
    pub(crate) fn row(
        &self,
        holder: &Holder,
        budgets: NumberBudgets,
        fresh: impl FnOnce() -> u64,
    ) -> BudgetRow {
        let kept = self.kept.get(holder);
        BudgetRow {
            sequence: kept.map_or_else(fresh, |kept| kept.sequence),
            client: holder.0,
            number: holder.1,
            budgets,
        }
    }

    /// Takes in what is durable.
    pub(crate) fn put(&mut self, row: BudgetRow, now: Timestamp) {
        let holder = (row.client, row.number);
        let kept = Kept {
            sequence: row.sequence,
            budgets: row.budgets,
        };
        if self.kept.insert(holder, kept).is_none() {
            self.shares.one_more(holder.0);
            self.look_again(holder, now);
        }
    }

    /// The client whose next holder may be let go: this one if it has any, or the one whose turn to be looked
    /// at comes first.
    fn client_with_idle(
        &mut self,
        client: ClientId,
        policy: &Policy,
        now: Timestamp,
    ) -> Option<ClientId> {
        if self.has_idle_of(client, policy, now) {
            return Some(client);
        }
        let fronts = self.orders.iter();
        let fronts = fronts.filter_map(|(client, order)| Some((order.front()?.0, *client)));
        let (_, first) = fronts.min()?;
        self.has_idle_of(first, policy, now).then_some(first)
    }

    /// Whether the next holder of a client may be let go. Those before it that may not go to the end.
    fn has_idle_of(&mut self, client: ClientId, policy: &Policy, now: Timestamp) -> bool {
        let Some(order) = self.orders.get_mut(&client) else {
            return false;
        };
        for _ in 0..LOOKS_MAX {
            let Some((_, number)) = order.front().copied().filter(|(look, _)| *look <= now) else {
                return false;
            };
            let kept = self.kept.get(&(client, number));
            if kept.is_some_and(|kept| kept.budgets.is_idle(policy, now)) {
                return true;
            }
            order.pop_front();
            if kept.is_some() {
                order.push_back((now.saturating_add(DAY), number));
            }
        }
        false
    }

    /// Takes the next holder out of the order whose time to be looked at has come and of whom nothing
    /// matters any more: then it is to be forgotten, or looked at again. Those of the client that asks go first.
    pub(crate) fn next_idle(
        &mut self,
        client: ClientId,
        policy: &Policy,
        now: Timestamp,
    ) -> Option<(Holder, u64)> {
        let client = self.client_with_idle(client, policy, now)?;
        let (_, number) = self.orders.get_mut(&client)?.pop_front()?;
        let holder = (client, number);
        let kept = self.kept.get(&holder)?;
        Some((holder, kept.sequence))
    }

    /// Puts a holder at the end of its client's order.
    pub(crate) fn look_again(&mut self, (client, number): Holder, now: Timestamp) {
        let order = self.orders.entry(client).or_default();
        order.push_back((now.saturating_add(DAY), number));
    }

    /// Forgets a holder whose row is gone.
    pub(crate) fn forget(&mut self, holder: &Holder) {
        if self.kept.remove(holder).is_none() {
            return;
        }
        self.shares.one_less(holder.0);
        if self.shares.of(holder.0) == 0 {
            self.orders.remove(&holder.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::verification::budget::ROW_KEPT;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);

    fn client(number: u64) -> ClientId {
        ClientId::new(1, number)
    }

    fn holder(number: u8) -> Holder {
        (client(1), [number; 16])
    }

    fn kept(budgets: &mut Budgets, number: u8) {
        kept_of(budgets, holder(number), NOW);
    }

    fn kept_of(budgets: &mut Budgets, holder: Holder, now: Timestamp) {
        let sent = NumberBudgets::default().sent(now);
        let row = budgets.row(&holder, sent, || u64::from(holder.1[0]));
        budgets.put(row, now);
    }

    fn has_place(budgets: &mut Budgets, holder: Holder, most: usize, now: Timestamp) -> bool {
        budgets.has_place(&holder, most, &Policy::default(), now)
    }

    #[test]
    fn a_full_table_takes_no_newcomer_and_lets_nobody_go() {
        let mut budgets = Budgets::default();
        kept(&mut budgets, 1);
        assert!(!has_place(&mut budgets, holder(2), 1, NOW));
        assert!(has_place(&mut budgets, holder(1), 1, NOW));
        let idle = budgets.next_idle(client(1), &Policy::default(), NOW);
        assert_eq!(idle, None);
        assert_eq!(budgets.of(&holder(1)), NumberBudgets::default().sent(NOW));
    }

    #[test]
    fn a_client_with_its_share_is_told_no_alone_and_takes_no_others_place() {
        let mut budgets = Budgets::default();
        let other = |number: u8| (client(2), [number; 16]);
        kept_of(&mut budgets, other(9), NOW);
        let day = NOW.saturating_add(DAY);
        (1..=3).for_each(|number| kept_of(&mut budgets, holder(number), day));
        assert!(!has_place(&mut budgets, holder(4), 4, day));
        assert!(has_place(&mut budgets, holder(1), 4, day));
        assert!(has_place(&mut budgets, other(8), 4, day));
        assert!(has_place(&mut budgets, (client(3), [7; 16]), 4, day));
        let later = day.saturating_add(DAY);
        assert!(has_place(&mut budgets, holder(4), 4, later));
        let idle = budgets.next_idle(client(1), &Policy::default(), later);
        assert_eq!(idle, Some((holder(1), 1)));
    }

    #[test]
    fn budgets_are_let_go_once_nothing_of_them_matters() {
        let mut budgets = Budgets::default();
        kept(&mut budgets, 1);
        let later = NOW.saturating_add(DAY);
        let policy = Policy::default();
        assert_eq!(
            budgets.next_idle(client(1), &policy, later),
            Some((holder(1), 1))
        );
        budgets.forget(&holder(1));
        assert_eq!(budgets.len(), 0);
        let much_later = later.saturating_add(DAY);
        assert_eq!(budgets.next_idle(client(1), &policy, much_later), None);
        assert!(budgets.orders.is_empty());
    }

    #[test]
    fn whoever_mistyped_and_gave_up_is_let_go_after_a_month_and_hides_nobody_behind() {
        let (mut budgets, policy) = (Budgets::default(), Policy::default());
        let mistyped = NumberBudgets::default().failed(Channel::Sms, 1, NOW);
        let row = budgets.row(&holder(1), mistyped, || 1);
        budgets.put(row, NOW);
        kept(&mut budgets, 2);
        let day = NOW.saturating_add(DAY);
        assert_eq!(
            budgets.next_idle(client(1), &policy, day),
            Some((holder(2), 2))
        );
        let month = NOW.saturating_add(ROW_KEPT);
        assert_eq!(
            budgets.next_idle(client(1), &policy, month),
            Some((holder(1), 1))
        );
    }

    #[test]
    fn the_row_of_a_holder_keeps_its_place() {
        let mut budgets = Budgets::default();
        kept(&mut budgets, 1);
        let row = budgets.row(&holder(1), NumberBudgets::default(), || 9);
        assert_eq!(row.sequence, 1);
    }
}
