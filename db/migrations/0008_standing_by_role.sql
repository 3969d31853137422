-- Spans of orders for each capped role. They were one list for all of them: an order about one role
-- let every other capped role see the population, though its own order was paused. And an emergency
-- that one person commits has to say that it only narrows.

alter table fieldward.standing add column role text;

-- With one capped role the list was that role's. With several, nothing says whose a span was: none of
-- them sees a row until `fieldward db floor` has been run, which `fieldward db drift` says.
delete from fieldward.standing
 where (select count(*)
          from fieldward.policy_head h
          join fieldward.policy_version v on v.number = h.version
          cross join jsonb_each(v.floor -> 'roles') r
         where (r.value -> 'capped') = 'true'::jsonb) <> 1;
update fieldward.standing set role = (
  select r.key
    from fieldward.policy_head h
    join fieldward.policy_version v on v.number = h.version
    cross join jsonb_each(v.floor -> 'roles') r
   where (r.value -> 'capped') = 'true'::jsonb);
alter table fieldward.standing alter column role set not null;

-- The day for which a capped role sees the population: today in UTC while its orders let it read, else
-- none, and then nobody is in it. Whose: the login's of this session, which only a superuser can
-- exchange; `set role` does not. The clock is the server's; no setting of a session enters, and a
-- transaction that is kept open grows no older.
create or replace function fieldward.population_day() returns date
  language sql stable security definer parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select (statement_timestamp() at time zone 'UTC')::date
   where exists (
     select from fieldward.standing s
      where (s.begins is null or s.begins <= statement_timestamp())
        and (s.ends is null or statement_timestamp() < s.ends)
        -- The owner is the current user in here.
        and fieldward.floor_role(s.role) = session_user::text)
$$;

-- Makes what PostgreSQL grants equal to a floor, as before; the spans are those of roles.
create or replace function fieldward.enforce_floor(floor jsonb, verifiers jsonb) returns void
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
    or jsonb_typeof(floor -> 'standing') is distinct from 'object'
    or exists (select from jsonb_each(floor -> 'roles') r
                where jsonb_typeof(r.value) is distinct from 'object'
                   or jsonb_typeof(r.value -> 'columns') is distinct from 'object'
                   or jsonb_typeof(r.value -> 'functions') is distinct from 'array'
                   or jsonb_typeof(r.value -> 'capped') is distinct from 'boolean')
    or exists (select from jsonb_each(floor -> 'standing') s
                where jsonb_typeof(s.value) <> 'array'
                   -- A span of nobody's, or of a role that the row policies do not hold.
                   or (floor -> 'roles' -> s.key -> 'capped') is distinct from 'true'::jsonb)
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
        where k.relnamespace = 'medicaid'::regnamespace
          -- No other view: it would have its owner's rights, past the row policies.
          and (k.relkind = 'r' or k.oid = 'medicaid.policy_head'::regclass)
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
    with wanted as materialized (
      select fieldward.floor_role(r.key) as name, t.key as relation, c.name as attname
        from jsonb_each(floor -> 'roles') r, jsonb_each(r.value -> 'columns') t,
             jsonb_array_elements_text(t.value) c (name))
    select distinct a.attrelid::regclass as relation, a.attname, h.name
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
      cross join lateral aclexplode(a.attacl) x
      cross join lateral fieldward.holder(x.grantee, c.relowner, n.nspname) h
      left join wanted w on w.name = pg_get_userbyid(x.grantee)::text
                        and w.relation = c.relname::text and w.attname = a.attname::text
     where not (x.privilege_type = 'SELECT' and not x.is_grantable and n.nspname = 'medicaid'
                and w.name is not null)
  loop
    execute format('revoke all (%I) on table %s from %s cascade',
                   each.attname, each.relation, each.name);
  end loop;
  for each in
    with held as materialized (
      select a.attrelid, a.attname::text as attname, x.grantee
        from pg_attribute a
        join pg_class c on c.oid = a.attrelid
        cross join lateral aclexplode(a.attacl) x
       where c.relnamespace = 'medicaid'::regnamespace and x.privilege_type = 'SELECT')
    select t.key as relation, l.name,
           string_agg(quote_ident(c.name), ', ' order by c.name) as columns
      from jsonb_each(floor -> 'roles') r
      cross join lateral (select fieldward.floor_role(r.key) as name offset 0) l
      cross join lateral jsonb_each(r.value -> 'columns') t
      cross join lateral jsonb_array_elements_text(t.value) c (name)
      left join held h on h.attrelid = format('medicaid.%I', t.key)::regclass
                      and h.attname = c.name and h.grantee = quote_ident(l.name)::regrole
     where h.grantee is null
     group by t.key, l.name
  loop
    execute format('grant select (%s) on medicaid.%I to %I',
                   each.columns, each.relation, each.name);
  end loop;

  for each in
    with wanted as materialized (
      select fieldward.floor_role(r.key) as name, f.value as called
        from jsonb_each(floor -> 'roles') r,
             jsonb_array_elements_text(r.value -> 'functions') f)
    select distinct p.oid::regprocedure as called, h.name
      from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace
      cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
      cross join lateral fieldward.holder(x.grantee, p.proowner, n.nspname) h
      left join wanted w on w.name = pg_get_userbyid(x.grantee)::text
                        and w.called = p.proname::text
     where not (not x.is_grantable and (
         (p.oid = 'fieldward.population_day()'::regprocedure
          and pg_get_userbyid(x.grantee)::text = groups[2])
         or (n.nspname = 'medicaid' and w.name is not null)))
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
   where not exists (
     select from jsonb_each(floor -> 'standing') r, jsonb_array_elements(r.value) w
      where s.role = r.key
        and s.begins is not distinct from (w ->> 0)::timestamptz
        and s.ends is not distinct from (w ->> 1)::timestamptz);
  insert into fieldward.standing (role, begins, ends)
    select r.key, (w ->> 0)::timestamptz, (w ->> 1)::timestamptz
      from jsonb_each(floor -> 'standing') r, jsonb_array_elements(r.value) w
     where not exists (select from fieldward.standing s
                        where s.role = r.key
                          and s.begins is not distinct from (w ->> 0)::timestamptz
                          and s.ends is not distinct from (w ->> 1)::timestamptz);
