"""What PostgreSQL grants against what the floor says, difference by difference; changes nothing.

Reads PostgreSQL's catalogs, which everybody may, and four tables of schema fieldward, which the
gateway may. It asks on its own account, and not through what applies a floor, so that a mistake
there shows here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db.floor import Floor
from db.floor_login import CAPPED, OPEN, floor_role
from db.floor_policies import policy_differences

if TYPE_CHECKING:
    from collections.abc import Iterator

    import asyncpg

    from db.floor import Span

_DAY: Final = "population_day"

_ROLES: Final = """
select r.rolname as name, r.rolcanlogin, r.rolsuper, r.rolbypassrls, r.rolcreaterole,
       r.rolcreatedb, r.rolreplication, r.rolvaliduntil is not null as expires,
       r.rolconnlimit <> -1 as limited,
       -- What it has for other databases has no effect here.
       exists (select from pg_db_role_setting s
                where s.setrole = r.oid and s.setdatabase in (0, (
                  select oid from pg_database where datname = current_database()))) as configured
  from pg_roles r
 where starts_with(r.rolname::text, $1 || ':') or r.rolname::text = any ($2)
 order by 1
"""

_MEMBERSHIPS: Final = """
select m.roleid::regrole::text as whole, m.member::regrole::text as member,
       w.rolname as whole_name, p.rolname as member_name, m.inherit_option, m.set_option,
       m.admin_option, p.oid = (select nspowner from pg_namespace where nspname = 'medicaid')
         or p.rolsuper as ours
  from pg_auth_members m
  join pg_roles w on w.oid = m.roleid
  join pg_roles p on p.oid = m.member
 where w.rolname::text = any ($1) or p.rolname::text = any ($1)
 order by 3, 4
"""

# Every privilege that somebody besides the owner of an object holds in the two schemas.
_PRIVILEGES: Final = """
select kind, schema, object, part, privilege_type as privilege, is_grantable as grantable,
       case grantee when 0 then null else pg_get_userbyid(grantee)::text end as grantee
  from (
    select 'schema' as kind, n.nspname::text as schema, n.nspname::text as object,
           null::text as part, n.nspowner as owner, x.*
      from pg_namespace n, aclexplode(n.nspacl) x
    union all
    select case c.relkind when 'S' then 'sequence' when 'v' then 'view' else 'table' end,
           c.relnamespace::regnamespace::text, c.relname::text, null, c.relowner, x.*
      from pg_class c, aclexplode(c.relacl) x
    union all
    select 'column', c.relnamespace::regnamespace::text, c.relname::text, a.attname::text,
           c.relowner, x.*
      from pg_attribute a join pg_class c on c.oid = a.attrelid, aclexplode(a.attacl) x
     where not a.attisdropped
    union all
    select 'function', p.pronamespace::regnamespace::text, p.proname::text,
           pg_get_function_identity_arguments(p.oid), p.proowner, x.*
      from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
  ) held
 where schema in ('medicaid', 'fieldward') and grantee <> owner
 order by 1, 2, 3, 4, 5, 7
"""

# Creating anything: in the database, for the time of a session, in a schema that is not ours.
_CREATING: Final = """
select case grantee when 0 then 'everybody' else 'role ' || pg_get_userbyid(grantee) end as who,
       what
  from (
    select x.grantee, case x.privilege_type when 'CREATE' then 'create schemas'
                        else 'create temporary tables' end
      from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x
     where d.datname = current_database() and x.privilege_type in ('CREATE', 'TEMPORARY')
    union all
    select x.grantee, 'create objects in schema ' || n.nspname
      from pg_namespace n, aclexplode(n.nspacl) x
     where x.privilege_type = 'CREATE' and n.nspname not in ('medicaid', 'fieldward')
  ) held (grantee, what)
 where grantee = 0 or pg_get_userbyid(grantee)::text = any ($1)
 order by 1, 2
"""

# An owner is under no row policy and needs no grant.
_OWNERS: Final = """
select kind || ' ' || name as what, pg_get_userbyid(owner)::text as owner
  from (
    select 'the table', c.oid::regclass::text, c.relowner, c.relnamespace
      from pg_class c where c.relkind in ('r', 'p', 'v', 'm', 'f')
    union all
    select 'the function', p.oid::regprocedure::text, p.proowner, p.pronamespace from pg_proc p
  ) owned (kind, name, owner, schema)
 where schema in ('medicaid'::regnamespace, 'fieldward'::regnamespace)
   and owner <> (select nspowner from pg_namespace where nspname = 'medicaid')
 order by 1
