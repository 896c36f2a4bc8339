//! A plain ingest server, as a team writes one in a day: actix takes the array, one INSERT stores it, the answer waits for it.
//! No keys, no budgets, no verdict for each item beyond what serde and the table ask.

use std::path::Path;

use actix_web::{App, HttpResponse, HttpServer, error::ErrorInternalServerError, web};
use anyhow::Result;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tidegate::domain::clock::{SharedClock, SystemClock};
use tokio_postgres::{Config, NoTls};

/// Connections to PostgreSQL, for all workers together.
const POOL: usize = 16;

const INSERT: &str = r#"
    insert into event (project_id, datasource_id, received_at, occurred_at, kind, type, user_id, event_id, parameters)
    select 1, 1, $1, t.occurred_at, 'e', t.type, t.user_id, t.event_id, t.parameters::json
    from unnest($2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[])
        as t(occurred_at, type, user_id, event_id, parameters)
    on conflict (datasource_id, event_id) do nothing"#;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "_user_id")]
    user: String,
    #[serde(rename = "_event_id")]
    id: String,
    #[serde(rename = "_event_type")]
    kind: String,
    #[serde(rename = "_event_date")]
    date: Option<Timestamp>,
    #[serde(rename = "_event_parameters")]
    parameters: Option<Box<RawValue>>,
}

/// What every worker needs.
struct Shop {
    pool: Pool,
    clock: SharedClock,
}

/// Serves until a signal, with one worker for each processor.
pub fn serve(socket_dir: &Path, user: &str, database: &str, port: u16) -> Result<()> {
    let mut config = Config::new();
    config.host_path(socket_dir).user(user).dbname(database);
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let pool = Pool::builder(Manager::from_config(config, NoTls, recycling)).max_size(POOL).build()?;
    let shop = web::Data::new(Shop { pool, clock: SystemClock::shared() });
    let app = move || {
        App::new()
            .app_data(shop.clone())
            .app_data(web::JsonConfig::default().limit(1 << 20))
            .route("/health/live", web::get().to(async || HttpResponse::Ok().json(json!({"status": "live"}))))
            .route("/v1/project/{project}/datasource/{datasource}/stream/events", web::post().to(push))
    };
    actix_web::rt::System::new().block_on(HttpServer::new(app).bind(("127.0.0.1", port))?.run())?;
    Ok(())
}

async fn push(shop: web::Data<Shop>, events: web::Json<Vec<Event>>) -> actix_web::Result<HttpResponse> {
    let now = shop.clock.now();
    let dates: Vec<Timestamp> = events.iter().map(|event| event.date.unwrap_or(now)).collect();
    let types: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    let users: Vec<&str> = events.iter().map(|event| event.user.as_str()).collect();
    let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
    let parameters: Vec<&str> =
        events.iter().map(|event| event.parameters.as_ref().map_or("{}", |raw| raw.get())).collect();
    let client = shop.pool.get().await.map_err(ErrorInternalServerError)?;
    let statement = client.prepare_cached(INSERT).await.map_err(ErrorInternalServerError)?;
    let stored = client
        .execute(&statement, &[&now, &dates, &types, &users, &ids, &parameters])
        .await
        .map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Accepted().json(json!({"success": true, "received": events.len(), "stored": stored})))
}
