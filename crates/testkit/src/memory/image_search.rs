//! Reads of an image: by id, by filter with a cursor, and by a carrier's id.

use domain::carrier_id::CarrierMessageId;
use domain::id::{FactorId, InboundId, MessageId};
use domain::message::CarrierName;
use domain::verification::factor::FactorState;
use engine::ports::store::{CarrierIdRow, Page};
use engine::rows::{
    FactorRow, InboundFilter, InboundRow, MessageFilter, MessageRow, Purpose, SubjectLookup,
    VaultRow,
};

use super::image::Image;

impl Image {
    pub(super) fn message(&self, id: MessageId) -> Option<(MessageRow, Vec<VaultRow>)> {
        let row = self
            .messages
            .get(&id.sequence())
            .filter(|row| row.id == id)?;
        Some((row.clone(), self.vault_of(id.sequence())))
    }

    pub(super) fn inbound(&self, id: InboundId) -> Option<(InboundRow, Vec<VaultRow>)> {
        let row = self
            .inbound
            .get(&id.sequence())
            .filter(|row| row.id == id)?;
        Some((row.clone(), self.vault_of(id.sequence())))
    }

    pub(super) fn factor(&self, id: FactorId) -> Option<(FactorRow, Vec<VaultRow>)> {
        let row = self
            .factors
            .get(&id.sequence())
            .filter(|row| row.id == id)?;
        Some((row.clone(), self.vault_of(id.sequence())))
    }

    pub(super) fn pending_factors(&self, before: u64, most: u16) -> Vec<FactorRow> {
        let older = self.factors.range(..before).map(|(_, row)| row);
        let pending = older.filter(|row| row.factor.state() == FactorState::Pending);
        pending.take(usize::from(most)).cloned().collect()
    }

    pub(super) fn find_messages(
        &self,
        filter: &MessageFilter,
    ) -> Page<(MessageRow, Vec<VaultRow>)> {
        let below = filter.cursor.unwrap_or(u64::MAX);
        let rows = self.messages.range(..below).rev();
        let is_found = self.finds(filter.subject, filter.lookup);
        let found = rows.filter(|(_, row)| is_found && wanted(filter, row));
        let found = found.map(|(sequence, row)| (*sequence, row));
        self.page(found, filter.limit)
    }

    pub(super) fn accepted(&self, after: u64, most: usize) -> Vec<(MessageRow, Option<VaultRow>)> {
        let above = self.messages.range(after.saturating_add(1)..);
        let skipped = above.clone().count().saturating_sub(most);
        let numbered = above.skip(skipped).map(|(sequence, row)| {
            let sealed = self.vault_of(*sequence).into_iter();
            let mut numbers = sealed.filter(|sealed| sealed.purpose == Purpose::Number);
            (row.clone(), numbers.next())
        });
        numbered.collect()
    }

    pub(super) fn unsettled(
        &self,
        after: u64,
        before: u64,
        most: u16,
    ) -> Vec<(MessageRow, Vec<VaultRow>)> {
        let between = self.messages.range(after.saturating_add(1)..);
        let between = between.take_while(|(sequence, _)| **sequence < before);
        let open = between.filter(|(_, row)| !row.state.is_final());
        open.take(usize::from(most))
            .map(|(sequence, row)| (row.clone(), self.vault_of(*sequence)))
            .collect()
    }

    pub(super) fn find_inbounds(
        &self,
        filter: &InboundFilter,
    ) -> Page<(InboundRow, Vec<VaultRow>)> {
        let below = filter.cursor.unwrap_or(u64::MAX);
        let wanted = |row: &InboundRow| {
            filter.short_codes.contains(&row.to)
                && filter.subject.is_none_or(|subject| subject == row.subject)
                && filter.since.is_none_or(|since| row.received >= since)
        };
        let rows = self.inbound.range(..below).rev();
        let found = rows.filter(|(_, row)| wanted(row));
        self.page(found.map(|(sequence, row)| (*sequence, row)), filter.limit)
    }

    pub(super) fn inbounds_of(
        &self,
        (subject, lookup): ([u8; 16], SubjectLookup),
        cursor: Option<u64>,
        limit: u16,
    ) -> Page<(InboundRow, Vec<VaultRow>)> {
        let below = cursor.unwrap_or(u64::MAX);
        let rows = self.inbound.range(..below).rev();
        let is_found = self.finds(Some(subject), lookup);
        let found = rows.filter(|(_, row)| is_found && row.subject == subject);
        self.page(found.map(|(sequence, row)| (*sequence, row)), limit)
    }

    /// Whether the rows of a number are found at all.
    fn finds(&self, subject: Option<[u8; 16]>, lookup: SubjectLookup) -> bool {
        subject.is_none() || lookup == SubjectLookup::Rows || !self.is_index_empty
    }

    fn page<'a, T: Clone + 'a>(
        &self,
        found: impl Iterator<Item = (u64, &'a T)>,
        limit: u16,
    ) -> Page<(T, Vec<VaultRow>)> {
        let limit = usize::from(limit);
        let mut found: Vec<(u64, &T)> = found.take(limit + 1).collect();
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|(sequence, _)| *sequence);
        let rows = found.into_iter();
        let rows = rows.map(|(sequence, row)| (row.clone(), self.vault_of(sequence)));
        Page {
            rows: rows.collect(),
            next,
        }
    }

    /// The segments that the index knows under a carrier's id, in whatever spelling.
    pub(super) fn by_carrier_id(
        &self,
        index: &[CarrierIdRow],
        carrier: &CarrierName,
        id: &CarrierMessageId,
    ) -> Vec<(MessageRow, u8)> {
        let meant = |row: &&CarrierIdRow| row.carrier == *carrier && row.id.folded() == id.folded();
        let mut places: Vec<(u64, u8)> = index
            .iter()
            .filter(meant)
            .map(|row| (row.message, row.segment))
            .collect();
        places.sort_unstable();
        places.dedup();
        let row =
            |(sequence, segment): (u64, u8)| Some((self.messages.get(&sequence)?.clone(), segment));
        places.into_iter().filter_map(row).collect()
    }
}

fn wanted(filter: &MessageFilter, row: &MessageRow) -> bool {
    filter
        .client
        .is_none_or(|client| row.head.client == Some(client))
        && filter.subject.is_none_or(|subject| subject == row.subject)
        && filter.state.is_none_or(|state| state == row.state)
        && filter.class.is_none_or(|class| class == row.head.class)
        && filter.from.is_none_or(|from| from == row.head.from)
        && filter.since.is_none_or(|since| row.created >= since)
        && filter.until.is_none_or(|until| row.created < until)
}
