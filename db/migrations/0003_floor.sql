-- The floor: what PostgreSQL itself refuses when everything above it failed.
--
-- Each role of policy is a login of its own, with SELECT on the columns that its statements name and
-- on nothing else. Logins are members of one of two groups, for which row policies exist: the roles
-- of `:open` see every row of a table that they have a column of, the roles of `:capped` see the
-- population of the court order of the day. Whoever is in neither sees no row.
--
-- A policy version and the privileges that follow from it are committed in one transaction, by a
-- function of the owner: the gateway's login can call it, and can grant nothing itself.

-- What row scopes ask of the labels of a claim, so that a role whose scope reads it needs no
-- privilege on the labels. Alcohol use (ETHUD) is a part of substance use (ETH): 42 CFR Part 2.
alter table medicaid.claim
  add column substance_use boolean not null
    generated always as (sensitivity_labels && array['ETH', 'ETHUD']) stored,
  add column sensitive boolean not null
    generated always as (sensitivity_labels
      && array['ETH', 'ETHUD', 'HIV', 'PSY', 'SDV', 'SEX', 'STD', 'GDIS']) stored;

-- The place of a claim in lists of those who know people by pseudonym. In the order of the key, the
-- same places in their list and in another's would tell whose pseudonym is whose. For people the
-- pseudonym is that place.
alter table medicaid.claim add column place uuid not null default gen_random_uuid();
create index on medicaid.enrollee (pseudonym);
create index on medicaid.claim (place);

-- A look-up by the capped role goes to the nearest Medicaid ID of the population, not of everybody.
create index on medicaid.enrollee (msis_identification_num) where population <> '{}';

-- Who may look up an SSN and not read it has no privilege on the column. The function answers with
-- the keys of the rows that hold the number; the column beside it tells "another" from "none".
alter table medicaid.variable_demographics
  add column ssn_known boolean not null generated always as (ssn is not null) stored;

create function medicaid.variable_demographics_by_ssn(wanted text)
  returns table (enrollee_id uuid, span_num integer)
  language sql stable strict security definer parallel safe rows 1
  set search_path = pg_catalog, pg_temp
as $$
  select v.enrollee_id, v.span_num from medicaid.variable_demographics v where v.ssn = wanted
$$;

create table fieldward.policy_version (
  number bigint primary key check (number > 0),
  digest text not null,
  document text not null,
  floor jsonb not null,
  committed_at timestamptz not null default now()
);

create table fieldward.policy_head (
  version bigint not null references fieldward.policy_version,
  only_one boolean primary key default true check (only_one)
);

-- Instants within which an order lets the capped roles read: from the first on, before the second.
create table fieldward.standing (
  begins timestamptz,
  ends timestamptz,
  check (begins < ends)
);

-- What an object of the floor was when it was made, for the check of drift. `source` is what it was
-- made of, where that is not in a migration.
create table fieldward.definition (
  object text primary key,
  source text not null default '',
  definition text not null
);

create function fieldward.refuse_change() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'a policy version that was committed stays as it is';
end
$$;

create trigger immutable before update or delete or truncate on fieldward.policy_version
  for each statement execute function fieldward.refuse_change();

-- The name of a login or group of this database, as db/floor_login.py makes it. Roles belong to the
-- whole server; PostgreSQL cuts names at 63 bytes, so a longer one ends in a digest.
create function fieldward.floor_role(role text) returns text
  language sql stable strict
  set search_path = pg_catalog, pg_temp
as $$
  select case
           when octet_length(whole) <= 63 then whole
           else (select left(database, n)
                   from generate_series(length(database), 0, -1) n
                  where octet_length(left(database, n)) <= 20
                  order by n desc limit 1)
                || '#' || left(encode(sha256(convert_to(whole, 'UTF8')), 'hex'), 40)
         end
    from (select current_database()::text, current_database() || ':' || role) x (database, whole)
$$;

-- The day for which the capped roles see the population: today in UTC while an order stands, else
-- none, and then nobody is in it. The clock is the server's; no setting of a session enters, and a
-- transaction that is kept open grows no older.
create function fieldward.population_day() returns date
  language sql stable security definer parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select (statement_timestamp() at time zone 'UTC')::date
   where exists (
     select from fieldward.standing s
      where (s.begins is null or s.begins <= statement_timestamp())
        and (s.ends is null or statement_timestamp() < s.ends))
$$;

