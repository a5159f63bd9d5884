//! Erasure: destroys what is kept of one person. The entries and their proofs stay as they are; what
//! opened them goes, and each commit says how many values went with it. Opt-outs survive: whoever asks to
//! be forgotten must not be written to for it.

mod basis;
mod factors;
mod searches;

use domain::id::SubjectId;
use domain::msisdn::Msisdn;
use domain::time::Timestamp;
use ledger::Draft;

use crate::changes::{Changes, Write};
use crate::entries::{self, Destruction};
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::ports::erasure::PurgeError;
use crate::ports::store::{Page, ReadError, Reading};
use crate::rows::{Bearer, MessageFilter, MessageRow, Purpose, SubjectLookup, VaultRow};

pub use basis::{ErasureBasis, ErasureBasisError};

/// Rows read at once.
pub(crate) const PAGE_ROWS: u16 = 250;

/// How much of a person's data is destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureScope {
    /// Messages of both ways. The number and the evidence of opt-outs are kept, as proof that they were
    /// asked for (GDPR Art. 17(3)(b) and (e)).
    KeepConsent,
    /// The number and the evidence of opt-outs too. That the number is opted out is still known, by a
    /// keyed hash.
    WithConsent,
}

/// What came of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Messages of which something was destroyed.
    pub messages: u64,
    /// Messages from the handset of which something was destroyed.
    pub inbound: u64,
    /// Opt-outs and removals of which something was destroyed.
    pub opt_outs: u64,
    /// Verifications of which something was destroyed.
    pub verifications: u64,
    /// Factors that were removed with their secrets, and removed ones of which something was destroyed.
    pub factors: u64,
    /// Values destroyed.
    pub values: u64,
    /// Messages and verifications that still move, and long messages that still wait for parts: nothing of
    /// them was destroyed.
    pub moving: u64,
    /// When none of those moves any more.
    pub again_after: Option<Timestamp>,
    /// Opt-outs and removals whose number and evidence were kept.
    pub kept: u64,
    /// What keeps octets of destroyed values on the disk, if anything does.
    pub remains: Option<PurgeError>,
}

/// Why a person's data was not erased, or not all of it. What was destroyed before stays destroyed.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Nothing can be recorded now.
    #[error("nothing can be recorded now; ask again when the gateway is ready")]
    Unavailable,
}

/// One request while it is worked on.
struct Request<'a> {
    gateway: &'a Gateway,
    id: SubjectId,
    actor: &'a str,
    basis: &'a ErasureBasis,
    now: Timestamp,
    /// What the next commit destroys.
    writes: Vec<Write>,
    /// What it tells beside that.
    entries: Vec<Draft>,
    /// How many of the writes are tombstones.
    values: u64,
    by_purpose: [u64; Purpose::ALL.len()],
    commits: u64,
    erased: Erased,
}

impl Gateway {
    /// Destroys what is kept of a number, and tells what is left. Who asks for a number that nobody
    /// knows asks all the same: that is recorded too.
    pub async fn erase_subject(
        &self,
        actor: &str,
        number: Msisdn,
        basis: &ErasureBasis,
        scope: ErasureScope,
    ) -> Result<Erased, ErasureError> {
        let _alone = self.destruction.lock().await;
        let now = self.now();
        // A start counts what was accepted since counts were kept, and finds no number for what is erased.
        if let Err(error) = self.keep_counts(now) {
            tracing::warn!(%error, "a crash in this moment gives the number its limits back");
        }
        let mut request = Request {
            gateway: self,
            id: self.ids.id(self.entropy.as_ref(), now),
            actor,
            basis,
            now,
            writes: Vec::new(),
            entries: Vec::new(),
            values: 0,
            by_purpose: [0; Purpose::ALL.len()],
            commits: 0,
            erased: Erased::default(),
        };
        request.messages(number).await?;
        request.inbounds(number).await?;
        request.verifications(number).await?;
        request.opt_outs(number, scope).await?;
        request.factors(number).await?;
        request.searches(number).await?;
        request.finish(number).await?;
        // Limits go on with a keyed hash of the number.
        self.limits.forget(number);
        if let Err(error) = self.keep_counts(now) {
            tracing::warn!(%error, "what was kept of the limits is replaced within a minute");
        }
        let mut erased = request.erased;
        erased.remains = self.store.purge().await.err();
        if let Some(error) = &erased.remains {
            tracing::warn!(%error, "octets of erased values may still lie in the data folder");
        }
        Ok(erased)
    }
}

