//! The asking side of the control socket.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use super::message::{Answer, Request};

/// Asks the gateway that listens on this socket; `None` when none does.
pub async fn ask(socket: &Path, request: &Request) -> anyhow::Result<Option<Answer>> {
    let stream = match UnixStream::connect(socket).await {
        Ok(stream) => stream,
        // No file, or a file that a killed gateway left behind: nobody listens.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => {
            return Err(error)
                .with_context(|| format!("the socket {} cannot be used", socket.display()));
        }
    };
    talk(stream, request)
        .await
        .with_context(|| format!("the gateway at {} did not answer", socket.display()))
        .map(Some)
}

async fn talk(stream: UnixStream, request: &Request) -> anyhow::Result<Answer> {
    let (reader, mut writer) = stream.into_split();
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    writer.write_all(&line).await?;
    let mut answer = String::new();
    BufReader::new(reader).read_line(&mut answer).await?;
    Ok(serde_json::from_str(&answer)?)
}