-- Logins and groups of this database, whether or not a floor names them still. A name that was cut
-- does not say of which database it is, so the last two versions are asked for theirs.
create function fieldward.floor_roles() returns table (oid oid, name text)
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select r.oid, r.rolname::text
    from pg_roles r
   where starts_with(r.rolname::text, current_database() || ':')
      or r.rolname::text in (
           select fieldward.floor_role(':open') union all select fieldward.floor_role(':capped')
           union all
           select fieldward.floor_role(k)
             from fieldward.policy_version v, jsonb_object_keys(v.floor -> 'roles') k
            where v.number > (select max(number) - 2 from fieldward.policy_version))
$$;

-- Whoever holds a privilege that only a floor gives: anybody but the owner on schema medicaid, on
-- schema fieldward everybody and the roles of this database. As SQL text; no row for all others.
create function fieldward.holder(grantee oid, owner oid, schema name) returns table (name text)
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end
   where grantee <> owner
     and (schema = 'medicaid'
          or schema = 'fieldward'
             and (grantee = 0 or grantee in (select r.oid from fieldward.floor_roles() r)))
$$;

-- Makes what PostgreSQL grants equal to a floor: roles, memberships, columns, functions, the spans
-- in which orders stand. Changes only what differs. `verifiers` is role of policy → SCRAM verifier,
-- for logins that are not there yet: no password ever comes here.
create function fieldward.enforce_floor(floor jsonb, verifiers jsonb) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  -- Else whoever makes a role could become it, as a setting of the session has it.
  set createrole_self_grant = ''
as $$
declare
  groups constant text[] := array[fieldward.floor_role(':open'), fieldward.floor_role(':capped')];
  each record;
  login text;
  verifier text;
