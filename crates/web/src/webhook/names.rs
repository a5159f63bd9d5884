//! Who looks names up. It is asked once a call.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;

use tokio::net::lookup_host;

/// An answer on its way.
pub type LookingUp<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Looks names up.
pub trait Names: Send + Sync {
    /// Every address of a name; an error when it has none.
    fn look_up<'a>(&'a self, name: &'a str) -> LookingUp<'a>;
}

/// The operating system, as it is set up.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn look_up<'a>(&'a self, name: &'a str) -> LookingUp<'a> {
        Box::pin(async move {
            // The port takes no part in it.
            let found = lookup_host((name, 443)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}
