//! The life of a gateway: what is started in which order, what a reload changes, and how it ends. The
//! rules are the engine's; the sockets are the edges'.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::RiskParts;
use engine::ports::{CarrierEvents, Clock as _, Entropy};
use serde_json::json;
use tls::{Certificates, TlsProfile, TlsSlot};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::timeout;
use web::provider::{ProviderPlan, ProviderSecrets, Providers};
use web::webhook::WebhookCaller;
use web::{
    Admin, AdminExposure, Api, Drained, Hosts, Listener, ListenerCounters, RequestCounters,
    Security, ServerSettings,
};

use crate::acme::{self, AcmeTask, CertificateFile};
use crate::certificates::{self, Subject};
use crate::cli::ServeArgs;
use crate::clock::SystemClock;
use crate::config::environment::Overlay;
use crate::config::{self, Checked, Config, admin, https};
use crate::control::act::{Ground, act};
use crate::control::server::{Act, ControlSocket, Desk};
use crate::endings;
use crate::entropy::SystemEntropy;
use crate::exit::{Exit, Failure, Outcome};
use crate::folder::DataFolder;
use crate::links;
use crate::logging;
use crate::material::{LinkMaterial, Material};
use crate::output::Output;
use crate::process;
use crate::ready::Ready;
use crate::roads::Roads;
use crate::streams;
use crate::unvouched;
use crate::wiring::{self, Opened};

pub mod change;
mod doors;
mod esmes;
mod reload;
mod renewal;
mod signing;

use doors::Doors;
use esmes::Door;
use signing::Signing;

/// The last seals take no longer than this at the stop.
const LAST_SEALS: Duration = Duration::from_secs(15);

/// Runs a gateway until a signal ends it.
pub fn run(args: &ServeArgs, output: Output) -> Outcome {
    let (config, checked) = config::load(&args.config, Overlay::from_process())?;
    let material = Material::read(&checked)?;
    logging::start(&checked.log);
    if args.end_with_parent {
        process::end_with_parent()?;
    }
    process::forbid_core_dumps()?;
    let files = process::raise_open_files();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), open_files = ?files, "starting");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let gateway = Running::start(&args.config, (config, checked), material).await?;
        gateway.until_signalled(output).await
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    outcome
}

/// Everything that runs.
struct Running {
    path: PathBuf,
    config: Config,
    folder: DataFolder,
    opened: Opened,
    roads: Roads,
    patience: Duration,
    doors: Doors,
    ready: Ready,
    signals: Signals,
    parts: Parts,
}

/// The tasks, and what ends each.
struct Parts {
    control: JoinHandle<()>,
    https: (watch::Sender<bool>, JoinHandle<Drained>),
    admin: (watch::Sender<bool>, JoinHandle<Drained>),
    esmes: Option<esmes::Task>,
    acme: Option<AcmeTask>,
    jobs: (watch::Sender<bool>, JoinHandle<()>),
    signing: Signing,
    streams: (watch::Sender<bool>, JoinHandle<()>),
    sealing: (watch::Sender<bool>, JoinHandle<()>),
    webhooks: (watch::Sender<bool>, JoinHandle<()>),
}

/// The signals that a gateway listens to, from before it is ready.
struct Signals {
    reload: Signal,
    terminate: Signal,
    interrupt: Signal,
}