"""

# What runs with the rights of the records' owner, outside our schemas, for anybody of the floor.
_WAYS_ROUND: Final = """
select case x.grantee when 0 then 'everybody' else 'role ' || pg_get_userbyid(x.grantee) end as who,
       way.what
  from (
    select 'the view ' || c.oid::regclass::text, c.relowner, c.relnamespace, c.relacl
      from pg_class c where c.relkind in ('v', 'm')
    union all
    select 'the function ' || p.oid::regprocedure::text, p.proowner, p.pronamespace,
           coalesce(p.proacl, acldefault('f', p.proowner))
      from pg_proc p where p.prosecdef
  ) way (what, owner, schema, acl), aclexplode(way.acl) x
 where way.owner = (select nspowner from pg_namespace where nspname = 'medicaid')
   and schema not in ('medicaid'::regnamespace, 'fieldward'::regnamespace)
   and (x.grantee = 0 or pg_get_userbyid(x.grantee)::text = any ($1))
 order by 1, 2
"""

_OPEN_TABLES: Final = """
select c.relname as name from pg_class c
 where c.relnamespace = 'medicaid'::regnamespace and c.relkind in ('r', 'p')
   and not c.relrowsecurity
 order by 1
"""

_DEFINITIONS: Final = """
select d.object, found.definition is null as missing
  from fieldward.definition d
  left join (
    select format('function %s', p.oid::regprocedure) as object, pg_get_functiondef(p.oid)
      from pg_proc p
     where p.pronamespace in ('medicaid'::regnamespace, 'fieldward'::regnamespace)
       and p.prokind = 'f'
    union all
    select format('trigger %I on %s', t.tgname, t.tgrelid::regclass),
           pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
      from pg_trigger t join pg_class c on c.oid = t.tgrelid
     where c.relnamespace in ('medicaid'::regnamespace, 'fieldward'::regnamespace)
       and not t.tgisinternal
    union all
    select format('derived column %I of %s', a.attname, a.attrelid::regclass),
           pg_get_expr(e.adbin, e.adrelid)
      from pg_attribute a
      join pg_attrdef e on (e.adrelid, e.adnum) = (a.attrelid, a.attnum)
      join pg_class c on c.oid = a.attrelid
     where c.relnamespace = 'medicaid'::regnamespace and a.attgenerated <> ''
    union all
    select format('view %s', c.oid::regclass),
           concat_ws(' ', pg_get_viewdef(c.oid), c.reloptions::text)
      from pg_class c
     where c.relnamespace = 'medicaid'::regnamespace and c.relkind = 'v'
  ) found (object, definition) on found.object = d.object
 where d.object !~ '^row policy ' and d.definition is distinct from found.definition
 order by 1
"""

_HEAD: Final = """
select v.floor::text from fieldward.policy_head h
  join fieldward.policy_version v on v.number = h.version
