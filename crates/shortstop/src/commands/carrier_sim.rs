//! `shortstop carrier-sim`: the simulator on sockets of its own, over SMPP or HTTPS, until a signal ends it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use engine::ports::Clock as _;
use serde_json::json;
use smpp::sim::{Account, Behaviour, ReceiptSwitch, SimConfig, Simulator, Span};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

use crate::certificates::{self, Subject};
use crate::cli::{BehaviourArgs, CarrierSimArgs};
use crate::clock::SystemClock;
use crate::config::checked::PairFiles;
use crate::config::log::{Log, LogFormat};
use crate::config::secret::Password;
use crate::exit::{Exit, Failure, Outcome};
use crate::logging;
use crate::output::Output;
use crate::provider_sim::{Plan, ProviderSim};
use crate::sim_server;

/// Runs the command.
pub fn run(args: &CarrierSimArgs, output: Output) -> Outcome {
    logging::start(&Log {
        level: "warn".to_owned(),
        format: LogFormat::Json,
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match (args.https, args.listen) {
        (Some(address), _) => runtime.block_on(provide((address, args), output)),
        (None, Some(address)) => runtime.block_on(simulate((address, args), output)),
        (None, None) => Err(Failure::usage(anyhow::anyhow!(
            "say where to listen: --listen for SMPP or --https"
        ))),
    }
}

async fn simulate((listen, args): (SocketAddr, &CarrierSimArgs), output: Output) -> Outcome {
    let config = config(args)?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("{listen} cannot be used for SMPP"))?;
    let address = listener.local_addr()?;
    let sim = Simulator::start(config, listener);
    let http = sim_server::serve_http(sim.clone(), args.http).await?;
    output.event(
        "ready",
        &json!({"smpp": address, "http": format!("http://{http}")}),
    );
    output.line(format!(
        "SMPP on {address}, http://{http}/stats and /inbox; Ctrl-C ends it."
    ));
    told_to_end().await?;
    sim.stop();
    output.event("stopped", &sim.stats());
    Ok(Exit::Done)
}

/// The provider by HTTPS.
async fn provide((listen, args): (SocketAddr, &CarrierSimArgs), output: Output) -> Outcome {
    let (security, authority) = security(args)?;
    let sim = ProviderSim::new(plan(args)?);
    let https = bound(listen, "HTTPS").await?;
    let http = bound(args.http, "HTTP").await?;
    let (at, window) = (https.local_addr()?, http.local_addr()?);
    tokio::spawn(sim.clone().serve(https, Some(security)));
    tokio::spawn(sim.clone().serve(http, None));
    output.event(
        "ready",
        &json!({
            "https": format!("https://{at}"),
            "http": format!("http://{window}"),
            "account": args.account,
            "ca_file": authority,
        }),
    );
    output.line(format!(
        "Messages on https://{at}, http://{window}/stats and /inbox; Ctrl-C ends it."
    ));
    told_to_end().await?;
    output.event("stopped", &sim.counts());
    Ok(Exit::Done)
}

async fn bound(address: SocketAddr, what: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("{address} cannot be used for {what}"))
}

/// Its TLS, and the file with the authority that was made for it.
fn security(args: &CarrierSimArgs) -> Result<(TlsAcceptor, Option<PathBuf>), Failure> {
    if let Some(files) = given_pair(args) {
        return Ok((sim_server::acceptor(&files)?, None));
    }
    let Some(folder) = &args.tls_folder else {
        return Err(Failure::usage(
            "a provider by HTTPS has a certificate: give --tls-cert and --tls-key, or --tls-folder to have one made",
        ));
    };
    let made = certificates::keep(folder, &[Subject::Gateway], SystemClock.now())?;
    Ok((sim_server::acceptor(&made.server)?, Some(made.ca)))
}

fn plan(args: &CarrierSimArgs) -> Result<Plan, Failure> {
    let file = args.secret_file.as_deref().unwrap_or_else(|| Path::new(""));
    Ok(Plan {
        account: args.account.clone(),
        secret: Password::read(file).map_err(Failure::usage)?,
        behaviour: behaviour(&args.behaviour),
        seed: args.seed,
        inbox_max: args.inbox_max,
        authority: args.gateway_ca.clone(),
        inbound: args.inbound_url.clone(),
        started: SystemClock.now(),
    })
}

async fn told_to_end() -> std::io::Result<()> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn given_pair(args: &CarrierSimArgs) -> Option<PairFiles> {
    let (certificate, key) = args.tls_cert.as_ref().zip(args.tls_key.as_ref())?;
    Some(PairFiles {
        certificate: certificate.clone(),
        key: key.clone(),
    })
}

fn config(args: &CarrierSimArgs) -> Result<SimConfig, Failure> {
    let mut config = SimConfig::new(Arc::new(SystemClock));
    config.seed = args.seed;
    config.inbox_max = args.inbox_max;
    config.behaviour = behaviour(&args.behaviour);
    if let Some(files) = given_pair(args) {
        config.tls = Some(sim_server::acceptor(&files)?);
    }
    if let (Some(system_id), Some(file)) = (&args.system_id, &args.password_file) {
        let password = Password::read(file).and_then(Password::check);
        let password = password.map_err(Failure::usage)?.reveal().to_owned();
        config.accounts = vec![Account {
            system_id: system_id.clone(),
            password,
        }];
    }
    Ok(config)
}

fn behaviour(args: &BehaviourArgs) -> Behaviour {
    let span = |(from, to)| Span::millis(from, to);
    let mut behaviour = Behaviour {
        latency: span(args.latency_milliseconds),
        throttle_rate: args.throttle_rate,
        failure_rate: args.failure_rate,
        silence_rate: args.silence_rate,
        disconnect_rate: args.disconnect_rate,
        ..Behaviour::default()
    };
    behaviour.receipts.delay = span(args.receipt_milliseconds);
    behaviour.receipts.duplicate_rate = args.receipt_duplicate_rate;
    behaviour.receipts.undelivered_rate = args.undelivered_rate;
    if args.no_receipts {
        behaviour.receipts.switch = ReceiptSwitch::Off;
    }
    behaviour
}
