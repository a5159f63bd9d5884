//! A copy of everything that is kept of one person (GDPR Art. 15 and 20): messages both ways, verifications
//! and opt-outs,
//! each with its sealed values, the entry of the ledger that tells of it, that entry's proof, and what
//! opens its commitments. That it was handed out is recorded before it is.

use std::fmt;
use std::sync::Arc;

use domain::id::{OptOutId, SubjectId};
use domain::msisdn::Msisdn;
use domain::time::Timestamp;
use ledger::Draft;
use tokio::task::spawn_blocking;

use crate::checkpoints::Ledger;
use crate::entries;
use crate::erasure::PAGE_ROWS;
use crate::gateway::Gateway;
use crate::ports::store::ReadError;
use crate::proofs::{Opening, Wanted};
use crate::rows::{
    FactorRow, InboundRow, MessageRow, OptOutRow, OptOutStanding, SubjectLookup, VaultRow,
    VerificationRow,
};

/// The most messages and opt-outs of one person that are handed out at once: their proofs are held in
/// memory.
const ITEMS_MAX: usize = 20_000;

/// One message or opt-out of a person.
pub struct SubjectItem {
    /// `message`, `inbound`, `verification` or `opt_out`.
    /// `message`, `inbound`, `opt_out` or `factor`.
    pub sort: &'static str,
    /// Its id.
    pub id: String,
    /// What is kept of it in clear, by name.
    pub facts: Vec<(&'static str, String)>,
    /// Its sealed values and what opens their commitments, as far as they have not been destroyed.
    pub openings: Vec<Opening>,
    /// The entry that tells of it, as canonical JSON, and that entry's `tlog-proof`; `None` where no
    /// checkpoint covers it yet.
    pub evidence: Option<(String, String)>,
}

impl fmt::Debug for SubjectItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectItem({}, masked)", self.id)
    }
}

/// Why nothing is handed out.
#[derive(Debug, thiserror::Error)]
pub enum SubjectExportError {
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is more than is held at once.
    #[error(
        "more than {ITEMS_MAX} messages are kept of this number, more than are handed out at once"
    )]
    TooMuch,
    /// Nothing can be recorded now, so nothing is handed out.
    #[error("nothing can be recorded now; ask again when the gateway is ready")]
    Unavailable,
}

impl Gateway {
    /// Everything that is kept of a number, newest first in each sort.
    pub async fn export_subject(
        &self,
        actor: &str,
        number: Msisdn,
    ) -> Result<Vec<SubjectItem>, SubjectExportError> {
        let mut items = Vec::new();
        self.export_messages(number, &mut items).await?;
        self.export_inbounds(number, &mut items).await?;
        self.export_verifications(number, &mut items).await?;
        let suppression = self.blind().suppression(number);
        for (row, vault) in self.store.opt_outs_of(suppression).await? {
            self.take_item(
                &mut items,
                Wanted::opt_out(&row),
                opt_out_facts(&row),
                &vault,
            )?;
        }
        for (row, vault) in self.store.factors_of(self.blind().subject(number)).await? {
            self.take_item(&mut items, Wanted::factor(&row), factor_facts(&row), &vault)?;
        }
        let items = self.with_evidence(items).await?;
        let request: SubjectId = self.ids.id(self.entropy.as_ref(), self.now());
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        let entry: Draft = entries::subject_exported(actor, &request, count);
        if self.record(entry).await {
            Ok(items)
        } else {
            Err(SubjectExportError::Unavailable)
        }
    }