"""

_STANDING: Final = "select role, begins, ends from fieldward.standing"

_EXCESS: Final = {
    "rolsuper": "is a superuser",
    "rolbypassrls": "bypasses row policies",
    "rolcreaterole": "may create roles",
    "rolcreatedb": "may create databases",
    "rolreplication": "may replicate the database",
    "expires": "has a password that expires",
    "limited": "has a limit of connections",
    "configured": "has settings of its own",
}


async def differences(
    connection: asyncpg.Connection, floor: Floor | None = None
) -> tuple[str, ...]:
    """Each difference between what PostgreSQL grants and a floor, as a sentence of its own.

    Without a floor, the one stored with the head is meant. Empty when there is none. The caller is
    the owner or the gateway.
    """
    async with connection.transaction():
        # So that PostgreSQL writes names whole, the same for everybody who asks.
        await connection.execute("set local search_path to pg_catalog")
        if floor is None:
            stored = await connection.fetchval(_HEAD)
            if stored is None:
                return ("no policy version is committed",)
            floor = Floor.from_json(stored)
        database = await connection.fetchval("select current_database()::text")
        check = _Check(database, floor)
        found: list[str] = []
        roles = await connection.fetch(_ROLES, database, list(check.known))
        found += check.roles(roles)
        names = sorted({row["name"] for row in roles} | set(check.known))
        found += check.memberships(await connection.fetch(_MEMBERSHIPS, names))
        found += check.privileges(await connection.fetch(_PRIVILEGES), set(names))
        found += [
            f"{row['who']} may {row['what']}" for row in await connection.fetch(_CREATING, names)
        ]
        found += [
            f"{row['who']} may use {row['what']}, which has the rights of the records' owner"
            for row in await connection.fetch(_WAYS_ROUND, names)
        ]
        found += [
            f"{row['what']} belongs to {row['owner']}" for row in await connection.fetch(_OWNERS)
        ]
        found += [
            f"row level security is off on {row['name']}"
            for row in await connection.fetch(_OPEN_TABLES)
        ]
        found += [
            f"the row policy {each.name} on {each.table} {each.problem}"
            for each in await policy_differences(connection)
        ]
        found += [
            f"the {row['object']} {'is missing' if row['missing'] else 'was altered'}"
            for row in await connection.fetch(_DEFINITIONS)
        ]
        standing: dict[str, set[Span]] = {role: set() for role in floor.standing}
        for row in await connection.fetch(_STANDING):
            standing.setdefault(row["role"], set()).add((row["begins"], row["ends"]))
        found += [
            f"the spans in which orders let {role} read are not the floor's"
            for role, spans in sorted(standing.items())
            if spans != set(floor.standing.get(role, ()))
        ]
    return tuple(found)


class _Check:
    """What a floor means in one database, and what is said where it is otherwise."""

    def __init__(self, database: str, floor: Floor) -> None:
        self._floor = floor
        self.groups = (floor_role(database, OPEN), floor_role(database, CAPPED))
        self.logins = {floor_role(database, role): role for role in floor.roles}
        self.known = (*self.logins, *self.groups)

    def _group(self, login: str) -> str:
        return self.groups[1 if self._floor.roles[self.logins[login]].capped else 0]

    def roles(self, rows: list[asyncpg.Record]) -> Iterator[str]:
        """Roles that are missing, that may do more than log in, or that nobody named."""
        there = {row["name"] for row in rows}
        for name in self.known:
            if name not in there:
                yield f"role {name} is missing"
        for row in rows:
            name = row["name"]
            if name in self.logins and not row["rolcanlogin"]:
                yield f"role {name} may not log in"
            if name not in self.logins and row["rolcanlogin"]:
                yield f"role {name} may log in and is not of the floor"
            for attribute, said in _EXCESS.items():
                if row[attribute]:
                    yield f"role {name} {said}"

    def memberships(self, rows: list[asyncpg.Record]) -> Iterator[str]:
        """Logins that are not in their group, and memberships that nobody needs."""
        missing = dict.fromkeys(self.logins)
        for row in rows:
            whole, member = row["whole_name"], row["member_name"]
            if member in self.logins and whole == self._group(member):
                missing.pop(member, None)
                for option in ("set_option", "admin_option"):
                    if row[option]:
                        what = option.removesuffix("_option")
                        yield f"role {member} is a member of {whole} with the {what} option"
                if not row["inherit_option"]:
                    yield f"role {member} is a member of {whole} without the inherit option"
            elif row["ours"] and not row["inherit_option"] and not row["set_option"]:
                pass  # who made a role may hand it on; that is no privilege on what it may read
            else:
                yield f"role {member} is a member of {whole}"
        for login in missing:
            yield f"role {login} is not a member of {self._group(login)}"

    def privileges(self, rows: list[asyncpg.Record], ours: set[str]) -> Iterator[str]:
        """Privileges that are missing, and those that the floor does not know."""
        wanted = self._wanted()
        lacking = set(wanted)
        for row in rows:
            grantee, schema = row["grantee"], row["schema"]
            part = None if row["kind"] == "function" else row["part"]
            held = (grantee, row["kind"], schema, row["object"], part, row["privilege"])
            said = _spoken(row["kind"], schema, row["object"], part, row["privilege"])
            who = "everybody" if grantee is None else f"role {grantee}"
            if held in wanted:
                lacking.discard(held)
                if row["grantable"]:
                    yield f"{who} may grant {said} to others"
            elif schema == "medicaid" or grantee is None or grantee in ours:
                yield f"{who} has {said}"
            # What is left are others on schema fieldward: whoever reads versions reads no record.
        for grantee, kind, schema, name, part, privilege in sorted(lacking, key=str):
            yield f"role {grantee} lacks {_spoken(kind, schema, name, part, privilege)}"

    def _wanted(self) -> set[tuple[str | None, str, str, str, str | None, str]]:
        everybody, capped = self.groups
        found: set[tuple[str | None, str, str, str, str | None, str]] = {
            (everybody, "schema", "medicaid", "medicaid", None, "USAGE"),
            (capped, "schema", "medicaid", "medicaid", None, "USAGE"),
            (capped, "function", "fieldward", _DAY, None, "EXECUTE"),
        }
        for login, role in self.logins.items():
            granted = self._floor.roles[role]
            for table, column in granted.columns:
                found.add((login, "column", "medicaid", table, column, "SELECT"))
            for function in granted.functions:
                found.add((login, "function", "medicaid", function, None, "EXECUTE"))
        return found


def _spoken(kind: str, schema: str, name: str, part: str | None, privilege: str) -> str:
    whole = name if kind == "schema" else f"{schema}.{name}"
    return f"{privilege} on {kind} {f'{part} of ' if kind == 'column' else ''}{whole}"
