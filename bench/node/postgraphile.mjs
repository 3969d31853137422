// PostGraphile 5 over schema medicaid, in production mode. One instance for each role, for a role is
// a login here: its schema and its answers are what PostgreSQL grants that login, column by column.
// Requests need no transaction and no `set role`, which is to its advantage.

import { createServer } from "node:http";
import { PgAggregatesPreset } from "@graphile/pg-aggregates";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { PostGraphileConnectionFilterPreset } from "postgraphile-plugin-connection-filter";
import { listen, told } from "./told.mjs";

const preset = (connectionString) => ({
  extends: [PostGraphileAmberPreset, PostGraphileConnectionFilterPreset, PgAggregatesPreset],
  // Dated rows are filtered and ordered by their days, a handful for a person: no index is needed.
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  pgServices: [
    makePgService({
      connectionString,
      schemas: ["medicaid"],
      poolConfig: { max: told.connections, min: told.connections, idleTimeoutMillis: 0 },
    }),
  ],
  gather: { installWatchFixtures: false, pgIdentifiers: "qualified" },
  grafast: { explain: false },
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false, websockets: false },
});

const handlers = {};
for (const [role, connectionString] of Object.entries(told.databases)) {
  const instance = postgraphile(preset(connectionString));
  const serv = instance.createServ(grafserv);
  await serv.ready?.();
  const server = createServer();
  await serv.addTo(server);
  await instance.getSchema();
  handlers[role] = server.listeners("request")[0];
}

listen(createServer((request, response) => handlers[request.headers["x-role"]](request, response)));