begin
  if jsonb_typeof(floor) is distinct from 'object'
    or jsonb_typeof(floor -> 'roles') is distinct from 'object'
    or jsonb_typeof(floor -> 'standing') is distinct from 'array'
    or exists (select from jsonb_each(floor -> 'roles') r
                where jsonb_typeof(r.value) is distinct from 'object'
                   or jsonb_typeof(r.value -> 'columns') is distinct from 'object'
                   or jsonb_typeof(r.value -> 'functions') is distinct from 'array'
                   or jsonb_typeof(r.value -> 'capped') is distinct from 'boolean')
  then
    raise exception 'this is no floor' using errcode = 'invalid_parameter_value';
  end if;
  for each in select key, value from jsonb_each(floor -> 'roles') loop
    if each.key !~ '^[a-z][a-z0-9_]{0,62}$' then
      raise exception 'the floor names a role that no policy has' using errcode = 'invalid_name';
    end if;
  end loop;
  if exists (
    select from jsonb_each(floor -> 'roles') r, jsonb_each(r.value -> 'columns') t,
                jsonb_array_elements_text(t.value) c (name)
     where not exists (
       select from pg_attribute a join pg_class k on k.oid = a.attrelid
        where k.relnamespace = 'medicaid'::regnamespace and k.relkind = 'r'
          and k.relname = t.key and a.attname = c.name and a.attnum > 0 and not a.attisdropped)
  ) then
    raise exception 'the floor names a column that no record has' using errcode = 'undefined_column';
  end if;
  if exists (
    select from jsonb_each(floor -> 'roles') r, jsonb_array_elements_text(r.value -> 'functions') f
     where not exists (select from pg_proc p
                        where p.pronamespace = 'medicaid'::regnamespace and p.proname = f.value)
  ) then
    raise exception 'the floor names a function that there is not'
      using errcode = 'undefined_function';
  end if;

  foreach login in array groups loop
    if not exists (select from pg_roles where rolname = login) then
      execute format('create role %I nologin', login);
    end if;
  end loop;

  for each in
    select r.key as role, fieldward.floor_role(r.key) as name,
           groups[case when (r.value ->> 'capped')::boolean then 2 else 1 end] as own
      from jsonb_each(floor -> 'roles') r
  loop
    if not exists (select from pg_roles where rolname = each.name) then
      verifier := verifiers ->> each.role;
      if verifier is null
         or verifier !~ '^SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$'
      then
        raise exception 'no SCRAM verifier for a new role' using errcode = 'invalid_password';
      end if;
      execute format(
        'create role %I login nosuperuser nocreatedb nocreaterole nobypassrls noreplication '
        'password %L', each.name, verifier);
    elsif exists (select from pg_roles where rolname = each.name and not rolcanlogin) then
      execute format('alter role %I login', each.name);
    end if;
    if not exists (
      select from pg_auth_members m
       where m.roleid = to_regrole(quote_ident(each.own))
         and m.member = to_regrole(quote_ident(each.name))
         and m.inherit_option and not m.set_option and not m.admin_option
    ) then
      execute format('grant %I to %I with inherit true, set false, admin false', each.own, each.name);
    end if;
  end loop;

  -- What a role may do that a login need not, and roles that no floor names any more.
  for each in
    select f.name, r.rolcreatedb, r.rolcreaterole, r.rolcanlogin and not exists (
             select from jsonb_object_keys(floor -> 'roles') k
              where fieldward.floor_role(k) = f.name) as idle,
           exists (select from pg_db_role_setting s where s.setrole = f.oid) as configured
      from fieldward.floor_roles() f join pg_roles r on r.oid = f.oid
  loop
    if each.idle then
      execute format('alter role %I nologin', each.name);
    end if;
    if each.configured then  -- a login may set its own
      execute format('alter role %I reset all', each.name);
      execute format('alter role %I in database %I reset all', each.name, current_database());
    end if;
    -- What only a superuser can take back stays, and is named as drift.
    begin
      if each.rolcreatedb then
        execute format('alter role %I nocreatedb', each.name);
      end if;
      if each.rolcreaterole then
        execute format('alter role %I nocreaterole', each.name);
      end if;
    exception when insufficient_privilege then null;
    end;
  end loop;

  -- Memberships: a login is in its group, and in nothing else; nobody is a member of a login. What
  -- made the login may hand it on, which is what making it means.
  for each in
    select r.rolname as of_role, m.member::regrole as member, m.grantor::regrole as grantor
      from pg_auth_members m
      join pg_roles r on r.oid = m.roleid
      left join fieldward.floor_roles() member on member.oid = m.member
      left join fieldward.floor_roles() whole on whole.oid = m.roleid
     where (member.oid is not null and not exists (
              select from jsonb_each(floor -> 'roles') f
               where fieldward.floor_role(f.key) = member.name
                 and r.rolname
                     = groups[case when (f.value ->> 'capped')::boolean then 2 else 1 end]))
        or (whole.oid is not null and member.oid is null
            and not (m.admin_option and not m.inherit_option and not m.set_option)
            and m.member <> current_user::regrole)
  loop
    begin
      execute format('revoke %I from %s granted by %s', each.of_role, each.member, each.grantor);
    exception when insufficient_privilege then null;  -- named as drift
    end;
  end loop;

  execute format('grant execute on function fieldward.population_day() to %I', groups[2]);
  -- Privileges on records that others have go, too: those of the roles of a database that this one
  -- is a copy of, for one.
  for each in
    select distinct n.nspname, h.name
      from pg_namespace n
      cross join lateral aclexplode(n.nspacl) x
      cross join lateral fieldward.holder(x.grantee, n.nspowner, n.nspname) h
     where not (n.nspname = 'medicaid' and x.privilege_type = 'USAGE' and not x.is_grantable
                and pg_get_userbyid(x.grantee)::text = any (groups))
  loop
    execute format('revoke all on schema %I from %s', each.nspname, each.name);
  end loop;
  execute format('grant usage on schema medicaid to %I, %I', groups[1], groups[2]);

  -- A privilege on a whole table goes first: taking it back takes those on its columns along.
  for each in
    select distinct c.oid::regclass as relation, h.name, c.relkind = 'S' as counts
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      cross join lateral aclexplode(c.relacl) x
      cross join lateral fieldward.holder(x.grantee, c.relowner, n.nspname) h
  loop
    execute format('revoke all on %s %s from %s cascade',
                   case when each.counts then 'sequence' else 'table' end, each.relation, each.name);
  end loop;
  for each in
    select distinct a.attrelid::regclass as relation, a.attname, h.name
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
      cross join lateral aclexplode(a.attacl) x
      cross join lateral fieldward.holder(x.grantee, c.relowner, n.nspname) h
     where not (x.privilege_type = 'SELECT' and not x.is_grantable and n.nspname = 'medicaid'
                and exists (
                  select from jsonb_each(floor -> 'roles') r
                   where fieldward.floor_role(r.key) = pg_get_userbyid(x.grantee)::text
                     and r.value -> 'columns' -> c.relname::text ? a.attname::text))
  loop
    execute format('revoke all (%I) on table %s from %s cascade',
                   each.attname, each.relation, each.name);
  end loop;
  for each in
    select t.key as relation, fieldward.floor_role(r.key) as name,
           string_agg(quote_ident(c.name), ', ' order by c.name) as columns
      from jsonb_each(floor -> 'roles') r, jsonb_each(r.value -> 'columns') t,
           jsonb_array_elements_text(t.value) c (name)
     where not exists (
       select from pg_attribute a, aclexplode(a.attacl) x
        where a.attrelid = format('medicaid.%I', t.key)::regclass and a.attname = c.name
          and x.grantee = quote_ident(fieldward.floor_role(r.key))::regrole
          and x.privilege_type = 'SELECT')
     group by t.key, r.key
  loop
    execute format('grant select (%s) on medicaid.%I to %I',
                   each.columns, each.relation, each.name);
  end loop;

  for each in
    select distinct p.oid::regprocedure as called, h.name
      from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace
      cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
      cross join lateral fieldward.holder(x.grantee, p.proowner, n.nspname) h
     where not (not x.is_grantable and (
         (p.oid = 'fieldward.population_day()'::regprocedure
          and pg_get_userbyid(x.grantee)::text = groups[2])
         or (n.nspname = 'medicaid' and exists (
           select from jsonb_each(floor -> 'roles') r
            where fieldward.floor_role(r.key) = pg_get_userbyid(x.grantee)::text
              and r.value -> 'functions' ? p.proname::text))))
  loop
    execute format('revoke all on function %s from %s cascade', each.called, each.name);
  end loop;
  for each in
    select p.oid::regprocedure as called, fieldward.floor_role(r.key) as name
      from jsonb_each(floor -> 'roles') r, jsonb_array_elements_text(r.value -> 'functions') f
      join pg_proc p on p.pronamespace = 'medicaid'::regnamespace and p.proname = f.value
     where not exists (
       select from aclexplode(p.proacl) x
        where x.grantee = quote_ident(fieldward.floor_role(r.key))::regrole)
  loop
    execute format('grant execute on function %s to %I', each.called, each.name);
  end loop;

  delete from fieldward.standing s
   where not exists (select from jsonb_array_elements(floor -> 'standing') w
                      where s.begins is not distinct from (w ->> 0)::timestamptz
                        and s.ends is not distinct from (w ->> 1)::timestamptz);
  insert into fieldward.standing (begins, ends)
    select (w ->> 0)::timestamptz, (w ->> 1)::timestamptz
      from jsonb_array_elements(floor -> 'standing') w
     where not exists (select from fieldward.standing s
                        where s.begins is not distinct from (w ->> 0)::timestamptz
                          and s.ends is not distinct from (w ->> 1)::timestamptz);
