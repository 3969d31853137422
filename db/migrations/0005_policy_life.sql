-- The life of a policy version: proposed with a reason, approved by another person, committed over
-- the head that it was written for, and traceable for years; and which gateway uses which version.
--
-- The gateway's login reads all of it and changes nothing but through the functions below, which
-- hold the states, the two people, the base, the digest and the time by themselves. Who acts is what
-- the gateway says: PostgreSQL sees no token. What the owner lays (`fieldward db floor`) needs no
-- change.

alter table fieldward.policy_version
  add column author text not null default 'the owner of the database',
  add column approver text,
  add column reason text not null default 'laid by the owner of the database',
  add column change bigint unique,
  add check (approver <> author);

-- How many people a change needs, its author among them. The gateway's login reads it; it is the
-- owner's alone to say.
create table fieldward.deployment (
  approvals smallint not null default 2 check (approvals in (1, 2)),
  only_one boolean primary key default true check (only_one)
);
insert into fieldward.deployment default values;

create table fieldward.policy_change (
  id bigint generated always as identity primary key,
  state text not null default 'proposed' check (state in (
    'proposed', 'approved', 'committed', 'rejected', 'withdrawn', 'expired', 'superseded')),
  base bigint not null references fieldward.policy_version,
  author text not null check (author ~ '\S' and length(author) <= 1000),
  reason text not null check (reason ~ '\S' and length(reason) <= 4000),
  emergency boolean not null,
  document text not null,
  digest text not null check (digest = encode(sha256(convert_to(document, 'UTF8')), 'hex')),
  -- What proposing found: findings, semantic diff, impact, replay. It names rules and counts.
  report jsonb not null,
  proposed_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null default clock_timestamp() + interval '14 days',
  approver text check (approver <> author),
  version bigint unique references fieldward.policy_version,
  -- Until when the second person has to look at what was committed in an emergency.
  approval_due timestamptz,
  check (expires_at > proposed_at),
  check ((state = 'committed') = (version is not null)),
  check (state <> 'proposed' or approver is null),
  check (state <> 'approved' or approver is not null),
  check (approval_due is null or state = 'committed' and emergency)
);
create index on fieldward.policy_change (expires_at) where state in ('proposed', 'approved');
create index on fieldward.policy_change (approval_due)
  where approval_due is not null and approver is null;

alter table fieldward.policy_version
  add foreign key (change) references fieldward.policy_change;

create table fieldward.policy_event (
  id bigint generated always as identity primary key,
  change bigint not null references fieldward.policy_change,
  at timestamptz not null default clock_timestamp(),
  actor text not null check (actor ~ '\S' and length(actor) <= 1000),
  event text not null check (event in (
    'proposed', 'approved', 'committed', 'rejected', 'withdrawn', 'expired', 'superseded')),
  note text not null default '' check (length(note) <= 4000)
);
create index on fieldward.policy_event (change, id);

-- A process that answers requests, and the version that it answers them under.
create table fieldward.worker (
  worker uuid primary key,
  name text not null check (length(name) between 1 and 200),
  number bigint not null,
  started_at timestamptz not null,
  seen_at timestamptz not null default clock_timestamp()
);

create or replace function fieldward.refuse_change() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'what was written here stays as it is';
end
$$;

create trigger immutable before update or delete or truncate on fieldward.policy_event
  for each statement execute function fieldward.refuse_change();

create trigger kept before delete or truncate on fieldward.policy_change
  for each statement execute function fieldward.refuse_change();

-- What was proposed stays, whoever edits it; states go forward only.
create function fieldward.hold_change() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  open constant text[] := array['proposed', 'approved'];
begin
  if (new.id, new.base, new.author, new.reason, new.emergency, new.document, new.digest, new.report,
      new.proposed_at, new.expires_at)
     is distinct from
     (old.id, old.base, old.author, old.reason, old.emergency, old.document, old.digest, old.report,
      old.proposed_at, old.expires_at)
  then
    raise exception 'what was proposed stays as it is';
  end if;
  if old.state = any (open) and new.state <> old.state and new.state <> 'proposed'
     and (new.approver is not distinct from old.approver or new.state = 'approved')
     -- The second person of an emergency may come after it.
     or old.state = 'committed' and new.state = 'committed'
     and old.approval_due is not null and old.approver is null and new.approver is not null
     and (new.version, new.approval_due) = (old.version, old.approval_due)
  then
    return new;
  end if;
  raise exception 'the state of the change forbids it' using errcode = 'FW515', detail = old.state;
end
$$;

create trigger hold before update on fieldward.policy_change
  for each row execute function fieldward.hold_change();

