//! `shortstop carrier-sim`: the simulator on sockets of its own, until a signal ends it.

use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use smpp::sim::{Account, Behaviour, ReceiptSwitch, SimConfig, Simulator, Span};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{BehaviourArgs, CarrierSimArgs};
use crate::clock::SystemClock;
use crate::config::checked::PairFiles;
use crate::config::log::{Log, LogFormat};
use crate::config::secret::Password;
use crate::exit::{Exit, Failure, Outcome};
use crate::logging;
use crate::output::Output;
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
    runtime.block_on(simulate(args, output))
}

async fn simulate(args: &CarrierSimArgs, output: Output) -> Outcome {
    let config = config(args)?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("{} cannot be used for SMPP", args.listen))?;
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
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    sim.stop();
    output.event("stopped", &sim.stats());
    Ok(Exit::Done)
}

fn config(args: &CarrierSimArgs) -> Result<SimConfig, Failure> {
    let mut config = SimConfig::new(Arc::new(SystemClock));
    config.seed = args.seed;
    config.inbox_max = args.inbox_max;
    config.behaviour = behaviour(&args.behaviour);
    if let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) {
        let files = PairFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        };
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