/// Sockets that are bound and not yet served.
struct Sockets {
    https: Listener,
    admin: Listener,
    esmes: Option<Door>,
    counters: Vec<(&'static str, Arc<ListenerCounters>)>,
}

/// Signs the ledger, and lets the streams that read it begin.
async fn begin(opened: &Opened, checked: &Checked, folder: &DataFolder) -> Result<(), Failure> {
    opened.sign().await?;
    let origin = opened.public.vkey.name().as_str();
    let parts = streams::parts(checked, folder, &opened.public.log, origin)?;
    block_in_place(|| opened.gateway.attach_streams(parts)).map_err(Failure::unavailable)
}

impl Running {
    /// Starts the parts in the order in which they need each other. Nothing is served before the store
    /// has recovered, and nothing is recorded before the sockets are ours.
    async fn start(
        path: &Path,
        (config, mut checked): (Config, Checked),
        material: Material,
    ) -> Result<Self, Failure> {
        let signals = Signals::listen()?;
        material.open_esmes(&mut checked);
        warn_of(&checked);
        let folder = DataFolder::prepare(&checked.data_folder).map_err(Failure::unavailable)?;
        let certificates = first_certificates(&checked, material.https, &folder)?;
        let profile = profile(checked.https.tls_profile);
        let tls = TlsSlot::asking(profile, certificates, material.clients);
        let identity = (material.smpp, material.esme_clients);
        let esmes = Door::open(&checked, identity, &folder).await?;
        let doors = Doors::new(
            tls.map_err(Failure::unavailable)?,
            esmes.as_ref().and_then(Door::slot),
            (&checked, &folder.tls()),
        );
        let sockets = bind(&checked, esmes).await?;
        let roads = roads(&checked, material.links, material.providers)?;
        let patience = links::patience(&checked);
        let opened = block_in_place(|| wiring::open(&checked, &folder, Arc::new(roads.clone())))?;
        if let Err(failure) = begin(&opened, &checked, &folder).await {
            opened.gateway.stop().await;
            block_in_place(|| opened.close());
            return Err(failure);
        }
        opened.attach_seals(&checked, &folder);
        doors.warn(&opened.gateway);
        warn_of_names(&checked, &opened);
        if let (Some(plan), Some(client)) = (&checked.risk, material.risk) {
            opened.gateway.attach_risk(RiskParts {
                risk: Arc::new(client),
                max_age: plan.max_age,
                when_unknown: plan.when_unknown,
            });
        }
        attach_webhooks(&opened, material.webhooks);
        opened.gateway.config_loaded(&change::first(&config));
        block_in_place(|| opened.attach_events());
        let acme = checked.acme.clone().map(|plan| acme::Parts {
            gateway: Arc::clone(&opened.gateway),
            slot: Arc::clone(&doors.https),
            account: acme::AccountFile::at(&folder.keys(), &plan.place.directory),
            file: CertificateFile::in_folder(&folder.tls()),
            plan,
            external: material.external,
        });
        let control = control(&folder, &opened)?;
        let ready = ready(&checked, &sockets, &folder);
        let events: Arc<dyn CarrierEvents> = opened.gateway.clone();
        roads.start(&events);
        let parts = Parts::serve(
            &checked,
            (&opened, &doors, &roads),
            (sockets, acme),
            control,
        );
        tracing::info!(https = ready.https, admin = ready.admin, "ready");
        Ok(Self {
            path: path.to_path_buf(),
            config,
            folder,
            opened,
            roads,
            patience,
            doors,
            ready,
            signals,
            parts,
        })
    }

    async fn until_signalled(mut self, output: Output) -> Outcome {
        output.event("ready", &self.ready);
        output.line(format!("HTTPS       {}", self.ready.https));
        if let Some(smpp) = &self.ready.smpp {
            output.line(format!("SMPP        {smpp}"));
        }
        output.line(format!("monitoring  {}", self.ready.admin));
        output.line(format!("data        {}", self.ready.data.display()));
        loop {
            let round = self.until_round();
            tokio::select! {
                _ = self.signals.reload.recv() => self.reload(),
                () = tokio::time::sleep(round) => self.round(),
                _ = self.signals.terminate.recv() => break,
                _ = self.signals.interrupt.recv() => break,
                failure = self.parts.signing.failed() => {
                    let _cut = self.stop(output).await;
                    return Err(failure);
                }
                _ = &mut self.parts.https.1 => {
                    return Err(Failure::unavailable("the HTTPS listener ended; see the log"));
                }
            }
        }
        self.stop(output).await
    }