    async fn export_messages(
        &self,
        number: Msisdn,
        items: &mut Vec<Item>,
    ) -> Result<(), SubjectExportError> {
        let subject = self.blind().subject(number);
        let mut cursor = None;
        loop {
            let page = self.messages_of(subject, cursor).await?;
            for (row, vault) in &page.rows {
                let mut facts = message_facts(row);
                let url = self.callback_url(row, vault);
                facts.extend(url.map(|target| ("status_callback", target.url())));
                self.take_item(items, Wanted::message(row.id), facts, vault)?;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn export_inbounds(
        &self,
        number: Msisdn,
        items: &mut Vec<Item>,
    ) -> Result<(), SubjectExportError> {
        let subject = self.blind().subject(number);
        let mut cursor = None;
        loop {
            let reading = self
                .store
                .inbounds_of(subject, cursor, PAGE_ROWS, SubjectLookup::Rows);
            let page = reading.await?;
            for (row, vault) in &page.rows {
                self.take_item(items, Wanted::inbound(row.id), inbound_facts(row), vault)?;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn export_verifications(
        &self,
        number: Msisdn,
        items: &mut Vec<Item>,
    ) -> Result<(), SubjectExportError> {
        let subject = self.blind().subject(number);
        let mut cursor = None;
        loop {
            let (page, lookup) = (PAGE_ROWS, SubjectLookup::Rows);
            let reading = self.store.verifications_of(subject, cursor, page, lookup);
            let page = reading.await?;
            for (row, vault) in &page.rows {
                let facts = verification_facts(row);
                self.take_item(items, Wanted::verification(row), facts, vault)?;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    fn take_item(
        &self,
        items: &mut Vec<Item>,
        wanted: Wanted,
        facts: Facts,
        vault: &[VaultRow],
    ) -> Result<(), SubjectExportError> {
        if items.len() >= ITEMS_MAX {
            return Err(SubjectExportError::TooMuch);
        }
        let openings = self.openings(vault);
        items.push((wanted, facts, openings));
        Ok(())
    }

    async fn with_evidence(
        &self,
        items: Vec<Item>,
    ) -> Result<Vec<SubjectItem>, SubjectExportError> {
        let ledger = self.ledger.get().map(Arc::clone);
        let proving = spawn_blocking(move || {
            let prove = |item| finish(ledger.as_deref(), item);
            items.into_iter().map(prove).collect()
        });
        proving.await.map_err(|_| SubjectExportError::Unavailable)
    }
}

/// What is kept in clear, by name.
type Facts = Vec<(&'static str, String)>;
/// What was read, before it is proven.
type Item = (Wanted, Facts, Vec<Opening>);

fn finish(ledger: Option<&Ledger>, (wanted, facts, openings): Item) -> SubjectItem {
    // What cannot be proven yet is handed out all the same.
    let evidence = ledger.and_then(|ledger| crate::proofs::prove(ledger, &wanted).ok());
    SubjectItem {
        sort: wanted.sort,
        id: wanted.object,
        facts,
        openings,
        evidence,
    }
}

fn moment(at: Timestamp) -> String {
    at.to_string()
}

fn message_facts(row: &MessageRow) -> Facts {
    let mut facts = vec![
        ("state", row.state.as_str().to_owned()),
        ("class", row.head.class.to_string()),
        ("sender", row.head.from.to_string()),
        ("created", moment(row.created)),
        ("expires", moment(row.expires)),
        ("updated", moment(row.updated)),
    ];
    let client = row.head.client.map(|client| ("client", client.to_string()));
    let own = [
        ("reference", &row.head.reference),
        ("campaign", &row.head.campaign),
    ];
    let own = own.map(|(name, text)| Some((name, text.as_deref()?.to_owned())));
    facts.extend(client.into_iter().chain(own.into_iter().flatten()));
    facts
}

fn inbound_facts(row: &InboundRow) -> Facts {
    let mut facts = vec![
        ("short_code", row.to.to_string()),
        ("received", moment(row.received)),
        ("carrier", row.carrier.to_string()),
    ];
    facts.extend(
        row.keyword
            .as_deref()
            .map(|word| ("keyword", word.to_owned())),
    );
    facts
}

fn verification_facts(row: &VerificationRow) -> Facts {
    let ended = row.facts.ended.map(|state| ("state", state.to_string()));
    let mut facts = vec![
        ("client", row.client.to_string()),
        ("channel", row.facts.channel.to_string()),
        ("created", moment(row.created)),
        ("expires", moment(row.expires)),
        ("checks", row.facts.checks.to_string()),
        ("sends", row.facts.sends.to_string()),
    ];
    facts.extend(row.facts.from.map(|from| ("sender", from.to_string())));
    let factor = row.facts.factor.map(|id| ("factor", id.to_string()));
    facts.extend(factor.into_iter().chain(ended));
    facts
}

fn opt_out_facts(row: &OptOutRow) -> Facts {
    let standing = match row.standing {
        OptOutStanding::Out => "opted-out",
        OptOutStanding::Removed => "removed",
    };
    vec![
        ("short_code", row.short_code.to_string()),
        ("standing", standing.to_owned()),
        ("basis", row.basis.to_string()),
        ("at", moment(row.at)),
    ]
}

/// What is kept of a factor; its secret is no answer to who asks what is known of a person.
fn factor_facts(row: &FactorRow) -> Facts {
    let mut facts = vec![
        ("client", row.client.to_string()),
        ("type", row.factor.kind().to_string()),
        ("state", row.factor.state().to_string()),
        ("created", moment(row.created)),
        ("updated", moment(row.updated)),
    ];
    let codes_left = row.factor.codes_left();
    facts.extend(codes_left.map(|left| ("codes_left", left.to_string())));
    facts
}

impl Wanted {
    pub(crate) fn verification(row: &VerificationRow) -> Self {
        Self::since("verification", &row.id, row.id.sequence(), row.created)
    }

    fn factor(row: &FactorRow) -> Self {
        Self::since("factor", &row.id, row.id.sequence(), row.created)
    }

    fn opt_out(row: &OptOutRow) -> Self {
        let id = OptOutId::new(row.sequence, 0);
        Self::since("opt_out", &id, row.sequence, row.at)
    }
}
