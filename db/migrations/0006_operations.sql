-- Which operations clients really send, so that a change of policy can be held against them before
-- it is saved. Names of the schema and numbers of uses; no literal, variable, alias or subject.

create table fieldward.operation (
  digest text primary key,
  role text not null,
  -- Empty for an operation without a name.
  name text not null,
  -- [[use, coordinate, action, depth], …] in the order in which a plan asks.
  demands jsonb not null,
  first_seen timestamptz not null default now(),
  last_seen timestamptz not null default now(),
  times bigint not null check (times > 0),
  -- What is no name of a schema is refused here, too: a value has no place to stand in.
  check (role ~ '^[a-z][a-z0-9_]{0,62}$'),
  check (name ~ '^([A-Za-z_][A-Za-z0-9_]{0,99})?$' and name !~ '[0-9]{3}'),
  check (jsonb_typeof(demands) = 'array' and length(demands::text) < 100000
         and not demands @? 'strict $[*] ? (@.type() != "array" || @.size() != 4
               || @[0].type() != "string" || !(@[0] like_regex "^[a-zA-Z]{1,20}$")
               || @[1].type() != "string"
               || !(@[1] like_regex "^[A-Z][A-Za-z]{0,60}[.][a-z][A-Za-z0-9]{0,60}$")
               || @[2].type() != "string" || !(@[2] like_regex "^[a-z]{1,20}(:[a-zA-Z]{1,20})?$")
               || @[3].type() != "number" || @[3] < 0 || @[3] > 100)')
);

-- Adds uses. `seen` is [{role, name, demands, times}, …]. What is used least goes when there are too
-- many, so that whoever makes up operations fills no disk.
create function fieldward.record_operations(seen jsonb) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- One at a time: two who took the same rows in another order would wait for each other.
  lock table fieldward.operation in share row exclusive mode;
  insert into fieldward.operation as known (digest, role, name, demands, times)
    select encode(sha256(convert_to(concat_ws(E'\n', s.role, s.name, s.demands::text), 'UTF8')), 'hex'),
           s.role, s.name, s.demands, sum(s.times)
      from jsonb_to_recordset(seen) s (role text, name text, demands jsonb, times bigint)
     group by s.role, s.name, s.demands
    on conflict (digest) do update
      set times = known.times + excluded.times, last_seen = now();
  if (select count(*) from fieldward.operation) > 10000 then
    delete from fieldward.operation o
     where o.digest in (select x.digest from fieldward.operation x
                         order by x.times desc, x.last_seen desc, x.digest offset 10000);
  end if;
end
$$;

revoke all on function fieldward.record_operations(jsonb) from public;

insert into fieldward.definition (object, definition)
select format('function %s', p.oid::regprocedure), pg_get_functiondef(p.oid)
  from pg_proc p
 where p.oid = 'fieldward.record_operations(jsonb)'::regprocedure;
