-- The tables of docs/architecture.md, "The tables". Forward only, and never edited once 0.1.0 is tagged.

-- Which cluster the transaction ids of `lot` belong to: they start anew after a restore and are issued twice
-- after a fail-over, so order is (epoch, tx, id). A restore gives epochs new numbers; the old ones stay behind, so that cursors
-- from before it are recognised.
create table epoch (
    n                 int primary key,
    system_identifier bigint not null,
    timeline          int not null,
    opened_at         timestamptz not null default now(),
    moved_to          int
);

-- Stamps a row with the transaction that wrote it, so that one poll below the snapshot's horizon sees every change.
create function stamp_change() returns trigger language plpgsql as $$
begin
    new.changed := pg_current_xact_id();
    return new;
end
$$;

create table organization (
    id         bigint generated always as identity primary key,
    uid        text not null unique,
    name       text not null,
    plan       text not null default 'M' check (plan in ('S', 'M', 'L', 'XL')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index organization_is_single on organization ((true));

create table project (
    id              bigint generated always as identity primary key,
    organization_id bigint not null references organization,
    uid             text not null unique,
    name            text not null,
    locale          text not null default 'en',
    timezone        text not null default 'UTC',
    limits          jsonb not null default '{}',
    retention_days  int check (retention_days between 1 and 36500),
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    deleted_at      timestamptz,
    changed         xid8 not null default pg_current_xact_id()
);
create index project_by_change on project (changed);

-- What a project adds to the built-in catalogue. A change touches the project's row, so that a poll of that table sees it.
create table spec (
    project_id bigint not null references project,
    kind       text not null check (kind in ('attribute', 'event', 'parameter')),
    event_type text not null check ((kind = 'parameter') = (event_type <> '')),
    name       text not null,
    body       jsonb not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (project_id, kind, event_type, name)
);

create table datasource (
    id              bigint generated always as identity primary key,
    project_id      bigint not null references project,
    uid             text not null unique,
    name            text not null,
    type            text not null default 'api' check (type in ('api')),
    priority        int not null default 100,
    plan            text check (plan in ('S', 'M', 'L', 'XL')),
    strict          boolean not null default false,
    default_country text check (default_country ~ '^[A-Z]{2}$'),
    limits          jsonb not null default '{}',
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    closed_at       timestamptz,
    deleted_at      timestamptz,
    purged_at       timestamptz,
    changed         xid8 not null default pg_current_xact_id()
);
create index datasource_by_project on datasource (project_id, id);
create index datasource_by_change on datasource (changed);

-- People who sign in and hold personal keys. Without `projects` they see all of them. `password` is an Argon2id hash in PHC form;
-- until one is set, whoever holds the link whose SHA-256 is `invitation` may set it.
create table app_user (
    id              bigint generated always as identity primary key,
    organization_id bigint not null references organization,
    uid             text not null unique,
    email           text not null,
    role            text not null check (role in ('read_only', 'ingest', 'full_access')),
    projects        bigint[],
    password        text,
    invitation      bytea unique check (length(invitation) = 32),
    invited_until   timestamptz,
    created_at      timestamptz not null default now(),
    created_by      text not null,
    disabled_at     timestamptz
);
create unique index app_user_by_email on app_user (lower(email));

-- Every credential of every kind. The text itself is never here in the clear: `hash` is SHA-256 of the whole of it. `sealed` is the
-- text of the two kinds that can be shown again, encrypted under the server's secret key. A key that was rotated has
-- `rotated_at`, and a deadline in `expires_at`; its successor `replaces` it.
create table key (
    id              uuid primary key,
    kind            text not null,
    hash            bytea not null unique check (length(hash) = 32),
    prefix          text not null,
    name            text not null,
    description     text not null default '',
    role            text check (role in ('read_only', 'ingest', 'full_access')),
    scopes          text[] not null,
    sealed          bytea,
    organization_id bigint not null references organization,
    project_id      bigint references project,
    datasource_id   bigint references datasource,
    user_id         bigint references app_user,
    created_at      timestamptz not null default now(),
    created_by      text not null,
    replaces        uuid references key,
    rotated_at      timestamptz,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    deleted_at      timestamptz,
    changed         xid8 not null default pg_current_xact_id(),
    check ((kind = 'personal') = (user_id is not null) and (kind = 'personal') = (role is not null)),
    check ((kind in ('instance', 'event-stream')) = (sealed is not null))
);
-- A project has one live key of each kind that can be shown again.
create unique index key_is_single on key (project_id, kind)
    where kind in ('instance', 'event-stream') and revoked_at is null and deleted_at is null;
create index key_by_user on key (user_id) where user_id is not null and deleted_at is null;
create index key_by_replaced on key (replaces) where replaces is not null;
create index key_by_project on key (project_id) where deleted_at is null;
create index key_by_datasource on key (datasource_id) where deleted_at is null;
create index key_by_change on key (changed);

create trigger stamp before insert or update on project for each row execute function stamp_change();
create trigger stamp before insert or update on datasource for each row execute function stamp_change();
create trigger stamp before insert or update on key for each row execute function stamp_change();

-- When each key was last used; written behind the answers, at most once a minute for each key.
create table key_use (
    key_id     uuid primary key references key,
    used_at    timestamptz not null,
    address    text not null,
    user_agent text not null
);

-- Who did what to projects, datasources, users and keys, when, and from where. `project_id` is null for what concerns none or all.
create table audit (
    id         bigint generated always as identity primary key,
    at         timestamptz not null default now(),
    project_id bigint references project,
    actor      text not null,
    address    text not null,
    action     text not null,
    subject    text not null,
    detail     jsonb not null default '{}'
);
create index audit_by_project on audit (project_id, id desc);

-- The first answer to a request that carried an Idempotency-Key, for those that repeat it. Kept for a day.
create table idempotency (
    key_id      uuid not null references key,
    token       text not null,
    fingerprint bytea not null check (length(fingerprint) = 32),
    status      int not null,
    body        text not null,
    created_at  timestamptz not null default now(),
    primary key (key_id, token)
);
create index idempotency_by_time on idempotency (created_at);

-- The log. Ids are drawn in blocks, so the sequence costs nothing per row and ids are dense within a lot.
create sequence event_id_block as bigint increment by 65536;

create table event (
    id            bigint not null,
    project_id    bigint not null,
    datasource_id bigint not null,
    received_at   timestamptz not null,
    occurred_at   timestamptz not null,
    kind          "char" not null,
    type          text not null,
    user_id       text not null,
    event_id      text,
    parameters    json not null
) partition by range (received_at);
-- For every 8 pages the ranges of ids and of times, and a Bloom filter of contacts. One index, because each costs every insert.
-- Summarized behind the lanes by the server itself: `autosummarize` waits for autovacuum's next round. Closed days get a B-tree
-- besides.
create index event_by_range on event using brin (
    id,
    received_at,
    hashtextextended(user_id, datasource_id) int8_bloom_ops (n_distinct_per_range = 400, false_positive_rate = 0.001)
) with (pages_per_range = 8);
-- Conversations, found by when one was closed and by their ids. Of nothing else is there an entry: to any other row these cost a look at
-- its type.
create index event_by_closing on event (project_id, occurred_at) where type = 'conversation_closed';
create index event_by_conversation on event (project_id, hashtextextended(parameters ->> 'conversation_id', project_id), occurred_at)
    where type in ('conversation_opened', 'conversation_message', 'conversation_closed');

-- The order: one row per commit and datasource.
create table lot (
    project_id    bigint not null,
    epoch         int not null,
    tx            xid8 not null default pg_current_xact_id(),
    first_id      bigint not null,
    last_id       bigint not null,
    datasource_id bigint not null,
    events        int not null,
    contacts      int not null,
    contacts_net  int not null,
    id_sum        bigint not null,
    contact_sum   bigint not null,
    received_at   timestamptz not null,
    primary key (project_id, epoch, tx, first_id)
);
-- Lots lie in the order of their times, so the pages of any stretch of time are found by their bounds.
create index lot_by_time on lot using brin (received_at) with (pages_per_range = 8, autosummarize = on);

-- What the lots of each datasource add up to, as far as those of its project are tallied: up to, and without, a position of the
-- order. Of its events, `expired` are past their retention and gone. A restore that shifts `lot.epoch` shifts this one too.
create table tally (
    datasource_id bigint primary key,
    project_id    bigint not null,
    events        bigint not null,
    contacts      bigint not null,
    expired       bigint not null default 0
);
create table tally_position (
    project_id bigint primary key,
    epoch      int not null,
    tx         xid8 not null
);

-- Where the stream of a project begins, since something of it is past its retention: all up to and including this position is
-- gone for every reader. Lots before `at_*` are removed. A restore that shifts `lot.epoch` shifts these epochs too.
create table retention_floor (
    project_id bigint primary key,
    epoch      int not null,
    tx         xid8 not null,
    id         bigint not null,
    at_epoch   int not null default 0,
    at_tx      xid8 not null default '0'
);

-- Datasources whose data is to go: all that was received before a moment, and a position of the order. `phase` and `at_*` say
-- how far that is done; `shell_*` is where lots begin that stay for a while, emptied. A restore that shifts `lot.epoch` shifts
-- these epochs too.
create table purge (
    datasource_id bigint primary key,
    project_id    bigint not null,
    requested_at  timestamptz not null,
    epoch         int not null,
    tx            xid8 not null,
    phase         text not null default 'lots' check (phase in ('lots', 'claims', 'contacts', 'rest')),
    at_epoch      int not null default 0,
    at_tx         xid8 not null default '0',
    at_claim      uuid not null default '00000000-0000-0000-0000-000000000000',
    at_user       text not null default '',
    shell_epoch   int,
    shell_tx      xid8
);

-- The claim on an event id. Apart from the log, because a unique index cannot span partitions.
create table event_key (
    datasource_id bigint not null,
    claim         uuid not null,
    content       uuid not null,
    given_date    timestamptz,
    claimed_at    timestamptz not null,
    primary key (datasource_id, claim)
);

create table contact (
    datasource_id bigint not null,
    user_id       text not null,
    contact_id    uuid not null,
    project_id    bigint not null,
    attributes    jsonb not null,
    email         text,
    phone         text,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    primary key (datasource_id, user_id)
) with (fillfactor = 90);
create unique index contact_by_uuid on contact (contact_id);
create index contact_by_email on contact (project_id, email, datasource_id) where email is not null;
create index contact_by_phone on contact (project_id, phone, datasource_id) where phone is not null;

-- What was asked of a datasource, by the minute and in all; written behind the answers.
create table usage_minute (
    datasource_id     bigint not null,
    minute            timestamptz not null,
    calls_success     bigint not null,
    calls_failures    bigint not null,
    entities_success  bigint not null,
    entities_failures bigint not null,
    contacts          bigint not null,
    events            bigint not null,
    primary key (datasource_id, minute)
);

create table usage_total (
    datasource_id     bigint primary key,
    calls_success     bigint not null,
    calls_failures    bigint not null,
    entities_success  bigint not null,
    entities_failures bigint not null,
    contacts          bigint not null,
    events            bigint not null,
    last_success_at   timestamptz,
    last_failure_at   timestamptz,
    last_contact_at   timestamptz,
    last_event_at     timestamptz
);

-- The last items that were refused, with the values masked; bounded per datasource and kept for a week.
create table rejected_item (
    id            bigint generated always as identity primary key,
    datasource_id bigint not null,
    at            timestamptz not null,
    kind          text not null,
    pointer       text not null,
    rule          text not null,
    excerpt       text not null
);
create index rejected_item_by_datasource on rejected_item (datasource_id, id desc);

-- Receivers of the stream, and how far each of them is: everything up to (epoch, tx, item) was delivered, waits in `webhook_pending`
-- or is a dead letter. The secrets are encrypted under the server's secret key; the one before holds until its deadline. One node at
-- a time delivers, as long as it renews `leased_until`; `generation` rises with every change that it has to learn of, `course` when the
-- position was moved by hand. A restore that shifts `lot.epoch` shifts these epochs too.
create table webhook (
    id              uuid primary key,
    project_id      bigint not null references project,
    url             text not null,
    types           text[] not null,
    datasources     bigint[],
    description     text not null,
    enabled         boolean not null,
    parallel        int not null check (parallel between 1 and 64),
    whole           boolean not null,
    sealed          bytea not null,
    sealed_before   bytea,
    before_until    timestamptz,
    created_at      timestamptz not null default now(),
    created_by      text not null,
    updated_at      timestamptz not null default now(),
    generation      bigint not null default 1,
    course          bigint not null default 1,
    epoch           int not null,
    tx              bigint not null,
    item            bigint not null,
    disabled_reason text,
    skipped_at      timestamptz,
    failures        int not null default 0,
    success_at      timestamptz,
    failure_at      timestamptz,
    node            uuid,
    leased_until    timestamptz,
    check ((sealed_before is null) = (before_until is null))
);
create index webhook_by_project on webhook (project_id, created_at, id);
create index webhook_by_node on webhook (node) where node is not null;

-- The nodes that deliver, each as long as it says so again: what there is to deliver to is shared out among them.
create table webhook_node (
    node       uuid primary key,
    seen_until timestamptz not null
);

-- Messages that are to be sent again, and those that somebody asked for. What they say is read from the log when they are sent.
create table webhook_pending (
    webhook_id  uuid not null references webhook on delete cascade,
    epoch       int not null,
    tx          bigint not null,
    item        bigint not null,
    attempts    int not null,
    next_at     timestamptz not null,
    received_at timestamptz not null,
    by_hand     boolean not null,
    primary key (webhook_id, epoch, tx, item)
);

-- The last attempts of each endpoint; bounded in number and kept for a week.
create table webhook_delivery (
    id         bigint generated always as identity primary key,
    webhook_id uuid not null references webhook on delete cascade,
    at         timestamptz not null,
    message    text not null,
    type       text not null,
    attempt    int not null,
    status     int,
    latency_ms int not null,
    error      text
);
create index webhook_delivery_by_webhook on webhook_delivery (webhook_id, id desc);

-- Messages that were given up. What they say stays in the log as long as anything there.
create table webhook_dead_letter (
    id         bigint generated always as identity primary key,
    webhook_id uuid not null references webhook on delete cascade,
    at         timestamptz not null,
    epoch      int not null,
    tx         bigint not null,
    item       bigint not null,
    type       text not null,
    attempts   int not null,
    status     int,
    error      text,
    unique (webhook_id, epoch, tx, item)
);
create index webhook_dead_letter_by_webhook on webhook_dead_letter (webhook_id, id desc);

-- The oldest schema version whose binaries may work on this database. A migration that takes away what they need raises it.
create table schema_floor (
    version int not null
);
create unique index schema_floor_is_single on schema_floor ((true));
insert into schema_floor (version) values (1);
