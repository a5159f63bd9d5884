//! The receipt of a verification: proof for anyone who has the log's public key that it began, and once it
//! ended, how.

use std::sync::Arc;

use domain::id::VerificationId;
use tokio::task::spawn_blocking;

use crate::client::Caller;
use crate::gateway::Gateway;
use crate::proofs::{LedgerReceipt, ReceiptError, Wanted, prove, prove_end};

/// Proof that a verification is in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationReceipt {
    /// Of its beginning.
    pub began: LedgerReceipt,
    /// Of its end; `None` while it has none.
    pub ended: Option<EndProof>,
}

/// Proof of the entry that tells how a verification ended. It commits to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndProof {
    /// The entry, as canonical JSON.
    pub entry: String,
    /// Its `tlog-proof`.
    pub proof: String,
}

impl Gateway {
    /// Proof that a verification of this client is in the ledger. One that ended has none until a checkpoint
    /// covers its end too.
    pub async fn verification_receipt(
        &self,
        caller: &Caller,
        id: VerificationId,
    ) -> Result<VerificationReceipt, ReceiptError> {
        let ledger = self.ledger.get().map(Arc::clone);
        let ledger = ledger.ok_or(ReceiptError::NotFound)?;
        let row = self.read_own(caller, id, "receipt").await?;
        let store = Arc::clone(&self.store);
        let proving = spawn_blocking(move || {
            let began = prove(&ledger, &Wanted::verification(&row))?;
            let ended = row.facts.ended.map(|_| prove_end(&ledger, id));
            let sealed = store.sealed_of(&[id.sequence()])?;
            Ok::<_, ReceiptError>((began, ended.transpose()?, sealed))
        });
        let proven = proving.await.map_err(|_| ReceiptError::Unavailable)?;
        let ((entry, proof), ended, sealed) = proven?;
        Ok(VerificationReceipt {
            began: LedgerReceipt {
                entry,
                proof,
                openings: self.openings(&sealed),
            },
            ended: ended.map(|(entry, proof)| EndProof { entry, proof }),
        })
    }
}