create function fieldward.note_event(change bigint, actor text, event text, note text) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(actor !~ '\S' or length(actor) > 1000 or length(note) > 4000, true) then
    raise exception 'who acts, and a note of at most 4000 characters' using errcode = 'FW520';
  end if;
  insert into fieldward.policy_event (change, actor, event, note)
    values (note_event.change, note_event.actor, note_event.event, note_event.note);
end
$$;

-- Writes down what time has ended. Whoever is in the middle of a change does it later.
create function fieldward.expire_changes() returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
as $$
  with ended as (
    update fieldward.policy_change c set state = 'expired'
     where c.id in (select e.id from fieldward.policy_change e
                     where e.state in ('proposed', 'approved')
                       and e.expires_at <= clock_timestamp()
                       for update skip locked)
    returning c.id, c.expires_at)
  insert into fieldward.policy_event (change, at, actor, event)
    select id, expires_at, 'the database', 'expired' from ended order by id
$$;

-- A change that may still become a version, locked until the transaction ends.
create function fieldward.open_change(change bigint) returns fieldward.policy_change
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  found_one fieldward.policy_change;
begin
  select c.* into found_one from fieldward.policy_change c where c.id = change for update;
  if found_one.id is null then
    raise exception 'there is no such change' using errcode = 'FW514';
  end if;
  if found_one.state = 'expired'
     or found_one.state in ('proposed', 'approved') and found_one.expires_at <= clock_timestamp()
  then
    raise exception 'the change has expired' using errcode = 'FW518';
  end if;
  return found_one;
end
$$;

create function fieldward.refuse_state(state text) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'the state of the change forbids it' using errcode = 'FW515', detail = state;
end
$$;

-- The next version, its grants, and the end of what was proposed over the one before: for both ways
-- to a version. `change` is the one that becomes it, null for what the owner lays.
create function fieldward.write_version(
    base bigint, digest text, document text, floor jsonb, verifiers jsonb,
    author text, approver text, reason text, change bigint) returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  head bigint;
  following constant bigint := coalesce(base, 0) + 1;
begin
  lock table fieldward.policy_head in share row exclusive mode;
  select h.version into head from fieldward.policy_head h;
  if head is distinct from base then
    raise exception 'the head is another version' using errcode = 'FW409';
  end if;
  insert into fieldward.policy_version
      (number, digest, document, floor, author, approver, reason, change, committed_at)
    values (following, write_version.digest, write_version.document, write_version.floor,
            coalesce(write_version.author, 'the owner of the database'), write_version.approver,
            coalesce(write_version.reason, 'laid by the owner of the database'),
            write_version.change,
            -- Later than the version before, so that an instant has one version. A transaction's own
            -- time is of before it waited for the lock.
            greatest(clock_timestamp(), (select v.committed_at + interval '1 microsecond'
                                           from fieldward.policy_version v where v.number = head)));
  insert into fieldward.policy_head (version) values (following)
    on conflict (only_one) do update set version = excluded.version;
  perform fieldward.expire_changes();
  -- After the head: whoever proposes holds its row, so that all who proposed over it are seen here.
  with closed as (
    update fieldward.policy_change c set state = 'superseded'
     where c.state in ('proposed', 'approved') and c.id is distinct from write_version.change
    returning c.id)
  insert into fieldward.policy_event (change, actor, event, note)
    select id, 'the database', 'superseded', format('version %s was committed', following)
      from closed order by id;
  perform fieldward.enforce_floor(write_version.floor, write_version.verifiers);
  return following;
end
$$;

-- For the owner: a version that nobody proposed. `base` is the version that the caller has seen as
-- the head, null for none: two who commit over the same one do not both win.
create or replace function fieldward.commit_policy(
    base bigint, digest text, document text, floor jsonb, verifiers jsonb) returns bigint
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
  select fieldward.write_version(base, digest, document, floor, verifiers, null, null, null, null)
$$;

-- A change of the head; its number. FW409 where `base` is not the head, FW520 where a word is missing
-- or the digest is not that of the document.
create function fieldward.propose_change(
    base bigint, author text, reason text, document text, digest text, report jsonb,
    emergency boolean) returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  head bigint;
  made bigint;
begin
  if coalesce(author !~ '\S' or length(author) > 1000, true) then
    raise exception 'no author, or one that is too long' using errcode = 'FW520';
  end if;
  if coalesce(reason !~ '\S' or length(reason) > 4000, true) then
    raise exception 'no reason, or more than 4000 characters' using errcode = 'FW520';
  end if;
  if document is null or emergency is null or report is null
    or digest is distinct from encode(sha256(convert_to(document, 'UTF8')), 'hex')
  then
    raise exception 'the digest is not that of the document' using errcode = 'FW520';
  end if;
  -- Shared with others who propose; who commits waits, and then sees this one.
  select h.version into head from fieldward.policy_head h for share;
  if head is null or head is distinct from base then
    raise exception 'the head is another version' using errcode = 'FW409';
  end if;
  perform fieldward.expire_changes();
  insert into fieldward.policy_change (base, author, reason, emergency, document, digest, report)
    values (propose_change.base, propose_change.author, propose_change.reason,
            propose_change.emergency, propose_change.document, propose_change.digest,
            propose_change.report)
    returning id into made;
  perform fieldward.note_event(made, author, 'proposed', '');
  return made;
