//! What a store tells of the place where it lies: why it takes nothing, and how much room is left.

/// Why a store takes nothing. The word of each goes into `ledger.gap` and never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is no room left on the volume.
    DiskFull,
    /// The disk failed to read, write or sync.
    IoError,
    /// The volume, or a file, can only be read.
    ReadOnly,
    /// A file was removed or replaced.
    FileMissing,
    /// The disk did not answer in time.
    Stalled,
}

impl Failure {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DiskFull => "disk-full",
            Self::IoError => "io-error",
            Self::ReadOnly => "read-only",
            Self::FileMissing => "file-missing",
            Self::Stalled => "stalled",
        }
    }
}

/// Whether there is room for what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// There is.
    Enough,
    /// What is left must be kept for what is on its way already.
    Low,
}

/// The room that is left on the volume of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Octets that may still be written, the reserve not counted.
    pub free_bytes: u64,
    /// Octets below which the room is low.
    pub low_water_bytes: u64,
    /// Whether that is enough. It goes back to enough only well above the mark.
    pub level: Level,
}
