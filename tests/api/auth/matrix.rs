//! Every route × every holder of a key × {own, foreign, absent target} × {live, revoked, deleted, expired, of a disabled user,
//! wrong checksum, none, two}: the answers of the contract's section 2. Who may do what stands here once more, as the specification of
//! keys says it, so that a slip in the code's own tables shows.

use tidegate::{
    auth::{
        scope::Scope::{self, *},
        text::{KeyText, Kind},
    },
    domain::clock::SystemEntropy,
    http::routes::{ROUTES, Route},
    store::Role,
};
use uuid::Uuid;

use super::{AMBIGUOUS, INVALID, MISSING, path_in};
use crate::support::{
    house::{Inlet, Reply, TestHouse},
    postgres::TestDatabase,
};

/// What a key of some kind may do.
struct Holder {
    kind: Kind,
    role: Option<&'static str>,
    scopes: &'static [Scope],
}

const READ: &[Scope] = &[
    AccountRead,
    ProjectRead,
    ProjectIngestRead,
    ProjectAudienceRead,
    ProjectAudienceDataBasic,
    ProjectAudienceDataEvents,
    ProjectStreamRead,
];

const INGEST: &[Scope] = &[
    AccountRead,
    ProjectRead,
    ProjectIngestRead,
    ProjectIngestWrite,
    ProjectAudienceRead,
    ProjectAudienceDataBasic,
    ProjectAudienceDataEvents,
    ProjectStreamRead,
    ProjectStreamWrite,
];

const ALL: &[Scope] = &[
    AccountRead,
    ProjectRead,
    ProjectIngestRead,
    ProjectIngestWrite,
    ProjectAudienceRead,
    ProjectAudienceDataBasic,
    ProjectAudienceDataEvents,
    ProjectStreamRead,
    ProjectStreamWrite,
    ProjectManage,
];

/// Everybody who may come.
const HOLDERS: &[Holder] = &[
    Holder { kind: Kind::Datasource, role: None, scopes: &[ProjectIngestRead, ProjectIngestWrite] },
    Holder {
        kind: Kind::Product,
        role: None,
        scopes: &[AccountRead, ProjectAudienceRead, ProjectIngestWrite],
    },
    Holder { kind: Kind::Product, role: None, scopes: ALL },
    Holder { kind: Kind::Personal, role: Some("read_only"), scopes: READ },
    Holder { kind: Kind::Personal, role: Some("ingest"), scopes: INGEST },
    Holder { kind: Kind::Personal, role: Some("full_access"), scopes: ALL },
    Holder {
        kind: Kind::Instance,
        role: None,
        scopes: &[
            ProjectRead,
            ProjectIngestRead,
            ProjectIngestWrite,
            ProjectAudienceRead,
            ProjectAudienceDataBasic,
            ProjectAudienceDataEvents,
            ProjectStreamWrite,
        ],
    },
    Holder {
        kind: Kind::EventStream,
        role: None,
        scopes: &[ProjectStreamRead, ProjectStreamWrite, ProjectAudienceDataBasic, ProjectAudienceDataEvents],
    },
];

impl Holder {
    /// Stores a key of this holder for an inlet, and answers its text. A user is made for a personal key, who sees that project.
    async fn key(&self, house: &TestHouse, inlet: &Inlet) -> (Uuid, String) {
        let text = KeyText::mint(self.kind, &SystemEntropy).unwrap();
        let id = Uuid::from_u128(u128::from_le_bytes(text.hash()[..16].try_into().unwrap()));
        let client = house.database.connect(Role::Command).await.unwrap();
        let names: Vec<&str> = self.scopes.iter().map(|scope| scope.name()).collect();
        let sealed = matches!(self.kind, Kind::Instance | Kind::EventStream).then_some(&b"sealed"[..]);
        if let Some(role) = self.role {
            let user = "insert into app_user (organization_id, uid, email, role, projects, created_by) \
                        select p.organization_id, $1, $1 || '@example.com', $2, array[p.id], 'test' \
                        from project p where p.uid = $3";
            client.execute(user, &[&id.to_string(), &role, &inlet.project]).await.unwrap();
        }
        let insert = "insert into key (id, kind, hash, prefix, name, role, scopes, sealed, organization_id, project_id, \
                                       datasource_id, user_id, created_by) \
                      select $1::uuid, $2, $3, $4, 'Key', $5, $6::text[], $7, p.organization_id, \
                             case when $2 in ('product', 'instance', 'event-stream') then p.id end, \
                             case when $2 = 'datasource' then d.id end, u.id, 'test' \
                      from project p join datasource d on d.project_id = p.id left join app_user u on u.uid = $1::uuid::text \
                      where p.uid = $8 and d.uid = $9";
        let made = client
            .execute(
                insert,
                &[
                    &id,
                    &self.kind.name(),
                    &&text.hash()[..],
                    &text.display_prefix(),
                    &self.role,
                    &names,
                    &sealed,
                    &inlet.project,
                    &inlet.datasource,
                ],
            )
            .await
            .unwrap();
        assert_eq!(made, 1);
        house.state.authority.refresh().await.unwrap();
        (id, text.reveal().to_owned())
    }

