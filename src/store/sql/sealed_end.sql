-- sealed.rs::put: end the key that is being replaced; its text is of no further use to anybody
update key set revoked_at = now(), sealed = '' where id = $1
