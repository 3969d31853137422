// Apollo Server with graphql-shield, DataLoader and pg, in production mode: a schema and resolvers by
// hand, a rule on each field, rows of other tables fetched for all parents at once.
//
// At its fastest in good style: rules depend on the role alone and are asked once per request
// (contextual cache), statements are prepared, of a claim the columns asked for are fetched, hints
// for answer caches are off (there is no answer cache). No token is checked: role and state are
// headers.

import { ApolloServer } from "@apollo/server";
import { ApolloServerPluginCacheControlDisabled } from "@apollo/server/plugin/disabled";
import { startStandaloneServer } from "@apollo/server/standalone";
import { makeExecutableSchema } from "@graphql-tools/schema";
import DataLoader from "dataloader";
import pg from "pg";
import { guarded } from "./apollo-rules.mjs";
import { CLAIM, typeDefs } from "./apollo-schema.mjs";
import { told } from "./told.mjs";

// A day is a day, and not a moment of some time zone.
pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text);

const pool = new pg.Pool({
  connectionString: told.database,
  max: told.connections,
  idleTimeoutMillis: 0,
});

// Equal texts have one name, by which a connection knows the statement that it has prepared.
const names = new Map();
const rowsOf = async (text, values) => {
  if (!names.has(text)) names.set(text, `s${names.size}`);
  return (await pool.query({ name: names.get(text), text, values })).rows;
};

// Of dated rows the one that covers the day, began last and has the highest number.
const current = (columns, table) => `
  select t.* from unnest($1::uuid[]) with ordinality as asked (id, n)
    left join lateral (
      select enrollee_id, ${columns} from medicaid.${table} d
       where d.enrollee_id = asked.id and d.effective_date <= current_date
         and (d.end_date is null or d.end_date >= current_date)
       order by d.effective_date desc, d.span_num desc limit 1) t on true
   order by asked.n`;

const one = (text) => new DataLoader(
  async (ids) => (await rowsOf(text, [ids])).map((row) => (row.enrollee_id === null ? null : row)),
);

const DEMOGRAPHICS = current("citizenship_ind, immigration_status", "variable_demographics");
const HOME = current("addr_ln1, addr_ln2, addr_ln3, city, state, zip", "home_address");
const PHONE = current("phone_number", "phone");
const ENROLLEE = "enrollee_id, msis_identification_num, eligible_first_name, " +
  "eligible_middle_init, eligible_last_name, date_of_birth, sex";
const BY_ID = `
  select e.* from unnest($1::uuid[]) with ordinality as asked (id, n)
    left join lateral (
      select ${ENROLLEE} from medicaid.enrollee where enrollee_id = asked.id) e on true
   order by asked.n`;

const claimsOf = (columns, first) => new DataLoader(async (ids) => {
  const found = new Map(ids.map((id) => [id, []]));
  const rows = await rowsOf(
    `select c.* from unnest($1::uuid[]) with ordinality as asked (id, n)
      cross join lateral (
        select enrollee_id, claim_id, ${columns} from medicaid.claim
         where enrollee_id = asked.id order by claim_id limit $2) c
      order by asked.n, c.claim_id`,
    [ids, first],
  );
  for (const row of rows) found.get(row.enrollee_id).push(row);
  return ids.map((id) => found.get(id));
});

const loaders = () => {
  const claims = new Map();
  return {
    demographics: one(DEMOGRAPHICS),
    home: one(HOME),
    phone: one(PHONE),
    enrollee: one(BY_ID),
    claims: (columns, first) => {
      const key = `${first} ${columns}`;
      if (!claims.has(key)) claims.set(key, claimsOf(columns, first));
      return claims.get(key);
    },
  };
};

// The columns of the claims that are asked for below nodes.
const columnsAsked = (info) => {
  const nodes = info.fieldNodes[0].selectionSet.selections.find((s) => s.name.value === "nodes");
  const asked = nodes.selectionSet.selections.map((s) => CLAIM[s.name.value]).filter(Boolean);
  return asked.join(", ") || "claim_id";
};

const page = (first) => Math.min(first ?? 50, 1000);

// The one row scope, in SQL.
const scoped = (context, values) => {
  if (context.role === "immigration_enforcement") {
    return "population <> '{}' and population @> current_date";
  }
  values.push(context.state);
  return `submitting_state = $${values.length}`;
};

const DAYS = { gte: ">=", gt: ">", lte: "<=", lt: "<", eq: "=" };
const compared = (where, columns, values) =>
  Object.entries(where ?? {}).flatMap(([field, operators]) =>
    Object.entries(operators).map(([operator, value]) => {
      values.push(value);
      return ` and ${columns[field]} ${DAYS[operator]} $${values.length}`;
    }),
  ).join("");

