-- Freshness: a statement says under which policy version it was compiled, and PostgreSQL answers it
-- only while that version is the head; a change of the head is told to whoever listens.

-- Stands in every record statement as its outermost form. True, or FW410: never false, never null.
-- It is STABLE, so that it reads the head in the snapshot of the statement whose rows it guards, and
-- so that no planner may fold it: what it raises depends on the row that it reads.
--
-- The head is in a schema that no role of the floor may enter, so it runs with the owner's rights.
-- `set search_path` would cost more than a microsecond of each statement; every name and operator is
-- whole instead, and what a session makes of its own search path changes nothing here.
create function medicaid.head_is(wanted bigint) returns boolean
  language plpgsql stable security definer parallel safe
as $$
declare
  head bigint;
begin
  select h.version into head from fieldward.policy_head h;
  -- Without a head, no version is it.
  if coalesce(head operator(pg_catalog.=) wanted, false) then
    return true;
  end if;
  raise exception 'the policy is another version' using errcode = 'FW410';
end
$$;

-- Only a hint: whoever misses it is told by the guard. It goes out when the commit does. Whatever
-- changes the head tells it, so that nothing has to remember to.
create function fieldward.tell_head() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify('fieldward_head', '');
  return null;
end
$$;

create trigger tell after insert or update or delete or truncate on fieldward.policy_head
  for each statement execute function fieldward.tell_head();

revoke all on function medicaid.head_is(bigint), fieldward.tell_head() from public;

insert into fieldward.definition (object, definition)
select format('function %s', p.oid::regprocedure), pg_get_functiondef(p.oid)
  from pg_proc p
 where p.oid in ('medicaid.head_is(bigint)'::regprocedure, 'fieldward.tell_head()'::regprocedure)
union all
select format('trigger %I on %s', t.tgname, t.tgrelid::regclass),
       pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
  from pg_trigger t
 where t.tgrelid = 'fieldward.policy_head'::regclass and t.tgname = 'tell';
