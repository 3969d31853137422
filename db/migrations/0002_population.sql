-- The population of the court order, stored and kept true by the database.
--
-- A person is in the population on a day on which all of these hold; any doubt takes them out:
--   1 a determination "unlawfully present" covers the day, and no other outcome does
--   2 exactly one span of variable demographics covers the day, and in it
--   3   CITIZENSHIP-IND is 0
--   4   the immigration verification flag is 1
--   5   IMMIGRATION-STATUS is known and not 1, 2 or 8
--   6   there is no end date of a five-year bar
--   7 nobody else has the same MSIS ID
--   8 the MSIS ID is not an SSN: neither marked as SSN-based nor equal to an SSN of the person
--
-- Stored as the set of days, so that it is exact for every day, past and to come, without a job
-- that runs at midnight. medicaid.population_clauses says the same clause by clause for one day,
-- written the other way round; tests hold the two against each other.

-- Medicaid IDs and how many people hold each. Writers of one ID wait for each other on its row,
-- so two people who get the same ID at the same moment both leave the population.
create table medicaid.medicaid_id (
  msis_identification_num text collate "C" primary key,
  holders integer not null check (holders >= 0)
);

create index enrollee_population on medicaid.enrollee (enrollee_id) where population <> '{}';

create function medicaid.population_of(people uuid[])
  returns table (enrollee_id uuid, population datemultirange)
  language sql stable
  set search_path = pg_catalog
as $$
  with span as (
    select v.enrollee_id, v.span_num, daterange(v.effective_date, v.end_date, '[]') as days,
           coalesce(v.citizenship_ind = '0'
             and v.immigration_verification_flag
             and v.immigration_status not in ('1', '2', '8')
             and v.immigration_status_five_year_bar_end_date is null, false) as fits
      from medicaid.variable_demographics v
     where v.enrollee_id = any (people)
  ), fitting as (
    select s.enrollee_id, range_agg(s.days) as days from span s where s.fits group by 1
  ), ambiguous as (
    select a.enrollee_id, range_agg(a.days * b.days) as days
      from span a join span b
        on a.enrollee_id = b.enrollee_id and a.span_num < b.span_num and a.days && b.days
     group by 1
  ), determined as (
    select d.enrollee_id,
           coalesce(range_agg(daterange(d.effective_date, d.end_date, '[]'))
             filter (where d.outcome = 'unlawfully_present'), '{}')
           - coalesce(range_agg(daterange(d.effective_date, d.end_date, '[]'))
             filter (where d.outcome <> 'unlawfully_present'), '{}') as days
      from medicaid.immigration_determination d
     where d.enrollee_id = any (people)
     group by 1
  )
  select e.enrollee_id,
         case
           when e.msis_id_ssn_based or i.holders is distinct from 1 or exists (
             select from medicaid.variable_demographics v
              where v.enrollee_id = e.enrollee_id and v.ssn = e.msis_identification_num
           ) then '{}'
           else coalesce(d.days * f.days - coalesce(a.days, '{}'), '{}')
         end
    from medicaid.enrollee e
    left join medicaid.medicaid_id i using (msis_identification_num)
    left join determined d on d.enrollee_id = e.enrollee_id
    left join fitting f on f.enrollee_id = e.enrollee_id
    left join ambiguous a on a.enrollee_id = e.enrollee_id
   where e.enrollee_id = any (people)
$$;

create function medicaid.population_clauses(as_of date)
  returns table (
    enrollee_id uuid, determined boolean, one_span boolean, non_citizen boolean,
    verified boolean, status_open boolean, no_five_year_bar boolean,
    unshared_id boolean, id_is_no_ssn boolean
  )
  language sql stable
  set search_path = pg_catalog
as $$
  select e.enrollee_id,
         coalesce((select bool_and(d.outcome = 'unlawfully_present')
                     from medicaid.immigration_determination d
                    where d.enrollee_id = e.enrollee_id
                      and as_of between d.effective_date and d.end_date), false),
         v.spans = 1,
         v.spans > 0 and v.non_citizen,
         v.spans > 0 and v.verified,
         v.spans > 0 and v.status_open,
         v.spans > 0 and v.no_bar,
         not exists (select from medicaid.enrollee o
                      where o.msis_identification_num = e.msis_identification_num
                        and o.enrollee_id <> e.enrollee_id),
         not e.msis_id_ssn_based
           and not exists (select from medicaid.variable_demographics o
                            where o.enrollee_id = e.enrollee_id
                              and o.ssn = e.msis_identification_num)
    from medicaid.enrollee e
    cross join lateral (
      select count(*) as spans,
             coalesce(bool_and(coalesce(x.citizenship_ind = '0', false)), false) as non_citizen,
             coalesce(bool_and(coalesce(x.immigration_verification_flag, false)), false) as verified,
             coalesce(bool_and(coalesce(x.immigration_status not in ('1', '2', '8'), false)), false)
               as status_open,
             coalesce(bool_and(x.immigration_status_five_year_bar_end_date is null), false) as no_bar
        from medicaid.variable_demographics x
       where x.enrollee_id = e.enrollee_id
         and x.effective_date <= as_of
         and (x.end_date is null or x.end_date >= as_of)
    ) v
$$;

