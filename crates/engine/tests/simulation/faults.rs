//! What goes wrong around the gateway: carriers answer badly, the process dies, the store fails.

use engine::Rotation;
use engine::ports::CarrierEvents;
use testkit::gateway::poll_once;
use testkit::keyring::Step;

use super::node::Node;
use super::rebuilt;
use super::world::World;

impl World {
    pub fn carriers_answer(&mut self) {
        let most = usize::try_from(1 + self.chance.below(4)).unwrap();
        let mut seen = self.carrier.seen();
        let Some(bind) = seen.busy_bind() else { return };
        let answers = seen.answers(&bind, most);
        drop(seen);
        self.note(&format!("{bind:?} answers {answers:?}"));
        self.node
            .command(|gateway| gateway.answered(&bind, answers));
    }

    pub fn match_receipts(&mut self) {
        self.note("match receipts");
        if self.matcher.is_none() {
            let gateway = self.node.gateway.clone();
            self.matcher = Some(Box::pin(async move { gateway.match_receipts().await }));
        }
        self.poll_matcher();
    }

    /// The matcher goes on when what it waits for is durable.
    pub fn poll_matcher(&mut self) {
        if let Some(matcher) = &mut self.matcher
            && poll_once(matcher.as_mut()).is_some()
        {
            self.matcher = None;
        }
    }

    /// The process dies, wherever it is, and a new one starts.
    pub fn crash(&mut self) {
        let durable = usize::try_from(self.chance.below(6)).unwrap();
        let answered = usize::try_from(self.chance.below(6)).unwrap();
        self.note(&format!(
            "crash after {durable} more durable, {answered} answered"
        ));
        self.node.store.persist(durable);
        self.node.store.answer(answered);
        self.poll_calls();
        self.deliver_again();
        let kept = (self.node.store.crash(), self.node.keyring.clone());
        self.hang_up_all();
        self.matcher = None;
        self.up.clear();
        self.lives += 1;
        let seed = self.chance.next();
        self.node = Node::start(Some(kept), &self.settings, &self.clock, &self.carrier, seed);
        rebuilt::the_entries_alone_give_the_state(&self.node);
    }

    /// Replaces the salt of the wrapping key; sometimes the old one is left for the next start or round.
    pub fn rotate_the_keys(&mut self) {
        let failing = [None, Some(Step::Propose), Some(Step::Adopt)];
        let failing = *self.chance.pick(&failing);
        self.note(&format!("keys are replaced, failing: {failing:?}"));
        let (gateway, store) = (&self.node.gateway, &self.node.store);
        while store.waiting() + store.unanswered() > 0 {
            store.sync();
        }
        if !store.is_well() {
            return;
        }
        self.node.keyring.fail(failing);
        // It blocks, so it is on a thread of its own; nothing else moves, so every run is the same.
        std::thread::scope(|scope| {
            let rotating = scope.spawn(|| gateway.rotate_wrapping(&Rotation::Due));
            while !rotating.is_finished() {
                if store.waiting() > 0 {
                    store.sync();
                }
                std::thread::yield_now();
            }
        });
        self.node.keyring.fail(None);
    }

    pub fn fail_the_store(&mut self) {
        match self.chance.below(3) {
            0 => {
                self.note("the next commit fails");
                self.node.store.fail_next();
            }
            1 => {
                self.note("the store fails");
                self.node.store.poison();
            }
            _ => {
                self.note("the store's queue is full");
                let room = usize::try_from(self.chance.below(3)).unwrap();
                self.node.store.set_queue_max(room);
            }
        }
    }

    /// What the housekeeper does: nothing while all is well, else it tries to bring the store back.
    pub fn mend_the_store(&mut self) {
        self.node.store.set_queue_max(usize::MAX);
        if self.node.gateway.health().is_ready() {
            return;
        }
        let fails = self.chance.below(4);
        if fails == 0 {
            self.node.store.fail_reopens(1);
        } else if fails == 1 {
            self.node.store.fail_reads(1);
        }
        self.reopen();
        self.node.store.fail_reopens(0);
        self.node.store.fail_reads(0);
    }

    /// One try to bring the store back.
    pub fn reopen(&mut self) {
        self.note("the store is reopened");
        self.carrier.seen().doubt_what_was_told();
        let since = self.clock.peek();
        let gateway = self.node.gateway.clone();
        if let Err(error) = self.node.store.inline(|| gateway.reopen(since)) {
            self.note(&format!("but {error}"));
        }
    }
}
