//! What kind of line a number is, as far as it matters for who pays.

/// A kind of line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// A mobile, or nothing that the plan tells apart from one.
    Ordinary,
    /// A fixed line, and for sure no mobile.
    Fixed,
    /// The caller pays extra, and the owner of the number is paid.
    Premium,
    /// The caller and the owner share the cost.
    SharedCost,
    /// The owner pays.
    TollFree,
    /// A pager.
    Pager,
}
