//! What outsiders read of the ledger: its checkpoint, its tiles (C2SP tlog-tiles), and the
//! receipts of messages and verifications. All of it is proof already; nothing is computed, compared or hidden here.

use bytes::Bytes;
use http::StatusCode;

use crate::api::{Api, Call, nothing, refuse_query, render};
use crate::http_errors::{not_found, pruned};
use crate::problem::Problem;
use crate::reply::{Kind, Reply};

/// Where the log is served; what follows are the paths of C2SP.
const PREFIX: &str = "/ledger/";

impl Api {
    /// `GET /ledger/checkpoint`.
    pub(super) fn read_checkpoint(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let note = self.gateway.checkpoint(&call.caller);
        let note = note.ok_or_else(unpublished)?;
        Ok(Reply::ready(StatusCode::OK, Kind::Note, Bytes::from(note)))
    }

    /// `GET /ledger/minimum-index`.
    pub(super) async fn read_minimum_index(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let minimum = self.gateway.minimum_index(&call.caller).await?;
        let octets = Bytes::from(format!("{minimum}\n"));
        Ok(Reply::ready(StatusCode::OK, Kind::Note, octets))
    }

    /// `GET /ledger/tile/…`.
    pub(super) async fn read_tile(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let path = call.parts.uri.path().strip_prefix(PREFIX);
        let path = path.ok_or_else(nothing)?;
        let tile = self.gateway.tile_at(&call.caller, path).await?;
        let Some(tile) = tile else {
            let is_pruned = self.gateway.is_pruned(path).await?;
            return Err(if is_pruned { pruned() } else { unpublished() });
        };
        let octets = tile.octets;
        Ok(Reply::ready(
            StatusCode::OK,
            Kind::Octets,
            Bytes::from(octets),
        ))
    }

    /// `GET /v1/messages/{id}/receipt`.
    pub(super) async fn read_receipt(&self, call: &Call<'_>) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let id = call.object.parse().map_err(|_| not_found())?;
        let receipt = self.gateway.message_receipt(&call.caller, id).await?;
        Ok(Reply::json(StatusCode::OK, render::receipt(&receipt)))
    }

    /// `GET /v1/verifications/{id}/receipt`.
    pub(super) async fn read_verification_receipt(
        &self,
        call: &Call<'_>,
    ) -> Result<Reply, Problem> {
        refuse_query(call.parts)?;
        let id = call.object.parse().map_err(|_| not_found())?;
        let receipt = self.gateway.verification_receipt(&call.caller, id).await?;
        let json = render::verification_receipt(&receipt);
        Ok(Reply::json(StatusCode::OK, json))
    }
}

/// A path that no published tree has: another spelling, or not yet there.
fn unpublished() -> Problem {
    Problem::new(
        crate::problem::Code::NotFound,
        "the published ledger has no such part: read /ledger/checkpoint for its size, and mind that \
         paths have one spelling only",
    )
}
