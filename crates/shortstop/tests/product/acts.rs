//! No unaudited path: one life of a gateway in which every row of the audit table is driven, and the
//! ledger of it, in which each act has to have its entry.

mod book;
mod carriers;
mod commands;
mod events;
mod routes;
mod socket;
pub mod stage;
mod twilio;
mod verify;

use stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_act_of_the_table_leaves_the_entry_that_its_row_names() {
    let mut stage = Stage::new().await;
    let demo = commands::demo(&stage);
    stage.quiet().await;
    let mut busy = stage.busy().await;
    routes::drive(&mut stage, &mut busy).await;
    socket::drive(&mut stage, &busy).await;
    events::drive(&mut stage, &mut busy).await;
    stage.stop(busy.gateway).await;
    let gateway = events::crash(&mut stage).await;
    commands::running(&mut stage, &gateway).await;
    stage.stop(gateway).await;
    commands::stopped(&mut stage).await;
    commands::restored(&mut stage).await;
    commands::told_of_demo(&mut stage, demo).await;
    stage.book.check();
}
