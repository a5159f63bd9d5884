//! Requests to services of others: one HTTPS POST, one try, on a connection of its own or on one that is kept.
//! Certificate and name are always verified, no redirect is followed, and an answer has a bound. What it means is
//! decided by whoever asked.

mod kept;
mod place;
mod post;
mod trust;

pub use kept::KeptBounds;
pub(crate) use kept::{Kept, Live, Unasked};
pub use place::PlaceError;
pub(crate) use place::{Place, Wire};
pub(crate) use post::{Answered, Post, Unanswered, look, open, post, post_over, request};
pub use trust::{Roots, RootsError};
pub(crate) use trust::{Trust, connector, root_store};