end
$$;

-- Another person than the author says yes: before the commit, or after that of an emergency. One
-- approval is enough, and there is one at most.
create function fieldward.approve_change(change bigint, actor text, note text) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  found_one constant fieldward.policy_change := fieldward.open_change(change);
begin
  if not (found_one.state = 'proposed'
          or found_one.state = 'committed' and found_one.approval_due is not null
             and found_one.approver is null)
  then
    perform fieldward.refuse_state(found_one.state);
  end if;
  if actor = found_one.author then
    raise exception 'the author approves nothing of their own' using errcode = 'FW516';
  end if;
  perform fieldward.note_event(change, actor, 'approved', note);
  update fieldward.policy_change c
     set approver = actor,
         state = case found_one.state when 'proposed' then 'approved' else found_one.state end
   where c.id = change;
end
$$;

-- Another person than the author says no, with a reason; also whoever said yes before.
create function fieldward.reject_change(change bigint, actor text, note text) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  found_one constant fieldward.policy_change := fieldward.open_change(change);
begin
  if found_one.state not in ('proposed', 'approved') then
    perform fieldward.refuse_state(found_one.state);
  end if;
  if actor = found_one.author then
    raise exception 'an author withdraws' using errcode = 'FW516';
  end if;
  if coalesce(note !~ '\S', true) then
    raise exception 'a rejection says why' using errcode = 'FW520';
  end if;
  perform fieldward.note_event(change, actor, 'rejected', note);
  update fieldward.policy_change c set state = 'rejected' where c.id = change;
end
$$;

create function fieldward.withdraw_change(change bigint, actor text, note text) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  found_one constant fieldward.policy_change := fieldward.open_change(change);
begin
  if found_one.state not in ('proposed', 'approved') then
    perform fieldward.refuse_state(found_one.state);
  end if;
  if actor is distinct from found_one.author then
    raise exception 'only the author withdraws a change' using errcode = 'FW519';
  end if;
  perform fieldward.note_event(change, actor, 'withdrawn', note);
  update fieldward.policy_change c set state = 'withdrawn' where c.id = change;
end
$$;

-- A change becomes the next version, whole or not at all; its number. The document is that of the
-- change, and the base is its base: nobody hands another one in at the end.
create function fieldward.commit_change(
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
  if found_one.state <> 'approved' and not found_one.emergency and not coalesce(alone, false) then
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

-- A process says which version it uses, and forgets for all those that have said nothing for a while.
create function fieldward.acknowledge_worker(
    worker uuid, name text, number bigint, started_at timestamptz) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
  insert into fieldward.worker as w (worker, name, number, started_at, seen_at)
    values (acknowledge_worker.worker, acknowledge_worker.name, acknowledge_worker.number,
            acknowledge_worker.started_at, clock_timestamp())
    on conflict (worker) do update
      set name = excluded.name, number = excluded.number, seen_at = excluded.seen_at;
  delete from fieldward.worker w
   where w.worker in (select s.worker from fieldward.worker s
                       where s.seen_at < clock_timestamp() - interval '20 seconds'
                         for update skip locked);
  select fieldward.expire_changes()
$$;

create function fieldward.retire_worker(worker uuid) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
  delete from fieldward.worker w where w.worker = retire_worker.worker
$$;

revoke all on all functions in schema fieldward from public;

insert into fieldward.definition (object, definition)
select format('function %s', p.oid::regprocedure), pg_get_functiondef(p.oid)
  from pg_proc p
 where p.pronamespace = 'fieldward'::regnamespace
   and p.proname in ('refuse_change', 'hold_change', 'note_event', 'expire_changes', 'open_change',
                     'refuse_state', 'write_version', 'commit_policy', 'propose_change',
                     'approve_change', 'reject_change', 'withdraw_change', 'commit_change',
                     'acknowledge_worker', 'retire_worker')
union all
select format('trigger %I on %s', t.tgname, t.tgrelid::regclass),
       pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
  from pg_trigger t
 where t.tgrelid in ('fieldward.policy_change'::regclass, 'fieldward.policy_event'::regclass)
   and not t.tgisinternal
on conflict (object) do update set definition = excluded.definition;