const ORDERS = { lastName: "eligible_last_name", medicaidId: "msis_identification_num" };
const ordered = (terms) =>
  (terms ?? []).flatMap((term) => Object.entries(term))
    .map(([field, direction]) => `${ORDERS[field]} ${direction === "DESC" ? "desc" : "asc"}, `)
    .join("");

const enrollees = async (_, { first, where, orderBy }, context) => {
  const values = [];
  const scope = scoped(context, values);
  const asked = compared(where, { dateOfBirth: "date_of_birth" }, values);
  values.push(page(first));
  return rowsOf(
    `select ${ENROLLEE} from medicaid.enrollee where ${scope}${asked}
      order by ${ordered(orderBy)}enrollee_id limit $${values.length}`,
    values,
  );
};

const enrollee = async (_, { medicaidId }, context) => {
  const values = [medicaidId];
  const scope = scoped(context, values);
  const rows = await rowsOf(
    `select ${ENROLLEE} from medicaid.enrollee
      where msis_identification_num = $1 and ${scope} limit 2`,
    values,
  );
  if (rows.length > 1) throw new Error("several people hold this Medicaid ID");
  return rows[0] ?? null;
};

const claims = async (_, { first, where }, context, info) => {
  const values = [];
  const scope = scoped(context, values);
  const asked = compared(where, CLAIM, values);
  values.push(page(first));
  return rowsOf(
    `select enrollee_id, ${columnsAsked(info)} from medicaid.claim where ${scope}${asked}
      order by enrollee_id, claim_id limit $${values.length}`,
    values,
  );
};

const groups = async (_, { where, groupBy }, context) => {
  const values = [];
  const scope = scoped(context, values);
  const asked = compared(where, CLAIM, values);
  const by = groupBy.map((term) => CLAIM[Object.keys(term)[0]]).join(", ");
  return rowsOf(
    `select ${by}, count(*)::integer as count, sum(tot_medicaid_paid_amt) as paid
       from medicaid.claim where ${scope}${asked} group by ${by}`,
    values,
  );
};

const column = (name) => (row) => row[name];
const through = (loader, name) => async (row, _, { load }) =>
  (await load[loader].load(row.enrollee_id))?.[name] ?? null;

const resolvers = {
  Citizenship: { NON_CITIZEN: "0", CITIZEN: "1", NATIONAL: "2" },
  ImmigrationStatus: {
    QUALIFIED_NON_CITIZEN: "1",
    LAWFULLY_PRESENT: "2",
    EMERGENCY_SERVICES_ONLY: "3",
    NOT_APPLICABLE: "8",
  },
  Sex: { FEMALE: "F", MALE: "M", UNKNOWN: "U" },
  ClaimKind: { INPATIENT: "IP", LONG_TERM_CARE: "LT", OTHER: "OT", PHARMACY: "RX" },
  Query: { enrollee, enrollees, claims, claimsAggregate: groups },
  EnrolleeConnection: { nodes: (rows) => rows },
  ClaimConnection: { nodes: (rows) => rows },
  Enrollee: {
    medicaidId: column("msis_identification_num"),
    firstName: column("eligible_first_name"),
    middleInitial: column("eligible_middle_init"),
    lastName: column("eligible_last_name"),
    dateOfBirth: column("date_of_birth"),
    sex: column("sex"),
    citizenship: through("demographics", "citizenship_ind"),
    immigrationStatus: through("demographics", "immigration_status"),
    homeAddress: (row, _, { load }) => load.home.load(row.enrollee_id),
    phoneNumber: through("phone", "phone_number"),
    claims: (row, { first }, { load }, info) =>
      load.claims(columnsAsked(info), page(first)).load(row.enrollee_id),
  },
  HomeAddress: {
    line1: column("addr_ln1"),
    line2: column("addr_ln2"),
    line3: column("addr_ln3"),
  },
  Claim: {
    ...Object.fromEntries(Object.entries(CLAIM).map(([field, name]) => [field, column(name)])),
    enrollee: (row, _, { load }) => load.enrollee.load(row.enrollee_id),
  },
  ClaimAggregate: { groups: (rows) => rows },
  ClaimGroup: { key: (row) => row, sum: (row) => row },
  ClaimKey: { serviceYear: column("service_year"), kind: column("claim_kind") },
  ClaimSum: { paidAmount: column("paid") },
};

const schema = guarded(makeExecutableSchema({ typeDefs, resolvers }));
const server = new ApolloServer({
  schema,
  introspection: false,
  plugins: [ApolloServerPluginCacheControlDisabled()],
});
await startStandaloneServer(server, {
  context: async ({ req }) => ({
    role: req.headers["x-role"],
    state: req.headers["x-state"],
    load: loaders(),
  }),
  listen: { fd: told.listen },
});
console.log("ready");
