// Who may read which field, as graphql-shield has it: a rule on each field, and what has none is
// denied. A rule looks at the role alone, so its answer is kept for the request (contextual).

import { createRequire } from "node:module";
import { CLAIM } from "./apollo-schema.mjs";

// As CommonJS, both, so that they are of one kind: graphql-shield's other form imports
// util.isUndefined, which Node 23 took away. Nothing that is used here calls it.
const require = createRequire(import.meta.url);
const { allow, deny, rule, shield } = require("graphql-shield");
const { applyMiddleware } = require("graphql-middleware");

const acts = (name, ...roles) => {
  const all = new Set(roles);
  return rule(name, { cache: "contextual" })(async (_parent, _args, { role }) => all.has(role));
};

const SUPERVISOR = "eligibility_supervisor";
const INTEGRITY = "program_integrity";
const IMMIGRATION = "immigration_enforcement";

const anyone = acts("anyone", SUPERVISOR, INTEGRITY, IMMIGRATION);
const six = acts("six", SUPERVISOR, IMMIGRATION);
const person = acts("person", SUPERVISOR, INTEGRITY);
const supervisor = acts("supervisor", SUPERVISOR);
const integrity = acts("integrity", INTEGRITY);

const all = (fields, by) => Object.fromEntries(fields.map((field) => [field, by]));

const permissions = shield(
  {
    Query: { enrollee: six, enrollees: anyone, claims: integrity, claimsAggregate: integrity },
    EnrolleeConnection: { nodes: anyone },
    ClaimConnection: { nodes: integrity },
    Enrollee: {
      medicaidId: anyone,
      claims: integrity,
      ...all(
        ["citizenship", "immigrationStatus", "homeAddress", "phoneNumber", "dateOfBirth"],
        six,
      ),
      ...all(["firstName", "middleInitial", "lastName"], person),
      ...all(
        [
          "dateOfDeath", "sex", "ssnLast4", "ssn", "maritalStatus", "incomeCode", "race",
          "caseNumber", "eligibilityGroup",
        ],
        supervisor,
      ),
    },
    HomeAddress: all(["line1", "line2", "line3", "city", "state", "zip"], six),
    Claim: { ...all(Object.keys(CLAIM), integrity), enrollee: integrity },
    ClaimAggregate: { groups: integrity },
    // The parts of a group were permitted with it.
    ClaimGroup: allow,
    ClaimKey: allow,
    ClaimSum: allow,
  },
  { fallbackRule: deny, allowExternalErrors: true },
);

// The schema, each field of it behind its rule.
export const guarded = (schema) => applyMiddleware(schema, permissions);