-- Stores what population_of says for these people, after it has locked the rows of those whom
-- another transaction may be changing too (a row of this very transaction is nobody else's yet).
-- Under read committed, what follows the lock sees all that was committed before it. A stricter
-- level would see the state before; and serializable holds only against others that are, too.
create function medicaid.refresh_population(people uuid[]) returns void
  language plpgsql
  set search_path = pg_catalog
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'records that the population depends on are written under read committed';
  end if;
  perform from medicaid.enrollee e
    where e.enrollee_id = any (people) and e.xmin <> pg_current_xact_id()::xid
    order by e.enrollee_id
    for no key update;
  update medicaid.enrollee e
     set population = p.population
    from medicaid.population_of(people) p
   where e.enrollee_id = p.enrollee_id and e.population <> p.population;
end
$$;

create function medicaid.count_medicaid_id(ids text[], step integer) returns void
  language sql
  set search_path = pg_catalog
as $$
  insert into medicaid.medicaid_id as m (msis_identification_num, holders)
    select id, count(*) * greatest(step, 0) from unnest(ids) id group by id order by id
  on conflict (msis_identification_num) do update
    set holders = m.holders + step * (
      select count(*) from unnest(ids) id where id = excluded.msis_identification_num)
$$;

create function medicaid.enrollee_changed() returns trigger
  language plpgsql
  set search_path = pg_catalog
as $$
declare
  gone text[] := '{}';
  come text[] := '{}';
  people uuid[] := '{}';
begin
  if tg_op = 'INSERT' then
    select array_agg(n.msis_identification_num), array_agg(n.enrollee_id)
      into come, people from changed_to n;
  elsif tg_op = 'DELETE' then
    select array_agg(o.msis_identification_num) into gone from changed_from o;
  else
    select array_agg(o.msis_identification_num)
             filter (where o.msis_identification_num <> n.msis_identification_num
                        or n.enrollee_id is null),
           array_agg(n.msis_identification_num)
             filter (where o.msis_identification_num <> n.msis_identification_num
                        or o.enrollee_id is null),
           array_agg(n.enrollee_id) filter (where n.enrollee_id is not null)
      into gone, come, people
      from changed_to n
      full join changed_from o using (enrollee_id)
     where o.msis_identification_num is distinct from n.msis_identification_num
        or o.msis_id_ssn_based is distinct from n.msis_id_ssn_based
        or o.population is distinct from n.population;
  end if;
  if gone is not null and cardinality(gone) > 0 then
    perform medicaid.count_medicaid_id(gone, -1);
  end if;
  if come is not null and cardinality(come) > 0 then
    perform medicaid.count_medicaid_id(come, 1);
  end if;
  -- Whoever else holds an ID that came or went is touched too.
  select array_agg(distinct e.enrollee_id) into people
    from (
      select unnest(people) as enrollee_id
      union all
      select o.enrollee_id
        from medicaid.medicaid_id m
        join medicaid.enrollee o using (msis_identification_num)
       where m.msis_identification_num = any (coalesce(gone, '{}') || coalesce(come, '{}'))
         and (m.holders > 1 or m.msis_identification_num = any (coalesce(gone, '{}')))
    ) e;
  if people is not null then
    perform medicaid.refresh_population(people);
  end if;
  return null;
end
$$;

create function medicaid.status_changed() returns trigger
  language plpgsql
  set search_path = pg_catalog
as $$
declare
  people uuid[];
begin
  if tg_op = 'INSERT' then
    select array_agg(distinct n.enrollee_id) into people from changed_to n;
  elsif tg_op = 'DELETE' then
    select array_agg(distinct o.enrollee_id) into people from changed_from o;
  else
    select array_agg(distinct c.enrollee_id) into people
      from (select enrollee_id from changed_to union all select enrollee_id from changed_from) c;
  end if;
  if people is not null then
    perform medicaid.refresh_population(people);
  end if;
  return null;
end
$$;

-- The counts are the triggers' own: a wrong one would let a shared ID into the population.
create function medicaid.refuse_edit() returns trigger
  language plpgsql
  set search_path = pg_catalog
as $$
begin
  if pg_trigger_depth() < 2 then
    raise exception 'holders of Medicaid IDs are counted by triggers alone';
  end if;
  return null;
end
$$;

create trigger counted_by_triggers before insert or update or delete or truncate
  on medicaid.medicaid_id
  for each statement execute function medicaid.refuse_edit();

create trigger population_insert after insert on medicaid.enrollee
  referencing new table as changed_to
  for each statement execute function medicaid.enrollee_changed();
create trigger population_update after update on medicaid.enrollee
  referencing old table as changed_from new table as changed_to
  for each statement execute function medicaid.enrollee_changed();
create trigger population_delete after delete on medicaid.enrollee
  referencing old table as changed_from
  for each statement execute function medicaid.enrollee_changed();

create trigger population_insert after insert on medicaid.variable_demographics
  referencing new table as changed_to
  for each statement execute function medicaid.status_changed();
create trigger population_update after update on medicaid.variable_demographics
  referencing old table as changed_from new table as changed_to
  for each statement execute function medicaid.status_changed();
create trigger population_delete after delete on medicaid.variable_demographics
  referencing old table as changed_from
  for each statement execute function medicaid.status_changed();

create trigger population_insert after insert on medicaid.immigration_determination
  referencing new table as changed_to
  for each statement execute function medicaid.status_changed();
create trigger population_update after update on medicaid.immigration_determination
  referencing old table as changed_from new table as changed_to
  for each statement execute function medicaid.status_changed();
create trigger population_delete after delete on medicaid.immigration_determination
  referencing old table as changed_from
  for each statement execute function medicaid.status_changed();

-- TRUNCATE fires none of the above, so it is refused where it would leave the population untrue.
create function medicaid.refuse_truncate() returns trigger
  language plpgsql
  set search_path = pg_catalog
as $$
begin
  raise exception 'truncate would bypass the population; delete instead';
end
$$;

create trigger population_truncate before truncate on medicaid.enrollee
  for each statement execute function medicaid.refuse_truncate();
create trigger population_truncate before truncate on medicaid.variable_demographics
  for each statement execute function medicaid.refuse_truncate();
create trigger population_truncate before truncate on medicaid.immigration_determination
  for each statement execute function medicaid.refuse_truncate();
