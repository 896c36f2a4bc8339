-- purge/lots.rs::step: all lots are gone; where retention had removed some before, the claims of those are left
update purge p
set phase = case when exists (select from tally t where t.datasource_id = p.datasource_id and t.expired > 0)
                 then 'claims' else 'contacts' end
where p.datasource_id = $1
