//! The answering side of the control socket: who may connect, how much may be sent, and nothing about
//! what the commands do.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::message::{Answer, Request};
use crate::process;

/// Octets of one request.
const LINE_BYTES_MAX: u64 = 65_536;

/// Connections at the same time; further ones wait in the system's queue.
const CONNECTIONS_MAX: usize = 16;

/// How long a connection may stay silent.
const IDLE: Duration = Duration::from_secs(30);

/// An answer on its way.
pub type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Answers one request of one user, whose login name comes first.
pub type Act = Arc<dyn Fn(String, Request) -> Answering + Send + Sync>;

/// Told of each user who may not command this gateway, by login name.
pub type Denied = Arc<dyn Fn(String) + Send + Sync>;

/// Who answers at the socket.
#[derive(Clone)]
pub struct Desk {
    /// Does what is asked.
    pub act: Act,
    /// Records who is turned away.
    pub denied: Denied,
}

/// A socket that listens; its file goes away with it.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Binds the socket. The caller holds the folder's lock, so a file that is there is a dead
    /// gateway's.
    pub fn bind(path: &Path) -> anyhow::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} is in the way", path.display()));
            }
            _ => {}
        }
        let listener = UnixListener::bind(path).with_context(|| {
            let says = "a socket's path has at most 107 octets, so choose a shorter data folder";
            format!(
                "the control socket {} cannot be made ({says})",
                path.display()
            )
        })?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            path: path.to_path_buf(),
        })
    }

    /// Serves until the future is dropped.
    pub async fn serve(self, desk: Desk) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let desk = desk.clone();
                    tokio::spawn(async move {
                        if let Err(error) = converse(stream, desk).await {
                            tracing::debug!(%error, "a control connection ended early");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the control socket cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Nothing depends on it: the next start removes a file that stayed.
        let _stays = std::fs::remove_file(&self.path);
    }
}

async fn converse(stream: UnixStream, desk: Desk) -> anyhow::Result<()> {
    let uid = stream.peer_cred()?.uid();
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader.take(LINE_BYTES_MAX));
    loop {
        let mut line = String::new();
        reader.get_mut().set_limit(LINE_BYTES_MAX);
        if tokio::time::timeout(IDLE, reader.read_line(&mut line)).await?? == 0 {
            return Ok(());
        }
        let answer = answer(uid, &line, &desk).await;
        let mut text = serde_json::to_vec(&answer)?;
        text.push(b'\n');
        writer.write_all(&text).await?;
    }
}

async fn answer(uid: u32, line: &str, desk: &Desk) -> Answer {
    if uid != 0 && uid != process::own_uid() {
        (desk.denied)(process::user_name(uid));
        return Answer::refused("only the user who runs the gateway, or root, may command it");
    }
    match serde_json::from_str(line) {
        Ok(request) => (desk.act)(process::user_name(uid), request).await,
        Err(error) => Answer::refused(format!("the request is not understood: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::ask;
    use super::*;

    fn echo() -> Desk {
        Desk {
            act: Arc::new(|actor, request| {
                let echoed = serde_json::json!({"actor": actor, "asked": request});
                Box::pin(async move { Answer::done(&echoed) })
            }),
            denied: Arc::new(|_| {}),
        }
    }

    #[tokio::test]
    async fn the_actor_is_the_user_that_the_kernel_names() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("control.sock");
        let socket = ControlSocket::bind(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let serving = tokio::spawn(socket.serve(echo()));
        let answer = ask(&path, &Request::ClientList).await.unwrap().unwrap();
        let Answer::Done { result } = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(result["actor"], process::user_name(process::own_uid()));
        serving.abort();
    }

    #[tokio::test]
    async fn a_socket_that_nobody_serves_is_no_gateway() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("control.sock");
        assert!(ask(&path, &Request::ClientList).await.unwrap().is_none());
        let socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(socket);
        assert!(ask(&path, &Request::ClientList).await.unwrap().is_none());
        assert!(
            ControlSocket::bind(&path).is_ok(),
            "a dead gateway's file is replaced"
        );
    }

    #[tokio::test]
    async fn a_stranger_and_nonsense_are_refused() {
        let denied = Arc::new(std::sync::Mutex::new(Vec::new()));
        let told = Arc::clone(&denied);
        let desk = Desk {
            denied: Arc::new(move |user| told.lock().unwrap().push(user)),
            ..echo()
        };
        let stranger = answer(4_294_967_000, r#"{"command":"client-list"}"#, &desk).await;
        assert!(matches!(stranger, Answer::Refused { .. }) || process::own_uid() == 4_294_967_000);
        assert_eq!(
            *denied.lock().unwrap(),
            ["uid-4294967000"],
            "it is recorded"
        );
        assert!(matches!(
            answer(0, "nonsense", &desk).await,
            Answer::Refused { .. }
        ));
    }
}