end
$$;

-- The next policy version, and all that follows from it, or nothing. `base` is the version that the
-- caller has seen as the head, null for none: two who commit over the same one do not both win.
create function fieldward.commit_policy(
    base bigint, digest text, document text, floor jsonb, verifiers jsonb) returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  head bigint;
begin
  lock table fieldward.policy_head in share row exclusive mode;
  select h.version into head from fieldward.policy_head h;
  if head is distinct from base then
    raise exception 'the head is another version' using errcode = 'FW409';
  end if;
  insert into fieldward.policy_version (number, digest, document, floor)
    values (coalesce(base, 0) + 1, digest, document, floor);
  insert into fieldward.policy_head (version) values (coalesce(base, 0) + 1)
    on conflict (only_one) do update set version = excluded.version;
  perform fieldward.enforce_floor(floor, verifiers);
  return coalesce(base, 0) + 1;
end
$$;

revoke all on all functions in schema medicaid, fieldward from public;

-- Nobody but the owner sees a row until `fieldward db floor` has made the row policies, which name
-- roles and so are of one database: a copy under another name has other ones.
do $$
declare
  each record;
begin
  for each in select oid::regclass as name from pg_class
               where relnamespace = 'medicaid'::regnamespace and relkind = 'r' loop
    execute format('alter table %s enable row level security', each.name);
  end loop;
end
$$;

-- Functions, triggers and derived columns as they are now: population, lookups and scopes rest on
-- them.
insert into fieldward.definition (object, definition)
select format('function %s', p.oid::regprocedure), pg_get_functiondef(p.oid)
  from pg_proc p
 where p.pronamespace in ('medicaid'::regnamespace, 'fieldward'::regnamespace)
union all
select format('trigger %I on %s', t.tgname, t.tgrelid::regclass),
       pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
  from pg_trigger t join pg_class c on c.oid = t.tgrelid
 where c.relnamespace in ('medicaid'::regnamespace, 'fieldward'::regnamespace)
   and not t.tgisinternal
union all
select format('derived column %I of %s', a.attname, a.attrelid::regclass),
       pg_get_expr(d.adbin, d.adrelid)
  from pg_attribute a
  join pg_attrdef d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
  join pg_class c on c.oid = a.attrelid
 where c.relnamespace = 'medicaid'::regnamespace and a.attgenerated <> '';
