//! Who the client is, over real connections: what the log of a request says, and that it never says the address itself.

use tidegate::{
    domain::clock::SystemClock,
    http::{ForwardedHeader, Proxies},
    store::Database,
};

use crate::{
    log,
    support::{
        house::{TestHouse, stations},
        postgres::TestDatabase,
        socket::Socket,
    },
};

/// A house that trusts these proxies.
async fn house(trusted: &str, header: ForwardedHeader) -> (TestDatabase, TestHouse) {
    log::keep();
    let database = TestDatabase::create().await;
    let mut options = stations();
    options.http.proxies = Proxies { trusted: trusted.parse().unwrap(), header };
    let house = TestHouse::with(Database::new(database.config.clone()), options, SystemClock::shared()).await;
    (database, house)
}

/// The line that is logged for a request with these header lines.
async fn logged(house: &TestHouse, id: &str, lines: &[&str]) -> String {
    let mut socket = Socket::open(house).await;
    let id_line = format!("X-Request-Id: {id}");
    socket.head("GET", "/health/live", &[&[id_line.as_str()], lines].concat()).await;
    let reply = socket.reply().await;
    assert_eq!((reply.status, reply.header("x-request-id")), (200, id));
    let (text, this) = (log::text(), format!("request_id=\"{id}\""));
    text.lines().find(|line| line.contains(&this)).unwrap_or_else(|| panic!("{id} was not logged")).to_owned()
}

/// The client that a line names.
fn client(line: &str) -> &str {
    let (_, rest) = line.split_once(" client=").unwrap_or_else(|| panic!("no client: {line}"));
    rest.split(' ').next().unwrap()
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
        assert_eq!(client(&line), *wanted, "{id}");
        for part in ["203.0.113.77", "198.51.100", "2001:db8:77:1", "127.0.0.1", "10.0.0.2"] {
            assert!(!line.contains(part), "{part} is in {line}");
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn a_stranger_is_not_believed() {
    let (_database, house) = house("10.0.0.0/8", ForwardedHeader::XForwardedFor).await;
    let lines = ["X-Forwarded-For: 203.0.113.77", "Forwarded: for=203.0.113.77"];
    let line = logged(&house, "client-address.stranger", &lines).await;
    assert_eq!(client(&line), "127.0.0.0/24");
    house.stop().await;
}

#[tokio::test]
async fn only_the_named_header_counts() {
    let (_database, house) = house("127.0.0.1", ForwardedHeader::Forwarded).await;
    let lines = ["X-Forwarded-For: 198.51.100.66", "Forwarded: for=\"[2001:db8:77::5]:4711\";proto=https"];
    let line = logged(&house, "client-address.named", &lines).await;
    assert_eq!(client(&line), "2001:db8:77::/48");
    house.stop().await;
}
