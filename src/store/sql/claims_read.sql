-- lots.rs::read_claims: what stands behind claims that were lost; a statement of its own, because the one that lost cannot see the winner
select k.datasource_id, k.claim, k.content, k.given_date
from unnest($1::bigint[], $2::uuid[]) as t(datasource_id, claim)
join event_key k on k.datasource_id = t.datasource_id and k.claim = t.claim
