-- uses.rs::keep: when keys were last used; in the order of the keys, so that two nodes cannot wait for each other
insert into key_use as u (key_id, used_at, address, user_agent)
select t.key_id, t.used_at, t.address, t.user_agent
from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[]) as t(key_id, used_at, address, user_agent)
join key k on k.id = t.key_id
order by t.key_id
on conflict (key_id) do update
    set used_at = excluded.used_at, address = excluded.address, user_agent = excluded.user_agent
    where u.used_at < excluded.used_at
