//! The verifications that have not ended, and what numbers have used up. Unlike the rest of the state
//! they are never ahead of the disk: whoever changes one holds the lock of its number until the change is
//! durable, and only then it is made here, so that nothing can be learnt from it before.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hash;

use domain::id::{ClientId, FactorId, MessageId, VerificationId};
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::time::Timestamp;
use domain::verification::budget::DAY;
use domain::verification::budget::number::NumberBudgets;
use domain::verification::budget::policy::Policy;
use domain::verification::channel::Channel;
use domain::verification::state::Verification;
use domain::verification::tag::CodeKey;

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
    /// How many each client has.
    by_client: HashMap<ClientId, usize>,
}

/// One client fills at most three of so many parts of the table, so that the last one is for the others.
const TABLE_PARTS: usize = 4;

impl Verifications {
    /// Whether no further one of a client can be kept where so many may be. Those whose commit is on its way
    /// come on top; the store's queue bounds them.
    pub(crate) fn is_full_for(&self, client: ClientId, most: usize) -> bool {
        let share = most.saturating_sub(most / TABLE_PARTS);
        let mine = self.by_client.get(&client).copied();
        self.live.len() >= most || mine.unwrap_or_default() >= share
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
        if live.has_ended() {
            self.due.remove(&place);
            if self.live.remove(&sequence).is_some() {
                self.one_less(live.holder.0);
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
        let count = self.by_client.entry(holder.0).or_default();
        *count = count.saturating_add(1);
        if channel == Channel::Sms {
            return;
        }
        self.unsent.entry(holder).or_default().push(sequence);
        if let Some(handset) = handset {
            self.awaited.entry(handset).or_default().push(sequence);
        }
    }

    fn one_less(&mut self, client: ClientId) {
        let Some(count) = self.by_client.get_mut(&client) else {
            return;
        };
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.by_client.remove(&client);
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
    /// Each holder once, by when it is worth looking whether anything of it still matters.
    order: VecDeque<(Timestamp, Holder)>,
}

impl Budgets {
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there is no room for those of this holder where so many may be. Nothing makes room but time: to forget
    /// somebody's failed checks for a newcomer would be an amnesty that can be bought.
    pub(crate) fn is_full_for(&self, holder: &Holder, most: usize) -> bool {
        self.kept.len() >= most && !self.kept.contains_key(holder)
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
            self.look_again(holder, now);
        }
    }

    /// Whether the next holder of the order may be let go. Those before it that may not go to its end.
    pub(crate) fn has_idle(&mut self, policy: &Policy, now: Timestamp) -> bool {
        for _ in 0..LOOKS_MAX {
            let Some((_, holder)) = self.order.front().filter(|(look, _)| *look <= now) else {
                return false;
            };
            let holder = *holder;
            let kept = self.kept.get(&holder);
            if kept.is_some_and(|kept| kept.budgets.is_idle(policy, now)) {
                return true;
            }
            let is_kept = kept.is_some();
            self.order.pop_front();
            if is_kept {
                self.look_again(holder, now);
            }
        }
        false
    }

    /// Takes the next holder out of the order whose time to be looked at has come and of whom nothing
    /// matters any more: then it is to be forgotten, or looked at again.
    pub(crate) fn next_idle(&mut self, policy: &Policy, now: Timestamp) -> Option<(Holder, u64)> {
        if !self.has_idle(policy, now) {
            return None;
        }
        let (_, holder) = self.order.pop_front()?;
        let kept = self.kept.get(&holder)?;
        Some((holder, kept.sequence))
    }

    /// Puts a holder at the end of the order.
    pub(crate) fn look_again(&mut self, holder: Holder, now: Timestamp) {
        self.order.push_back((now.saturating_add(DAY), holder));
    }

    /// Forgets a holder whose row is gone.
    pub(crate) fn forget(&mut self, holder: &Holder) {
        self.kept.remove(holder);
    }
}

#[cfg(test)]
mod tests {
    use domain::verification::budget::ROW_KEPT;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);

    fn holder(number: u8) -> Holder {
        (ClientId::new(1, 1), [number; 16])
    }

    fn kept(budgets: &mut Budgets, number: u8) {
        let sent = NumberBudgets::default().sent(NOW);
        let row = budgets.row(&holder(number), sent, || u64::from(number));
        budgets.put(row, NOW);
    }

    #[test]
    fn a_full_table_takes_no_newcomer_and_lets_nobody_go() {
        let mut budgets = Budgets::default();
        kept(&mut budgets, 1);
        assert!(budgets.is_full_for(&holder(2), 1));
        assert!(!budgets.is_full_for(&holder(1), 1));
        assert_eq!(budgets.next_idle(&Policy::default(), NOW), None);
        assert_eq!(budgets.of(&holder(1)), NumberBudgets::default().sent(NOW));
    }

    #[test]
    fn budgets_are_let_go_once_nothing_of_them_matters() {
        let mut budgets = Budgets::default();
        kept(&mut budgets, 1);
        let later = NOW.saturating_add(DAY);
        let policy = Policy::default();
        assert_eq!(budgets.next_idle(&policy, later), Some((holder(1), 1)));
        budgets.forget(&holder(1));
        assert_eq!(budgets.len(), 0);
        let much_later = later.saturating_add(DAY);
        assert_eq!(budgets.next_idle(&policy, much_later), None);
        assert!(budgets.order.is_empty());
    }

    #[test]
    fn whoever_mistyped_and_gave_up_is_let_go_after_a_month_and_hides_nobody_behind() {
        let (mut budgets, policy) = (Budgets::default(), Policy::default());
        let mistyped = NumberBudgets::default().failed(Channel::Sms, 1, NOW);
        let row = budgets.row(&holder(1), mistyped, || 1);
        budgets.put(row, NOW);
        kept(&mut budgets, 2);
        let day = NOW.saturating_add(DAY);
        assert_eq!(budgets.next_idle(&policy, day), Some((holder(2), 2)));
        let month = NOW.saturating_add(ROW_KEPT);
        assert_eq!(budgets.next_idle(&policy, month), Some((holder(1), 1)));
    }

    #[test]
    fn the_row_of_a_holder_keeps_its_place() {
        let mut budgets = Budgets::default();
        kept(&mut budgets, 1);
        let row = budgets.row(&holder(1), NumberBudgets::default(), || 9);
        assert_eq!(row.sequence, 1);
    }
}