impl Request<'_> {
    async fn messages(&mut self, number: Msisdn) -> Result<(), ErasureError> {
        let (gateway, subject) = (self.gateway, self.gateway.blind().subject(number));
        let mut cursor = None;
        loop {
            let page = gateway.messages_of(subject, cursor).await?;
            for (row, vault) in &page.rows {
                self.message(row, vault);
            }
            self.commit().await?;
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    fn message(&mut self, row: &MessageRow, vault: &[VaultRow]) {
        if row.state.is_final() {
            let bearer = Bearer::Message(row.id.sequence());
            self.erased.messages += u64::from(self.destroy(vault, Some(bearer)) > 0);
            return;
        }
        let patience = self.gateway.settings().receipt_timeout;
        let end = row.expires.max(self.now).saturating_add(patience);
        self.erased.moving += 1;
        self.erased.again_after = self.erased.again_after.max(Some(end));
    }

    async fn inbounds(&mut self, number: Msisdn) -> Result<(), ErasureError> {
        let (gateway, subject) = (self.gateway, self.gateway.blind().subject(number));
        let mut cursor = None;
        loop {
            let reading =
                gateway
                    .store
                    .inbounds_of(subject, cursor, PAGE_ROWS, SubjectLookup::Rows);
            let page = reading.await?;
            for (row, vault) in &page.rows {
                let bearer = Bearer::Inbound(row.id.sequence());
                self.erased.inbound += u64::from(self.destroy(vault, Some(bearer)) > 0);
            }
            self.commit().await?;
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// What the number has used up of its budgets stays: to be forgotten makes nobody's guesses fewer.
    async fn verifications(&mut self, number: Msisdn) -> Result<(), ErasureError> {
        let (gateway, subject) = (self.gateway, self.gateway.blind().subject(number));
        let mut cursor = None;
        loop {
            let (page, lookup) = (PAGE_ROWS, SubjectLookup::Rows);
            let store = &gateway.store;
            let reading = store.verifications_of(subject, cursor, page, lookup);
            let page = reading.await?;
            for (row, vault) in &page.rows {
                if row.facts.ended.is_none() {
                    self.erased.moving += 1;
                    self.erased.again_after = self.erased.again_after.max(Some(row.expires));
                    continue;
                }
                let bearer = Bearer::Verification(row.id.sequence());
                self.erased.verifications += u64::from(self.destroy(vault, Some(bearer)) > 0);
            }
            self.commit().await?;
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn opt_outs(&mut self, number: Msisdn, scope: ErasureScope) -> Result<(), ErasureError> {
        let suppression = self.gateway.blind().suppression(number);
        let rows = self.gateway.store.opt_outs_of(suppression).await?;
        for rows in rows.chunks(usize::from(PAGE_ROWS)) {
            for (_, vault) in rows {
                let live = vault.iter().any(|row| row.erased_by().is_none());
                match scope {
                    ErasureScope::KeepConsent => self.erased.kept += u64::from(live),
                    ErasureScope::WithConsent => {
                        self.erased.opt_outs += u64::from(self.destroy(vault, None) > 0);
                    }
                }
            }
            self.commit().await?;
        }
        Ok(())
    }

    /// What waits in memory, and the entry of a request that found nothing.
    async fn finish(&mut self, number: Msisdn) -> Result<(), ErasureError> {
        let subject = self.gateway.blind().subject(number);
        let (receipts, parts) = {
            let mut state = self.gateway.state();
            let receipts = state.unmatched.forget_subject(subject);
            (receipts, state.parts.waiting_of(number))
        };
        if parts > 0 {
            let keep = self.gateway.settings().bounds.reassembly_keep;
            let end = Some(self.now.saturating_add(keep));
            self.erased.again_after = self.erased.again_after.max(end);
            self.erased.moving += u64::try_from(parts).unwrap_or(u64::MAX);
        }
        let forget = |sequence| Write::ForgetSubject(Bearer::Unmatched(sequence));
        self.writes.extend(receipts.into_iter().map(forget));
        self.writes.extend(self.gateway.forget_in_pumping(number));
        if self.commits == 0 || !self.writes.is_empty() {
            self.record().await?;
        }
        Ok(())
    }

    /// Plans the end of what is still sealed, and of the blind index. Gives how many values.
    fn destroy(&mut self, vault: &[VaultRow], bearer: Option<Bearer>) -> u64 {
        let before = self.values;
        for row in vault.iter().filter(|row| row.erased_by().is_none()) {
            self.values += 1;
            if let Some(count) = self.by_purpose.get_mut(usize::from(row.purpose.code())) {
                *count += 1;
            }
            self.writes.push(Write::Tombstone {
                owner: row.owner,
                purpose: row.purpose,
            });
        }
        self.writes.extend(bearer.map(Write::ForgetSubject));
        self.values - before
    }

    async fn commit(&mut self) -> Result<(), ErasureError> {
        if self.writes.is_empty() {
            return Ok(());
        }
        self.record().await
    }

    /// Commits what is planned under an entry of its own.
    async fn record(&mut self) -> Result<(), ErasureError> {
        let count = std::mem::take(&mut self.values);
        let mut changes = Changes::new(self.entry(count), self.gateway.now());
        for write in std::mem::take(&mut self.writes) {
            changes.write(write);
        }
        for entry in std::mem::take(&mut self.entries) {
            changes.entry(entry);
        }
        if !self.gateway.commit_durably(changes).await {
            return Err(ErasureError::Unavailable);
        }
        self.commits += 1;
        self.erased.values += count;
        let mut state = self.gateway.state();
        for (purpose, count) in Purpose::ALL
            .iter()
            .zip(std::mem::take(&mut self.by_purpose))
        {
            if count > 0 {
                state.counters.add(Counter::Erased(purpose.as_str()), count);
            }
        }
        Ok(())
    }

    fn entry(&self, count: u64) -> Draft {
        let destruction = Destruction {
            actor: self.actor,
            request: &self.id,
            basis: self.basis.as_str(),
            count,
        };
        entries::subject_erased(&destruction)
    }
}

impl Gateway {
    /// Messages to the number of a blind index, of every client. Every row is looked at: an index that lost
    /// one would have the rights of a person end there.
    pub(crate) fn messages_of(
        &self,
        subject: [u8; 16],
        cursor: Option<u64>,
    ) -> Reading<'_, Page<(MessageRow, Vec<VaultRow>)>> {
        self.store.messages(MessageFilter {
            subject: Some(subject),
            lookup: SubjectLookup::Rows,
            cursor,
            limit: PAGE_ROWS,
            ..MessageFilter::default()
        })
    }
}
