-- audit.rs::write: write down who did what to what
insert into audit (actor, action, subject, detail) values ($1, $2, $3, $4::text::jsonb)
