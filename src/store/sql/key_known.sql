-- key_list.rs::page: whether there is a row of a key, deleted or not
select exists (select from key where id = $1)