end
$$;

-- A change becomes the next version, whole or not at all; its number. The document is that of the
-- change, and the base is its base: nobody hands another one in at the end. Without a second person
-- it is an emergency whose report says that it only narrows; that it does is the gateway's word.
create or replace function fieldward.commit_change(
    change bigint, actor text, floor jsonb, verifiers jsonb) returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  found_one fieldward.policy_change;
  alone boolean;
  made bigint;
begin
  -- Before the change, as all do who take both.
  lock table fieldward.policy_head in share row exclusive mode;
  found_one := fieldward.open_change(change);
  if found_one.state not in ('proposed', 'approved') then
    perform fieldward.refuse_state(found_one.state);
  end if;
  select d.approvals < 2 into alone from fieldward.deployment d;
  if found_one.state <> 'approved' and not coalesce(alone, false)
     and not (found_one.emergency
              and coalesce(found_one.report -> 'onlyNarrows' = 'true'::jsonb, false))
  then
    raise exception 'nobody has approved the change' using errcode = 'FW517';
  end if;
  made := fieldward.write_version(
    found_one.base, found_one.digest, found_one.document, floor, verifiers, found_one.author,
    found_one.approver, found_one.reason, found_one.id);
  update fieldward.policy_change c
     set state = 'committed', version = made,
         approval_due = case when found_one.approver is null and not coalesce(alone, false)
                             then clock_timestamp() + interval '24 hours' end
   where c.id = change;
  perform fieldward.note_event(change, actor, 'committed', '');
  return made;
end
$$;

insert into fieldward.definition (object, definition)
select format('function %s', p.oid::regprocedure), pg_get_functiondef(p.oid)
  from pg_proc p
 where p.pronamespace = 'fieldward'::regnamespace
   and p.proname in ('population_day', 'enforce_floor', 'commit_change')
on conflict (object) do update set definition = excluded.definition;
