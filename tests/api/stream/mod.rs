//! `/v1/project/{project}/datasource/{datasource}/stream`.

mod events;