    /// Whether what the route names lies inside the reach of a key that is bound to it.
    fn reaches(&self, route: &Route) -> bool {
        match self.kind {
            // Whose keys they are is a user's business.
            kind if route.path.starts_with("/v1/me/keys") => kind == Kind::Personal,
            Kind::Datasource => route.path.contains("{datasource}") || !route.path.contains("{project}"),
            _ => true,
        }
    }

    fn what(&self, route: &Route) -> String {
        format!("{:?} {:?} on {} {}", self.kind, self.role, route.method, route.path)
    }
}

async fn ask(house: &TestHouse, route: &Route, path: &str, key: &str) -> Reply {
    let request = house.request(route.method, path).bearer_auth(key).header("X-Request-Id", "fixed");
    Reply::of(request.header("Content-Type", "application/json").body("{")).await
}

/// Whether a 404 may speak of something that the path names inside the target.
fn names_more(route: &Route) -> bool {
    route.path.replace("{project}", "").replace("{datasource}", "").contains('{')
}

#[tokio::test]
async fn live_keys_are_let_in_where_they_reach_and_have_the_scope() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    for holder in HOLDERS {
        for route in ROUTES {
            // A fresh target for each, because some routes end it.
            let own = house.inlet().await;
            let (_, key) = holder.key(&house, &own).await;
            let reply = ask(&house, route, &path_in(route, &own.project, &own.datasource), &key).await;
            let (what, challenge) = (holder.what(route), reply.header("www-authenticate"));
            if !holder.reaches(route) {
                assert_eq!(
                    (reply.status, reply.code().as_str(), challenge),
                    (404, "not_found", ""),
                    "{what}"
                );
            } else if let Some(lacking) = route.scope.filter(|scope| !holder.scopes.contains(scope)) {
                let lacks =
                    format!("Bearer realm=\"tidegate\", error=\"insufficient_scope\", scope=\"{lacking}\"");
                assert_eq!((reply.status, challenge), (403, lacks.as_str()), "{what}");
            } else {
                assert!(!matches!(reply.status, 401 | 403), "{what}: {}", reply.text);
                assert!(reply.status != 404 || names_more(route), "{what}: {}", reply.text);
                assert!(reply.status < 500, "{what}: {}", reply.text);
            }
            assert!(!reply.rate_headers().is_empty(), "{what}");
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn foreign_and_absent_targets_are_the_same_404_for_every_kind() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (own, foreign) = (house.inlet().await, house.inlet().await);
    let mut bodies = std::collections::BTreeSet::new();
    for holder in HOLDERS {
        let (_, key) = holder.key(&house, &own).await;
        for route in ROUTES.iter().filter(|route| route.path.contains("{project}")) {
            let mut outside = vec![
                path_in(route, &foreign.project, &foreign.datasource),
                path_in(route, "proj_absent", "ds_absent"),
            ];
            if route.path.contains("{datasource}") {
                outside.push(path_in(route, &own.project, &foreign.datasource));
                outside.push(path_in(route, &own.project, "ds_absent"));
            }
            for path in outside {
                let reply = ask(&house, route, &path, &key).await;
                let seen = (reply.status, reply.header("www-authenticate"));
                assert_eq!(seen, (404, ""), "{} at {path}", holder.what(route));
                bodies.insert(reply.text);
            }
        }
        house.sql("update key set revoked_at = now() where kind in ('instance', 'event-stream')").await;
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    house.stop().await;
}

#[tokio::test]
async fn what_does_not_hold_is_the_same_401_everywhere() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let mut bodies = std::collections::BTreeSet::new();
    for holder in HOLDERS {
        let own = house.inlet().await;
        let mut dead = Vec::new();
        for end in ["revoked_at = now()", "deleted_at = now()", "expires_at = now() - interval '1 second'"] {
            let (id, key) = holder.key(&house, &house.inlet().await).await;
            house.sql(&format!("update key set {end} where id = '{id}'")).await;
            dead.push(key);
        }
        if holder.kind == Kind::Personal {
            let (id, key) = holder.key(&house, &own).await;
            house.sql(&format!("update app_user set disabled_at = now() where uid = '{id}'")).await;
            // As whatever changes a user does, in the same transaction.
            house.sql(&format!("update key set name = name where id = '{id}'")).await;
            dead.push(key);
        }
        house.state.authority.refresh().await.unwrap();
        let (_, live) = holder.key(&house, &own).await;
        let last = if live.ends_with('x') { 'y' } else { 'x' };
        dead.push(format!("{}{last}", &live[..live.len() - 1]));
        dead.push(KeyText::mint(holder.kind, &SystemEntropy).unwrap().reveal().to_owned());
        for route in ROUTES {
            let path = path_in(route, &own.project, &own.datasource);
            for key in &dead {
                let reply = ask(&house, route, &path, key).await;
                let seen = (reply.status, reply.header("www-authenticate"));
                assert_eq!(seen, INVALID, "{}", holder.what(route));
                assert!(reply.rate_headers().is_empty(), "{}", holder.what(route));
                bodies.insert(reply.text);
            }
        }
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    house.stop().await;
}

#[tokio::test]
async fn every_kind_has_its_channels_on_every_route() {
    let database = TestDatabase::create().await;
    let house = TestHouse::start(&database).await;
    let (own, other) = (house.inlet().await, house.inlet().await);
    for holder in HOLDERS {
        let (_, key) = holder.key(&house, &own).await;
        for route in ROUTES {
            // A target that is not there: what comes before the look-up of the target is what counts here.
            let path = path_in(route, &other.project, "ds_absent");
            let request = |path: &str| house.request(route.method, path);
            let seen = async |request: reqwest::RequestBuilder| {
                let reply = Reply::of(request).await;
                (reply.status, reply.header("www-authenticate").to_owned())
            };
            let (what, in_query) = (holder.what(route), format!("{path}?api_key={key}"));
            let refused = |(status, challenge): (u16, &str)| (status, challenge.to_owned());
            assert_eq!(seen(request(&path)).await, refused(MISSING), "{what}");
            assert_eq!(seen(request(&path).basic_auth("a", Some(&key))).await, refused(MISSING), "{what}");
            let two = request(&path).bearer_auth(&key).header("Authorization", format!("Bearer {key}"));
            assert_eq!(seen(two).await, refused(AMBIGUOUS), "{what}");
            assert_eq!(seen(request(&in_query).bearer_auth(&key)).await, refused(AMBIGUOUS), "{what}");
            let raw = seen(request(&path).header("Authorization", &key)).await;
            let raw_is_its_channel = matches!(holder.kind, Kind::Instance | Kind::EventStream);
            assert_eq!(raw == refused(INVALID), !raw_is_its_channel, "{what} raw: {raw:?}");
            if !route.path.contains("{project}") {
                continue;
            }
            let query = seen(request(&in_query)).await;
            match holder.kind {
                Kind::Personal => assert_eq!(query.0, 404, "{what} in the query"),
                Kind::EventStream => assert_eq!(query, refused(AMBIGUOUS), "{what} in the query"),
                _ => assert_eq!(query, refused(INVALID), "{what} in the query"),
            }
        }
        house.sql("update key set revoked_at = now() where kind in ('instance', 'event-stream')").await;
    }
    house.stop().await;
}