    /// Ends the parts in the order that loses nothing: no new requests, then the open ones, then the
    /// links with their answers, then the jobs and the last entry.
    async fn stop(self, output: Output) -> Outcome {
        tracing::info!("stopping");
        tokio::spawn(end_at_second_signal());
        let Parts {
            control,
            https,
            admin,
            esmes,
            acme,
            jobs,
            signing,
            streams,
            sealing,
            webhooks,
        } = self.parts;
        control.abort();
        if let Some(acme) = acme {
            acme.stop().await;
        }
        let (drained, ()) = tokio::join!(end(https), async {
            if let Some(esmes) = esmes {
                end(esmes).await;
            }
        });
        // First the dispatcher: what it would hand to a bind that ends would only come back.
        end(jobs).await;
        end(webhooks).await;
        self.roads.stop(self.patience).await;
        self.opened.gateway.close_esme_queues();
        self.opened.gateway.stop().await;
        let signed = signing.stop().await;
        // They tell the last entry too.
        end(streams).await;
        end_sealing(sealing).await;
        block_in_place(|| self.opened.close());
        end(admin).await;
        signed?;
        let cut = match drained {
            Some(Drained::Cut(count)) => count,
            Some(Drained::Clean) | None => 0,
        };
        tracing::info!(connections_cut = cut, "stopped");
        output.event("stopped", &json!({"connections_cut": cut}));
        output.line(format!("Stopped; {cut} open connection(s) had to be cut."));
        Ok(Exit::Done)
    }
}

/// The ways to carriers of either kind; nothing is connected yet.
fn roads(
    checked: &Checked,
    links: Vec<LinkMaterial>,
    providers: Vec<(ProviderPlan, ProviderSecrets)>,
) -> Result<Roads, Failure> {
    let links = links::prepare(checked, links).map_err(Failure::unavailable)?;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
    let providers = Providers::new(providers, &entropy).map_err(Failure::unavailable)?;
    Ok(Roads::new(links, Arc::new(providers)))
}

/// Whoever asks twice wants it to end now. Nothing accepted is lost: it is as after a crash.
async fn end_at_second_signal() {
    let Ok(mut signals) = Signals::listen() else {
        return;
    };
    tokio::select! {
        _ = signals.terminate.recv() => {}
        _ = signals.interrupt.recv() => {}
    }
    tracing::error!("told to stop a second time: ending at once, as after a crash");
    std::process::exit(1);
}

impl Parts {
    fn serve(
        checked: &Checked,
        (opened, doors, roads): (&Opened, &Doors, &Roads),
        (sockets, acme): (Sockets, Option<acme::Parts>),
        control: JoinHandle<()>,
    ) -> Self {
        let gateway = &opened.gateway;
        let requests = Arc::new(RequestCounters::default());
        let settings = server_settings(&checked.https.limits);
        let api = Api::new(Arc::clone(gateway), settings, Arc::clone(&requests));
        let api = api.with_providers(Arc::clone(roads.providers()));
        let hosts = checked.https.hosts.iter().cloned();
        let api = api.with_hosts(Hosts::new(Arc::clone(&doors.https), hosts));
        let pages = Admin::new(Arc::clone(gateway), requests, sockets.counters);
        let (shown, told) = (doors.clone(), Arc::clone(gateway));
        let mut pages = pages.with_endings(Arc::new(move || endings::plain(shown.rows(&told))));
        let of_esmes = sockets.esmes.as_ref();
        let of_esmes = of_esmes.map(|door| Arc::clone(&door.counters));
        let (acme, of_acme) = acme.map(AcmeTask::start).unzip();
        pages = pages.with_rows(Arc::new(move || {
            let mut rows: Vec<_> = of_esmes.iter().flat_map(|kept| kept.rows()).collect();
            rows.extend(of_acme.iter().flat_map(|kept| kept.rows()));
            rows
        }));
        let (stop_https, https) = watch::channel(false);
        let (stop_admin, admin) = watch::channel(false);
        let (stop_jobs, jobs) = watch::channel(false);
        let (stop_streams, streams) = watch::channel(false);
        let (stop_sealing, sealing) = watch::channel(false);
        let (stop_webhooks, webhooks) = watch::channel(false);
        let https = sockets
            .https
            .serve(api, Security::Tls(Arc::clone(&doors.https)), https);
        let admin = sockets.admin.serve(pages, Security::Clear, admin);
        Self {
            control,
            https: (stop_https, tokio::spawn(https)),
            admin: (stop_admin, tokio::spawn(admin)),
            acme,
            esmes: sockets.esmes.map(|door| door.serve(gateway)),
            jobs: (stop_jobs, tokio::spawn(Arc::clone(gateway).run(jobs))),
            signing: Signing::start(Arc::clone(gateway)),
            streams: (
                stop_streams,
                tokio::spawn(Arc::clone(gateway).run_streams(streams)),
            ),
            sealing: (
                stop_sealing,
                tokio::spawn(Arc::clone(gateway).run_sealing(sealing)),
            ),
            webhooks: (
                stop_webhooks,
                tokio::spawn(Arc::clone(gateway).run_webhooks(webhooks)),
            ),
        }
    }
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            reload: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// Tells a part to end and waits for it. A part that panicked has said so in the log.
async fn end<T>((stop, task): (watch::Sender<bool>, JoinHandle<T>)) -> Option<T> {
    stop.send_replace(true);
    task.await.ok()
}

/// What is over is sealed, unless that is so much that the next start has to.
async fn end_sealing(sealing: (watch::Sender<bool>, JoinHandle<()>)) {
    if timeout(LAST_SEALS, end(sealing)).await.is_err() {
        tracing::warn!("not all that is over could be sealed; the next start does it");
    }
}

async fn bind(checked: &Checked, esmes: Option<Door>) -> Result<Sockets, Failure> {
    let counters: Vec<_> = ["https", "admin"]
        .map(|name| (name, Arc::new(ListenerCounters::default())))
        .into();
    let of = |place: usize| {
        counters
            .get(place)
            .map(|(_, kept)| Arc::clone(kept))
            .unwrap_or_default()
    };
    let settings = server_settings(&checked.https.limits);
    let https = Listener::bind(checked.https.limits.listen, settings.clone(), of(0)).await;
    let exposure = match checked.admin.exposure {
        admin::Exposure::LoopbackOnly => AdminExposure::LoopbackOnly,
        admin::Exposure::DangerAnyAddressInClear => AdminExposure::AnyAddressInClear,
    };
    let admin = Listener::bind_admin(checked.admin.listen, exposure, settings, of(1)).await;
    let taken = |error| Failure::new(Exit::Unavailable, error);
    Ok(Sockets {
        https: https.map_err(taken)?,
        admin: admin.map_err(taken)?,
        esmes,
        counters,
    })
}

fn server_settings(https: &https::Https) -> ServerSettings {
    ServerSettings {
        connections_max: https.connections_max,
        connections_per_address_max: https.connections_per_address_max,
        handshakes_per_address_max: https.handshakes_per_address_max,
        handshake_timeout: Duration::from_secs(https.handshake_seconds),
        header_timeout: Duration::from_secs(https.header_seconds),
        header_bytes_max: https.header_bytes_max,
        headers_max: https.headers_max,
        requests_max: https.requests_max,
        client_requests_max: https.client_requests_max,
        batches_max: https.batches_max,
        client_batches_max: https.client_batches_max,
        body_bytes_max: https.body_bytes_max,
        batch_body_bytes_max: https.batch_body_bytes_max,
        batch_messages_max: https.batch_messages_max,
        body_timeout: Duration::from_secs(https.body_seconds),
        body_bytes_per_second_min: https.body_bytes_per_second_min,
        write_timeout: Duration::from_secs(https.write_seconds),
        idle_timeout: Duration::from_secs(https.idle_seconds),
        request_timeout: Duration::from_secs(https.request_seconds),
        streams_max: https.streams_max,
        resets_max: https.resets_max,
        control_frames_max: https.control_frames_max,
        trusted_proxies: https.trusted_proxies.clone(),
        public_url: https.public_url(),
        shutdown_timeout: Duration::from_secs(https.shutdown_seconds),
    }
}

fn profile(configured: https::TlsProfile) -> TlsProfile {
    match configured {
        https::TlsProfile::Modern => TlsProfile::Modern,
        https::TlsProfile::Intermediate => TlsProfile::Intermediate,
    }
}

/// Says what is set that is loud.
fn warn_of(checked: &Checked) {
    for says in checked.warnings() {
        tracing::warn!("{says}");
    }
    for says in checked.limit_warnings() {
        tracing::warn!("{says}");
    }
}

/// Says whether clients are to be known by names for which nobody vouches.
fn warn_of_names(checked: &Checked, opened: &Opened) {
    if let Some(says) = unvouched::says(checked, &opened.gateway.clients_known_by_name()) {
        tracing::warn!("{says}");
    }
}

fn attach_webhooks(opened: &Opened, caller: Option<WebhookCaller>) {
    if let Some(caller) = caller {
        opened.gateway.attach_webhooks(Arc::new(caller));
    } else {
        tracing::warn!(
            "no webhook is called: this system has no file of trusted authorities; name one with \
             webhooks.ca_file"
        );
    }
}

/// The first certificate of the HTTPS listener. One that was obtained and cannot be read any more keeps nothing from
/// starting: the one for loopback stands in for it until the authority gives another.
fn first_certificates(
    checked: &Checked,
    configured: Option<Certificates>,
    folder: &DataFolder,
) -> anyhow::Result<Certificates> {
    match certificates_for(checked, configured, folder) {
        Ok(certificates) => Ok(certificates),
        Err(error) if checked.acme.is_some() => {
            tracing::error!(%error, "the certificate that was obtained cannot be used");
            certificates_of(None, folder)
        }
        Err(error) => Err(error),
    }
}

/// The certificate that an authority gave, the configured one, or the one that the gateway makes.
fn certificates_for(
    checked: &Checked,
    configured: Option<Certificates>,
    folder: &DataFolder,
) -> anyhow::Result<Certificates> {
    if checked.acme.is_some() {
        let obtained = CertificateFile::in_folder(&folder.tls()).read()?;
        if let Some((pair, _)) = obtained {
            return Ok(pair);
        }
    }
    certificates_of(configured, folder)
}

/// The configured certificate, or the one that the gateway makes for loopback.
fn certificates_of(
    configured: Option<Certificates>,
    folder: &DataFolder,
) -> anyhow::Result<Certificates> {
    if let Some(certificates) = configured {
        return Ok(certificates);
    }
    let files = certificates::keep(&folder.tls(), &[Subject::Gateway], SystemClock.now())?;
    let chain = std::fs::read(&files.server.certificate)?;
    let key = std::fs::read(&files.server.key)?;
    Ok(Certificates::from_pem(&chain, &key)?)
}

fn control(folder: &DataFolder, opened: &Opened) -> anyhow::Result<JoinHandle<()>> {
    let ground = Ground::new(opened);
    let gateway = Arc::clone(&opened.gateway);
    let act: Act = Arc::new(move |actor, request| Box::pin(act(ground.clone(), actor, request)));
    let desk = Desk {
        act,
        denied: Arc::new(move |user| gateway.user_was_denied(&user)),
    };
    Ok(tokio::spawn(
        ControlSocket::bind(&folder.socket())?.serve(desk),
    ))
}

fn ready(checked: &Checked, sockets: &Sockets, folder: &DataFolder) -> Ready {
    let ca = folder.tls().join("ca.pem");
    let made = checked.https.identity == crate::config::checked::Identity::Generated;
    Ready {
        https: format!("https://{}", sockets.https.address()),
        ca: made.then_some(ca),
        api_key: None,
        short_code: checked
            .settings
            .short_codes
            .keys()
            .next()
            .map(ToString::to_string),
        admin: format!("http://{}", sockets.admin.address()),
        sim: None,
        smpp: sockets.esmes.as_ref().map(Door::shown),
        data: folder.path().to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_the_listener_and_of_the_file_are_the_same() {
        let made = server_settings(&https::Https::default());
        assert_eq!(
            format!("{made:?}"),
            format!("{:?}", ServerSettings::default())
        );
    }
}
