-- specs.rs::declare: how many specs a project declared
select count(*) from spec where project_id = $1
