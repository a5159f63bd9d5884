//! Calls at the gateway's door that say they come from a carrier and cannot show it: each costs its source a
//! failed login, as a wrong key does, and is counted and told in the same way.

use std::net::IpAddr;

use crate::client::AuthError;
use crate::gateway::Gateway;

impl Gateway {
    /// Takes note of such a call. Gives what to answer: that it is not signed, or that its source tried too
    /// often.
    pub fn refuse_carrier_call(&self, source: IpAddr) -> AuthError {
        let now = self.now();
        self.not_accepted((AuthError::WrongSignature, None), source, now)
    }
}
