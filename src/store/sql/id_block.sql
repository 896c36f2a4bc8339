-- lane.rs::take_ids: draw a block of event ids; the block begins at the value
select nextval('event_id_block')
