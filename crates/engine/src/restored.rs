//! The record of a restore: the first entry behind the ledger of the backup, so that nobody takes what
//! follows for the undisturbed continuation of what was before.

use ledger::{Actor, Draft, Facts, Hash, Kind, OriginType, Outcome, Shown};

use crate::batch::sound;

/// What was restored, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Restored<'a> {
    /// The login name of the user.
    pub user: &'a str,
    /// Octets of the backup.
    pub octets: u64,
    /// How many entries its ledger has.
    pub entries: u64,
    /// The root over them.
    pub root: &'a Hash,
}

impl Restored<'_> {
    /// `backup.restored`.
    pub fn entry(&self) -> Draft {
        let data = Facts::new()
            .put("entries", self.entries)
            .put("octets", self.octets)
            .put("root", Shown(self.root));
        let builder = Draft::of(
            Kind::BackupRestored,
            Actor::os_user(&self.user),
            Outcome::Done,
        );
        let builder = builder.origin(OriginType::Process, &"restore");
        sound(builder.data(data).build())
    }
}
