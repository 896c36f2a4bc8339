-- The table of the plain servers: the columns of ours, and one index that keeps an event id from being stored twice.
create table event (
    id            bigint generated always as identity,
    project_id    bigint not null,
    datasource_id bigint not null,
    received_at   timestamptz not null,
    occurred_at   timestamptz not null,
    kind          "char" not null,
    type          text not null,
    user_id       text not null,
    event_id      text not null,
    parameters    json not null,
    primary key (datasource_id, event_id)
);
