//! Who the client is, over real connections: what the log of a request says, and that it never says the address itself.

use std::{
    fmt::Debug,
    sync::{Mutex, Once},
};

use tidegate::{
    domain::clock::SystemClock,
    http::{ForwardedHeader, Proxies},
    store::Database,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::support::{
    house::{Reply, TestHouse, stations},
    postgres::TestDatabase,
    socket::Socket,
};

/// The answered requests of this process: request id, client, and the line with all its fields.
static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());

#[derive(Debug, Clone, Default)]
struct Line {
    request_id: String,
    client: Option<String>,
    whole: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        self.whole.push_str(&format!("{}={text} ", field.name()));
        match field.name() {
            "request_id" => self.request_id = text.trim_matches('"').to_owned(),
            "client" => self.client = Some(text),
            _ => {}
        }
    }
}

/// Keeps the lines of the outermost wrapper, and lets everything else go.
struct Keeper;

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == "tidegate::http::trace"
    }
    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        LINES.lock().unwrap().push(line);
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// A house that trusts these proxies.
async fn house(trusted: &str, header: ForwardedHeader) -> (TestDatabase, TestHouse) {
    static KEEPER: Once = Once::new();
    KEEPER.call_once(|| tracing::subscriber::set_global_default(Keeper).unwrap());
    let database = TestDatabase::create().await;
    let mut options = stations();
    options.http.proxies = Proxies { trusted: trusted.parse().unwrap(), header };
    let house = TestHouse::with(Database::new(database.config.clone()), options, SystemClock::shared()).await;
    (database, house)
}

/// What is logged as the client of a request with these header lines.
async fn logged(house: &TestHouse, id: &str, lines: &[&str]) -> Line {
    let mut socket = Socket::open(house).await;
    let id_line = format!("X-Request-Id: {id}");
    socket.head("GET", "/health/live", &[&[id_line.as_str()], lines].concat()).await;
    let reply: Reply = socket.reply().await;
    assert_eq!((reply.status, reply.header("x-request-id")), (200, id));
    let lines = LINES.lock().unwrap();
    lines.iter().find(|line| line.request_id == id).unwrap_or_else(|| panic!("{id} was not logged")).clone()
}

#[tokio::test]
async fn a_trusted_proxy_is_believed() {
    let (_database, house) = house("127.0.0.0/8, 10.0.0.0/8", ForwardedHeader::XForwardedFor).await;
    let cases: &[(&str, &[&str], &str)] = &[
        ("no-header", &[], "127.0.0.0/24"),
        ("one-hop", &["X-Forwarded-For: 203.0.113.77"], "203.0.113.0/24"),
        ("version-6", &["X-Forwarded-For: 2001:db8:77:1::5"], "2001:db8:77::/48"),
        ("forged", &["X-Forwarded-For: 198.51.100.66, 203.0.113.77, 10.0.0.2"], "203.0.113.0/24"),
        (
            "forged-line",
            &["X-Forwarded-For: 198.51.100.66", "x-forwarded-for: 203.0.113.77"],
            "203.0.113.0/24",
        ),
        (
            "lines-in-order",
            &["X-Forwarded-For: 203.0.113.77", "Via: 1.1 a", "X-Forwarded-For: 10.0.0.2"],
            "203.0.113.0/24",
        ),
        ("garbage", &["X-Forwarded-For: <script>"], "127.0.0.0/24"),
        ("the-other-header", &["Forwarded: for=198.51.100.66"], "127.0.0.0/24"),
    ];
    for (id, lines, wanted) in cases {
        let line = logged(&house, &format!("client-address.{id}"), lines).await;
        assert_eq!(line.client.as_deref(), Some(*wanted), "{id}");
        for part in [".77", ".66", ":1::5", "127.0.0.1", "10.0.0.2"] {
            assert!(!line.whole.contains(part), "{part} is in {}", line.whole);
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn a_stranger_is_not_believed() {
    let (_database, house) = house("10.0.0.0/8", ForwardedHeader::XForwardedFor).await;
    let lines = ["X-Forwarded-For: 203.0.113.77", "Forwarded: for=203.0.113.77"];
    let line = logged(&house, "client-address.stranger", &lines).await;
    assert_eq!(line.client.as_deref(), Some("127.0.0.0/24"));
    house.stop().await;
}

#[tokio::test]
async fn only_the_named_header_counts() {
    let (_database, house) = house("127.0.0.1", ForwardedHeader::Forwarded).await;
    let lines = ["X-Forwarded-For: 198.51.100.66", "Forwarded: for=\"[2001:db8:77::5]:4711\";proto=https"];
    let line = logged(&house, "client-address.named", &lines).await;
    assert_eq!(line.client.as_deref(), Some("2001:db8:77::/48"));
    house.stop().await;
}
